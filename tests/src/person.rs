//! A person with a session: what somebody in a chat does and sees.
//!
//! The plain verbs insist on success; for everything else there is [`Person::send`].

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::api::{Answer, Api};

/// The most messages that one call lists.
const PAGE: usize = 100;

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub struct Person {
    api: Api,
    id: u64,
    login: String,
    token: String,
}

impl Person {
    pub(crate) fn new(api: Api, id: u64, login: &str, token: &str) -> Self {
        Self { api, id, login: login.to_owned(), token: token.to_owned() }
    }

    /// The user's number.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The user's login.
    pub fn login(&self) -> &str {
        &self.login
    }

    /// The session's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// He, with the same session, at another gateway.
    pub fn at(&self, api: &Api) -> Self {
        Self { api: api.clone(), ..self.clone() }
    }

    /// A request of his.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.api.request(method, path).header("CB-Token", &self.token)
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// A call with a body of JSON.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        Answer::to(self.request(method, path).json(body)).await
    }

    /// `POST path`.
    pub async fn post_to(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    /// `PUT path`.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, body).await
    }

    /// `DELETE path`; with `force`, for all.
    pub async fn delete(&self, path: &str, force: bool) -> Answer {
        let path = if force { format!("{path}?force=1") } else { path.to_owned() };
        Answer::to(self.request(Method::DELETE, &path)).await
    }

    /// Create a group; its id.
    pub async fn create_group<const N: usize>(&self, name: &str, others: [&Person; N]) -> String {
        let occupants: Vec<u64> = others.iter().map(|other| other.id).collect();
        self.create(&json!({ "type": 2, "name": name, "occupants_ids": occupants })).await
    }

    /// Open the private dialog with somebody; its id.
    pub async fn create_private(&self, other: &Person) -> String {
        self.create(&json!({ "type": 3, "occupants_ids": [other.id] })).await
    }

    /// Create a dialog; its id.
    pub async fn create(&self, dialog: &Value) -> String {
        id_of(&self.post_to("chat/Dialog", dialog).await.is(201).json())
    }

    /// Write; the message's id.
    pub async fn post(&self, dialog: &str, text: &str) -> String {
        id_of(&self.post_message(dialog, &json!({ "message": text })).await.is(201).json())
    }

    /// Write several; their ids.
    pub async fn post_each<const N: usize>(&self, dialog: &str, texts: [&str; N]) -> [String; N] {
        let mut ids = vec![];
        for text in texts {
            ids.push(self.post(dialog, text).await);
        }
        ids.try_into().expect("there are as many as texts")
    }

    /// The answer to a message with these parameters.
    pub async fn post_message(&self, dialog: &str, parameters: &Value) -> Answer {
        let mut body = parameters.clone();
        body["chat_dialog_id"] = json!(dialog);
        self.post_to("chat/Message", &body).await
    }

    /// Open the newest messages, which marks them as read.
    pub async fn list(&self, dialog: &str) -> Vec<Value> {
        items(&self.get(&format!("chat/Message?chat_dialog_id={dialog}")).await.is(200))
    }

    /// Every message from the first to the last, without marking any.
    pub async fn peek(&self, dialog: &str) -> Vec<Value> {
        let mut all = vec![];
        loop {
            let skip = all.len();
            let path = format!(
                "chat/Message?chat_dialog_id={dialog}&mark_as_read=0&sort_asc=date_sent&limit={PAGE}&skip={skip}"
            );
            let page = items(&self.get(&path).await.is(200));
            let full = page.len() == PAGE;
            all.extend(page);
            if !full {
                return all;
            }
        }
    }

    /// The texts of [`Person::peek`].
    pub async fn texts(&self, dialog: &str) -> Vec<String> {
        let text = |message: &Value| message["message"].as_str().unwrap_or_default().to_owned();
        self.peek(dialog).await.iter().map(text).collect()
    }

    /// Who has read each message that this person can see, in their order.
    pub async fn read_ids(&self, dialog: &str) -> Vec<Vec<u64>> {
        self.peek(dialog).await.iter().map(|message| numbers(&message["read_ids"])).collect()
    }

    /// How many messages of the dialog he has not read.
    pub async fn unread(&self, dialog: &str) -> u64 {
        let counts = self.get(&format!("chat/Message/unread?chat_dialog_ids={dialog}")).await.is(200).json();
        assert_eq!(counts["total"], counts[dialog], "the total over one dialog is its own");
        counts[dialog].as_u64().expect("a count is a number")
    }

    /// How many messages of all dialogs he has not read.
    pub async fn unread_total(&self) -> u64 {
        self.get("chat/Message/unread").await.is(200).json()["total"].as_u64().expect("a count is a number")
    }

    /// Mark some messages as read.
    pub async fn read<const N: usize>(&self, dialog: &str, messages: [&String; N]) {
        let path = format!("chat/Message/{}", messages.map(String::as_str).join(","));
        self.put(&path, &json!({ "chat_dialog_id": dialog, "read": 1 })).await.is(200);
    }

    /// Mark the whole dialog as read.
    pub async fn read_all(&self, dialog: &str) {
        self.put("chat/Message", &json!({ "chat_dialog_id": dialog, "read": 1 })).await.is(200);
    }

    /// Change a message's text.
    pub async fn edit(&self, dialog: &str, message: &str, text: &str) {
        let body = json!({ "chat_dialog_id": dialog, "message": text });
        self.put(&format!("chat/Message/{message}"), &body).await.is(200);
    }

    /// Delete a message for himself.
    pub async fn hide(&self, message: &str) {
        self.delete_message(message, false).await;
    }

    /// Delete a message for everybody.
    pub async fn remove(&self, message: &str) {
        self.delete_message(message, true).await;
    }

    async fn delete_message(&self, message: &str, force: bool) {
        let answer = self.delete(&format!("chat/Message/{message}"), force).await.is(200).json();
        assert_eq!(answer["SuccessfullyDeleted"]["ids"], json!([message]), "{answer}");
    }

    /// Delete a dialog for himself: leave it, or hide and clear it.
    pub async fn leave(&self, dialog: &str) {
        self.delete(&format!("chat/Dialog/{dialog}"), false).await.is(200);
    }

    /// Add somebody to a group.
    pub async fn add(&self, dialog: &str, other: &Person) {
        let body = json!({ "push_all": { "occupants_ids": [other.id] } });
        self.put(&format!("chat/Dialog/{dialog}"), &body).await.is(200);
    }

    /// Take somebody out of a group.
    pub async fn expel(&self, dialog: &str, other: &Person) {
        let body = json!({ "pull_all": { "occupants_ids": [other.id] } });
        self.put(&format!("chat/Dialog/{dialog}"), &body).await.is(200);
    }

    /// The dialog as he sees it, if it is in his list.
    pub async fn dialog(&self, dialog: &str) -> Option<Value> {
        items(&self.get(&format!("chat/Dialog?_id={dialog}")).await.is(200)).pop()
    }

    /// His list of dialogs.
    pub async fn dialogs(&self) -> Vec<Value> {
        items(&self.get("chat/Dialog").await.is(200))
    }
}

fn id_of(thing: &Value) -> String {
    thing["_id"].as_str().expect("it has an id").to_owned()
}

fn items(answer: &Answer) -> Vec<Value> {
    answer.json()["items"].as_array().expect("a list has items").clone()
}

fn numbers(list: &Value) -> Vec<u64> {
    list.as_array().expect("a list").iter().filter_map(Value::as_u64).collect()
}
