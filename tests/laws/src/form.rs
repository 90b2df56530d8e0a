//! Query strings: bytes made good to stand in an address, and trees written as the form that they came from.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use serde_json::{Map, Value};

/// Longer ones, once escaped, may be refused for their length alone.
pub(crate) const BYTES_MAX: usize = 8 * 1024;

/// All that may not stand in a query as it is.
const FOREIGN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'$')
    .remove(b'%')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'-')
    .remove(b'.')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'?')
    .remove(b'@')
    .remove(b'[')
    .remove(b']')
    .remove(b'_')
    .remove(b'~');

/// The bytes with nothing escaped but what has to be.
pub(crate) fn plain(bytes: &[u8]) -> String {
    percent_encode(bytes, FOREIGN).to_string()
}

/// The same pairs with everything escaped that can be.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let pairs = bytes.split(|byte| *byte == b'&').map(|pair| {
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let value = pair.get(end + 1..).unwrap_or_default();
        format!("{}={}", whole(&decoded(&pair[..end])), whole(&decoded(value)))
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn decoded(bytes: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}

fn whole(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

/// The form whose tree that is; none for a tree of which no form can be the source: only texts stand in
/// one, and nothing in it is empty.
pub(crate) fn write(tree: &Map<String, Value>) -> Option<String> {
    let mut pairs = vec![];
    for (name, value) in tree {
        walk(&whole(name.as_bytes()), value, &mut pairs)?;
    }
    Some(pairs.join("&"))
}

fn walk(path: &str, value: &Value, pairs: &mut Vec<String>) -> Option<()> {
    match value {
        Value::String(text) => pairs.push(format!("{path}={}", whole(text.as_bytes()))),
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                walk(&format!("{path}[]"), item, pairs)?;
            }
        }
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                walk(&format!("{path}[{}]", whole(key.as_bytes())), value, pairs)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => return None,
    }
    Some(())
}
