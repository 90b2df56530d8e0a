//! Signed requests for a session, as older clients send them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;
use tests::{Answer, Chat, each_topology};

use crate::ask::proved;

const FORM: &str = "application/x-www-form-urlencoded";
/// How far a client's clock may be off, and what a busy machine may add to that.
const OFF_MAX: Duration = Duration::from_secs(2 * 60 * 60);
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// What is signed and how it is sent.
#[derive(Clone)]
struct Asking {
    /// In byte order of their names.
    parameters: Vec<(String, String)>,
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha1(secret: &str, text: &str) -> String {
    let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("any key will do");
    hex(&mac.chain_update(text).finalize().into_bytes())
}

fn sha256(secret: &str, text: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do");
    hex(&mac.chain_update(text).finalize().into_bytes())
}

fn now() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "clients have clocks of their own")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).expect("it is later than 1970")
}

impl Asking {
    /// The application's own, of this moment.
    fn of(nonce: &str) -> Self {
        let [_, key, _] = Chat::secrets();
        let parameters = [("application_id", "7"), ("auth_key", key), ("nonce", nonce)];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { parameters }.with("timestamp", &now().as_secs().to_string())
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.parameters.retain(|(other, _)| other != name);
        if !value.is_empty() {
            self.parameters.push((name.to_owned(), value.to_owned()));
        }
        self.parameters.sort();
        self
    }

    fn text(&self) -> String {
        let pairs: Vec<String> =
            self.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }

    fn signed(&self) -> String {
        sha1(Chat::secrets()[2], &self.text())
    }

    /// As JSON, numbers as numbers, nested names as objects, in another order than they are signed.
    async fn json(&self, chat: &Chat, signature: &str) -> Answer {
        let mut body = json!({ "signature": signature });
        for (name, value) in self.parameters.iter().rev() {
            let written = match value.parse::<u64>() {
                Ok(number) if number.to_string() == *value => json!(number),
                _ => json!(value),
            };
            match name.split_once('[') {
                Some((outer, inner)) => body[outer][inner.trim_end_matches(']')] = written,
                None => body[name] = written,
            }
        }
        Answer::to(chat.api().request(Method::POST, "session").json(&body)).await
    }

    /// As a form, like the curl lines of the documentation.
    async fn form(&self, chat: &Chat, signature: &str) -> Answer {
        let encoded = |text: &str| -> String {
            let plain = |byte: u8| byte.is_ascii_alphanumeric();
            let code = |byte: u8| if plain(byte) { (byte as char).into() } else { format!("%{byte:02X}") };
            text.bytes().map(code).collect()
        };
        let mut pairs = vec![format!("signature={signature}")];
        let written = |(name, value): &(String, String)| format!("{}={}", encoded(name), encoded(value));
        pairs.extend(self.parameters.iter().rev().map(written));
        let request = chat.api().request(Method::POST, "session").header("Content-Type", FORM);
        Answer::to(request.body(pairs.join("&"))).await
    }
}

#[tokio::test]
async fn a_signature_that_is_there_is_right() {
    each_topology(async |chat: Chat| {
        of_either_digest(&chat).await;
        over_everything(&chat).await;
        not_by_the_secret(&chat).await;
        at_its_time(&chat).await;
        and_once(&chat).await;
        chat.verify().await;
    })
    .await;
}

async fn of_either_digest(chat: &Chat) {
    let asking = Asking::of("1");
    let opened = asking.json(chat, &asking.signed()).await.is(201).json();
    assert_eq!(opened["session"]["nonce"], 1);
    let asking = Asking::of("2");
    asking.form(chat, &asking.signed()).await.is(201);
    proved("SESSION", [13, 19]);
    let (secret, asking) = (Chat::secrets()[2], Asking::of("3"));
    asking.json(chat, &sha256(secret, &asking.text())).await.is(201);
    let asking = Asking::of("4");
    asking.form(chat, &sha256(secret, &asking.text())).await.is(201);
    proved("SESSION", [16]);
}

async fn over_everything(chat: &Chat) {
    let alice = chat.user("alice").await;
    let password = Chat::secrets()[0];
    let asking = Asking::of("10").with("user[login]", "alice").with("user[password]", password);
    for (turn, answer) in [asking.json(chat, &asking.signed()).await, {
        let asking = asking.clone().with("nonce", "11");
        asking.form(chat, &asking.signed()).await
    }]
    .into_iter()
    .enumerate()
    {
        assert_eq!(answer.is(201).json()["session"]["user_id"], alice.id(), "{turn}");
    }
    // Without what is nested it is the signature of something else.
    let asking = asking.with("nonce", "12");
    let bare = asking.clone().with("user[login]", "").with("user[password]", "");
    asking.json(chat, &bare.signed()).await.is(401);
    proved("SESSION", [15]);

    // Raw values: blanks, signs, letters of other scripts; capitals before small letters.
    let odd = Asking::of("13").with("Z", "a&b=c %20+").with("a", "ключ 👍").with("_", " padded ");
    assert!(odd.text().starts_with("Z=a&b=c %20+&_= padded &a=ключ 👍&application_id=7"), "{}", odd.text());
    odd.json(chat, &odd.signed()).await.is(201);
    let odd = odd.with("nonce", "14");
    odd.form(chat, &odd.signed()).await.is(201);
    proved("SESSION", [17]);
}

async fn not_by_the_secret(chat: &Chat) {
    let [_, key, secret] = Chat::secrets();
    let asking = Asking::of("20");
    let (right, text) = (asking.signed(), asking.text());
    let wrong = [
        sha1(key, &text),
        sha256("", &text),
        sha1(secret, &format!("{text}&")),
        sha1(secret, &Asking::of("21").text()),
        right.to_uppercase(),
        right[1..].to_owned(),
        format!("{right}0"),
        format!("{right}{}", "0".repeat(24)),
        "x".to_owned(),
        "ы".repeat(20),
        "0".repeat(100_000),
    ];
    for signature in wrong {
        let refused = asking.json(chat, &signature).await.is(401).json();
        assert_eq!(refused, json!({ "errors": ["The signature is not the application's"] }));
    }
    for (kind, status) in
        [(json!(["x"]), 422), (json!({ "x": 1 }), 422), (json!(5), 401), (json!("a\u{0}"), 422)]
    {
        chat.open(&json!({ "signature": kind, "timestamp": 1 })).await.is(status);
    }
    // None of them has used it up, and with a wrong key no signature helps.
    let other = asking.clone().with("auth_key", "another");
    other.json(chat, &other.signed()).await.is(401);
    asking.json(chat, &right).await.is(201);
    proved("SESSION", [14]);
}

async fn at_its_time(chat: &Chat) {
    let off = |by: Duration, later: bool| if later { now() + by } else { now() - by };
    for (nonce, later) in [("30", true), ("31", false)] {
        let asking = Asking::of(nonce);
        let near = asking.clone().with("timestamp", &off(OFF_MAX - MARGIN, later).as_secs().to_string());
        near.json(chat, &near.signed()).await.is(201);
        let far = asking.with("timestamp", &off(OFF_MAX + MARGIN, later).as_secs().to_string());
        let refused = far.json(chat, &far.signed()).await.is(422).json();
        assert_eq!(refused, json!({ "errors": { "timestamp": ["is more than 2 hours off"] } }));
    }
    for timestamp in ["0", "-1", "99999999999999999999999", "x", "1.5", ""] {
        let odd = Asking::of("32").with("timestamp", timestamp);
        let refused = odd.form(chat, &odd.signed()).await.is(422).json();
        assert_ne!(refused["errors"]["timestamp"], Value::Null, "{timestamp}: {refused}");
    }
    // Without a signature its time is nothing to go by.
    chat.open(&json!({ "timestamp": 1 })).await.is(201);
    proved("SESSION", [18]);
}

async fn and_once(chat: &Chat) {
    let wrong = Asking::of("40").with("user[login]", "alice").with("user[password]", "another password");
    for _ in 0..2 {
        // What came to nothing may be tried again.
        let refused = wrong.json(chat, &wrong.signed()).await.is(401).json();
        assert_eq!(refused, json!({ "errors": ["Invalid password"] }));
    }
    let asking = Asking::of("41");
    let signature = asking.signed();
    let (one, other) = tokio::join!(asking.json(chat, &signature), asking.form(chat, &signature));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 401]);
    let refused = asking.json(chat, &signature).await.is(401).json();
    assert_eq!(refused, json!({ "errors": ["The signature has been used already"] }));
}
