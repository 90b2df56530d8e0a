//! Whether what was allowed has come about, as somebody sees it who did not do it.

use serde_json::{Value, json};
use tests::Person;

use crate::action::Action;
use crate::attempt::{expelled, promoted};
use crate::scene::Scene;

/// Look whether it is as it should be after the action.
pub(crate) async fn came_about(action: Action, scene: &Scene<'_>) -> bool {
    let Scene { cast, who, dialog, own, foreign, .. } = scene;
    match action {
        Action::See => who.dialog(dialog).await.is_some_and(|seen| seen["type"] == scene.kind),
        Action::ReadHistory => shows(who, scene, foreign).await,
        Action::Post => {
            let last = scene.witness().peek(dialog).await.pop().unwrap_or_default();
            last["message"] == scene.mark && last["sender_id"] == who.id()
        }
        Action::MarkAll | Action::MarkOne => match scene.kind {
            2 | 3 => read_by(scene, foreign).await.contains(&json!(who.id())),
            _ => who.unread(dialog).await == 0,
        },
        Action::React => {
            let path = format!("chat/Message/{foreign}/reactions");
            let reactions = scene.witness().get(&path).await.is(200).json();
            reactions["+1"].as_array().is_some_and(|users| users.contains(&json!(who.id())))
        }
        Action::ListReactions => true,
        Action::Rename => {
            let seen = seen(scene.witness(), scene).await;
            ["name", "photo", "description"].iter().all(|field| seen[field] == scene.mark)
        }
        Action::Extend => seen(scene.witness(), scene).await["extensions"]["mood"] == scene.mark,
        Action::Permit => seen(scene.witness(), scene).await["permissions"]["allow_preview"] == true,
        Action::Add => cast.newcomer.dialog(dialog).await.is_some(),
        Action::AddOneself => false,
        Action::Expel => expelled(scene).dialog(dialog).await.is_none(),
        Action::ExpelTheOwner => cast.owner.dialog(dialog).await.is_none(),
        Action::ExpelAnAdmin => cast.admin.dialog(dialog).await.is_none(),
        Action::TakeOneselfOut | Action::Unsubscribe => {
            who.dialog(dialog).await.is_none() && is_without(scene).await
        }
        Action::Pin => seen(scene.witness(), scene).await["pinned_messages_ids"] == json!([scene.plain]),
        Action::ManageAdmins | Action::ManageAdminsByChange => {
            seen(scene.witness(), scene).await["admins_ids"] == json!([promoted(scene).id()])
        }
        Action::HideOwn => hidden(scene, own).await,
        Action::HideForeign => hidden(scene, foreign).await,
        Action::RemoveOwn => removed(scene, own).await,
        Action::RemoveForeign => removed(scene, foreign).await,
        Action::EditOwn | Action::EditForeign => {
            let messages = scene.witness().peek(dialog).await;
            messages.iter().any(|message| message["_id"] == *own && message["message"] == scene.mark)
        }
        Action::DeleteForSelf
        | Action::DeleteForAll
        | Action::ClearForSelf
        | Action::ClearForAll
        | Action::Subscribe
        | Action::ListOccupants
        | Action::SetNotifications
        | Action::ShowNotifications
        | Action::Block
        | Action::Unblock
        | Action::ListBlocked => on_the_whole(action, scene).await,
    }
}

/// What was done to the dialog as a whole.
async fn on_the_whole(action: Action, scene: &Scene<'_>) -> bool {
    let Scene { cast, who, dialog, .. } = scene;
    let (path, witness) = (scene.path(), scene.witness());
    match action {
        Action::DeleteForSelf => {
            let gone = who.dialog(dialog).await.is_none();
            // Whoever deletes a group or a public dialog for himself leaves it.
            gone && is_without(scene).await == matches!(scene.kind, 2 | 4)
        }
        Action::DeleteForAll => {
            let gone = who.dialog(dialog).await.is_none() && witness.dialog(dialog).await.is_none();
            gone && witness.get(&format!("chat/Message?chat_dialog_id={dialog}")).await.status == 404
        }
        Action::ClearForSelf => who.peek(dialog).await.is_empty() && !witness.peek(dialog).await.is_empty(),
        Action::ClearForAll => {
            who.peek(dialog).await.is_empty()
                && witness.peek(dialog).await.is_empty()
                && witness.dialog(dialog).await.is_some()
        }
        Action::Subscribe => {
            let count = if who.id() == cast.outsider.id() { 5 } else { 4 };
            who.dialog(dialog).await.is_some_and(|seen| seen["occupants_count"] == count)
        }
        Action::ListOccupants => ids(who, &format!("{path}/occupants")).await.contains(&who.id()),
        Action::SetNotifications => {
            // The only private dialog of the two has been tried by the other one already.
            enabled(who, &path).await == 0 && (scene.kind == 3 || enabled(witness, &path).await == 1)
        }
        Action::ShowNotifications => enabled(who, &path).await == 1,
        Action::Block => cast.other.dialog(dialog).await.is_none(),
        Action::Unblock => ids(&cast.owner, &format!("{path}/block")).await.is_empty(),
        Action::ListBlocked => ids(who, &format!("{path}/block")).await == [cast.other.id()],
        other => panic!("{other:?} is on a part of the dialog"),
    }
}

async fn seen(person: &Person, scene: &Scene<'_>) -> Value {
    person.dialog(&scene.dialog).await.unwrap_or_default()
}

async fn shows(person: &Person, scene: &Scene<'_>, message: &str) -> bool {
    person.peek(&scene.dialog).await.iter().any(|seen| seen["_id"] == message)
}

async fn hidden(scene: &Scene<'_>, message: &str) -> bool {
    !shows(scene.who, scene, message).await && shows(scene.witness(), scene, message).await
}

async fn removed(scene: &Scene<'_>, message: &str) -> bool {
    !shows(scene.who, scene, message).await && !shows(scene.witness(), scene, message).await
}

/// Who has read a message, as somebody else is told.
async fn read_by(scene: &Scene<'_>, message: &str) -> Vec<Value> {
    let messages = scene.witness().peek(&scene.dialog).await;
    let read_ids = messages.iter().find(|seen| seen["_id"] == message).map(|seen| seen["read_ids"].clone());
    read_ids.and_then(|ids| ids.as_array().cloned()).unwrap_or_default()
}

/// Whether the dialog counts whoever tried no more.
async fn is_without(scene: &Scene<'_>) -> bool {
    let seen = seen(scene.witness(), scene).await;
    match scene.kind {
        4 => seen["occupants_count"] == 3,
        1 => false,
        _ => seen["occupants_ids"].as_array().is_some_and(|ids| !ids.contains(&json!(scene.who.id()))),
    }
}

/// The ids of the users that a call lists.
async fn ids(who: &Person, path: &str) -> Vec<u64> {
    let list = who.get(path).await.is(200).json();
    list["items"].as_array().into_iter().flatten().filter_map(|user| user["id"].as_u64()).collect()
}

async fn enabled(who: &Person, path: &str) -> u64 {
    let answer = who.get(&format!("{path}/notifications")).await.is(200).json();
    answer["notifications"]["enabled"].as_u64().unwrap_or(u64::MAX)
}
