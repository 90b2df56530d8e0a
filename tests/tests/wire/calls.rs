//! Every call that there is: method, address, and a body where it needs one.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person};

use crate::Stage;

/// What the calls are about: a group and a public dialog of Alice's with Bob in both, and what
/// Bob has written into them.
pub(crate) struct Ground {
    pub(crate) alice: Person,
    pub(crate) bob: Person,
    pub(crate) group: String,
    pub(crate) public: String,
    pub(crate) message: String,
}

/// One call.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    /// Whether its answer has a body that clients read as JSON.
    pub(crate) answers_json: bool,
}

impl Ground {
    pub(crate) async fn of(stage: &Stage<'_>) -> Self {
        let [alice, bob] = stage.users(["alice", "bob"]).await;
        let group = alice.create_group("calls of the group", [&bob]).await;
        let public = alice.create(&json!({ "type": 4, "name": "calls", "occupants_ids": [bob.id()] })).await;
        let message = bob.post(&group, "something to find").await;
        bob.post(&public, "something in public").await;
        Self { alice, bob, group, public, message }
    }

    /// The calls that only look, each with an answer that looking again repeats.
    pub(crate) fn reads(&self) -> Vec<Call> {
        let Self { group, public, message, .. } = self;
        let user = self.alice.id();
        let paths = [
            "session".to_owned(),
            format!("users/{user}"),
            format!("users/v2?id={user}"),
            format!("users/by_login?login={}", self.alice.login()),
            "chat/Dialog".to_owned(),
            format!("chat/Dialog/{public}/occupants"),
            format!("chat/Dialog/{group}/notifications"),
            format!("chat/Dialog/{public}/block"),
            format!("chat/Message?chat_dialog_id={group}&mark_as_read=0"),
            "chat/Message/unread".to_owned(),
            format!("chat/Message/{message}/reactions"),
            "chat/search?search_text=something".to_owned(),
        ];
        paths.map(|path| Call { method: Method::GET, path, body: None, answers_json: true }).into()
    }

    /// The calls that change something, in an order in which Alice can make all of them: what
    /// takes something away comes last.
    pub(crate) fn writes(&self) -> Vec<Call> {
        let Self { group, public, message, bob, alice } = self;
        let (dialog, bob) = (format!("chat/Dialog/{group}"), bob.id());
        let named = format!("chat/Message/{message}");
        let call = |method: Method, path: &str, body: Value, answers_json: bool| {
            let body = (!body.is_null()).then_some(body);
            Call { method, path: path.to_owned(), body, answers_json }
        };
        let (post, put, delete) = (Method::POST, Method::PUT, Method::DELETE);
        let admins = json!({ "push_all": { "admins_ids": [bob] } });
        let mark = json!({ "chat_dialog_id": group, "read": 1 });
        let private = json!({ "type": 3, "occupants_ids": [bob] });
        let user = json!({ "user": { "full_name": "Alice" } });
        let login = json!({ "login": alice.login(), "password": Chat::secrets()[0] });
        vec![
            call(post.clone(), "chat/Dialog", private, true),
            call(put.clone(), &dialog, json!({ "name": "calls, again" }), true),
            call(put.clone(), &format!("{dialog}/admins"), admins, true),
            call(put.clone(), &format!("{dialog}/notifications"), json!({ "enabled": 0 }), true),
            call(post.clone(), &format!("chat/Dialog/{public}/subscribe"), json!({}), true),
            call(post.clone(), "chat/Message", json!({ "chat_dialog_id": group, "message": "one" }), true),
            call(post.clone(), "chat/Message/system", json!({ "recipientId": bob, "mood": "fine" }), true),
            call(put.clone(), &named, mark.clone(), false),
            call(put.clone(), "chat/Message", mark, false),
            call(put.clone(), &format!("{named}/reactions"), json!({ "add": "+1" }), false),
            call(delete.clone(), &named, Value::Null, true),
            call(put, &format!("users/{}", alice.id()), user, true),
            call(post.clone(), "login", login, true),
            call(post.clone(), "users/password/reset", json!({ "email": "a@example.org" }), false),
            call(delete.clone(), "session/list", Value::Null, false),
            call(post, &format!("chat/Dialog/{public}/block"), json!({ "user_id": bob }), false),
            call(delete.clone(), &format!("chat/Dialog/{public}/block"), json!({ "user_id": bob }), false),
            call(delete.clone(), &format!("chat/Dialog/clearHistory/{group}"), Value::Null, false),
            call(delete.clone(), &format!("chat/Dialog/{public}/subscribe"), Value::Null, false),
            call(delete.clone(), &dialog, Value::Null, false),
            call(delete.clone(), &format!("chat/Dialog/{public},{group}"), Value::Null, true),
            call(delete, "session", Value::Null, false),
        ]
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Call> {
        self.reads().into_iter().chain(self.writes()).collect()
    }
}

/// An answer without what moves with every use of a session.
pub(crate) fn still(answer: Answer) -> Value {
    let mut answer = answer.is(200).json();
    if let Some(session) = answer.get_mut("session").and_then(Value::as_object_mut) {
        session.remove("updated_at");
    }
    answer
}

impl Call {
    /// Make it.
    pub(crate) async fn by(&self, who: &Person) -> Answer {
        self.at(who, &self.path).await
    }

    /// Make it at another spelling of its address.
    pub(crate) async fn at(&self, who: &Person, path: &str) -> Answer {
        let request = who.request(self.method.clone(), path);
        Answer::to(match &self.body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// Its address with the suffix that the official clients write.
    pub(crate) fn with_suffix(&self) -> String {
        match self.path.split_once('?') {
            Some((path, query)) => format!("{path}.json?{query}"),
            None => format!("{}.json", self.path),
        }
    }
}
