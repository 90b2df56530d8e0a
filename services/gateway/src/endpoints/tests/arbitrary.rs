//! Whatever arrives, nothing is our fault: no 5xx from arbitrary JSON, forms and
//! addresses.

use http::Method;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::testing::chat::{AUTH_KEY, Chat};

/// Every name that a reader knows, and a few that none does.
const NAMES: &[&str] = &[
    "_id",
    "type",
    "name",
    "photo",
    "description",
    "extensions",
    "permissions",
    "occupants_ids",
    "admins_ids",
    "push_all",
    "pull_all",
    "chat_dialog_id",
    "chat_dialog_ids",
    "recipient_id",
    "message",
    "attachments",
    "read",
    "delivered",
    "mark_as_read",
    "force",
    "limit",
    "skip",
    "count",
    "sort_asc",
    "sort_desc",
    "application_id",
    "auth_key",
    "user",
    "login",
    "password",
    "tag_list",
    "allow_preview",
    "pinned_messages_ids",
    "enabled",
    "user_id",
    "recipientId",
    "add",
    "remove",
    "in",
    "start_with",
    "nin",
    "gt",
    "full_name",
    "user_tags",
    "created_at",
    "offset",
    "page",
    "per_page",
    "filter",
    "order",
    "tags",
    "city",
    "a",
    "",
];
/// A segment of any sort goes to the end of those that end so, and between two slashes.
const ROUTES: &[(Method, &str)] = &[
    (Method::POST, "/session"),
    (Method::GET, "/session"),
    (Method::POST, "/users"),
    (Method::GET, "/users/"),
    (Method::GET, "/users"),
    (Method::GET, "/users/v2"),
    (Method::GET, "/users/by_tags"),
    (Method::GET, "/users/by_login"),
    (Method::GET, "/users/external/"),
    (Method::POST, "/chat/Dialog"),
    (Method::GET, "/chat/Dialog"),
    (Method::PUT, "/chat/Dialog/"),
    (Method::DELETE, "/chat/Dialog/"),
    (Method::DELETE, "/chat/Dialog/clearHistory/"),
    (Method::POST, "/chat/Dialog//subscribe"),
    (Method::DELETE, "/chat/Dialog//subscribe"),
    (Method::PUT, "/chat/Dialog//admins"),
    (Method::PUT, "/chat/Dialog//notifications"),
    (Method::POST, "/chat/Dialog//block"),
    (Method::DELETE, "/chat/Dialog//block"),
    (Method::PUT, "/chat/Message//reactions"),
    (Method::POST, "/chat/Message/system"),
    (Method::POST, "/chat/Message"),
    (Method::GET, "/chat/Message"),
    (Method::GET, "/chat/Message/unread"),
    (Method::PUT, "/chat/Message"),
    (Method::PUT, "/chat/Message/"),
    (Method::DELETE, "/chat/Message/"),
];

/// Values, some of which name what is there: `$dialog`, `$message`.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (0u8..6).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "$dialog",
            "$message",
            "$dialog,$message",
            "1, 2",
            "2",
            "date_sent",
            "number id gt 1",
            "string login in bob,alice",
            "asc date created_at",
            "alice",
            "77",
            AUTH_KEY
        ])
        .prop_map(Value::from),
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(NAMES), inner), 0..4).prop_map(object),
        ]
    })
}

fn object(members: Vec<(&'static str, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

fn query() -> impl Strategy<Value = String> {
    let pair = (prop::sample::select(NAMES), "(\\[([a-z]{0,2}|start_with|nin)\\]){0,2}", scalar());
    prop::collection::vec(pair, 0..4).prop_map(|pairs| {
        let pairs = pairs.into_iter().map(|(name, brackets, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{name}{brackets}={}", escaped(&value))
        });
        pairs.collect::<Vec<_>>().join("&")
    })
}

fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[test]
fn nothing_that_arrives_is_our_fault() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (chat, alice, dialog, message) = runtime.block_on(async {
        let chat = Chat::new();
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.group(&[&bob]).await;
        let message = alice.write(&dialog, "hi").await;
        (chat, alice, dialog, message)
    });
    let named = |text: String| {
        let (dollar_dialog, dollar_message) = (escaped("$dialog"), escaped("$message"));
        text.replace("$dialog", &dialog)
            .replace("$message", &message)
            .replace(&dollar_dialog, &dialog)
            .replace(&dollar_message, &message)
    };
    let members = prop::collection::vec((prop::sample::select(NAMES), tree()), 0..6);
    let body = prop_oneof![
        4 => members.prop_map(|members| object(members).to_string()),
        1 => query(),
        1 => any::<String>(),
    ];
    let segment = prop_oneof![
        2 => Just("$message".to_owned()),
        2 => Just("$dialog".to_owned()),
        1 => any::<String>().prop_map(|text| escaped(&text)),
    ];
    let call = (prop::sample::select(ROUTES), segment, query(), body);
    let config = ProptestConfig { cases: 1_500, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&call, |((method, route), segment, query, body)| {
            let address = match route.split_once("//") {
                Some((before, after)) => format!("{before}/{segment}/{after}"),
                None if route.ends_with('/') => format!("{route}{segment}"),
                None => (*route).to_owned(),
            };
            let uri = named(format!("{address}?{query}"));
            let answer = runtime.block_on(alice.send(method.clone(), &uri, named(body)));
            prop_assert!(answer.status < 500, "{method} {uri}: {answer}");
            if answer.status >= 400 {
                let errors = &answer.json()["errors"];
                prop_assert!(errors.is_array() || errors.is_object(), "{answer}");
            }
            Ok(())
        })
        .unwrap();
    drop(chat);
}
