//! What every answer is: its status, its type, and whether it has a body.

use serde_json::{Value, json};
use tests::{Answer, proves, proves_all};

use crate::Stage;
use crate::calls::Ground;

/// The rule on the body of each call's answer, by the end of the call's name.
const RULES: [(&str, &str); 21] = [
    ("GET chat/Dialog", "R-WIRE-105"),
    ("POST chat/Dialog", "R-WIRE-106"),
    ("PUT chat/Dialog/{group}", "R-WIRE-107"),
    ("PUT chat/Dialog/{group}/notifications", "R-WIRE-108"),
    ("POST chat/Dialog/{public}/subscribe", "R-WIRE-109"),
    ("PUT chat/Dialog/{group}/admins", "R-WIRE-110"),
    ("POST chat/Message/system", "R-WIRE-111"),
    ("POST login", "R-WIRE-112"),
    ("PUT users/{alice}", "R-WIRE-113"),
    ("DELETE chat/Dialog/{public},{group}", "R-WIRE-114"),
    ("DELETE session", "R-WIRE-115"),
    ("POST users/password/reset", "R-WIRE-118"),
    ("DELETE chat/Dialog/{group}", "R-WIRE-119"),
    ("DELETE chat/Dialog/{public}/subscribe", "R-WIRE-120"),
    ("DELETE chat/Dialog/clearHistory/{group}", "R-WIRE-121"),
    ("PUT chat/Message/{message}", "R-WIRE-122"),
    ("PUT chat/Message/{message}/reactions", "R-WIRE-123"),
    ("DELETE chat/Message/{message}", "R-WIRE-124"),
    // These have no rule of their own.
    ("PUT chat/Message", "R-WIRE-104"),
    ("POST chat/Message", "R-WIRE-104"),
    ("GET session", "R-WIRE-104"),
];

fn is_json(answer: &Answer) -> bool {
    answer.header("Content-Type").starts_with("application/json")
}

pub(crate) async fn a_success_has_the_body_that_its_clients_read(stage: Stage<'_>) {
    let ground = Ground::of(&stage).await;
    for call in ground.all() {
        let answer = call.by(&ground.alice).await;
        assert!((200..300).contains(&answer.status), "{} {}", call.path, answer.text());
        let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
        if call.answers_json {
            let body = body.as_ref().unwrap_or_else(|| panic!("no JSON: {}", call.path));
            assert!(body.is_object() && is_json(&answer), "{}", call.path);
        }
        if body.is_some() {
            assert!(is_json(&answer), "{}", call.path);
        }
        let name = format!("{} {}", call.method, call.path)
            .replace(&ground.group, "{group}")
            .replace(&ground.public, "{public}")
            .replace(&ground.message, "{message}")
            .replace(&format!("users/{}", ground.alice.id()), "users/{alice}");
        for (_, rule) in RULES.iter().filter(|(of, _)| *of == name) {
            proves(rule);
        }
    }
    proves("R-WIRE-104");
    // These end what every other call needs.
    let [out, gone] = stage.users(["out", "gone"]).await;
    for (person, path, rule) in [(&out, "login", "R-WIRE-116"), (&gone, "users/{id}", "R-WIRE-117")] {
        person.delete(&path.replace("{id}", &person.id().to_string()), false).await.is(200);
        proves(rule);
    }
}

pub(crate) async fn errors_are_json_too(stage: Stage<'_>) {
    let ground = Ground::of(&stage).await;
    let nobody = stage.chat.api().get("chat/Dialog").await.is(401);
    let nowhere = ground.alice.get("chat/Nothing").await.is(404);
    let nothing = ground.alice.post_to("chat/Dialog", &json!({})).await.is(422);
    let body = json!({ "permissions": { "allow_preview": true } });
    let forbidden = ground.bob.put(&format!("chat/Dialog/{}", ground.group), &body).await.is(403);
    for answer in [nobody, nowhere, nothing, forbidden] {
        assert!(is_json(&answer) && answer.json()["errors"] != Value::Null, "{}", answer.text());
    }
    for call in ground.reads() {
        assert!(is_json(&call.by(&ground.alice).await.is(200)), "{}", call.path);
    }
    proves_all(["R-WIRE-126"]);
}
