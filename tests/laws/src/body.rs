//! Bodies: JSON and forms as parameters, and a message's content out of them.

use domain::Limits;
use domain::content::MessageContent;
use gateway::{Params, fuzzing};
use http::Method;
use serde_json::{Map, Value, json};

use crate::asked::{Read, of_request};

const KINDS: [&str; 7] = [
    "application/json;charset=utf-8",
    "application/json",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=UTF-8",
    "text/plain",
    "multipart/form-data; boundary=x",
    "",
];
/// A query beside the body, which wins over it.
const QUERY: &str = "message=of+the+query&own=1";

/// Any bytes as a body. The first one chooses the method and what is announced.
pub fn body(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let method = [Method::POST, Method::PUT, Method::DELETE, Method::GET][usize::from(choice % 4)].clone();
    let kind = KINDS[usize::from(choice / 4) % KINDS.len()];
    let read = of_request(method.clone(), "", kind, bytes);
    let both = of_request(method, QUERY, kind, bytes);
    assert_eq!(read.as_ref().err(), both.as_ref().err(), "a good query changes no verdict");
    let (Ok(params), Ok(both)) = (read, both) else { return };
    let tree = params.clone().rest();
    merged(&tree, &both.rest());
    assert!(!holds_nul(&Value::Object(tree.clone())), "no store has to hold a NUL");
    let written = Value::Object(tree).to_string();
    assert_eq!(of_json(&written), Ok(params.clone()), "JSON is read as it was written: {written}");
    if let Ok(content) = fuzzing::message_content(params, &Limits::default()) {
        stored(&content);
    }
}

fn of_json(text: &str) -> Read {
    of_request(Method::POST, "", KINDS[0], text.as_bytes())
}

/// Of a name in both, the body's value counts; an empty body leaves the query.
fn merged(body: &Map<String, Value>, both: &Map<String, Value>) {
    for (name, value) in body {
        assert_eq!(both.get(name), Some(value));
    }
    for (name, value) in [("message", "of the query"), ("own", "1")] {
        if !body.contains_key(name) {
            assert_eq!(both.get(name), Some(&json!(value)));
        }
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
    }
}

/// What may be stored is within the limits, and stays the same when it is sent again.
fn stored(content: &MessageContent) {
    let limits = Limits::default();
    let text = content.text.as_ref().map(|text| text.as_str());
    assert!(text.is_none_or(|text| !text.is_empty()));
    assert!(text.unwrap_or_default().chars().count() <= limits.message_characters_max);
    let mut tree = Map::new();
    if let Some(custom) = &content.custom {
        assert!(custom.as_str().len() <= limits.custom_bytes_max);
        let custom: Value = serde_json::from_str(custom.as_str()).expect("custom parameters are JSON");
        assert!(depth(&custom) <= limits.custom_depth_max + 1, "the object of all parameters is one more");
        let Value::Object(custom) = custom else { panic!("custom parameters are an object") };
        assert!(!custom.is_empty() && !custom.contains_key("message"));
        tree.extend(custom);
    }
    if let Some(attachments) = &content.attachments {
        assert!(attachments.as_str().len() <= limits.attachments_bytes_max);
        let list: Value = serde_json::from_str(attachments.as_str()).expect("attachments are JSON");
        assert!(depth(&list) <= limits.custom_depth_max + 1, "the list of all attachments is one more");
        let items = list.as_array().expect("attachments are a list");
        assert!((1..=limits.attachments_max).contains(&items.len()) && items.iter().all(Value::is_object));
        tree.insert("attachments".to_owned(), list);
    }
    if let Some(text) = text {
        tree.insert("message".to_owned(), text.into());
    }
    let again = fuzzing::message_content(Params::new(tree), &limits);
    assert_eq!(again.ok().as_ref(), Some(content));
}

/// How many lists and objects are within each other.
fn depth(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
    }
}
