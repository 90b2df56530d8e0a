//! Who may do what in which dialog, asked of the running program: every role, every type of
//! dialog, everything that can be done, by every call that does it. Keeps invariant 8.
//!
//! Each cell of the table is one attempt. What is allowed must have come about; what is refused
//! must have the words of the API, and must have changed nothing. A cell proves its rule when it
//! has been checked, and only then.

mod action;
mod attempt;
mod effect;
mod scene;
mod table;

use futures::StreamExt as _;
use futures::stream;
use serde_json::json;
use tests::{Chat, Setup, Topology, each_engines, proves};

use crate::action::Action;
use crate::attempt::{Outcome, attempt};
use crate::scene::{Cast, Scene};
use crate::table::{Cell, Line, TABLE};

/// How many lines of the table are walked at the same time.
const LINES_AT_ONCE: usize = 8;

/// Walk one line of the table, and tell what is not as it says. Each cell is tried in a dialog of
/// its own, unless those before it have left everything as it was.
async fn walk(chat: &Chat, number: usize, line: &Line) -> Vec<String> {
    let (action, cast) = (line.action, Cast::of(chat, number).await);
    let (mut wrong, mut left) = (vec![], None::<Scene<'_>>);
    for cell in line.cells() {
        let scene = match left.take() {
            Some(left) if left.kind == cell.kind => left.for_the_next(action, cell.role),
            _ => Scene::set(&cast, action, cell.kind, cell.role).await,
        };
        let (is_so, outcome) = check(action, &cell, &scene).await;
        match (is_so, &cell.rule) {
            (true, Some(rule)) => proves(rule),
            (true, None) => {}
            (false, _) => {
                let Cell { kind, role, expected, .. } = cell;
                wrong.push(format!("{action:?} by {role} in type {kind}: {outcome:?} and not {expected}"));
            }
        }
        let is_as_it_was = action.is_repeatable() || !cell.is_allowed();
        left = (is_so && is_as_it_was && !action.is_on_a_message()).then_some(scene);
    }
    wrong
}

/// Try what a cell says, and see that it comes to that, with all its consequences or none.
async fn check(action: Action, cell: &Cell, scene: &Scene<'_>) -> (bool, Outcome) {
    let before = if cell.is_allowed() { vec![] } else { scene.seen().await };
    let outcome = attempt(action, scene).await;
    let is_so = match (outcome, cell.expected) {
        // Taken, but of no effect: a private dialog has no name of its own.
        (Outcome::Done, '=') => scene.seen().await == before,
        (_, expected) if outcome.letter(cell.role) != expected => false,
        (Outcome::Done, _) => effect::came_about(action, scene).await,
        _ => scene.seen().await == before,
    };
    (is_so, outcome)
}

#[tokio::test]
async fn the_whole_table() {
    each_engines(
        |topology: Topology| Setup::of(topology).with("app.extension_keys", "mood"),
        async |chat: Chat| {
            let lines = stream::iter((0..).zip(TABLE)).map(|(number, line)| walk(&chat, number, line));
            let wrong: Vec<String> = lines.buffered(LINES_AT_ONCE).concat().await;
            assert!(wrong.is_empty(), "\n  {}", wrong.join("\n  "));
            chat.verify().await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_private_dialog_has_no_admins() {
    each_engines(Setup::of, async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let body = json!({ "type": 3, "occupants_ids": [bob.id()], "admins_ids": [bob.id()] });
        let dialog = alice.create(&body).await;
        assert_eq!(alice.dialog(&dialog).await.unwrap()["admins_ids"], json!([]));
        let body = json!({ "push_all": { "admins_ids": [bob.id()] } });
        for path in [format!("chat/Dialog/{dialog}"), format!("chat/Dialog/{dialog}/admins")] {
            alice.put(&path, &body).await.is(403);
        }
        assert_eq!(bob.dialog(&dialog).await.unwrap()["admins_ids"], json!([]));
        proves("R-ROLE-277");
    })
    .await;
}

#[tokio::test]
async fn who_is_no_admin_any_more_has_no_more_rights() {
    each_engines(Setup::of, async |chat: Chat| {
        let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
        let dialog = alice.create_group("lobby", [&bob, &carol]).await;
        let message = alice.post(&dialog, "hello").await;
        let path = format!("chat/Dialog/{dialog}");
        let pin = json!({ "push_all": { "pinned_messages_ids": [message] } });
        let unpin = json!({ "pull_all": { "pinned_messages_ids": [message] } });
        let expel = json!({ "pull_all": { "occupants_ids": [carol.id()] } });

        alice
            .put(&format!("{path}/admins"), &json!({ "push_all": { "admins_ids": [bob.id()] } }))
            .await
            .is(200);
        bob.put(&path, &pin).await.is(200);
        bob.put(&path, &unpin).await.is(200);
        alice
            .put(&format!("{path}/admins"), &json!({ "pull_all": { "admins_ids": [bob.id()] } }))
            .await
            .is(200);
        bob.put(&path, &pin).await.is(403);
        bob.put(&path, &expel).await.is(403);
        let seen = carol.dialog(&dialog).await.unwrap();
        assert_eq!((&seen["pinned_messages_ids"], &seen["admins_ids"]), (&json!([]), &json!([])));
        proves("R-ROLE-279");
    })
    .await;
}
