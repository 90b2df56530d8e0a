//! Typed readers: each takes one parameter out of the tree in any of its spellings, or
//! answers 422 naming it.

use std::collections::HashSet;
use std::hash::Hash;
use std::str::FromStr;

use domain::UserId;
use serde_json::Value;

use super::Params;
use crate::ApiError;
use crate::path::Named;

const NO_LIST: &str = "must be a list";

/// A value where one word or number is expected.
pub(super) enum Scalar {
    /// Absent, `null`, blank, or one of the words that clients write for it in a query.
    Nothing,
    /// Trimmed, not blank.
    Text(String),
    Other(Value),
}

impl Scalar {
    pub(super) fn of(value: Option<Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Nothing,
            Some(Value::String(text)) => match text.trim() {
                "" | "null" | "undefined" => Self::Nothing,
                trimmed if trimmed.len() == text.len() => Self::Text(text),
                trimmed => Self::Text(trimmed.to_owned()),
            },
            Some(other) => Self::Other(other),
        }
    }
}

/// Digits with or without a minus; beyond 64 bits the largest or smallest number.
pub(super) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(if digits.len() == text.len() { i64::MAX } else { i64::MIN }))
}

impl Params {
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        // Order matters to those who read the rest, and trees are small.
        self.0.shift_remove(name)
    }

    /// A text, as it is: nothing is trimmed and no word is special. Numbers and flags
    /// are taken for how they are written. Absent and JSON's `null` are none; use
    /// [`Params::given`] first where they differ.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(flag)) => Ok(Some(flag.to_string())),
            Some(Value::Array(_) | Value::Object(_)) => {
                Err(ApiError::invalid(name.to_owned(), "must be text"))
            }
        }
    }

    /// Yes or no: `1` and `true`, `0` and `false`, as numbers, JSON values or texts.
    /// Absent, `null`, `undefined` and blank are none, anything else is refused.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        let written = match Scalar::of(self.take(name)) {
            Scalar::Nothing => return Ok(None),
            Scalar::Text(text) => text,
            Scalar::Other(value) => value.to_string(),
        };
        match written.as_str() {
            "1" | "true" => Ok(Some(true)),
            "0" | "false" => Ok(Some(false)),
            _ => Err(ApiError::invalid(name.to_owned(), "must be true or false")),
        }
    }

    /// Yes unless it says no: anything but `0` and `false` is yes. For parameters such
    /// as `mark_as_read`, which the API defines so. Absent, `null`, `undefined` and
    /// blank are none.
    pub fn lenient_flag(&mut self, name: &str) -> Option<bool> {
        match Scalar::of(self.take(name)) {
            Scalar::Nothing => None,
            Scalar::Text(text) => Some(text != "0" && text != "false"),
            Scalar::Other(value) => Some(value != Value::Bool(false) && value.as_f64() != Some(0.0)),
        }
    }

    /// User ids in any spelling: a list of numbers or texts, one text with commas, one
    /// number. Each is kept once, in the order given; more than `max` are refused, and
    /// so is anything that is no user id.
    pub fn user_ids(&mut self, name: &str, max: usize) -> Result<Option<Vec<UserId>>, ApiError> {
        self.entries(name, max, |text| text.parse().map_err(|_| "must be a list of user ids"))
    }

    /// Ids of other things in the same spellings. Those of a wrong form name nothing.
    pub fn names<T: FromStr>(&mut self, name: &str, max: usize) -> Result<Option<Vec<Named<T>>>, ApiError> {
        let texts = self.texts(name, max)?;
        Ok(texts.map(|texts| texts.into_iter().map(Named::from).collect()))
    }

    /// Texts in the same spellings: trimmed, no blank ones, each once, in the order
    /// given; more than `max` are refused. Absent, `null` and `undefined` are none, an
    /// empty list or text is an empty list.
    pub fn texts(&mut self, name: &str, max: usize) -> Result<Option<Vec<String>>, ApiError> {
        self.entries(name, max, |text| Ok(text.to_owned()))
    }

    fn entries<T: Clone + Eq + Hash>(
        &mut self,
        name: &str,
        max: usize,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Result<Option<Vec<T>>, ApiError> {
        let refused = |text| ApiError::invalid(name.to_owned(), text);
        let Some(items) = self.items(name).ok_or_else(|| refused(NO_LIST))? else { return Ok(None) };
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        for item in items {
            let written = match item {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                    return Err(refused(NO_LIST));
                }
            };
            for text in written.split(',').map(str::trim).filter(|text| !text.is_empty()) {
                let entry = parse(text).map_err(refused)?;
                if !seen.insert(entry.clone()) {
                    continue;
                }
                if entries.len() == max {
                    return Err(ApiError::too_many(name.to_owned(), max));
                }
                entries.push(entry);
            }
        }
        Ok(Some(entries))
    }

    /// The items of a list that may also be one value; `None` outside if it is neither,
    /// inside if there is nothing.
    fn items(&mut self, name: &str) -> Option<Option<Vec<Value>>> {
        match self.take(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(text)) if matches!(text.trim(), "null" | "undefined") => Some(None),
            Some(Value::Array(items)) => Some(Some(items)),
            Some(Value::Object(members)) => indexed(members).map(Some),
            Some(one) => Some(Some(vec![one])),
        }
    }

    /// A list of anything: JSON's, a form's `name[]`, or an object whose keys are
    /// numbers, which give the order. Absent, `null` and blank are none.
    pub fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, ApiError> {
        match Scalar::of(self.take(name)) {
            Scalar::Nothing => Ok(None),
            Scalar::Other(Value::Array(items)) => Ok(Some(items)),
            Scalar::Other(Value::Object(members)) => match indexed(members) {
                Some(items) => Ok(Some(items)),
                None => Err(ApiError::invalid(name.to_owned(), NO_LIST)),
            },
            Scalar::Text(_) | Scalar::Other(_) => Err(ApiError::invalid(name.to_owned(), NO_LIST)),
        }
    }

    /// The parameters inside one, to be read in the same way. Absent, `null` and blank
    /// are none.
    pub fn object(&mut self, name: &str) -> Result<Option<Params>, ApiError> {
        match Scalar::of(self.take(name)) {
            Scalar::Nothing => Ok(None),
            Scalar::Other(Value::Object(members)) => Ok(Some(Params::new(members))),
            Scalar::Text(_) | Scalar::Other(_) => {
                Err(ApiError::invalid(name.to_owned(), "must be an object"))
            }
        }
    }
}

/// The values of an object whose keys are all numbers, in the order of these.
pub(super) fn indexed(members: serde_json::Map<String, Value>) -> Option<Vec<Value>> {
    let mut items = Vec::with_capacity(members.len());
    for (key, value) in members {
        items.push((key.parse::<u64>().ok()?, value));
    }
    items.sort_by_key(|(index, _)| *index);
    Some(items.into_iter().map(|(_, value)| value).collect())
}
