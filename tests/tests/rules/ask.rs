//! What these stories share: questions with parameters, parts of answers, and the rows
//! that were just proved.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, Setup, each_engines, proves};

/// A little more than what the whole seconds of dates can hide.
const A_SECOND: Duration = Duration::from_millis(1_010);

/// How often to look at what changes without a signal.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// All that a user is shown by, in text order.
pub(crate) const USER_KEYS: [&str; 19] = [
    "avatar",
    "blob_id",
    "created_at",
    "custom_data",
    "email",
    "external_id",
    "external_user_id",
    "facebook_id",
    "full_name",
    "id",
    "is_guest",
    "last_request_at",
    "login",
    "phone",
    "timezone",
    "twitter_id",
    "updated_at",
    "user_tags",
    "website",
];

/// An id that nothing has.
pub(crate) const NOTHING: &str = "0123456789abcdef01234567";

/// Marks rows of one area as proved by what was just asserted.
pub(crate) fn proved<const N: usize>(area: &str, rows: [u16; N]) {
    for row in rows {
        proves(&format!("R-{area}-{row:03}"));
    }
}

/// The answer to whoever has no session any more, in the exact words.
pub(crate) fn gone() -> Value {
    json!({ "errors": { "base": ["Required session does not exist"] } })
}

/// Lets a story happen on each kind of engines, with settings of its own.
pub(crate) async fn each_engines_with(settings: &[(&str, &str)], story: impl AsyncFn(&Chat)) {
    let setup =
        |topology| settings.iter().fold(Setup::of(topology), |setup, (key, value)| setup.with(key, value));
    each_engines(setup, async |chat: Chat| {
        story(&chat).await;
        chat.verify().await;
    })
    .await;
}

/// Waits until dates show another second.
pub(crate) async fn another_second() {
    tokio::time::sleep(A_SECOND).await;
}

/// Signs somebody up with the fields of `user`, and opens a session for him.
pub(crate) async fn sign_up(chat: &Chat, by: &Person, login: &str, user: &Value) -> Person {
    let mut user = user.clone();
    user["login"] = json!(login);
    user["password"] = json!(Chat::secrets()[0]);
    by.post_to("users", &json!({ "user": user })).await.is(201);
    chat.sign_in(login).await
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.[]".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// `path` with parameters in its query.
pub(crate) fn with(path: &str, parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// `GET chat/Dialog` with parameters.
pub(crate) async fn dialogs(person: &Person, parameters: &[(&str, &str)]) -> Vec<Value> {
    items(&person.get(&with("chat/Dialog", parameters)).await)
}

/// `GET chat/Message` with parameters; marks nothing.
pub(crate) async fn messages(person: &Person, dialog: &str, parameters: &[(&str, &str)]) -> Vec<Value> {
    items(&history(person, dialog, &[&[("mark_as_read", "0")], parameters].concat()).await)
}

/// `GET chat/Message` with parameters, whole.
pub(crate) async fn history(person: &Person, dialog: &str, parameters: &[(&str, &str)]) -> Answer {
    person.get(&with("chat/Message", &[&[("chat_dialog_id", dialog)], parameters].concat())).await
}

/// The items of a list that came.
pub(crate) fn items(answer: &Answer) -> Vec<Value> {
    answer.clone().is(200).json()["items"].as_array().expect("a list has items").clone()
}

/// The ids of things, in their order.
pub(crate) fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["_id"].as_str().expect("it has an id").to_owned()).collect()
}

/// One field of things, in their order.
pub(crate) fn each(items: &[Value], field: &str) -> Value {
    items.iter().map(|item| item[field].clone()).collect()
}

/// The keys of an object in text order.
pub(crate) fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// The id of what was created.
pub(crate) fn id(thing: &Value) -> String {
    thing["_id"].as_str().expect("it has an id").to_owned()
}

/// Changes a dialog.
pub(crate) async fn change(person: &Person, dialog: &str, body: Value) -> Answer {
    person.put(&format!("chat/Dialog/{dialog}"), &body).await
}

/// Subscribes to a dialog, as an SDK does it: with no body at all.
pub(crate) async fn subscribe(person: &Person, dialog: &str) -> Answer {
    let request = person.request(Method::POST, &format!("chat/Dialog/{dialog}/subscribe"));
    Answer::to(request.header("Content-Type", "application/json;charset=utf-8")).await
}

/// The dialog as he sees it now.
pub(crate) async fn seen(person: &Person, dialog: &str) -> Value {
    person.dialog(dialog).await.expect("the dialog is in his list")
}

/// Whether a dialog is in his list.
pub(crate) async fn lists(person: &Person, dialog: &str) -> bool {
    ids(&person.dialogs().await).iter().any(|listed| listed == dialog)
}

/// The one message of that id, as he sees it; nothing is marked.
pub(crate) async fn message(person: &Person, dialog: &str, id: &str) -> Value {
    let mut found = messages(person, dialog, &[]).await;
    found.retain(|message| message["_id"] == id);
    assert_eq!(found.len(), 1, "one message of id {id}");
    found.swap_remove(0)
}

/// That a date is ISO 8601 in UTC with whole seconds.
pub(crate) fn is_iso(date: &Value) -> bool {
    let form = "0000-00-00T00:00:00Z";
    date.as_str().is_some_and(|date| {
        date.len() == form.len()
            && date.bytes().zip(form.bytes()).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                _ => byte == wanted,
            })
    })
}

/// Seconds since 1970 that an ISO date of whole seconds stands for.
pub(crate) fn seconds(date: &Value) -> i64 {
    let digits = |from: usize, to: usize| -> i64 {
        date.as_str().expect("a text")[from..to].parse().expect("a number")
    };
    let (year, month, day) = (digits(0, 4), digits(5, 7), digits(8, 10));
    // Days of the civil calendar, whose years begin with March here.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    ((days * 24 + digits(11, 13)) * 60 + digits(14, 16)) * 60 + digits(17, 19)
}
