//! What each parameter of the writing endpoints must not be: a table. Whatever stands in it
//! is answered in the API's shape, and nothing has changed.

use http::Method;
use serde_json::{Value, json};

use crate::testing::chat::{Chat, Person};

/// What sort of value a parameter takes.
#[derive(Debug, Clone, Copy)]
enum Sort {
    Flag,
    User,
    Users,
    /// Users that must exist.
    Members,
    /// Messages of one dialog.
    Pins,
    /// A text of at most so many characters.
    Text(usize),
    /// One of at most so many bytes.
    Bytes(usize),
    Object,
    /// The number of a type of dialog.
    Type,
    Dialog,
    Attachments,
    Custom,
}

/// The same of every parameter: what is no JSON, no Unicode or holds what no store can.
const BROKEN: [(&str, u16); 7] = [
    (r#""\ud800""#, 400),
    (r#""\udc00\ud800""#, 400),
    (r#""\u00g0""#, 400),
    ("\"line\nfeed\"", 400),
    (r#""open"#, 400),
    (r#""\u0000""#, 422),
    (r#"["a\u0000b"]"#, 422),
];
const FLAGS: [&str; 9] =
    ["2", "-1", "1.5", r#""maybe""#, "[1]", "{}", r#""1\u202e""#, r#""1\u0007""#, r#""😀""#];
const USERS: [&str; 9] =
    [r#"["x"]"#, "[0]", "[-1]", "[1.5]", "[true]", "[[2]]", r#"{"x":2}"#, "true", r#""2,\u202e3""#];
const USER: [&str; 10] = [
    r#""x""#,
    "0",
    "-1",
    "1.5",
    "9007199254740992",
    "true",
    "[2]",
    "{}",
    r#""2\u202e""#,
    r#""1 OR 1=1; DROP TABLE users""#,
];
const TYPES: [&str; 8] = ["0", "5", "-1", "2.5", r#""two""#, "[2]", "{}", r#""2\u200f""#];
const NO_OBJECTS: [&str; 5] = ["1", "true", r#""x""#, "[1]", r#""{}""#];
const DIALOGS: [&str; 5] = [r#""x""#, "1", "[1]", "{}", r#""5C094C0CE588CE6856F87422""#];
const PINS: [&str; 6] =
    [r#"["x"]"#, r#""5c094c0ce588ce6856f87422""#, "[1]", "[true]", r#"{"x":"y"}"#, r#"["'; --"]"#];
const ATTACHMENTS: [&str; 5] = [r#""x""#, "[1]", r#"["x"]"#, r#"{"x":{}}"#, r#"{"0":1}"#];

impl Sort {
    /// Values that it is not.
    fn wrong(self) -> Vec<String> {
        let all = |rows: &[&str]| rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>();
        match self {
            Self::Flag => all(&FLAGS),
            Self::User => all(&USER),
            Self::Users => [all(&USERS), vec![format!("{:?}", (2..=12).collect::<Vec<_>>())]].concat(),
            Self::Members => [Self::Users.wrong(), all(&["999", r#"[1,"999"]"#])].concat(),
            Self::Pins => [all(&PINS), vec![format!("{:?}", (1..=6).collect::<Vec<_>>())]].concat(),
            Self::Text(max) => [all(&["[1]", "{}"]), vec![text("😀", max + 1)]].concat(),
            Self::Bytes(max) => {
                [all(&["[1]", "{}"]), vec![text("x", max + 1), text("😀", max / 4 + 1)]].concat()
            }
            Self::Object => all(&NO_OBJECTS),
            Self::Type => all(&TYPES),
            Self::Dialog => all(&DIALOGS),
            Self::Attachments => {
                let many = format!("[{}]", vec!["{}"; 21].join(","));
                let large = format!(r#"[{{"x":{}}}]"#, text("x", 10_240));
                [all(&ATTACHMENTS), vec![many, large, format!(r#"[{{"x":{}}}]"#, nested(6))]].concat()
            }
            Self::Custom => vec![text("x", 10_240), nested(6), format!(r#"{{"x":{}}}"#, nested(5))],
        }
    }
}

fn text(piece: &str, times: usize) -> String {
    format!("\"{}\"", piece.repeat(times))
}

fn nested(levels: usize) -> String {
    format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
}

/// A call with one parameter left open: what else stands in its body, and where that one
/// goes; `a.b` is `b` inside of `a`.
struct Call {
    method: Method,
    uri: String,
    beside: &'static str,
    name: &'static str,
    sort: Sort,
}

impl Call {
    fn body(&self, value: &str) -> String {
        let open = match self.name.split_once('.') {
            Some((outer, inner)) => format!(r#""{outer}":{{"{inner}":{value}}}"#),
            None => format!(r#""{}":{value}"#, self.name),
        };
        let comma = if self.beside.is_empty() { "" } else { "," };
        format!("{{{}{comma}{open}}}", self.beside)
    }

    /// Each body with a wrong value, and the status that it gets.
    fn wrong(&self) -> Vec<(String, u16)> {
        let mut rows: Vec<(String, u16)> = self.sort.wrong().into_iter().map(|value| (value, 422)).collect();
        rows.extend(BROKEN.map(|(value, status)| (value.to_owned(), status)));
        rows.push((nested(200), 400));
        rows.into_iter().map(|(value, status)| (self.body(&value), status)).collect()
    }
}

fn calls(uri: &str, method: &Method, beside: &'static str, rows: &[(&'static str, Sort)]) -> Vec<Call> {
    let call = |(name, sort): &(&'static str, Sort)| Call {
        method: method.clone(),
        uri: uri.to_owned(),
        beside,
        name,
        sort: *sort,
    };
    rows.iter().map(call).collect()
}

/// Those about the group, and about the public dialog where nobody is blocked in a group.
fn of_dialogs(dialog: &str, public: &str) -> Vec<Call> {
    let (post, put, delete) = (Method::POST, Method::PUT, Method::DELETE);
    let uri = format!("/chat/Dialog/{dialog}");
    let made = [
        ("name", Sort::Text(200)),
        ("photo", Sort::Text(1_000)),
        ("description", Sort::Text(2_000)),
        ("extensions", Sort::Object),
        ("permissions", Sort::Object),
        ("permissions.allow_preview", Sort::Flag),
    ];
    let lists = [
        ("push_all", Sort::Object),
        ("push_all.occupants_ids", Sort::Members),
        ("push_all.admins_ids", Sort::Members),
        ("push_all.pinned_messages_ids", Sort::Pins),
        ("pull_all", Sort::Object),
        ("pull_all.occupants_ids", Sort::Users),
        ("pull_all.admins_ids", Sort::Users),
        ("pull_all.pinned_messages_ids", Sort::Pins),
    ];
    let admins = [lists[0], lists[2], lists[4], lists[6]];
    let users = [("occupants_ids", Sort::Members), ("admins_ids", Sort::Members)];
    let square = r#""type":4,"name":"x""#;
    let mut all = calls("/chat/Dialog", &post, r#""name":"x","occupants_ids":[2]"#, &[("type", Sort::Type)]);
    all.extend(calls("/chat/Dialog", &post, square, &made[1..]));
    all.extend(calls("/chat/Dialog", &post, r#""type":4"#, &made[..1]));
    all.extend(calls("/chat/Dialog", &post, square, &users));
    all.extend(calls("/chat/Dialog", &post, r#""type":2,"name":"x""#, &users[..1]));
    all.extend(calls("/chat/Dialog", &post, r#""type":3"#, &users[..1]));
    all.extend(calls(&uri, &put, "", &made));
    all.extend(calls(&uri, &put, r#""name":"changed","photo":"changed""#, &lists));
    all.extend(calls(&format!("{uri}/admins"), &put, "", &admins));
    all.extend(calls(&format!("{uri}/notifications"), &put, "", &[("enabled", Sort::Flag)]));
    all.extend(calls(&uri, &delete, "", &[("force", Sort::Flag)]));
    all.extend(calls(&format!("{uri},{dialog}"), &delete, "", &[("force", Sort::Flag)]));
    all.extend(calls(&format!("/chat/Dialog/clearHistory/{dialog}"), &delete, "", &[("force", Sort::Flag)]));
    for method in [post, delete] {
        all.extend(calls(&format!("/chat/Dialog/{public}/block"), &method, "", &[("user_id", Sort::User)]));
    }
    all
}

fn of_messages(message: &str) -> Vec<Call> {
    let (post, put, delete) = (Method::POST, Method::PUT, Method::DELETE);
    let uri = format!("/chat/Message/{message}");
    let made = [
        ("_id", Sort::Text(255)),
        ("message", Sort::Text(10_000)),
        ("attachments", Sort::Attachments),
        ("send_to_chat", Sort::Flag),
        ("markable", Sort::Flag),
        ("silent", Sort::Flag),
        ("colour", Sort::Custom),
    ];
    let changed = [
        ("message", Sort::Text(10_000)),
        ("read", Sort::Flag),
        ("delivered", Sort::Flag),
        ("chat_dialog_id", Sort::Dialog),
    ];
    let mut all = calls("/chat/Message", &post, r#""chat_dialog_id":"$dialog","colour":1"#, &made);
    all.extend(calls("/chat/Message", &post, r#""message":"x""#, &[("chat_dialog_id", Sort::Dialog)]));
    all.extend(calls("/chat/Message", &post, r#""message":"x""#, &[("recipient_id", Sort::User)]));
    all.extend(calls(&uri, &put, "", &changed[..3]));
    all.extend(calls(&uri, &put, r#""message":"changed""#, &changed[1..]));
    all.extend(calls("/chat/Message", &put, r#""chat_dialog_id":"$dialog""#, &changed[1..3]));
    all.extend(calls("/chat/Message", &put, r#""read":1"#, &changed[3..]));
    all.extend(calls(&uri, &delete, "", &[("force", Sort::Flag)]));
    let reactions = [("add", Sort::Bytes(64)), ("remove", Sort::Bytes(64))];
    all.extend(calls(&format!("{uri}/reactions"), &put, "", &reactions));
    all.extend(calls("/chat/Message/system", &post, "", &[("recipientId", Sort::User)]));
    all.extend(calls("/chat/Message/system", &post, r#""recipientId":2"#, &[("colour", Sort::Custom)]));
    all
}

async fn everything(person: &Person, dialog: &str) -> [String; 2] {
    let history = format!("/chat/Message?chat_dialog_id={dialog}&mark_as_read=0");
    [person.get("/chat/Dialog").await.body, person.get(&history).await.body]
}

#[tokio::test]
async fn a_wrong_value_is_refused_and_changes_nothing() {
    let chat = Chat::with(1, |parts| {
        parts.limits.occupants_per_call_max = 10;
        parts.limits.ids_per_call_max = 5;
    });
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let group = alice.group(&[&bob]).await;
    let square = alice.post("/chat/Dialog", json!({"type": 4, "name": "square"})).await.field("_id");
    let message = alice.write(&group, "hi").await;
    let mut calls = of_dialogs(&group, &square);
    calls.extend(of_messages(&message));
    let before = everything(&alice, &group).await;
    for call in &calls {
        for (body, status) in call.wrong() {
            let body = body.replace("$dialog", &group);
            let refused = alice.send(call.method.clone(), &call.uri, body.clone()).await;
            let shown: String = body.chars().take(120).collect();
            assert_eq!(refused.status, status, "{} {} {shown}: {refused}", call.method, call.uri);
            let errors = &refused.json()["errors"];
            assert!(errors.is_array() || errors.is_object(), "{refused}");
        }
        assert_eq!(everything(&alice, &group).await, before, "{} {} {}", call.method, call.uri, call.name);
    }
}

/// What has to be there is neither absent nor `null` nor blank.
#[tokio::test]
async fn what_is_required_is_not_left_out() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let group = alice.group(&[&bob]).await;
    let square = alice.post("/chat/Dialog", json!({"type": 4, "name": "square"})).await.field("_id");
    let message = alice.write(&group, "hi").await;
    let (post, put, delete) = (Method::POST, Method::PUT, Method::DELETE);
    let before = everything(&alice, &group).await;
    let required = [
        (&post, "/chat/Dialog".to_owned(), json!({"name": "x", "occupants_ids": [2]}), "type"),
        (&post, "/chat/Dialog".to_owned(), json!({"type": 1}), "name"),
        (&post, "/chat/Dialog".to_owned(), json!({"type": 2, "name": "x"}), "occupants_ids"),
        (&post, "/chat/Dialog".to_owned(), json!({"type": 3}), "occupants_ids"),
        (&put, format!("/chat/Dialog/{group}/admins"), json!({}), "push_all"),
        (&put, format!("/chat/Dialog/{group}/notifications"), json!({}), "enabled"),
        (&post, format!("/chat/Dialog/{square}/block"), json!({}), "user_id"),
        (&delete, format!("/chat/Dialog/{square}/block"), json!({}), "user_id"),
        (&post, "/chat/Message".to_owned(), json!({"message": "x"}), "chat_dialog_id"),
        (&post, "/chat/Message".to_owned(), json!({"message": "x"}), "recipient_id"),
        (&post, "/chat/Message".to_owned(), json!({"chat_dialog_id": group}), "message"),
        (&post, "/chat/Message".to_owned(), json!({"chat_dialog_id": group}), "attachments"),
        (&put, "/chat/Message".to_owned(), json!({"read": 1}), "chat_dialog_id"),
        (&put, format!("/chat/Message/{message}"), json!({}), "read"),
        (&put, format!("/chat/Message/{message}/reactions"), json!({}), "add"),
        (&post, "/chat/Message/system".to_owned(), json!({"a": 1}), "recipientId"),
    ];
    for (method, uri, beside, name) in required {
        for value in [None, Some(Value::Null), Some(json!(""))] {
            let mut body = beside.clone();
            if let Some(value) = value {
                body[name] = value;
            }
            let refused = alice.send(method.clone(), &uri, body.to_string()).await;
            assert_eq!(refused.status, 422, "{method} {uri} {body}: {refused}");
        }
    }
    assert_eq!(everything(&alice, &group).await, before);
}

/// Texts that are strange and still texts.
const STRANGE: [&str; 9] = [
    "\u{1}\u{7}\u{1b}[31m\u{7f}",
    "\u{1f600}\u{1f469}\u{200d}\u{1f52c}",
    "\u{202e}right\u{200f}to\u{2066}left",
    "'; DROP TABLE messages; --",
    "%_\\%\\_*?[a-z]$^",
    "<b onclick=\"x()\">&amp;</b>",
    "\u{feff}\u{fffe}\u{ffff}",
    " \t\r\n ",
    "${jndi:x}{{7*7}}\u{2028}",
];

#[tokio::test]
async fn what_people_write_is_kept_to_the_letter() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let group = alice.group(&[&bob]).await;
    for text in STRANGE {
        let body = json!({
            "name": format!("n{text}"), "photo": text, "description": text, "extensions": {"city": text},
        });
        let changed = alice.put(&format!("/chat/Dialog/{group}"), body).await.json();
        assert_eq!(changed["name"], format!("n{text}"));
        assert_eq!([&changed["photo"], &changed["description"], &changed["extensions"]["city"]], [text; 3]);
        let body = json!({
            "chat_dialog_id": group, "message": text, "colour": {text: [text]},
            "attachments": [{"type": text, text: text}],
        });
        let posted = alice.post("/chat/Message", body).await.json();
        assert_eq!((&posted["message"], &posted["colour"]), (&json!(text), &json!({text: [text]})));
        assert_eq!(posted["attachments"], json!([{"type": text, text: text}]));
        let page = format!("/chat/Message?chat_dialog_id={group}&sort_desc=date_sent&limit=1&mark_as_read=0");
        assert_eq!(alice.get(&page).await.json()["items"][0], posted);
        let sent = alice.post("/chat/Message/system", json!({"recipientId": bob.id, "text": text})).await;
        assert_eq!(sent.json()["extensionParams"], json!({"text": text}));
    }
}

#[tokio::test]
async fn of_a_name_given_twice_the_last_counts() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let group = alice.group(&[&bob]).await;
    let uri = format!("/chat/Dialog/{group}");
    let changed = alice.send(Method::PUT, &uri, r#"{"name":"one","name":"two"}"#).await;
    assert_eq!(changed.field("name"), "two");
    let body = format!(r#"{{"chat_dialog_id":"{group}","message":"one","a":1,"a":2,"message":"two"}}"#);
    let posted = alice.send(Method::POST, "/chat/Message", body).await.json();
    assert_eq!((&posted["message"], &posted["a"]), (&json!("two"), &json!(2)));
    let force = alice.send(Method::DELETE, &format!("{uri}?force=1"), r#"{"force":0}"#).await;
    assert_eq!(force.status, 200, "the body wins over the query");
    assert_eq!(bob.put(&uri, json!({})).await.status, 200, "for her only");
}
