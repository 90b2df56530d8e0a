//! Messages as clients see them, written as text: what the read model keeps as JSON goes
//! into the answer as it is, without being read.

use std::ops::Range;

use axum::response::Response;
use domain::{Time, UserId};
use http::StatusCode;
use readmodel::queries::{MessageView, ReactionsView};
use serde_json::Value;

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
    let mut text = Text { body: Vec::with_capacity(MESSAGE_BYTES_EXPECTED), ..Text::default() };
    match text.message(view) {
        Ok(()) => answer::text_of_json(StatusCode::CREATED, text.body),
        Err(cause) => answer::broken(cause),
    }
}

/// 200 with a page of messages.
pub(crate) fn messages(views: &[MessageView], page: Page) -> Response {
    let body = Vec::with_capacity((views.len() + 1) * MESSAGE_BYTES_EXPECTED);
    let mut text = Text { body, ..Text::default() };
    text.raw(format!(r#"{{"skip":{},"limit":{},"items":["#, page.skip, page.limit).as_bytes());
    for (place, view) in views.iter().enumerate() {
        if place > 0 {
            text.raw(b",");
        }
        if let Err(cause) = text.message(view) {
            return answer::broken(cause);
        }
    }
    text.raw(b"]}");
    answer::text_of_json(StatusCode::OK, text.body)
}

/// 200 with who has put which reaction on a message.
pub(crate) fn reacted(kinds: &[(String, Vec<UserId>)]) -> Response {
    let kinds =
        kinds.iter().map(|(kind, users)| (kind.clone(), users.iter().map(|user| user.get()).collect()));
    answer::ok(&Value::Object(kinds.collect()))
}

/// Messages as a JSON list.
pub(crate) fn list(views: &[MessageView]) -> Result<Vec<u8>, serde_json::Error> {
    let body = Vec::with_capacity((views.len() + 1) * MESSAGE_BYTES_EXPECTED);
    let mut text = Text { body, ..Text::default() };
    text.raw(b"[");
    for (place, view) in views.iter().enumerate() {
        if place > 0 {
            text.raw(b",");
        }
        text.message(view)?;
    }
    text.raw(b"]");
    Ok(text.body)
}

/// A body in the making.
///
/// Written by hand: a page is a hundred messages, and through a serializer their keys alone
/// cost more than finding them. What the message before said too, who has it and when it
/// was, is copied.
#[derive(Default)]
struct Text<'a> {
    body: Vec<u8>,
    users: Option<(&'a [UserId], Range<usize>)>,
    second: Option<(u64, [u8; 20])>,
}

impl<'a> Text<'a> {
    /// Custom parameters stand first: of a key written twice, readers take the last, and
    /// that is the standard one whatever was stored.
    fn message(&mut self, view: &'a MessageView) -> Result<(), serde_json::Error> {
        let custom = view.custom.as_deref().and_then(|custom| custom.strip_suffix('}'));
        match custom.filter(|members| members.len() > 1) {
            Some(members) => {
                self.raw(members.as_bytes());
                self.raw(b",");
            }
            None => self.raw(b"{"),
        }
        self.raw(b"\"_id\":\"");
        self.raw(&view.id.digits());
        self.raw(b"\",\"chat_dialog_id\":\"");
        self.raw(&view.dialog.digits());
        self.raw(b"\",\"message\":");
        serde_json::to_writer(&mut self.body, &view.text)?;
        self.number(b",\"date_sent\":", view.date_sent);
        self.number(b",\"sender_id\":", view.sender.get());
        self.number(b",\"recipient_id\":", view.recipient.map_or(0, UserId::get));
        self.raw(b",\"attachments\":");
        self.raw(view.attachments.as_deref().unwrap_or(NO_ATTACHMENTS).as_bytes());
        self.users(b",\"read_ids\":", &view.read_ids);
        self.users(b",\"delivered_ids\":", &view.delivered_ids);
        self.time(b",\"created_at\":", Some(view.created_at));
        self.time(b",\"updated_at\":", Some(view.updated_at));
        self.time(b",\"edited_at\":", view.edited_at);
        self.reactions(view.reactions.as_ref())?;
        self.number(b",\"views_count\":", view.views);
        self.number(b",\"read\":", u64::from(view.read));
        self.raw(b"}");
        Ok(())
    }

    fn reactions(&mut self, reactions: Option<&ReactionsView>) -> Result<(), serde_json::Error> {
        self.raw(b",\"reactions\":");
        let Some(ReactionsView { own, total }) = reactions else {
            self.raw(b"null");
            return Ok(());
        };
        self.raw(b"{\"own\":");
        serde_json::to_writer(&mut self.body, own)?;
        self.raw(b",\"total\":{");
        for (place, (kind, users)) in total.iter().enumerate() {
            self.raw(if place > 0 { b"," } else { b"" });
            serde_json::to_writer(&mut self.body, kind)?;
            self.number(b":", u64::from(*users));
        }
        self.raw(b"}}");
        Ok(())
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.body.extend_from_slice(bytes);
    }

    fn number(&mut self, key: &[u8], number: u64) {
        self.raw(key);
        self.raw(itoa::Buffer::new().format(number).as_bytes());
    }

    fn users(&mut self, key: &[u8], users: &'a [UserId]) {
        self.raw(key);
        if let Some((_, written)) = self.users.as_ref().filter(|(before, _)| *before == users) {
            self.body.extend_from_within(written.clone());
            return;
        }
        let begin = self.body.len();
        self.raw(b"[");
        for (place, user) in users.iter().enumerate() {
            self.number(if place > 0 { b"," } else { b"" }, user.get());
        }
        self.raw(b"]");
        self.users = Some((users, begin..self.body.len()));
    }

    fn time(&mut self, key: &[u8], time: Option<Time>) {
        self.raw(key);
        let Some(time) = time else { return self.raw(b"null") };
        let written = match self.second {
            Some((second, written)) if second == time.seconds() => written,
            Some(_) | None => answer::iso(time),
        };
        self.second = Some((time.seconds(), written));
        self.raw(b"\"");
        self.raw(&written);
        self.raw(b"\"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{DialogId, MessageId, Sequence};
    use serde_json::json;

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
            reactions: None,
            views: 0,
        }
    }

    fn written(view: &MessageView) -> String {
        let mut text = Text::default();
        text.message(view).unwrap();
        String::from_utf8(text.body).unwrap()
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
    fn reactions_and_views_are_shown() {
        let total = vec![("\u{1f44d}".to_owned(), 2), ("\"".to_owned(), 1)];
        let reactions = Some(ReactionsView { own: vec!["\"".to_owned()], total });
        let shown: Value =
            serde_json::from_str(&written(&MessageView { reactions, views: 5, ..view(None, None) })).unwrap();
        assert_eq!(shown["reactions"], json!({"own": ["\""], "total": {"\u{1f44d}": 2, "\"": 1}}));
        assert_eq!(shown["views_count"], 5);
    }

    #[test]
    fn what_is_copied_is_what_would_be_written() {
        let mut views = vec![view(None, None); 4];
        views[1].read_ids.push(UserId::new(8).unwrap());
        views[2].updated_at = Time(1_544_097_889_999);
        views[3].delivered_ids = vec![];
        let mut text = Text::default();
        let mut apart = String::new();
        for view in &views {
            text.message(view).unwrap();
            apart += &written(view);
        }
        assert_eq!(String::from_utf8(text.body).unwrap(), apart);
    }

    #[test]
    fn a_custom_key_never_hides_a_standard_one() {
        let shown: Value =
            serde_json::from_str(&written(&view(Some(r#"{"read":"x","a":1}"#), None))).unwrap();
        assert_eq!((&shown["read"], &shown["a"]), (&json!(0), &json!(1)));
    }
}
