//! A point in time in every form that clients write one in a filter.

use domain::calendar;

use super::Params;
use super::read::Scalar;
use crate::ApiError;

/// From here on a number is one of milliseconds: as seconds it would be the year 5138.
const MILLISECONDS_FROM: u64 = 100_000_000_000;
const SECONDS_A_DAY: i64 = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Params {
    /// A point in time in any of its forms, as whole seconds since 1970. Absent, `null`,
    /// `undefined`, blank and 0 are none.
    pub fn moment(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        let written = match Scalar::of(self.take(name)) {
            Scalar::Nothing => return Ok(None),
            Scalar::Text(text) => text,
            Scalar::Other(value) => value.to_string(),
        };
        let seconds = moment(&written).ok_or_else(|| ApiError::invalid(name.to_owned(), "must be a date"))?;
        Ok((seconds != 0).then_some(seconds))
    }
}

/// The whole seconds since 1970 of a number of seconds or milliseconds, of ISO-8601 or of the
/// text of a JavaScript date; what is less than a second is cut off. None for anything else.
///
/// A zone is taken from the end, UTC without one. In a form a plus becomes a blank, so a
/// blank before a zone stands for one.
pub(super) fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Some(number) = number(text) {
        return Some(number);
    }
    if text.starts_with(|first: char| first.is_ascii_digit()) { iso(text) } else { in_words(text) }
}

/// Seconds, perhaps with a fraction, or milliseconds; beyond 64 bits the largest there is.
fn number(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return None;
    }
    let number = whole.parse::<u64>().unwrap_or(u64::MAX);
    let seconds = if number >= MILLISECONDS_FROM { number / 1000 } else { number };
    let seconds = seconds.cast_signed();
    Some(if negative { -seconds } else { seconds })
}

/// `2018-12-06`, perhaps with `T12:04`, `:48`, `.123` and a zone.
fn iso(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let [year, month, day] = parts(date, '-', [4, 2, 2])?;
    let midnight = calendar::day_of(year, month, day)? * SECONDS_A_DAY;
    if rest.is_empty() {
        return Some(midnight);
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(rest.len());
    let (clock, rest) = rest.split_at(end);
    let rest = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => {
            let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            (rest.len() < fraction.len()).then_some(rest)?
        }
        None => rest,
    };
    Some(midnight + of_day(clock)? - zone(rest)?)
}

/// `Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)`, or as in a header of HTTP:
/// `Thu, 01 Jan 1970 00:00:00 GMT`.
fn in_words(text: &str) -> Option<i64> {
    let text = text.split_once('(').map_or(text, |(text, _)| text).trim_end();
    let mut words = text.splitn(6, ' ');
    let weekday = words.next()?;
    let (one, other, year, clock) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let letters = weekday.strip_suffix(',').unwrap_or(weekday);
    if letters.len() != 3 || !letters.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let (month, day) =
        if other.bytes().all(|byte| byte.is_ascii_digit()) { (one, other) } else { (other, one) };
    let month = MONTHS.iter().position(|name| *name == month)? as u32 + 1;
    let ([day], [year]) = (parts(day, '-', [2])?, parts(year, '-', [4])?);
    let midnight = calendar::day_of(year, month, day)? * SECONDS_A_DAY;
    let zoned = words.next().unwrap_or_default();
    let offset = zoned.strip_prefix("GMT").or_else(|| zoned.strip_prefix("UTC")).unwrap_or(zoned);
    Some(midnight + of_day(clock)? - zone(offset)?)
}

/// Numbers of just so many digits between separators.
fn parts<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[u32; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// `12:04` or `12:04:48` as seconds after midnight.
fn of_day(clock: &str) -> Option<i64> {
    let [hour, minute, second] = match parts(clock, ':', [2, 2]) {
        Some([hour, minute]) => [hour, minute, 0],
        None => parts(clock, ':', [2, 2, 2])?,
    };
    let fits = hour < 24 && minute < 60 && second < 60;
    fits.then(|| i64::from(hour * 3600 + minute * 60 + second))
}

/// How many seconds a zone is east of UTC: nothing or `Z` for none, `+02:00`, `-0330`, `+01`.
fn zone(text: &str) -> Option<i64> {
    if matches!(text, "" | "Z" | "z") {
        return Some(0);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+" | " ", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let [hours, minutes] = match digits.len() {
        2 => [parts(digits, ':', [2])?[0], 0],
        4 => {
            let (hours, minutes) = digits.split_at_checked(2)?;
            [parts(hours, ':', [2])?[0], parts(minutes, ':', [2])?[0]]
        }
        _ => parts(digits, ':', [2, 2])?,
    };
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_moment_is_understood_in_every_form() {
        let then = 1_544_097_888;
        for text in [
            "1544097888",
            " 1544097888 ",
            "1544097888.9",
            "1544097888999",
            "2018-12-06T12:04:48Z",
            "2018-12-06T12:04:48z",
            "2018-12-06t12:04:48",
            "2018-12-06 12:04:48",
            "2018-12-06T12:04:48.999Z",
            "2018-12-06T12:04:48,9Z",
            "2018-12-06T14:04:48+02:00",
            "2018-12-06T14:04:48 02:00",
            "2018-12-06T14:04:48+0200",
            "2018-12-06T14:04:48.5+02",
            "2018-12-06T08:34:48-03:30",
            "Thu Dec 06 2018 12:04:48 GMT+0000 (Coordinated Universal Time)",
            "Thu Dec 06 2018 12:04:48 GMT 0000 (Coordinated Universal Time)",
            "Thu Dec 06 2018 14:04:48 GMT+0200 (Central European Standard Time)",
            "Thu Dec 06 2018 12:04:48 GMT",
            "Thu Dec 06 2018 12:04:48",
            "Thu, 06 Dec 2018 12:04:48 GMT",
            "Thu, 06 Dec 2018 12:04:48 UTC",
        ] {
            assert_eq!(moment(text), Some(then), "{text}");
        }
        for (text, seconds) in [
            ("0", 0),
            ("5", 5),
            ("-5", -5),
            ("99999999999", 99_999_999_999),
            ("100000000000", 100_000_000),
            ("99999999999999999999999", i64::MAX / 500),
            ("2018-12-06", 1_544_054_400),
            ("2018-12-06T12:04", 1_544_097_840),
            ("1960-01-01T00:00:00Z", -315_619_200),
            ("Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)", 0),
        ] {
            let found = moment(text).unwrap();
            assert!(found == seconds || (seconds == i64::MAX / 500 && found >= seconds), "{text}: {found}");
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            " ",
            "-",
            "--5",
            "5.",
            ".5",
            "1e9",
            "0x10",
            "now",
            "true",
            "٥",
            "2018-13-06",
            "2018-02-30T00:00:00Z",
            "2018-12-6",
            "2018-12-06T",
            "2018-12-06T12",
            "2018-12-06T24:00:00Z",
            "2018-12-06T12:60:00Z",
            "2018-12-06T12:04:61Z",
            "2018-12-06T12:04:48.Z",
            "2018-12-06T12:04:48+2",
            "2018-12-06T12:04:48+99:00",
            "2018-12-06T12:04:48Zulu",
            "2018-12-0é12:04",
            "Thu Dec 06 2018",
            "Thu Foo 06 2018 12:04:48 GMT",
            "Thursday Dec 06 2018 12:04:48 GMT",
            "Thu Dec 06 2018 12:04:48 CET",
            "Thu Dec 6 2018 12:04:48 GMT",
            "' OR 1=1",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "[-0-9TZ:+. a-zé()]{0,40}|\\PC{0,30}") {
            let _: Option<i64> = moment(&text);
        }
    }
}
