//! What may be wrong in a call about sessions and users: what each is answered with, and that it
//! changes nothing. Names that nobody can tell apart are one.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, each_topology};

use crate::ask::each_engines_with;

/// What nobody may send as a text: of another type, too long in each field that is bounded, with a NUL.
fn no_texts() -> Vec<Value> {
    vec![
        json!([]),
        json!({}),
        json!(["alice"]),
        json!({ "a": "b" }),
        json!("x".repeat(20_000)),
        json!("a\u{0}b"),
    ]
}

/// Texts that are no names either.
fn no_names() -> Vec<Value> {
    let names = [
        "a\u{7}bc",
        "a\nbc",
        "a\u{1b}[1mbc",
        "a\u{85}bc",
        "\u{200b}\u{200b}\u{200b}",
        "\u{202e}\u{2066}\u{feff}",
    ];
    names.map(Value::from).into()
}

/// What is there, as far as somebody could change it.
struct Ground {
    alice: Person,
    bob: Person,
    application: Person,
}

impl Ground {
    async fn of(chat: &Chat) -> Self {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        Self { alice, bob, application: chat.application().await }
    }

    async fn state(&self) -> Vec<Value> {
        let mut state = vec![];
        for (person, path) in [
            (&self.alice, format!("users/{}", self.alice.id())),
            (&self.alice, format!("users/{}", self.bob.id())),
            (&self.alice, "session".to_owned()),
            (&self.bob, "session".to_owned()),
            (&self.application, "session".to_owned()),
        ] {
            state.push(still(&person.get(&path).await.is(200)));
        }
        state
    }

    /// The number of the next user.
    async fn next(&self, login: &str) -> u64 {
        let user = json!({ "user": { "login": login, "password": Chat::secrets()[0] } });
        let made = self.alice.post_to("users", &user).await.is(201).json();
        made["user"]["id"].as_u64().expect("a user has a number")
    }
}

/// An answer without what moves with every use.
fn still(answer: &Answer) -> Value {
    let mut shown = answer.json();
    for place in [
        "/session/updated_at",
        "/session/user/last_request_at",
        "/session/user/updated_at",
        "/user/last_request_at",
        "/user/updated_at",
    ] {
        if let Some(moving) = shown.pointer_mut(place) {
            *moving = Value::Null;
        }
    }
    shown
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_changes_nothing() {
    each_topology(async |chat: Chat| {
        let ground = Ground::of(&chat).await;
        let (before, first) = (ground.state().await, ground.next("first").await);
        opening_sessions(&chat).await;
        logging_in(&ground).await;
        signing_up(&ground).await;
        changing_users(&ground).await;
        bytes(&ground).await;
        assert_eq!(ground.state().await, before);
        assert_eq!(ground.next("last").await, first + 1, "nobody was made between");
        chat.verify().await;
    })
    .await;
}

fn is_an_error(answer: &Answer, status: u16, asked: &Value) {
    let shown = asked.to_string().chars().take(200).collect::<String>();
    assert_eq!(answer.status, status, "{shown}: {}", answer.text());
    let errors = &answer.json()["errors"];
    assert!(errors.is_array() || errors.is_object(), "{shown}: {}", answer.text());
}

/// Proofs of who one is that are none, with the status of each.
fn no_proofs() -> Vec<(Value, u16)> {
    let password = Chat::secrets()[0];
    let mut proofs = vec![
        (json!({}), 422),
        (json!({ "login": "alice" }), 422),
        (json!({ "password": password }), 422),
        (json!({ "login": "", "email": " ", "password": password }), 422),
        (json!({ "login": "alice", "password": "" }), 422),
        (json!({ "login": "alice", "password": Value::Null }), 422),
        (json!({ "login": "alice", "password": "x".repeat(20_000) }), 401),
        (json!({ "login": "alice", "password": password.to_uppercase() }), 401),
        (json!({ "login": "alice", "password": format!("{password}\u{200b}") }), 401),
        (json!({ "login": "alice", "password": "👍👍👍👍👍👍👍👍" }), 401),
        (json!({ "login": "nobody", "password": "1234567" }), 422),
        (json!({ "login": "nobody", "password": "x".repeat(20_000) }), 422),
        (json!({ "login": "ab", "password": password }), 422),
        (json!({ "email": "alice", "password": password }), 422),
        (json!({ "email": "a@b@example.org", "password": password }), 422),
        (json!({ "provider": "none" }), 422),
    ];
    let named = |name: &str, value: Value| (json!({ name: value, "password": password }), 422);
    for name in ["login", "email"] {
        proofs.extend(no_texts().into_iter().chain(no_names()).map(|value| named(name, value)));
    }
    let no_passwords =
        no_texts().into_iter().filter(|value| value.as_str().is_none_or(|text| text.len() <= 9));
    proofs.extend(no_passwords.map(|value| (json!({ "login": "alice", "password": value }), 422)));
    proofs
}

async fn opening_sessions(chat: &Chat) {
    for (proof, status) in no_proofs() {
        let mut asked = json!({ "user": proof });
        if let Some(provider) = proof.get("provider") {
            asked = json!({ "provider": provider });
        }
        is_an_error(&chat.open(&asked).await, status, &asked);
    }
    for user in [json!("alice"), json!(5), json!([1]), json!(true)] {
        let asked = json!({ "user": user });
        is_an_error(&chat.open(&asked).await, 422, &asked);
    }
    for full_name in no_texts() {
        let asked = json!({ "user": { "guest": 1, "full_name": full_name } });
        is_an_error(&chat.open(&asked).await, 422, &asked);
    }
}

async fn logging_in(ground: &Ground) {
    for (proof, status) in no_proofs() {
        for session in [&ground.application, &ground.bob] {
            is_an_error(&session.post_to("login", &proof).await, status, &proof);
        }
    }
}

/// Fields of a user that are none, whoever sends them.
fn no_fields() -> Vec<Value> {
    let mut fields = vec![];
    for name in ["login", "email", "password"] {
        fields.extend(no_texts().into_iter().map(|value| json!({ name: value })));
    }
    for name in ["login", "email"] {
        fields.extend(no_names().into_iter().map(|value| json!({ name: value })));
    }
    for name in [
        "full_name",
        "phone",
        "website",
        "external_id",
        "external_user_id",
        "facebook_id",
        "twitter_id",
        "custom_data",
        "avatar",
    ] {
        fields.extend(no_texts().into_iter().map(|value| json!({ name: value })));
    }
    for value in
        [json!(0), json!(-1), json!(1.5), json!("x"), json!([1]), json!(u64::MAX), json!("9007199254740992")]
    {
        fields.push(json!({ "blob_id": value }));
    }
    for value in [json!(100_000), json!(1.5), json!("x"), json!([1]), json!(i64::MIN)] {
        fields.push(json!({ "timezone": value }));
    }
    let too_many = json!(["a", "b", "c", "d", "e", "f"]);
    for value in
        [too_many, json!([["a"]]), json!({ "a": 1 }), json!("a\u{7}"), json!("x".repeat(65)), json!([true])]
    {
        fields.push(json!({ "tag_list": value }));
    }
    fields
}

async fn signing_up(ground: &Ground) {
    let password = Chat::secrets()[0];
    for fields in no_fields() {
        let mut user = json!({ "login": "never", "password": password });
        for (name, value) in fields.as_object().expect("fields have names") {
            user[name] = value.clone();
        }
        let asked = json!({ "user": user });
        is_an_error(&ground.alice.post_to("users", &asked).await, 422, &asked);
    }
    // Whoever looks the same is the same.
    for login in ["ALICE", " alice ", "ａｌｉｃｅ", "al\u{200b}ice", "\u{202e}alice", "ali\u{ad}ce"] {
        let asked = json!({ "user": { "login": login, "password": password } });
        let refused = ground.alice.post_to("users", &asked).await;
        is_an_error(&refused, 422, &asked);
        assert_eq!(refused.json()["errors"]["login"], json!(["has already been taken."]), "{login:?}");
    }
    for asked in [json!({}), json!({ "user": {} }), json!({ "user": [] }), json!({ "user": "alice" })] {
        is_an_error(&ground.alice.post_to("users", &asked).await, 422, &asked);
    }
}

async fn changing_users(ground: &Ground) {
    let alice = &ground.alice;
    for path in [format!("users/{}", alice.id()), "users".to_owned()] {
        for fields in no_fields().into_iter().chain([
            json!({ "login": "BOB" }),
            json!({ "login": "bo\u{2060}b" }),
            json!({ "full_name": "good", "phone": ["bad"] }),
            json!({ "full_name": "good", "login": "ab" }),
            json!({ "full_name": "good", "password": "a good password", "old_password": "a bad one" }),
            json!({ "full_name": "good", "password": "a good password", "old_password": ["bad"] }),
        ]) {
            let asked = json!({ "user": fields });
            is_an_error(&alice.put(&path, &asked).await, 422, &asked);
        }
        for asked in
            [json!({}), json!({ "user": "x" }), json!({ "user": [1] }), json!({ "full_name": "flat" })]
        {
            is_an_error(&alice.put(&path, &asked).await, 422, &asked);
        }
        // What there is not, or is not his to say, is passed over.
        let odd = json!({ "user": { "id": 1, "is_guest": true, "created_at": 5, "colour": "red", "user_tags": "x" } });
        alice.put(&path, &odd).await.is(200);
    }
    // That has moved the date of the last change, and nothing else.
    let shown = alice.get(&format!("users/{}", alice.id())).await.is(200).json();
    assert_eq!((&shown["user"]["is_guest"], &shown["user"]["user_tags"]), (&json!(false), &Value::Null));
}

async fn bytes(ground: &Ground) {
    let own = format!("users/{}", ground.alice.id());
    let put = |path: &str| (Method::PUT, path.to_owned());
    let post = |path: &str| (Method::POST, path.to_owned());
    for (method, path) in [
        post("session"),
        post("login"),
        post("users"),
        put(&own),
        put("users"),
        post("users/password/reset"),
        put("users/password"),
    ] {
        let long = format!("{{\"user\":{{\"login\":\"{}\"}}}}", "x".repeat(1 << 20));
        for (kind, body, status) in [
            ("application/json", "{\"user\":".to_owned(), 400),
            ("application/json", "[]".to_owned(), 400),
            ("application/json", "\"alice\"".to_owned(), 400),
            ("application/json", "[".repeat(10_000), 400),
            ("application/x-www-form-urlencoded", "a=%ff".to_owned(), 400),
            ("application/x-www-form-urlencoded", "user[login]=a&user=b".to_owned(), 422),
            ("text/xml", "<user/>".to_owned(), 415),
            ("application/json", long, 413),
        ] {
            let asked = json!(format!("{method} {path} {}", &body[..body.len().min(50)]));
            let request = ground.alice.request(method.clone(), &path).header("Content-Type", kind);
            is_an_error(&Answer::to(request.body(body)).await, status, &asked);
        }
    }
}

#[tokio::test]
async fn names_that_nobody_can_tell_apart_are_one() {
    each_engines_with(&[], async |chat: &Chat| {
        let password = Chat::secrets()[0];
        let alice = chat.user("alice").await;
        let zoe = chat.user("Zo\u{eb}").await;
        let email = json!({ "user": { "email": "Straße@Example.org" } });
        zoe.put("users", &email).await.is(200);
        for (person, name, spellings) in [
            (
                &alice,
                "login",
                vec!["ALICE", "  alice\t", "ａｌｉｃｅ", "al\u{200b}ice", "\u{202e}alice", "\u{feff}Alice"],
            ),
            (&zoe, "login", vec!["zoe\u{308}", "ZO\u{cb}", "zo\u{eb}"]),
            (&zoe, "email", vec!["STRASSE@EXAMPLE.ORG", "straße@example.org", " strasse@example.org"]),
        ] {
            for spelling in spellings {
                let proof = json!({ name: spelling, "password": password });
                let opened = chat.open(&json!({ "user": proof })).await.is(201).json();
                assert_eq!(opened["session"]["user_id"], person.id(), "{spelling:?}");
                let session = chat.application().await;
                let user = session.post_to("login", &proof).await.is(202).json();
                assert_eq!(user["user"]["id"], person.id(), "{spelling:?}");
            }
        }
        // Look-alikes of another script are somebody else.
        let other = chat.whoever(&chat.try_sign_in("аlice", password).await);
        assert_ne!(other.id(), alice.id());
        // Letters of the password are compared as they are typed, however they are composed.
        let user = json!({ "login": "composed", "password": "zo\u{eb} has a secret" });
        alice.post_to("users", &json!({ "user": user })).await.is(201);
        chat.try_sign_in("composed", "zoe\u{308} has a secret").await.is(201);
        chat.try_sign_in("composed", "zoe has a secret").await.is(401);
    })
    .await;
}
