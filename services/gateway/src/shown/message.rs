//! Messages as clients see them, written as text: what the read model keeps as JSON goes
//! into the answer as it is, without being read.

use axum::response::Response;
use domain::{Time, UserId};
use http::StatusCode;
use readmodel::queries::MessageView;

use crate::answer;
use crate::params::Page;

/// Where the body of one message starts to grow.
const MESSAGE_BYTES_EXPECTED: usize = 512;
const NO_ATTACHMENTS: &str = "[]";

/// The keys that every message has. No custom parameter is kept under one of them.
pub(crate) const MESSAGE_KEYS: [&str; 15] = [
    "_id",
    "chat_dialog_id",
    "message",
    "date_sent",
    "sender_id",
    "recipient_id",
    "attachments",
    "read_ids",
    "delivered_ids",
    "created_at",
    "updated_at",
    "edited_at",
    "reactions",
    "views_count",
    "read",
];

/// 201 with one message.
pub(crate) fn message(view: &MessageView) -> Response {
    let mut body = Vec::with_capacity(MESSAGE_BYTES_EXPECTED);
    match write(view, &mut body) {
        Ok(()) => answer::text_of_json(StatusCode::CREATED, body),
        Err(cause) => answer::broken(cause),
    }
}

/// 200 with a page of messages.
pub(crate) fn messages(views: &[MessageView], page: Page) -> Response {
    let mut body = Vec::with_capacity((views.len() + 1) * MESSAGE_BYTES_EXPECTED);
    body.extend_from_slice(format!(r#"{{"skip":{},"limit":{},"items":["#, page.skip, page.limit).as_bytes());
    for (place, view) in views.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        if let Err(cause) = write(view, &mut body) {
            return answer::broken(cause);
        }
    }
    body.extend_from_slice(b"]}");
    answer::text_of_json(StatusCode::OK, body)
}

/// Written by hand: a page is a hundred of these, and through a serializer their keys alone
/// cost more than finding the messages.
///
/// Custom parameters stand first: of a key written twice, readers take the last, and that
/// is the standard one whatever was stored.
fn write(view: &MessageView, body: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let custom = view.custom.as_deref().and_then(|custom| custom.strip_suffix('}'));
    match custom.filter(|members| members.len() > 1) {
        Some(members) => {
            body.extend_from_slice(members.as_bytes());
            body.push(b',');
        }
        None => body.push(b'{'),
    }
    body.extend_from_slice(b"\"_id\":\"");
    body.extend_from_slice(&view.id.digits());
    body.extend_from_slice(b"\",\"chat_dialog_id\":\"");
    body.extend_from_slice(&view.dialog.digits());
    body.extend_from_slice(b"\",\"message\":");
    serde_json::to_writer(&mut *body, &view.text)?;
    number(body, b",\"date_sent\":", view.date_sent);
    number(body, b",\"sender_id\":", view.sender.get());
    number(body, b",\"recipient_id\":", view.recipient.map_or(0, UserId::get));
    body.extend_from_slice(b",\"attachments\":");
    body.extend_from_slice(view.attachments.as_deref().unwrap_or(NO_ATTACHMENTS).as_bytes());
    numbers(body, b",\"read_ids\":[", &view.read_ids);
    numbers(body, b",\"delivered_ids\":[", &view.delivered_ids);
    time(body, b",\"created_at\":", Some(view.created_at));
    time(body, b",\"updated_at\":", Some(view.updated_at));
    time(body, b",\"edited_at\":", view.edited_at);
    body.extend_from_slice(b",\"reactions\":null,\"views_count\":0");
    number(body, b",\"read\":", u64::from(view.read));
    body.push(b'}');
    Ok(())
}

fn number(body: &mut Vec<u8>, key: &[u8], number: u64) {
    body.extend_from_slice(key);
    body.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn numbers(body: &mut Vec<u8>, key: &[u8], users: &[UserId]) {
    body.extend_from_slice(key);
    for (place, user) in users.iter().enumerate() {
        number(body, if place > 0 { b"," } else { b"" }, user.get());
    }
    body.push(b']');
}

fn time(body: &mut Vec<u8>, key: &[u8], time: Option<Time>) {
    body.extend_from_slice(key);
    match time {
        Some(time) => {
            body.push(b'"');
            body.extend_from_slice(&answer::iso(time));
            body.push(b'"');
        }
        None => body.extend_from_slice(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{DialogId, MessageId, Sequence};
    use serde_json::{Value, json};

    fn view(custom: Option<&str>, attachments: Option<&str>) -> MessageView {
        let alice = UserId::new(7).unwrap();
        MessageView {
            id: MessageId::from_parts(1, [1; 8]),
            dialog: DialogId::from_parts(1, [0xab; 8]),
            sequence: Sequence(1),
            sender: alice,
            recipient: None,
            date_sent: 1_544_097_888,
            created_at: Time(1_544_097_888_123),
            updated_at: Time(1_544_097_888_123),
            edited_at: None,
            text: Some("hi".to_owned()),
            attachments: attachments.map(str::to_owned),
            custom: custom.map(str::to_owned),
            client_id: None,
            read_ids: vec![alice],
            delivered_ids: vec![alice],
            read: false,
        }
    }

    fn written(view: &MessageView) -> String {
        let mut body = vec![];
        write(view, &mut body).unwrap();
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn a_message_has_every_standard_key_and_no_other() {
        let shown: Value = serde_json::from_str(&written(&view(None, None))).unwrap();
        let keys: Vec<_> = shown.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, MESSAGE_KEYS);
        assert_eq!(shown, serde_json::from_str::<Value>(&written(&view(Some("{}"), Some("[]")))).unwrap());
    }

    #[test]
    fn what_was_stored_as_json_is_shown_to_the_letter() {
        let shown =
            written(&view(Some(r#"{"a":1.10,"b":{"c":[]}}"#), Some(r#"[{"type":"image","size":1e2}]"#)));
        insta::assert_snapshot!(shown, @r#"{"a":1.10,"b":{"c":[]},"_id":"000000010101010101010101","chat_dialog_id":"00000001abababababababab","message":"hi","date_sent":1544097888,"sender_id":7,"recipient_id":0,"attachments":[{"type":"image","size":1e2}],"read_ids":[7],"delivered_ids":[7],"created_at":"2018-12-06T12:04:48Z","updated_at":"2018-12-06T12:04:48Z","edited_at":null,"reactions":null,"views_count":0,"read":0}"#);
    }

    #[test]
    fn a_custom_key_never_hides_a_standard_one() {
        let shown: Value =
            serde_json::from_str(&written(&view(Some(r#"{"read":"x","a":1}"#), None))).unwrap();
        assert_eq!((&shown["read"], &shown["a"]), (&json!(0), &json!(1)));
    }
}
