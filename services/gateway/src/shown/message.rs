//! Messages as clients see them, written as text: what the read model keeps as JSON goes
//! into the answer as it is, without being read.

use axum::response::Response;
use domain::{DialogId, MessageId};
use http::StatusCode;
use readmodel::queries::MessageView;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Numbers, Word};
use crate::answer;
use crate::answer::Iso;
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

#[derive(Serialize)]
struct Standard<'a> {
    #[serde(rename = "_id")]
    id: Word<MessageId>,
    chat_dialog_id: Word<DialogId>,
    message: Option<&'a str>,
    date_sent: u64,
    sender_id: u64,
    recipient_id: u64,
    attachments: &'a RawValue,
    read_ids: Numbers<'a>,
    delivered_ids: Numbers<'a>,
    created_at: Iso,
    updated_at: Iso,
    edited_at: Option<Iso>,
    reactions: Option<()>,
    views_count: u32,
    read: u8,
}

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

/// Custom parameters stand first: of a key written twice, readers take the last, and that
/// is the standard one whatever was stored.
fn write(view: &MessageView, body: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let begin = body.len();
    let custom = view.custom.as_deref().and_then(|custom| custom.strip_suffix('}'));
    if let Some(members) = custom.filter(|members| members.len() > 1) {
        body.extend_from_slice(members.as_bytes());
    }
    let standard = body.len();
    serde_json::to_writer(
        &mut *body,
        &Standard {
            id: Word(view.id),
            chat_dialog_id: Word(view.dialog),
            message: view.text.as_deref(),
            date_sent: view.date_sent,
            sender_id: view.sender.get(),
            recipient_id: view.recipient.map_or(0, domain::UserId::get),
            attachments: serde_json::from_str(view.attachments.as_deref().unwrap_or(NO_ATTACHMENTS))?,
            read_ids: Numbers(&view.read_ids),
            delivered_ids: Numbers(&view.delivered_ids),
            created_at: Iso(view.created_at),
            updated_at: Iso(view.updated_at),
            edited_at: view.edited_at.map(Iso),
            reactions: None,
            views_count: 0,
            read: u8::from(view.read),
        },
    )?;
    if standard > begin {
        body[standard] = b',';
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Sequence, Time, UserId};
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
