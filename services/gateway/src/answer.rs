//! Bodies and headers of answers: JSON, nothing at all, and points in time as the API
//! writes them.
//!
//! Some calls of the official clients fail on an empty body and some ignore the body;
//! which is which is each endpoint's choice between [`ok`] and [`empty`].

use std::fmt;
use std::str;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use domain::Time;
use http::{HeaderValue, StatusCode, header};
use serde::{Serialize, Serializer};

use crate::ApiError;

/// Where a body starts to grow: most answers of one thing fit.
const BODY_BYTES_EXPECTED: usize = 1024;
/// 9999-12-31T23:59:59Z: years have four digits, later times are shown as this one.
const SECONDS_MAX: u64 = 253_402_300_799;
const SECONDS_A_DAY: u64 = 86_400;

/// 200 with JSON.
pub fn ok(value: &impl Serialize) -> Response {
    json(StatusCode::OK, value)
}

/// 201 with JSON.
pub fn created(value: &impl Serialize) -> Response {
    json(StatusCode::CREATED, value)
}

/// 200 without a body, for the calls whose answer clients read as text.
pub fn empty() -> Response {
    let mut response = Response::new(Body::empty());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// JSON with any status. A value that refuses to be written is our fault: 500.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let mut body = Vec::with_capacity(BODY_BYTES_EXPECTED);
    match serde_json::to_writer(&mut body, value) {
        Ok(()) => text_of_json(status, body),
        Err(cause) => broken(cause),
    }
}

/// 500 for a value that refused to be written.
pub(crate) fn broken(cause: serde_json::Error) -> Response {
    ApiError::internal(cause).into_response()
}

/// JSON that has been written already, with any status.
pub(crate) fn text_of_json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

/// A time as `created_at` and `updated_at` show it: `2018-12-06T12:04:48Z`, UTC, whole
/// seconds, cut off, at most the end of the year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Iso(pub Time);

impl fmt::Display for Iso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(text(&written(self.0, b'T'))?)
    }
}

impl Serialize for Iso {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = written(self.0, b'T');
        serializer.serialize_str(text(&written).map_err(serde::ser::Error::custom)?)
    }
}

/// A time as `CB-Token-ExpirationDate` shows it: `2031-05-04 10:20:30 UTC`.
pub(crate) fn expiration_date(time: Time) -> Option<HeaderValue> {
    let mut value = [0; 23];
    value[..20].copy_from_slice(&written(time, b' '));
    value[19..].copy_from_slice(b" UTC");
    HeaderValue::from_bytes(&value).ok()
}

/// The same as [`Iso`], in plain ASCII.
pub(crate) fn iso(time: Time) -> [u8; 20] {
    written(time, b'T')
}

fn text(written: &[u8; 20]) -> Result<&str, fmt::Error> {
    str::from_utf8(written).map_err(|_| fmt::Error)
}

/// `YYYY-MM-DD?HH:MM:SSZ`. By hand, as a page of a hundred messages has two hundred.
fn written(time: Time, between: u8) -> [u8; 20] {
    let seconds = time.seconds().min(SECONDS_MAX);
    let (year, month, day) = civil(seconds / SECONDS_A_DAY);
    let second = seconds % SECONDS_A_DAY;
    let mut text = *b"0000-00-00?00:00:00Z";
    text[10] = between;
    two_digits(&mut text, 0, year / 100);
    two_digits(&mut text, 2, year % 100);
    two_digits(&mut text, 5, month);
    two_digits(&mut text, 8, day);
    two_digits(&mut text, 11, second / 3600);
    two_digits(&mut text, 14, second / 60 % 60);
    two_digits(&mut text, 17, second % 60);
    text
}

fn two_digits(text: &mut [u8; 20], at: usize, number: u64) {
    text[at] = b'0' + (number / 10 % 10) as u8;
    text[at + 1] = b'0' + (number % 10) as u8;
}

/// Year, month and day of a day counted from 1970-01-01.
///
/// Years are counted from 1 March of the year 0, so that the day added by a leap year is
/// a year's last, in eras of 400 years, which all have 146,097 days.
fn civil(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, day_of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_written_as_the_api_does() {
        for (seconds, iso) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_544_097_888, "2018-12-06T12:04:48Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (SECONDS_MAX, "9999-12-31T23:59:59Z"),
            (u64::MAX / 1000, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Iso(Time(seconds * 1000)).to_string(), iso);
        }
        assert_eq!(Iso(Time(1_999)).to_string(), "1970-01-01T00:00:01Z");
        assert_eq!(serde_json::to_string(&Iso(Time(0))).unwrap(), "\"1970-01-01T00:00:00Z\"");
        assert_eq!(expiration_date(Time(1_935_656_430_000)).unwrap(), "2031-05-04 10:20:30 UTC");
    }

    /// The plain way: take away whole years, then whole months.
    fn counted(mut days: u64) -> (u64, u64, u64) {
        let leap =
            |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
        let mut year = 1970;
        while days >= 365 + u64::from(leap(year)) {
            days -= 365 + u64::from(leap(year));
            year += 1;
        }
        let months = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut month = 0;
        while days >= months[month] {
            days -= months[month];
            month += 1;
        }
        (year, month as u64 + 1, days + 1)
    }

    proptest! {
        #[test]
        fn days_are_counted_right(day in 0..=SECONDS_MAX / SECONDS_A_DAY) {
            prop_assert_eq!(civil(day), counted(day));
        }

        #[test]
        fn text_sorts_as_time_does(one in 0..=SECONDS_MAX * 1000, other in 0..=SECONDS_MAX * 1000) {
            let (one, other) = (Time(one), Time(other));
            let by_time = one.seconds().cmp(&other.seconds());
            prop_assert_eq!(Iso(one).to_string().cmp(&Iso(other).to_string()), by_time);
        }
    }
}
