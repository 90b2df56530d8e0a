//! Whether an answer has the keys and the types that it is to have.
//!
//! A shape is JSON with kinds in place of values: `"text"`, `"number"`, `"object"`, `"list"`, lists
//! of any length of `"texts"` or `"numbers"`, and the API's own `"dialog"`, `"message"` and
//! `"user"`; one that ends in `?` may be null as well. A list of one shape has at least one of
//! these. An object has exactly the keys of its shape; one whose name ends in `*` is not documented
//! everywhere, and may be missing.

use serde_json::{Map, Value};

const DIALOG: &str = r#"{
    "_id": "text", "user_id": "number", "type": "number", "name": "text", "description": "text?",
    "photo": "text?", "created_at": "text", "updated_at": "text", "xmpp_room_jid": "text?",
    "occupants_ids": "numbers", "occupants_count*": "number", "admins_ids": "numbers",
    "pinned_messages_ids": "texts", "last_message": "text?", "last_message_id": "text?",
    "last_message_user_id": "number?", "last_message_date_sent": "number?",
    "last_message_status": "text?", "unread_messages_count": "number", "extensions": "object?",
    "permissions": "object?"
}"#;
const MESSAGE: &str = r#"{
    "_id": "text", "chat_dialog_id": "text", "message": "text", "date_sent": "number",
    "sender_id": "number", "recipient_id": "number", "attachments": "list", "read_ids": "numbers",
    "delivered_ids": "numbers", "created_at": "text", "updated_at": "text", "edited_at*": "text?",
    "reactions": "object?", "views_count": "number", "read": "number"
}"#;
const USER: &str = r#"{
    "id": "number", "full_name": "text?", "email": "text?", "login": "text", "phone": "text?",
    "website": "text?", "created_at": "text", "updated_at": "text", "last_request_at": "text?",
    "external_user_id": "number?", "external_id*": "text?", "facebook_id": "text?",
    "twitter_id": "text?", "blob_id": "number?", "custom_data": "text?", "avatar": "text?",
    "user_tags": "text?", "timezone*": "number?", "is_guest*": "flag"
}"#;

/// What does not fit, each with the place where it is.
pub(crate) fn misfits(place: &str, value: &Value, shape: &Value) -> Vec<String> {
    match (shape, value) {
        (Value::String(kind), _) => kind_misfits(place, value, kind),
        (Value::Array(shapes), Value::Array(items)) if !items.is_empty() => {
            let each = items.iter().flat_map(|item| misfits(&format!("{place}[]"), item, &shapes[0]));
            each.collect()
        }
        (Value::Object(shapes), Value::Object(members)) => object_misfits(place, members, shapes),
        _ => vec![format!("{place}: {value} where {shape} is expected")],
    }
}

fn kind_misfits(place: &str, value: &Value, kind: &str) -> Vec<String> {
    let plain = kind.trim_end_matches('?');
    let own = [("dialog", DIALOG), ("message", MESSAGE), ("user", USER)];
    if let Some((_, shape)) = own.into_iter().find(|(name, _)| *name == plain) {
        let shape: Value = serde_json::from_str(shape).expect("a shape is JSON");
        return misfits(place, value, &shape);
    }
    let is_whole = |value: &Value| value.is_i64() || value.is_u64();
    let fits = match (plain, value) {
        (_, Value::Null) => plain != kind,
        ("text", Value::String(_)) | ("flag", Value::Bool(_)) => true,
        ("list", Value::Array(_)) | ("object", Value::Object(_)) => true,
        ("texts", Value::Array(items)) => items.iter().all(Value::is_string),
        ("numbers", Value::Array(items)) => items.iter().all(is_whole),
        ("number", value) => is_whole(value),
        _ => false,
    };
    if fits { vec![] } else { vec![format!("{place}: {value} is no {kind}")] }
}

fn object_misfits(place: &str, members: &Map<String, Value>, shapes: &Map<String, Value>) -> Vec<String> {
    let mut wrong = vec![];
    for (key, shape) in shapes {
        let name = key.trim_end_matches('*');
        match members.get(name) {
            Some(value) => wrong.extend(misfits(&format!("{place}.{name}"), value, shape)),
            None if name == key => wrong.push(format!("{place}.{name}: is missing")),
            None => {}
        }
    }
    for key in members.keys().filter(|key| !shapes.contains_key(*key)) {
        if !shapes.contains_key(&format!("{key}*")) {
            wrong.push(format!("{place}.{key}: nobody knows it"));
        }
    }
    wrong
}

#[test]
fn what_does_not_fit_is_named() {
    use serde_json::json;
    let shape = json!({ "a": "text?", "b": ["number"], "c*": { "d": "flag" } });
    let wrong = |value: Value| misfits("x", &value, &shape);
    assert_eq!(wrong(json!({ "a": null, "b": [1] })), Vec::<String>::new());
    assert_eq!(wrong(json!({ "a": "", "b": [1, 2], "c": { "d": true } })), Vec::<String>::new());
    assert_eq!(wrong(json!({ "a": 1, "b": [1] })), ["x.a: 1 is no text?"]);
    assert_eq!(wrong(json!({ "b": [1] })), ["x.a: is missing"]);
    assert_eq!(wrong(json!({ "a": "", "b": [] })).len(), 1);
    assert_eq!(wrong(json!({ "a": "", "b": [1.5] })), ["x.b[]: 1.5 is no number"]);
    assert_eq!(wrong(json!({ "a": "", "b": [1], "e": 1 })), ["x.e: nobody knows it"]);
    assert_eq!(wrong(json!({ "a": "", "b": [1], "c": [] })).len(), 1);
    assert_eq!(misfits("y", &json!([1, "2"]), &json!("numbers")).len(), 1);
    assert!(misfits("y", &json!({ "_id": "5c" }), &json!("message")).len() > 5);
}
