//! Whatever is thrown at any route: no 5xx, every error in the API's shape, and nothing
//! changed by what was refused. The cases come from a fixed seed, so that a failure is told
//! again by running again.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, Setup, TOPOLOGIES, Topology};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

const SEED: [u8; 32] = *b"hansard: whatever may be thrown ";
const CASES: u32 = 600;
/// How often to look whether somebody has gone, and much longer than that may take.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LEAVING_TIME_MAX: Duration = Duration::from_secs(60);

/// A request before the ids of the fixture are put in.
#[derive(Clone, Debug)]
struct Thrown {
    method: Method,
    path: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Thing,
}

#[derive(Clone, Debug)]
enum Thing {
    Nothing,
    Json(Value),
    Text(&'static str, String),
    Bytes(&'static str, Vec<u8>),
}

/// What every dialog and message id of the fixture is written as until it is known.
const DIALOG: &str = "{dialog}";
const MESSAGE: &str = "{message}";
const USER: &str = "{user}";

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        4 => Just(Method::GET),
        6 => Just(Method::POST),
        6 => Just(Method::PUT),
        3 => Just(Method::DELETE),
        1 => Just(Method::PATCH),
        1 => Just(Method::HEAD),
        1 => Just(Method::from_bytes(b"SHOUT").expect("a method")),
    ]
}

/// An id: one that there is, one that there might be, or anything.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(DIALOG.to_owned()),
        3 => Just(MESSAGE.to_owned()),
        1 => Just(USER.to_owned()),
        1 => "[0-9a-f]{24}",
        1 => "[0-9]{1,25}",
        1 => Just("null".to_owned()),
        1 => Just("-1".to_owned()),
        1 => any::<String>(),
    ]
}

fn encoded(text: &str) -> String {
    // The braces of the placeholders stay, until they are replaced.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.,{}[]".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn path() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "session",
        "users",
        "users/password",
        "users/password/reset",
        "users/external/e-1",
        "login",
        "session/list",
        "users/v2",
        "users/by_login",
        "users/by_tags",
        "chat/Dialog",
        "chat/Message",
        "chat/Message/unread",
        "chat/message",
        "chat/dialog",
        "health/ready",
        "metrics",
        "chat",
        "",
    ]);
    let named =
        prop::sample::select(vec!["users/", "session/", "users/external/", "chat/Dialog/", "chat/Message/"]);
    let ids = prop::collection::vec(id(), 1..4).prop_map(|ids| encoded(&ids.join(",")));
    let path = prop_oneof![
        fixed.prop_map(str::to_owned),
        (named, ids).prop_map(|(path, ids)| format!("{path}{ids}"))
    ];
    (path, prop::bool::weighted(0.3))
        .prop_map(|(path, suffix)| if suffix { format!("{path}.json") } else { path })
}

/// Names that some endpoint knows, as they are spelt in queries, forms and JSON.
const NAMES: &[&str] = &[
    "_id",
    "_id[]",
    "_id[in]",
    "id",
    "type",
    "name",
    "photo",
    "description",
    "occupants_ids",
    "occupants_ids[]",
    "admins_ids",
    "extensions",
    "permissions",
    "allow_preview",
    "push_all",
    "pull_all",
    "push_all[occupants_ids][]",
    "pinned_messages_ids",
    "chat_dialog_id",
    "chat_dialog_ids",
    "dialogs_ids",
    "recipient_id",
    "message",
    "attachments",
    "attachments[0][type]",
    "send_to_chat",
    "markable",
    "silent",
    "save_to_history",
    "date_sent",
    "read",
    "delivered",
    "force",
    "limit",
    "skip",
    "count",
    "sort_asc",
    "sort_desc",
    "mark_as_read",
    "preview",
    "login[start_with]",
    "full_name[in]",
    "user_tags[]",
    "external_id[nin][]",
    "created_at[gt]",
    "filter[]",
    "filter[gt]",
    "order",
    "page",
    "offset",
    "user",
    "user[login]",
    "user[password]",
    "login",
    "password",
    "old_password",
    "reset_token",
    "external_id",
    "blob_id",
    "timezone",
    "email",
    "full_name",
    "tag_list",
    "application_id",
    "auth_key",
    "timestamp",
    "nonce",
    "signature",
    "provider",
    "guest",
    "custom",
];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![8 => prop::sample::select(NAMES).prop_map(str::to_owned), 1 => any::<String>()]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => id().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => (0..5_i64).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|number| json!(number)),
        2 => any::<String>().prop_map(Value::from),
        1 => Just(json!("a\u{0}b")),
        1 => Just(json!("date_sent")),
        1 => (1..12_000_usize).prop_map(|length| Value::from("x".repeat(length))),
        1 => prop::collection::vec(id(), 1..120).prop_map(|ids| Value::from(ids.join(", "))),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn query() -> impl Strategy<Value = String> {
    let pair = (name(), scalar()).prop_map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{}={}", encoded(&name), encoded(value.get(..500).unwrap_or("x")))
    });
    prop_oneof![
        4 => Just(String::new()),
        6 => prop::collection::vec(pair, 0..6).prop_map(|pairs| pairs.join("&")),
        1 => "[a-z%&=\\[\\]+;0-9]{0,60}",
    ]
}

fn body() -> impl Strategy<Value = Thing> {
    let object = || prop::collection::vec((name(), value()), 0..8);
    let likely = (Just(json!({ "chat_dialog_id": DIALOG, "type": 2, "name": "thrown" })), object());
    let likely = likely.prop_map(|(mut base, pairs)| {
        for (name, value) in pairs {
            base[name] = value;
        }
        Thing::Json(base)
    });
    prop_oneof![
        2 => Just(Thing::Nothing),
        4 => likely,
        4 => object().prop_map(|pairs| Thing::Json(Value::Object(pairs.into_iter().collect()))),
        1 => value().prop_map(Thing::Json),
        3 => query().prop_map(|form| Thing::Text("application/x-www-form-urlencoded", form)),
        1 => any::<String>().prop_map(|text| Thing::Text("application/json", text)),
        1 => Just(Thing::Text("application/json;charset=utf-8", "[".repeat(10_000))),
        1 => prop::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| Thing::Bytes("application/json", bytes)),
        1 => any::<String>().prop_map(|text| Thing::Text("multipart/form-data; boundary=x", text)),
    ]
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let name = prop::sample::select(vec![
        "idempotency-key",
        "min-log-position",
        "x-request-id",
        "accept",
        "cb-authkey",
        "cb-sdk",
        "origin",
        "expect",
        "if-none-match",
        "range",
    ]);
    let value = prop_oneof![Just(b"1-00-0.1".to_vec()), prop::collection::vec(32..=255_u8, 0..40)];
    prop::collection::vec((name.prop_map(str::to_owned), value), 0..2)
}

fn thrown() -> impl Strategy<Value = Thrown> {
    (method(), path(), query(), headers(), body()).prop_map(|(method, path, query, headers, body)| Thrown {
        method,
        path,
        query,
        headers,
        body,
    })
}

/// Who throws, and at what.
struct Fixture {
    chat: Chat,
    alice: Person,
    bob: Person,
    dialog: String,
    message: String,
}

impl Fixture {
    async fn new(topology: Topology) -> Self {
        let chat = Chat::start(Setup::of(topology)).await;
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_group("fixture", [&bob]).await;
        let message = alice.post(&dialog, "fixture").await;
        Self { chat, alice, bob, dialog, message }
    }

    /// What there is, as the two see it.
    async fn state(&self) -> [Value; 2] {
        let path = format!("chat/Message?chat_dialog_id={}&mark_as_read=0", self.dialog);
        let messages = self.bob.get(&path).await;
        let dialogs = self.bob.get("chat/Dialog").await.is(200);
        [messages.json(), dialogs.json()]
    }

    /// After something was done: a dialog with a message and a session, again if need be.
    async fn mend(&mut self) {
        let session = self.alice.get("session").await;
        let is_hers = session.status == 200 && session.json()["session"]["user_id"] == self.alice.id();
        if !is_hers {
            if self.bob.get(&format!("users/{}", self.alice.id())).await.status == 404 {
                self.has_left(self.alice.id()).await;
            }
            self.alice = self.chat.sign_in("alice").await;
        }
        let path = format!("chat/Message?chat_dialog_id={}&mark_as_read=0", self.dialog);
        let [there, hers] = [self.bob.get(&path).await, self.alice.get(&path).await];
        if there.status != 200 || hers.status != 200 || there.json()["items"] == json!([]) {
            self.dialog = self.alice.create_group("fixture", [&self.bob]).await;
            self.message = self.alice.post(&self.dialog, "fixture").await;
        }
    }

    /// Wait until a user who was deleted is in no dialog any more in which Bob would see it change.
    async fn has_left(&self, user: u64) {
        let is_there = |dialog: &Value| {
            [2, 4].map(Value::from).contains(&dialog["type"])
                && dialog["occupants_ids"].as_array().is_some_and(|ids| ids.contains(&json!(user)))
        };
        let gone = async {
            while self.bob.dialogs().await.iter().any(is_there) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(LEAVING_TIME_MAX, gone).await.expect("she leaves her dialogs");
    }

    fn placed(&self, text: &str) -> String {
        let user = self.alice.id().to_string();
        text.replace(DIALOG, &self.dialog).replace(MESSAGE, &self.message).replace(USER, &user)
    }

    async fn throw(&self, thrown: &Thrown) -> Result<Answer, reqwest::Error> {
        let path = format!("{}?{}", self.placed(&thrown.path), self.placed(&thrown.query));
        let mut request = self.alice.request(thrown.method.clone(), &path);
        for (name, value) in &thrown.headers {
            let (name, value) = (HeaderName::try_from(name), HeaderValue::from_bytes(value));
            if let (Ok(name), Ok(value)) = (name, value) {
                request = request.header(name, value);
            }
        }
        request = match &thrown.body {
            Thing::Nothing => request,
            Thing::Json(value) => request
                .header("Content-Type", "application/json;charset=utf-8")
                .body(self.placed(&value.to_string())),
            Thing::Text(kind, text) => request.header("Content-Type", *kind).body(self.placed(text)),
            Thing::Bytes(kind, bytes) => request.header("Content-Type", *kind).body(bytes.clone()),
        };
        Answer::try_to(request).await
    }
}

/// One of the API's three shapes.
fn has_the_shape_of_an_error(body: &Value) -> bool {
    let texts = |value: &Value| {
        value.as_array().is_some_and(|texts| !texts.is_empty() && texts.iter().all(Value::is_string))
    };
    let errors = &body["errors"];
    texts(errors) || errors.as_object().is_some_and(|fields| !fields.is_empty() && fields.values().all(texts))
}

async fn check(fixture: &mut Fixture, before: &mut [Value; 2], thrown: &Thrown) -> TestCaseResult {
    let answer =
        fixture.throw(thrown).await.map_err(|error| TestCaseError::fail(format!("no answer: {error}")))?;
    prop_assert!(answer.status < 500, "{}: {}", answer.status, answer.text());
    if answer.status >= 400 {
        if thrown.method != Method::HEAD {
            prop_assert!(has_the_shape_of_an_error(&answer.json()), "{}", answer.text());
        }
        prop_assert_eq!(&fixture.state().await, before, "{} changed something", answer.status);
    } else {
        fixture.mend().await;
        *before = fixture.state().await;
    }
    Ok(())
}

#[test]
fn whatever_is_thrown_is_answered() {
    for topology in TOPOLOGIES {
        let runtime = Runtime::new().unwrap();
        let fixture = runtime.block_on(Fixture::new(topology));
        let before = runtime.block_on(fixture.state());
        let state = std::cell::RefCell::new((fixture, before));
        let config =
            Config { cases: CASES, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &SEED));
        let outcome = runner.run(&thrown(), |thrown| {
            let (fixture, before) = &mut *state.borrow_mut();
            runtime.block_on(check(fixture, before, &thrown))
        });
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(why, thrown)) => {
                panic!("{topology:?}, seed {SEED:?}: {why}\n{thrown:#?}")
            }
            Err(TestError::Abort(why)) => panic!("{topology:?}, seed {SEED:?}: {why}"),
        }
        let (fixture, _) = state.into_inner();
        runtime.block_on(fixture.chat.verify());
    }
}

/// What no client library sends: the bytes of a request themselves are wrong.
#[tokio::test]
async fn broken_requests_end_their_connection_and_nothing_else() {
    let chat = Chat::start(Setup::embedded(1).with("server.head_time_max", "2s")).await;
    let alice = chat.user("alice").await;
    let long = format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(20_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X-Y: z\r\n".repeat(500));
    let token = "GET /chat/Dialog HTTP/1.1\r\nHost: h\r\nCB-Token: \u{ff}\r\nConnection: close\r\n\r\n";
    let requests: [&[u8]; 9] = [
        b"\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /chat/Message HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        b"POST /chat/Message HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        long.as_bytes(),
        many.as_bytes(),
        token.as_bytes(),
    ];
    for request in requests {
        let mut stream = TcpStream::connect(chat.api().address()).await.unwrap();
        stream.write_all(request).await.unwrap();
        let _half_closed = stream.shutdown().await;
        let mut answer = vec![];
        let _reset = stream.read_to_end(&mut answer).await;
        let status =
            String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        assert!(
            status.is_none_or(|status| (400..500).contains(&status)),
            "{:?}",
            String::from_utf8_lossy(&answer)
        );
        alice.get("chat/Dialog").await.is(200);
    }
}
