//! The document of the API is true: every route is in it, everything in it is there, and its
//! examples do what it says.
//!
//! Each example is sent as it stands, but for what only a running server knows: the ids, logins and
//! credentials of a small world that is made for it. `infra/schemathesis` sends what nobody would.

mod document;
mod routes;
mod world;

use document::{Document, Operation};
use reqwest::header::CONTENT_TYPE;
use tests::{Answer, Chat, Setup, each_engines};
use world::World;

/// What it needs stands in a mail: here it is refused.
const NEEDS_A_MAIL: &str = "finish_reset";
/// No client has such an id.
const NOTHING: &str = "0";

#[tokio::test]
async fn every_example_is_answered_as_documented() {
    each_engines(world::setup, async |chat: Chat| {
        let document = Document::of(&chat).await;
        for operation in document.operations() {
            for body in operation.bodies() {
                let world = World::new(&chat).await;
                let answer = world.try_out(&operation, body.as_ref()).await;
                check(&document, &operation, &answer);
            }
        }
    })
    .await;
}

/// It went well, as the document has it.
fn check(document: &Document, operation: &Operation<'_>, answer: &Answer) {
    let name = operation.name();
    let told = format!("{name}: {} {}", answer.status, answer.text());
    assert!((200..300).contains(&answer.status) || name == NEEDS_A_MAIL, "{told}");
    let response = operation.response(answer.status).unwrap_or_else(|| panic!("not documented: {told}"));
    let Some(content) = response["content"].as_object() else {
        assert!(answer.body.is_empty(), "a body that is not documented: {told}");
        return;
    };
    let kind = answer.header(CONTENT_TYPE.as_str()).split(';').next().unwrap_or_default();
    let content = content.get(kind).unwrap_or_else(|| panic!("{kind} is not documented: {told}"));
    if kind == "application/json" {
        document.check(&content["schema"], &answer.json(), &told);
    }
}

#[tokio::test]
async fn everything_documented_is_there() {
    let chat = Chat::start(Setup::embedded(1)).await;
    let document = Document::of(&chat).await;
    for operation in document.operations() {
        let path = operation.path().split('/').map(|part| if part.starts_with('{') { NOTHING } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        let answer = Answer::to(chat.api().request(operation.method(), path.trim_start_matches('/'))).await;
        assert_ne!(answer.text(), r#"{"errors":["Not found"]}"#, "{}", operation.name());
        assert!(operation.response(answer.status).is_some(), "{}: {}", operation.name(), answer.status);
    }
}

#[test]
fn every_route_is_made_of_what_is_documented() {
    assert_eq!(routes::bare(), [("edge/gate.rs".to_owned(), "/{*path}".to_owned())]);
}
