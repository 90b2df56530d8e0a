//! Bodies and headers of answers: JSON, nothing at all, and points in time as the API
//! writes them.
//!
//! Some calls of the official clients fail on an empty body and some ignore the body;
//! which is which is each endpoint's choice between [`ok`] and [`empty`].

use std::fmt;
use std::str;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use domain::{Time, calendar};
use http::{HeaderValue, StatusCode, header};
use serde::{Serialize, Serializer};

use crate::ApiError;

/// Where a body starts to grow: most answers of one thing fit.
const BODY_BYTES_EXPECTED: usize = 1024;
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
    plain("")
}

/// 200 with a text for whoever asked.
pub fn plain(text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
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
pub(crate) fn text_of_json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
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
        f.write_str(text(&calendar::iso(self.0))?)
    }
}

impl Serialize for Iso {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = calendar::iso(self.0);
        serializer.serialize_str(text(&written).map_err(serde::ser::Error::custom)?)
    }
}

/// A time as `CB-Token-ExpirationDate` shows it: `2031-05-04 10:20:30 UTC`.
pub(crate) fn expiration_date(time: Time) -> Option<HeaderValue> {
    let mut value = [0; 23];
    value[..20].copy_from_slice(&iso(time));
    value[10] = b' ';
    value[19..].copy_from_slice(b" UTC");
    HeaderValue::from_bytes(&value).ok()
}

/// The same as [`Iso`], in plain ASCII.
pub(crate) fn iso(time: Time) -> [u8; 20] {
    calendar::iso(time)
}

fn text(written: &[u8; 20]) -> Result<&str, fmt::Error> {
    str::from_utf8(written).map_err(|_| fmt::Error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_written_as_the_api_does() {
        assert_eq!(Iso(Time(1_544_097_888_999)).to_string(), "2018-12-06T12:04:48Z");
        assert_eq!(serde_json::to_string(&Iso(Time(0))).unwrap(), "\"1970-01-01T00:00:00Z\"");
        assert_eq!(expiration_date(Time(1_935_656_430_000)).unwrap(), "2031-05-04 10:20:30 UTC");
    }

    proptest! {
        #[test]
        fn text_sorts_as_time_does(one in 0..=253_402_300_799_999_u64, other in 0..=253_402_300_799_999_u64) {
            let (one, other) = (Time(one), Time(other));
            let by_time = one.seconds().cmp(&other.seconds());
            prop_assert_eq!(Iso(one).to_string().cmp(&Iso(other).to_string()), by_time);
        }
    }
}
