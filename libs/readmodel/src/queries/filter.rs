//! What a list may be restricted to: one test of one field, for dialogs and messages alike.
//!
//! Which fields there are is each list's own; how their values are compared stands here. A
//! store that tests in its own language means the same by it: texts compare by their bytes,
//! times by whole seconds, as they are shown.

use std::borrow::Borrow;

use domain::{Time, calendar};

/// What the values of a field have to be. A field has one value, several, or none; one
/// without a value passes [`Test::NotIn`] and nothing else.
///
/// `T` is `String`, or `i64` for numbers and for times in whole seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Test<T> {
    /// Less than that.
    Below(T),
    /// Less than that or that.
    AtMost(T),
    /// Greater than that.
    Above(T),
    /// Greater than that or that.
    AtLeast(T),
    /// One of these.
    In(Vec<T>),
    /// None of these.
    NotIn(Vec<T>),
    /// All of these are among the field's values, and there is at least one.
    All(Vec<T>),
    /// Holds that text, in the form in which the API writes it.
    Contains(String),
}

impl<T> Test<T> {
    /// Whether it holds for a field of the values `found`. `contains` says whether one of
    /// them, as it is written, holds a text.
    fn holds<Q: Ord + ?Sized>(&self, found: &[&Q], contains: impl Fn(&Q, &str) -> bool) -> bool
    where
        T: Borrow<Q>,
    {
        let among = |values: &[T]| found.iter().any(|found| values.iter().any(|it| it.borrow() == *found));
        match self {
            Self::Below(bound) => found.iter().any(|found| *found < bound.borrow()),
            Self::AtMost(bound) => found.iter().any(|found| *found <= bound.borrow()),
            Self::Above(bound) => found.iter().any(|found| *found > bound.borrow()),
            Self::AtLeast(bound) => found.iter().any(|found| *found >= bound.borrow()),
            Self::In(values) => among(values),
            Self::NotIn(values) => !among(values),
            Self::All(values) => {
                !found.is_empty() && values.iter().all(|value| found.contains(&value.borrow()))
            }
            Self::Contains(text) => found.iter().any(|found| contains(found, text)),
        }
    }
}

impl Test<i64> {
    /// Whether it holds for that number, which is written in digits.
    pub fn number(&self, found: Option<u64>) -> bool {
        self.one(found, |number, text| number.to_string().contains(text))
    }

    /// Whether it holds for a time of that many whole seconds, which is written as
    /// `2018-12-06T12:04:48Z`.
    pub fn moment(&self, found: Option<u64>) -> bool {
        self.one(found, |seconds, text| moment_contains(*seconds, text))
    }

    fn one(&self, found: Option<u64>, contains: impl Fn(&i64, &str) -> bool) -> bool {
        let found = found.map(|found| i64::try_from(found).unwrap_or(i64::MAX));
        match &found {
            Some(found) => self.holds(&[found], contains),
            None => self.holds(&[], contains),
        }
    }
}

fn moment_contains(seconds: i64, text: &str) -> bool {
    let written = calendar::iso(Time(seconds.unsigned_abs().saturating_mul(1000)));
    text.is_empty() || written.windows(text.len()).any(|part| part == text.as_bytes())
}

impl Test<String> {
    /// Whether it holds for that text.
    pub fn text(&self, found: Option<&str>) -> bool {
        match found {
            Some(found) => self.texts(&[found]),
            None => self.texts(&[]),
        }
    }

    /// Whether it holds for a field of those texts.
    pub fn texts(&self, found: &[&str]) -> bool {
        self.holds(found, |found, text| found.contains(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    /// Of no value, `a`, `b`, `c`, both `a` and `c`: those that pass.
    fn pass(test: &Test<String>) -> String {
        let fields: [(char, &[&str]); 5] =
            [('-', &[]), ('a', &["a"]), ('b', &["b"]), ('c', &["c"]), ('&', &["a", "c"])];
        fields.iter().filter(|(_, field)| test.texts(field)).map(|(name, _)| *name).collect()
    }

    #[test]
    fn every_operator_at_its_bound() {
        let b = || "b".to_owned();
        for (test, passed) in [
            (Test::Below(b()), "a&"),
            (Test::AtMost(b()), "ab&"),
            (Test::Above(b()), "c&"),
            (Test::AtLeast(b()), "bc&"),
            (Test::In(texts(&["a", "b"])), "ab&"),
            (Test::In(vec![]), ""),
            (Test::NotIn(texts(&["a", "b"])), "-c"),
            (Test::NotIn(vec![]), "-abc&"),
            (Test::All(texts(&["a"])), "a&"),
            (Test::All(texts(&["a", "a"])), "a&"),
            (Test::All(texts(&["a", "c"])), "&"),
            (Test::All(vec![]), "abc&"),
            (Test::Contains(b()), "b"),
            (Test::Contains(String::new()), "abc&"),
        ] {
            assert_eq!(pass(&test), passed, "{test:?}");
        }
    }

    #[test]
    fn numbers_and_times_compare_as_such_and_are_written_as_the_api_does() {
        assert!(Test::Above(9).number(Some(10)));
        assert!(Test::Above(-1).number(Some(0)));
        assert!(
            Test::Below(i64::MAX).number(Some(u64::MAX)) || Test::AtMost(i64::MAX).number(Some(u64::MAX))
        );
        assert!(Test::<i64>::Contains("00".to_owned()).number(Some(1_700)));
        assert!(!Test::<i64>::Contains("00".to_owned()).number(None));
        let contains = |text: &str| Test::<i64>::Contains(text.to_owned()).moment(Some(1_544_097_888));
        for text in ["", "2018-12-06", "T12:04", "48Z", "2018-12-06T12:04:48Z"] {
            assert!(contains(text), "{text}");
        }
        for text in ["1544097888", "2019", "2018-12-06T12:04:48Zx", "%", "."] {
            assert!(!contains(text), "{text}");
        }
    }

    #[test]
    fn nothing_in_a_text_is_special() {
        for text in ["%", "_", ".*", "'", "\\", "\u{202e}", "😀"] {
            let contains = Test::<String>::Contains(text.to_owned());
            assert!(contains.text(Some(&format!("a{text}b"))), "{text}");
            assert!(!contains.text(Some("ab")), "{text}");
        }
        assert!(!Test::<String>::Contains("A".to_owned()).text(Some("a")), "case counts");
    }
}
