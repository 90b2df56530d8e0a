//! Whose a session is from now on, how it ends, and what proves none.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, each_topology};

use crate::ask::{LOOK_EVERY, USER_KEYS, each_engines_with, gone, keys, proved};

/// How long a session lives in the story about that.
const LIFETIME: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_session_changes_hands() {
    each_topology(async |chat: Chat| {
        a_login(&chat).await;
        a_login_that_fails(&chat).await;
        a_logout(&chat).await;
        chat.verify().await;
    })
    .await;
}

fn proof(name: &str, value: &str) -> Value {
    json!({ name: value, "password": Chat::secrets()[0] })
}

async fn owner(session: &Person) -> Value {
    session.get("session").await.is(200).json()["session"].clone()
}

async fn a_login(chat: &Chat) {
    let [alice, bob] = chat.users(["in-alice", "in-bob"]).await;
    bob.put("users", &json!({ "user": { "email": "in-bob@example.org" } })).await.is(200);
    let session = chat.application().await;
    let opened = owner(&session).await;

    let answer = session.post_to("login", &proof("login", "in-alice")).await.is(202).json();
    assert_eq!(keys(&answer), ["user"]);
    assert_eq!(keys(&answer["user"]), USER_KEYS);
    assert_eq!(answer["user"]["id"], alice.id());
    proved("SESSION", [46, 48]);
    let now = owner(&session).await;
    assert_eq!(
        [&now["token"], &now["id"], &now["created_at"]],
        [&opened["token"], &opened["id"], &opened["created_at"]]
    );
    assert_eq!((&now["user_id"], &now["user"]["id"]), (&json!(alice.id()), &json!(alice.id())));
    proved("SESSION", [49]);
    let dialog = session.create_group("hers", [&bob]).await;
    assert!(alice.dialog(&dialog).await.is_some());

    let form = format!("email=in-bob%40example.org&password={}", Chat::secrets()[0].replace(' ', "+"));
    let request = session.request(Method::POST, "login.json");
    let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form);
    assert_eq!(Answer::to(request).await.is(202).json()["user"]["id"], bob.id());
    proved("SESSION", [47]);
    assert_eq!(owner(&session).await["user_id"], bob.id());
    let left = json!({ "pull_all": { "occupants_ids": [bob.id()] } });
    session.put(&format!("chat/Dialog/{dialog}"), &left).await.is(200);
    assert!(bob.dialog(&dialog).await.is_none(), "it was him who left");
    proved("SESSION", [50]);
}

async fn a_login_that_fails(chat: &Chat) {
    let [alice, bob] = chat.users(["not-alice", "not-bob"]).await;
    let application = chat.application().await;
    for session in [&alice, &application] {
        let before = owner(session).await["user_id"].clone();
        let wrong = json!({ "login": bob.login(), "password": "another password" });
        let refused = session.post_to("login", &wrong).await.is(401).json();
        assert_eq!(refused, json!({ "errors": ["Invalid password"] }));
        assert_eq!(owner(session).await["user_id"], before);
    }
    proved("SESSION", [51]);
    let nobody = chat.api().request(Method::POST, "login").json(&proof("login", bob.login()));
    assert_eq!(Answer::to(nobody).await.is(401).json(), json!({ "errors": ["Token is required"] }));
    proved("SESSION", [54]);
}

async fn a_logout(chat: &Chat) {
    let alice = chat.user("out-alice").await;
    let other = chat.sign_in("out-alice").await;
    for _ in 0..2 {
        alice.delete("login", false).await.is(200);
        let now = owner(&alice).await;
        assert_eq!((&now["user_id"], &now["user"]), (&Value::Null, &Value::Null));
    }
    proved("SESSION", [55]);
    let need_user = json!({ "errors": { "base": ["Forbidden. Need user."] } });
    for path in ["chat/Dialog", "chat/Message/unread", "chat/search?search_text=something"] {
        assert_eq!(alice.get(path).await.is(403).json(), need_user);
        assert_eq!(chat.application().await.get(path).await.is(403).json(), need_user);
    }
    proved("SESSION", [56, 64]);
    let changed = json!({ "user": { "full_name": "Somebody" } });
    for path in [format!("users/{}", other.id()), "users".to_owned()] {
        assert_eq!(alice.put(&path, &changed).await.is(403).json(), need_user);
        assert_eq!(alice.delete(&path, false).await.is(403).json(), need_user);
    }
    assert_eq!(owner(&other).await["user"]["full_name"], "out-alice");
    proved("SESSION", [65]);
    alice.post_to("login", &proof("login", "out-alice")).await.is(202);
    alice.get("chat/Dialog").await.is(200);
}

#[tokio::test]
async fn sessions_are_ended() {
    each_topology(async |chat: Chat| {
        by_their_tokens_and_numbers(&chat).await;
        all_but_one(&chat).await;
        of_the_application(&chat).await;
        what_proves_nothing(&chat).await;
        chat.verify().await;
    })
    .await;
}

async fn is_gone(session: &Person) {
    for path in ["session", "chat/Dialog", "users/1"] {
        assert_eq!(session.get(path).await.is(401).json(), gone(), "{path}");
    }
}

async fn number(session: &Person) -> u64 {
    owner(session).await["id"].as_u64().expect("a session has a number")
}

async fn by_their_tokens_and_numbers(chat: &Chat) {
    let [alice, bob] = chat.users(["end-alice", "end-bob"]).await;
    let [second, third] = [chat.sign_in("end-alice").await, chat.sign_in("end-alice").await];
    alice.delete("session", false).await.is(200);
    is_gone(&alice).await;
    proved("SESSION", [39]);
    second.get("session").await.is(200);
    proved("SESSION", [40]);

    let number_of_third = number(&third).await;
    second.delete(&format!("session/{number_of_third}"), false).await.is(200);
    is_gone(&third).await;
    second.get("session").await.is(200);
    proved("SESSION", [42]);
    let of_bob = number(&bob).await;
    for named in [of_bob.to_string(), number_of_third.to_string()] {
        second.delete(&format!("session/{named}"), false).await.is(404);
    }
    for named in ["0", "-1", "9007199254740992", "x", "1,2"] {
        second.delete(&format!("session/{named}"), false).await.is(404);
    }
    bob.get("session").await.is(200);
    proved("SESSION", [43]);
    second.delete(&format!("session/{}.json", number(&second).await), false).await.is(200);
    is_gone(&second).await;
}

async fn all_but_one(chat: &Chat) {
    let [alice, bob] = chat.users(["all-alice", "all-bob"]).await;
    let others = [chat.sign_in("all-alice").await, chat.sign_in("all-alice").await];
    alice.delete("session/list", false).await.is(200);
    for other in &others {
        is_gone(other).await;
    }
    alice.get("chat/Dialog").await.is(200);
    proved("SESSION", [44]);
    bob.get("chat/Dialog").await.is(200);
    proved("SESSION", [45]);
    alice.delete("session/list.json", false).await.is(200);
    alice.get("chat/Dialog").await.is(200);
}

/// Clients of the application know nothing of each other.
async fn of_the_application(chat: &Chat) {
    let [one, other] = [chat.application().await, chat.application().await];
    one.delete("session/list", false).await.is(200);
    one.delete(&format!("session/{}", number(&other).await), false).await.is(404);
    other.get("session").await.is(200);
    one.delete(&format!("session/{}", number(&one).await), false).await.is(200);
    is_gone(&one).await;
    other.get("session").await.is(200);
}

async fn what_proves_nothing(chat: &Chat) {
    let alice = chat.user("token-alice").await;
    let elsewhere = Chat::start(chat.setup().clone().with("app.id", 8)).await;
    let body = json!({ "application_id": 8, "user": proof("login", "stranger") });
    let stranger = elsewhere.whoever(&elsewhere.open(&body).await);
    let token = alice.token();
    let (shorter, longer) = (token[..39].to_owned(), format!("{token}0"));
    let shouted = token.to_uppercase();
    for wrong in ["0".repeat(40).as_str(), "x", "null", "undefined", &shorter, &longer, &shouted] {
        let request = chat.api().request(Method::GET, "chat/Dialog").header("CB-Token", wrong);
        assert_eq!(Answer::to(request).await.is(401).json(), gone(), "{wrong}");
        let request = chat.api().request(Method::GET, "session").header("CB-Token", wrong);
        assert_eq!(Answer::to(request).await.is(401).json(), gone(), "{wrong}");
    }
    proved("SESSION", [38, 62]);
    for (path, method) in
        [("chat/Dialog", Method::GET), ("session", Method::DELETE), ("login", Method::DELETE)]
    {
        let refused = Answer::to(chat.api().request(method, path)).await.is(401).json();
        assert_eq!(refused, json!({ "errors": ["Token is required"] }));
    }
    proved("SESSION", [63]);
    stranger.get("chat/Dialog").await.is(200);
    for (here, there) in [(&stranger, chat), (&alice, &elsewhere)] {
        let foreign = here.at(there.api());
        is_gone(&foreign).await;
        foreign.delete("session", false).await.is(401);
    }
    proved("SESSION", [66]);
    stranger.get("session").await.is(200);
    alice.get("session").await.is(200);
}

/// A session is used for longer than it lives unused; another one is not. None, if the machine was
/// too slow for that.
async fn used_and_unused(chat: &Chat) -> Option<()> {
    let [used, unused] = [chat.sign_in("alice").await, chat.sign_in("alice").await];
    let began = Instant::now();
    let mut last = began;
    while began.elapsed() < LIFETIME * 3 / 2 {
        tokio::time::sleep(LOOK_EVERY).await;
        let asked = Instant::now();
        let answer = used.get("chat/Dialog").await;
        if last.elapsed() >= LIFETIME {
            return None;
        }
        answer.is(200);
        last = asked;
    }
    proved("SESSION", [60]);
    is_gone(&unused).await;
    unused.delete("session", false).await.is(401);
    let refused = unused.post_to("login", &proof("login", "alice")).await.is(401).json();
    assert_eq!(refused, gone());
    // That it lives two hours unless this is set, the dates say that answers show.
    proved("SESSION", [59, 61]);
    Some(())
}

#[tokio::test]
async fn an_unused_session_ends_and_a_used_one_goes_on() {
    let lifetime = format!("{}s", LIFETIME.as_secs());
    each_engines_with(&[("identity.session_lifetime", &lifetime)], async |chat: &Chat| {
        chat.user("alice").await;
        while used_and_unused(chat).await.is_none() {}
    })
    .await;
}
