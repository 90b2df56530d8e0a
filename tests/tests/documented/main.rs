//! The requests of the API document's `curl` lines, with host, token and ids of the running chat
//! and otherwise as they are written there: with the bytes, the types and the methods that `curl`
//! makes of them, including forms in a GET and JSON that is announced as a form. Each must give an
//! answer with the documented keys and types. What the calls mean is for other stories.

mod requests;
mod shape;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, Setup, Topology, each_engines};

use crate::requests::{Answers, REQUESTS, Request};

/// What stands in a request for something that the chat has made: `{name}`, and its id.
type Names = Vec<(&'static str, String)>;

/// Somebody about whom there is something to show in every field.
async fn dacia(chat: &Chat) -> Person {
    let [password, key, _] = Chat::secrets();
    let user = json!({
        "login": "dacia", "password": password, "full_name": "Dacia Kail", "email": "dacia@example.org",
        "phone": "+6110797757", "website": "http://example.org", "external_user_id": 52691165,
        "facebook_id": "91234409", "twitter_id": "83510562734", "custom_data": "signs documents",
        "avatar": "https://example.org/a.png", "tag_list": "vip,accountant",
    });
    let request = chat.api().request(Method::POST, "users").header("CB-AuthKey", key);
    Answer::to(request.json(&json!({ "user": user }))).await.is(201);
    chat.sign_in("dacia").await
}

/// All that the requests are about. Dacia sends them.
async fn ground(chat: &Chat, me: &Person) -> Names {
    let [second, third, fourth] = chat.users(["second", "third", "fourth"]).await;
    let others = [&second, &third];
    me.create_group("lorem ipsum dolor", others).await;
    let group = me.create_group("Crossfit", others).await;
    let message = second.post(&group, "Ipsa lorem tempore vitae").await;
    me.post(&group, "mine").await;
    let public = async |owner: &Person, name: &str, occupants: &[u64]| {
        owner.create(&json!({ "type": 4, "name": name, "occupants_ids": occupants })).await
    };
    let left = me.create_group("left", others).await;
    let deleted = me.create_group("deleted", others).await;
    let cleared = me.create_group("cleared", others).await;
    me.post(&cleared, "to be cleared").await;
    let private = me.create_private(&second).await;
    let [read, hidden] = second.post_each(&private, ["to be read", "to be hidden"]).await;
    let reacted = second.post(&group, "to be liked").await;
    vec![
        ("{me}", me.id().to_string()),
        ("{second}", second.id().to_string()),
        ("{third}", third.id().to_string()),
        ("{fourth}", fourth.id().to_string()),
        ("{group}", group),
        ("{message}", message),
        ("{reacted}", reacted),
        ("{left}", left),
        ("{deleted}", deleted),
        ("{cleared}", cleared),
        ("{public}", public(&second, "of somebody else", &[]).await),
        ("{subscribed}", public(&second, "subscribed", &[me.id()]).await),
        ("{moderated}", public(me, "moderated", &[second.id()]).await),
        ("{private}", private),
        ("{read}", read),
        ("{hidden}", hidden),
    ]
}

fn with_names(text: &str, names: &Names) -> String {
    names.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
}

/// Send what `curl` would send.
async fn curl(me: &Person, request: &Request, names: &Names) -> Answer {
    let method = Method::from_bytes(request.method.as_bytes()).expect("a method");
    let mut asked = me.request(method, &with_names(request.path, names)).header("Accept", "*/*");
    // With `-d` and no type of its own, curl announces a form, whatever it is.
    let kind = if request.announces_json { Some("application/json") } else { None };
    let kind = kind.or(request.data.map(|_| "application/x-www-form-urlencoded"));
    if let Some(kind) = kind {
        asked = asked.header("Content-Type", kind);
    }
    Answer::to(match request.data {
        Some(data) => asked.body(with_names(data, names)),
        None => asked,
    })
    .await
}

#[tokio::test]
async fn every_line_gives_the_documented_answer() {
    let setup = |topology: Topology| Setup::of(topology).with("app.extension_keys", "location");
    each_engines(setup, async |chat: Chat| {
        let me = dacia(&chat).await;
        let names = ground(&chat, &me).await;
        let mut wrong = vec![];
        for request in REQUESTS {
            let answer = curl(&me, request, &names).await;
            let named = format!("{} {}", request.method, request.path);
            match &request.answers {
                Answers::Nothing if answer.status == 200 => {}
                Answers::Json(status, shape) if answer.status == *status => {
                    let shape: Value = serde_json::from_str(&with_names(shape, &names)).unwrap();
                    wrong.extend(shape::misfits(&named, &answer.json(), &shape));
                }
                Answers::Nothing | Answers::Json(..) => {
                    wrong.push(format!("{named}: {} {}", answer.status, answer.text()));
                }
            }
        }
        assert!(wrong.is_empty(), "\n  {}", wrong.join("\n  "));
        chat.verify().await;
    })
    .await;
}
