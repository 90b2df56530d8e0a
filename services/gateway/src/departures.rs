//! Deleted users leave their dialogs: one command a dialog, on their behalf.
//!
//! Identity notes each deletion and keeps it until no dialog holds the user any more, so that this goes on
//! wherever it was when a process ended. Several gateways may do the same at once: whoever has left a
//! dialog leaves it once. Private dialogs stay, as they are the other one's too, and broadcasts name
//! nobody. It deliberately is in no hurry: people's own commands come first.

use std::sync::Arc;
use std::time::Duration;

use bus::Position;
use domain::command::{Command, Request};
use domain::event::Kind;
use domain::{CommandId, Time, UserId};
use futures::future::{BoxFuture, join_all};
use identity::Departure;
use readmodel::queries::{By, DialogCondition, DialogView, Listing, Order, Test};
use runtime::Stop;

use crate::{ApiError, Edge};

/// How often departures are looked for; a deletion here is known at once.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Departures looked at in one round.
const DEPARTURES_MAX: u32 = 100;
/// Dialogs on one page.
const DIALOGS_MAX: usize = 100;
/// Commands asked at once.
const COMMANDS_MAX: usize = 4;
/// How long after a deletion somebody may still bring the user into a dialog, because he was asked for when
/// the user was there: longer than any request takes.
const SETTLED_AFTER: Duration = Duration::from_secs(120);

/// Tells how far the log goes at the moment, in every partition.
pub type Tails = Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<Vec<Position>>> + Send + Sync>;

/// Has deleted users leave their dialogs, until `stop`.
///
/// # Errors
///
/// None: what fails is tried again.
pub async fn run(edge: Edge, tails: Tails, stop: Stop) -> anyhow::Result<()> {
    while !stop.is_stopping() {
        tokio::select! {
            done = round(&edge, &tails) => {
                if let Err(error) = done {
                    tracing::warn!(?error, "deleted users could not leave their dialogs and will try again");
                }
            }
            () = stop.stopped() => {}
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = edge.identity.departing() => {}
            () = stop.stopped() => {}
        }
    }
    Ok(())
}

/// Those who have been deleted longest leave what dialogs they are in.
async fn round(edge: &Edge, tails: &Tails) -> Result<(), ApiError> {
    if !edge.gate.is_open() {
        return Ok(());
    }
    let departures = edge.identity.departures(DEPARTURES_MAX).await?;
    if departures.is_empty() {
        return Ok(());
    }
    // Asked for before the dialogs are: what brought somebody in before it was settled is among them then.
    let now = edge.clock.now();
    let whole = is_whole(edge, tails).await?;
    for Departure { user, deleted_at } in departures {
        let has_left = leave_all(edge, user).await?;
        if has_left && whole && settled(deleted_at) <= now {
            edge.identity.departed(user).await?;
        }
    }
    Ok(())
}

fn settled(deleted_at: Time) -> Time {
    let wait = u64::try_from(SETTLED_AFTER.as_millis()).unwrap_or(u64::MAX);
    Time(deleted_at.0.saturating_add(wait))
}

/// Whether the read models show everything that the log holds now.
async fn is_whole(edge: &Edge, tails: &Tails) -> Result<bool, ApiError> {
    let tails = tails().await.map_err(ApiError::internal)?;
    let reached = join_all(tails.into_iter().map(|position| edge.reach(position))).await;
    Ok(reached.into_iter().all(|visible| visible))
}

/// Asks for all dialogs to be left that the read models show; whether none is left.
async fn leave_all(edge: &Edge, user: UserId) -> Result<bool, ApiError> {
    // Those that are not left, or not visibly, are passed over until the next round.
    let mut passed_over = 0;
    loop {
        let listing = listing(passed_over);
        let page = edge.queries.dialogs(user, listing).await?.items;
        if page.is_empty() {
            return Ok(passed_over == 0);
        }
        for some in page.chunks(COMMANDS_MAX) {
            let requests = some.iter().map(|dialog| request(user, dialog)).collect();
            for outcome in edge.ask_each(requests).await {
                match outcome {
                    Ok(done) if done.visible => {}
                    // He has left in another process, and the rows will show it.
                    Ok(_) | Err(ApiError::NoSuchResource) => passed_over += 1,
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

fn listing(skip: u64) -> Listing {
    let kinds = [Kind::Group, Kind::Public].map(|kind| i64::from(kind.number())).to_vec();
    Listing {
        conditions: vec![DialogCondition::Kind(Test::In(kinds))],
        by: By::CreatedAt,
        order: Order::OldestFirst,
        skip,
        limit: DIALOGS_MAX,
    }
}

/// What he would ask for himself. Asked again it is the same command, until the dialog has changed: he may
/// have been brought in again.
fn request(user: UserId, dialog: &DialogView) -> Request {
    let id = CommandId::named(user, dialog.id, "departure", &dialog.updated_at.0.to_string());
    Request { id, dialog: dialog.id, actor: user, command: Command::DeleteForSelf }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::chat::{Chat, Person, Weather};

    fn tails() -> Tails {
        Arc::new(|| Box::pin(async { Ok(vec![]) }))
    }

    async fn delete(chat: &Chat, person: &Person) -> UserId {
        let user = UserId::new(person.id).unwrap();
        chat.edge.identity.delete_user(user, chat.edge.clock.now()).await.unwrap();
        user
    }

    async fn departures(chat: &Chat) -> Vec<UserId> {
        let departures = chat.edge.identity.departures(10).await.unwrap();
        departures.into_iter().map(|departure| departure.user).collect()
    }

    async fn occupants(person: &Person, dialog: &str) -> serde_json::Value {
        let found = person.get(&format!("/chat/Dialog?_id={dialog}")).await.json();
        found["items"][0]["occupants_ids"].clone()
    }

    #[tokio::test]
    async fn a_deleted_user_leaves_groups_and_public_dialogs_and_no_private_one() {
        let chat = Chat::new();
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        // More than a page, owned by either.
        let mut groups = vec![];
        for number in 0..DIALOGS_MAX + 5 {
            let (owner, other) = if number % 2 == 0 { (&alice, &bob) } else { (&bob, &alice) };
            groups.push(owner.group(&[other]).await);
        }
        let public = alice.post("/chat/Dialog", json!({"type": 4, "name": "square"})).await.field("_id");
        bob.post(&format!("/chat/Dialog/{public}/subscribe"), json!({})).await;
        let private =
            alice.post("/chat/Dialog", json!({"type": 3, "occupants_ids": [bob.id]})).await.field("_id");
        let user = delete(&chat, &alice).await;
        round(&chat.edge, &tails()).await.unwrap();
        for group in &groups {
            assert_eq!(occupants(&bob, group).await, json!([bob.id]), "{group}");
        }
        let square = bob.get(&format!("/chat/Dialog?_id={public}")).await.json();
        assert_eq!(square["items"][0]["occupants_count"], 1);
        assert_eq!(occupants(&bob, &private).await, json!([alice.id, bob.id]), "his history stays");
        assert_eq!(departures(&chat).await, [user], "somebody may still bring him in");
        chat.hands.advance(SETTLED_AFTER);
        round(&chat.edge, &tails()).await.unwrap();
        assert_eq!(departures(&chat).await, []);
    }

    #[tokio::test]
    async fn whoever_is_brought_in_meanwhile_leaves_again() {
        let chat = Chat::new();
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let group = bob.group(&[&alice]).await;
        let user = delete(&chat, &alice).await;
        round(&chat.edge, &tails()).await.unwrap();
        // As if this had been asked for before he was deleted.
        chat.hands.advance(Duration::from_secs(1));
        let change = domain::command::Change { add: vec![user], ..domain::command::Change::default() };
        let dialog = group.parse().unwrap();
        let late = Request {
            id: CommandId([7; 16]),
            dialog,
            actor: UserId::new(bob.id).unwrap(),
            command: Command::Change(change),
        };
        chat.edge.ask(late).await.unwrap();
        assert_eq!(occupants(&bob, &group).await, json!([alice.id, bob.id]));
        round(&chat.edge, &tails()).await.unwrap();
        assert_eq!(occupants(&bob, &group).await, json!([bob.id]));
    }

    #[tokio::test]
    async fn nothing_is_over_while_something_is_in_the_way() {
        let chat = Chat::new();
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let group = bob.group(&[&alice]).await;
        let user = delete(&chat, &alice).await;
        chat.hands.advance(SETTLED_AFTER);
        chat.weather(Weather::Stuck(bus::Unanswered::Unavailable));
        assert!(round(&chat.edge, &tails()).await.is_err());
        chat.weather(Weather::Fine);
        let unknown: Tails = Arc::new(|| Box::pin(async { anyhow::bail!("no log") }));
        assert!(round(&chat.edge, &unknown).await.is_err());
        assert_eq!(departures(&chat).await, [user]);
        assert_eq!(occupants(&bob, &group).await, json!([alice.id, bob.id]));
        round(&chat.edge, &tails()).await.unwrap();
        assert_eq!(departures(&chat).await, []);
        assert_eq!(occupants(&bob, &group).await, json!([bob.id]));
    }

    #[tokio::test]
    async fn several_may_do_it_at_once() {
        let chat = Chat::new();
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let mut groups = vec![];
        for _ in 0..20 {
            groups.push(bob.group(&[&alice]).await);
        }
        let user = delete(&chat, &alice).await;
        chat.hands.advance(SETTLED_AFTER);
        let tails = tails();
        let rounds = join_all((0..3).map(|_| round(&chat.edge, &tails))).await;
        assert!(rounds.iter().all(Result::is_ok), "{rounds:?}");
        for group in &groups {
            assert_eq!(occupants(&bob, group).await, json!([bob.id]));
        }
        round(&chat.edge, &tails).await.unwrap();
        assert_eq!(departures(&chat).await, [], "{user}");
    }
}
