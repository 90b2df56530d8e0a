//! Filters of a list: `field=value` and `field[operator]=value(s)` in all their spellings, as
//! tests of one kind of value each.
//!
//! What is compared with what is each list's choice; here is only what a client can write:
//!
//! - a bare value is an exact match; one with commas, or a list, matches each of its values,
//!   but a bare text is one text whatever is in it;
//! - `in`, `nin`, `all` take a list or one text with commas; `eq` and `ne` what a bare value takes;
//! - absent, JSON's `null` and the words `null` and `undefined` are no condition, nor is a
//!   blank bound; a list without values matches nothing in `in`, and is no condition in the others;
//! - an unknown operator or a value of the wrong kind is refused: 422. A list that ignored it
//!   would show more than was asked for.

use readmodel::queries::Test;
use serde_json::Value;

use super::Params;
use super::moment::moment;
use super::read::{indexed, integer};
use crate::ApiError;
use crate::error::Text;

/// Conditions of one call.
pub(super) const CONDITIONS_MAX: usize = 20;
/// Characters of a text that is looked for: as many as a message may have by default.
const TEXT_CHARACTERS_MAX: usize = 10_000;

const NO_LIST: &str = "must be a value or a list of values";
const NO_VALUE: &str = "must be a single value";

/// The filters of one call, to be read field by field.
pub struct Filters<'p> {
    params: &'p mut Params,
    values_max: usize,
    conditions: usize,
}

/// How the values of a field are read.
struct Kind<T> {
    /// One value of it; none if it is of the wrong kind.
    parse: fn(&str) -> Option<T>,
    /// What a wrong one is told.
    refusal: &'static str,
    /// Whether any text with commas is a list, and blanks around values mean nothing.
    listed: bool,
}

impl Params {
    /// The filters among the parameters; a condition has at most `values_max` values.
    pub fn filters(&mut self, values_max: usize) -> Filters<'_> {
        Filters { params: self, values_max, conditions: 0 }
    }
}

impl Filters<'_> {
    /// What is asked of a field of texts. They are taken as they are: nothing is trimmed.
    pub fn texts(&mut self, name: &str) -> Result<Vec<Test<String>>, ApiError> {
        let value = self.params.take(name);
        self.tests(name, value, &TEXT)
    }

    /// The same, where a bare text with commas may be one text or several (the SDK writes lists so).
    pub fn texts_or_lists(&mut self, name: &str) -> Result<Vec<Test<String>>, ApiError> {
        let value = self.params.take(name).map(|value| match value {
            Value::String(text) if text.contains(',') => {
                let mut texts: Vec<_> = text.split(',').map(|part| Value::from(part.trim())).collect();
                if texts.len() < self.values_max {
                    texts.push(Value::String(text));
                }
                Value::Array(texts)
            }
            other => other,
        });
        self.tests(name, value, &TEXT)
    }

    /// What is asked of a field of ids, which are compared as texts: one of another form
    /// names nothing.
    pub fn ids(&mut self, name: &str) -> Result<Vec<Test<String>>, ApiError> {
        let value = self.params.take(name);
        self.tests(name, value, &Kind { listed: true, ..TEXT })
    }

    /// What is asked of a field of whole numbers. Those beyond 64 bits become the largest or
    /// smallest there is.
    pub fn numbers(&mut self, name: &str) -> Result<Vec<Test<i64>>, ApiError> {
        let value = self.params.take(name);
        self.tests(name, value, &Kind { parse: integer, refusal: "must be an integer", listed: true })
    }

    /// What is asked of a field of times, in whole seconds since 1970: given as seconds, as
    /// milliseconds from 10¹¹ on, as ISO-8601 or as the text of a JavaScript date.
    pub fn moments(&mut self, name: &str) -> Result<Vec<Test<i64>>, ApiError> {
        let refusal = "must be unix seconds or an ISO-8601 date";
        let value = self.params.take(name);
        self.tests(name, value, &Kind { parse: moment, refusal, listed: true })
    }

    /// What is asked of the texts inside a field: `name[key]=value`, `name[key][operator]=…`.
    pub fn members(&mut self, name: &str) -> Result<Vec<(String, Test<String>)>, ApiError> {
        let Some(members) = self.params.object(name)? else { return Ok(vec![]) };
        let mut conditions = vec![];
        for (key, value) in members.rest() {
            let tests = self.tests(name, Some(value), &TEXT)?;
            conditions.extend(tests.into_iter().map(|test| (key.clone(), test)));
        }
        Ok(conditions)
    }

    /// With what a field of texts has to begin: `name[start_with]=text`. To be asked before its other
    /// operators, which do not know this one.
    pub fn beginning(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(Value::Object(members)) = self.params.0.get_mut(name) else { return Ok(None) };
        let Some(value) = members.shift_remove("start_with") else { return Ok(None) };
        self.conditions += 1;
        bound(name, value, &TEXT)
    }

    fn tests<T: Ord>(
        &mut self,
        name: &str,
        value: Option<Value>,
        kind: &Kind<T>,
    ) -> Result<Vec<Test<T>>, ApiError> {
        let mut tests = vec![];
        match value {
            None | Some(Value::Null) => {}
            Some(Value::Object(members)) if members.is_empty() => {}
            Some(Value::Object(members)) if members.keys().any(|key| key.parse::<u64>().is_err()) => {
                for (operator, value) in members {
                    tests.extend(self.test(name, &operator, value, kind)?);
                }
            }
            Some(value) => tests.extend(self.values(name, value, kind, kind.listed)?.map(Test::In)),
        }
        self.conditions += tests.len();
        if self.conditions > CONDITIONS_MAX {
            return Err(refused(name, format!("is one condition too many (maximum is {CONDITIONS_MAX})")));
        }
        Ok(tests)
    }

    fn test<T: Ord>(
        &self,
        name: &str,
        operator: &str,
        value: Value,
        kind: &Kind<T>,
    ) -> Result<Option<Test<T>>, ApiError> {
        let some = |values: Option<Vec<T>>| values.filter(|values| !values.is_empty());
        Ok(match operator {
            "lt" => bound(name, value, kind)?.map(Test::Below),
            "lte" => bound(name, value, kind)?.map(Test::AtMost),
            "gt" => bound(name, value, kind)?.map(Test::Above),
            "gte" => bound(name, value, kind)?.map(Test::AtLeast),
            "eq" => self.values(name, value, kind, kind.listed)?.map(Test::In),
            "ne" => some(self.values(name, value, kind, kind.listed)?).map(Test::NotIn),
            "in" => self.values(name, value, kind, true)?.map(Test::In),
            "nin" => some(self.values(name, value, kind, true)?).map(Test::NotIn),
            "all" => some(self.values(name, value, kind, true)?).map(Test::All),
            "ctn" => bound(name, value, &TEXT)?.filter(|text| !text.is_empty()).map(Test::Contains),
            _ => return Err(refused(name, "has an unknown operator")),
        })
    }

    /// A list of values in any spelling, each once; none if there is no condition at all. One
    /// text is taken apart at its commas if it `splits`.
    fn values<T: Ord>(
        &self,
        name: &str,
        value: Value,
        kind: &Kind<T>,
        splits: bool,
    ) -> Result<Option<Vec<T>>, ApiError> {
        let (items, splits) = match value {
            Value::Null => return Ok(None),
            Value::String(text) if matches!(text.trim(), "null" | "undefined") => return Ok(None),
            Value::Array(items) => (items, kind.listed),
            Value::Object(members) => (indexed(members).ok_or_else(|| refused(name, NO_LIST))?, kind.listed),
            one => (vec![one], splits),
        };
        let mut values = vec![];
        for item in items {
            let text = written(item).ok_or_else(|| refused(name, NO_LIST))?;
            if splits {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                parts
                    .map(|part| parse(name, part, kind))
                    .try_for_each(|value| self.add(name, value?, &mut values))?;
            } else {
                self.add(name, parse(name, &text, kind)?, &mut values)?;
            }
        }
        Ok(Some(values))
    }

    fn add<T: Ord>(&self, name: &str, value: T, to: &mut Vec<T>) -> Result<(), ApiError> {
        if to.contains(&value) {
            return Ok(());
        }
        if to.len() == self.values_max {
            return Err(ApiError::too_many(name.to_owned(), self.values_max));
        }
        to.push(value);
        Ok(())
    }
}

const TEXT: Kind<String> = Kind { parse: own, refusal: NO_VALUE, listed: false };

fn own(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// The one value that a field is compared with; none if nothing is said.
fn bound<T>(name: &str, value: Value, kind: &Kind<T>) -> Result<Option<T>, ApiError> {
    if value.is_null() {
        return Ok(None);
    }
    let text = written(value).ok_or_else(|| refused(name, NO_VALUE))?;
    if kind.listed && matches!(text.trim(), "" | "null" | "undefined") {
        return Ok(None);
    }
    let text = if kind.listed { text.trim() } else { &text };
    parse(name, text, kind).map(Some)
}

fn parse<T>(name: &str, text: &str, kind: &Kind<T>) -> Result<T, ApiError> {
    if text.chars().nth(TEXT_CHARACTERS_MAX).is_some() {
        return Err(ApiError::too_long(name.to_owned(), TEXT_CHARACTERS_MAX));
    }
    (kind.parse)(text).ok_or_else(|| refused(name, kind.refusal))
}

/// How a single value is written; none for a list or an object, and for nothing.
fn written(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn refused(name: &str, text: impl Into<Text>) -> ApiError {
    ApiError::invalid(name.to_owned(), text)
}

#[cfg(test)]
mod tests;
