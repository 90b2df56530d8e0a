//! Every call of the chat, for the rules that hold for all of them.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Api};

/// One call, and the numbers of its rules of the area ERROR.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Value,
    /// The rule on callers without a user's session.
    pub(crate) needs_user: u16,
    /// The rule on what is not there, if the call names something.
    pub(crate) nothing_there: Option<u16>,
}

/// All of them, on these ids.
pub(crate) fn calls(dialog: &str, message: &str, other: u64) -> Vec<Call> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    let at = |rest: &str| format!("chat/Dialog/{dialog}{rest}");
    let named = |rest: &str| format!("chat/Message/{message}{rest}");
    let group = json!({ "type": 2, "name": "made", "occupants_ids": [other] });
    let admins = json!({ "push_all": { "admins_ids": [other] } });
    let text = json!({ "chat_dialog_id": dialog, "message": "said" });
    let read = json!({ "chat_dialog_id": dialog, "read": 1 });
    let none = Value::Null;
    [
        (&get, "chat/Dialog".to_owned(), none.clone(), 40, None),
        (&post, "chat/Dialog".to_owned(), group, 41, None),
        (&put, at(""), json!({ "name": "renamed" }), 42, Some(26)),
        (&delete, at(""), none.clone(), 43, Some(27)),
        (&delete, format!("chat/Dialog/clearHistory/{dialog}"), none.clone(), 44, Some(28)),
        (&post, at("/subscribe"), none.clone(), 45, Some(29)),
        (&delete, at("/subscribe"), none.clone(), 46, Some(30)),
        (&put, at("/admins"), admins, 47, Some(31)),
        (&put, at("/notifications"), json!({ "enabled": 0 }), 48, Some(32)),
        (&get, at("/notifications"), none.clone(), 49, Some(33)),
        (&get, at("/occupants"), none.clone(), 50, Some(34)),
        (&get, format!("chat/Message?chat_dialog_id={dialog}"), none.clone(), 51, Some(35)),
        (&post, "chat/Message".to_owned(), text, 52, Some(36)),
        (&put, "chat/Message".to_owned(), read, 53, Some(37)),
        (&delete, named(""), none.clone(), 54, None),
        (&get, "chat/Message/unread".to_owned(), none.clone(), 55, None),
        (&post, "chat/Message/system".to_owned(), json!({ "recipientId": other, "mood": "ok" }), 56, None),
        (&put, named("/reactions"), json!({ "add": "+1" }), 57, Some(38)),
        (&get, named("/reactions"), none.clone(), 58, Some(39)),
        (&get, "chat/search?search_text=something".to_owned(), none, 59, None),
    ]
    .map(|(method, path, body, needs_user, nothing_there)| {
        let method = method.clone();
        Call { method, path, body, needs_user, nothing_there }
    })
    .into()
}

impl Call {
    /// Make it with a token, or without any.
    pub(crate) async fn with(&self, api: &Api, token: Option<&str>) -> Answer {
        let mut request = api.request(self.method.clone(), &self.path);
        if let Some(token) = token {
            request = request.header("CB-Token", token);
        }
        Answer::to(if self.body.is_null() { request } else { request.json(&self.body) }).await
    }
}

/// Whether a body is one of the three shapes that errors have.
pub(crate) fn is_error(body: &Value) -> bool {
    let texts = |value: &Value| {
        value.as_array().is_some_and(|texts| !texts.is_empty() && texts.iter().all(Value::is_string))
    };
    let errors = &body["errors"];
    texts(errors) || errors.as_object().is_some_and(|fields| !fields.is_empty() && fields.values().all(texts))
}

/// That an answer is an error of that status, in JSON and in the API's shape; its body.
#[track_caller]
pub(crate) fn error(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.header("Content-Type").starts_with("application/json"), "{:?}", answer.headers);
    let body = answer.json();
    assert!(is_error(&body), "{body}");
    body
}
