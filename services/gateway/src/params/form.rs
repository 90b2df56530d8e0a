//! Forms and query strings: `a=1&b[c]=2&d[]=3&d[]=4` as the tree that JSON would give.
//!
//! `name[key]` is a member of an object, `name[]` a further element of a list; a key
//! whose brackets do not match is a plain name. A name used in two ways at once is
//! refused, because dropping one of two filters would show more than was asked for.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use crate::ApiError;

/// How many pairs of brackets a key may have.
const KEY_DEPTH_MAX: usize = 8;

pub(super) fn read(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let mut tree = Map::new();
    for pair in bytes.split(|byte| *byte == b'&') {
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let key = decode(&pair[..end])?;
        if key.is_empty() {
            continue;
        }
        let value = decode(pair.get(end + 1..).unwrap_or_default())?;
        put(&mut tree, &key, Value::String(value.into_owned()))?;
    }
    Ok(tree)
}

/// `+` is a blank; a `%` that starts no escape stands for itself.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ApiError> {
    let spaced: Cow<'_, [u8]> = if bytes.contains(&b'+') {
        bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect::<Vec<_>>().into()
    } else {
        bytes.into()
    };
    let decoded: Cow<'_, [u8]> = match spaced {
        Cow::Borrowed(bytes) => percent_decode(bytes).into(),
        Cow::Owned(bytes) => percent_decode(&bytes).collect::<Vec<_>>().into(),
    };
    let text = match decoded {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).ok(),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).ok(),
    };
    text.ok_or_else(|| ApiError::Malformed("The parameters are not valid UTF-8".into()))
}

/// `a[b][]` is the name `a` and the steps `b` and nothing.
fn split(key: &str) -> (&str, Vec<&str>) {
    let plain = (key, Vec::new());
    let (Some(open), Some(inner_end)) = (key.find('['), key.strip_suffix(']')) else { return plain };
    if open == 0 {
        return plain;
    }
    let steps: Vec<&str> = inner_end[open + 1..].split("][").collect();
    if steps.iter().any(|step| step.contains(['[', ']'])) { plain } else { (&key[..open], steps) }
}

fn put(tree: &mut Map<String, Value>, key: &str, value: Value) -> Result<(), ApiError> {
    let (name, steps) = split(key);
    if steps.len() > KEY_DEPTH_MAX {
        return Err(ApiError::invalid(name.to_owned(), "nests too deep"));
    }
    let mut node = tree.entry(name).or_insert(Value::Null);
    for (place, step) in steps.iter().enumerate() {
        let next = steps.get(place + 1).copied();
        node = descend(node, step, next).ok_or_else(|| conflict(name))?;
    }
    if node.is_array() || node.is_object() {
        return Err(conflict(name));
    }
    *node = value;
    Ok(())
}

/// The place that `step` leads to, made if it is new; none if `node` is something else.
fn descend<'a>(node: &'a mut Value, step: &str, next: Option<&str>) -> Option<&'a mut Value> {
    if node.is_null() {
        *node = if step.is_empty() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    }
    match node {
        Value::Array(items) if step.is_empty() => {
            if !continues(items.last(), next) {
                items.push(Value::Null);
            }
            items.last_mut()
        }
        Value::Object(members) if !step.is_empty() => Some(members.entry(step).or_insert(Value::Null)),
        _ => None,
    }
}

/// `a[][x]=1&a[][y]=2` describes one element; a name that is there already starts the
/// next one.
fn continues(last: Option<&Value>, next: Option<&str>) -> bool {
    match (last, next) {
        (Some(Value::Object(members)), Some(name)) => !name.is_empty() && !members.contains_key(name),
        _ => false,
    }
}

fn conflict(name: &str) -> ApiError {
    ApiError::invalid(name.to_owned(), "is given in two ways that exclude each other")
}
