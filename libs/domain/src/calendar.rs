//! Days and dates: arithmetic without zones, locales or leap seconds.

use crate::Time;

const SECONDS_A_DAY: u64 = 86_400;
/// 9999-12-31T23:59:59Z: a later year needs a fifth digit.
const SECONDS_MAX: u64 = 253_402_300_799;
/// Days from 1 March of the year 0 to 1970-01-01.
const MARCH_TO_EPOCH: u64 = 719_468;
/// Days of 400 years, which is after how many the calendar repeats itself.
const DAYS_AN_ERA: u64 = 146_097;

/// The largest year that a date is taken of.
pub const YEAR_MAX: u32 = 9_999;

/// A time as `2018-12-06T12:04:48Z`: UTC, whole seconds, cut off, at most the end of the year
/// 9999. Plain ASCII. By hand, as a page of a hundred messages has two hundred.
pub fn iso(time: Time) -> [u8; 20] {
    let seconds = time.seconds().min(SECONDS_MAX);
    let (year, month, day) = date(seconds / SECONDS_A_DAY);
    let second = seconds % SECONDS_A_DAY;
    let mut text = *b"0000-00-00T00:00:00Z";
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
fn date(day: u64) -> (u64, u64, u64) {
    let day = day + MARCH_TO_EPOCH;
    let (era, day_of_era) = (day / DAYS_AN_ERA, day % DAYS_AN_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day_of_month)
}

/// The day of a date, counted from 1970-01-01, negative before; none if the calendar has no
/// such date, or not between the years 1 and [`YEAR_MAX`].
pub fn day_of(year: u32, month: u32, day: u32) -> Option<i64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_in_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=YEAR_MAX).contains(&year) || !(1..=days_in_month).contains(&day) {
        return None;
    }
    let (year, month) = (u64::from(year), u64::from(month));
    let (year, month_from_march) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let day_of_year = (153 * month_from_march + 2) / 5 + u64::from(day) - 1;
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some((era * DAYS_AN_ERA + day_of_era) as i64 - MARCH_TO_EPOCH as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(seconds: u64) -> String {
        String::from_utf8(iso(Time(seconds * 1000)).to_vec()).unwrap()
    }

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
            assert_eq!(written(seconds), iso);
        }
    }

    #[test]
    fn each_day_has_one_date_and_each_date_one_day() {
        let mut before = (1969, 12, 31);
        for day in 0..=SECONDS_MAX / SECONDS_A_DAY {
            let (year, month, of_month) = date(day);
            let next = match before {
                (year, 12, 31) => (year + 1, 1, 1),
                (year, month, day) if day_of(year as u32, month as u32, day as u32 + 1).is_some() => {
                    (year, month, day + 1)
                }
                (year, month, _) => (year, month + 1, 1),
            };
            assert_eq!((year, month, of_month), next);
            assert_eq!(day_of(year as u32, month as u32, of_month as u32), Some(day as i64));
            before = next;
        }
    }

    #[test]
    fn no_date_is_made_up() {
        for (year, month, day) in [
            (0, 1, 1),
            (10_000, 1, 1),
            (2000, 0, 1),
            (2000, 13, 1),
            (2000, 1, 0),
            (2000, 1, 32),
            (2000, 4, 31),
            (1900, 2, 29),
            (2023, 2, 29),
        ] {
            assert_eq!(day_of(year, month, day), None, "{year}-{month}-{day}");
        }
        assert_eq!(day_of(2000, 2, 29), Some(11_016));
        assert_eq!(day_of(1969, 12, 31), Some(-1));
        assert_eq!(day_of(1, 1, 1), Some(-719_162));
    }
}
