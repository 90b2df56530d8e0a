//! The attempts: what is asked, and what the answer says.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Person};

use crate::action::Action;
use crate::scene::Scene;

/// What became of an attempt, by status and by the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    NotPermitted,
    OccupantsFixed,
    Absent,
    Invalid,
    /// An answer that the API does not have, or two that do not go together.
    Strange(u16),
}

impl Outcome {
    fn of(answer: &Answer) -> Self {
        let says = |errors: Value| answer.json() == json!({ "errors": errors });
        match answer.status {
            200 | 201 => Self::Done,
            403 if says(json!({ "base": [NOT_PERMITTED] })) => Self::NotPermitted,
            403 if says(json!([OCCUPANTS_FIXED])) => Self::OccupantsFixed,
            404 if says(json!(["The resource wasn't found"])) => Self::Absent,
            422 if answer.json()["errors"].is_object() => Self::Invalid,
            status => Self::Strange(status),
        }
    }

    /// As the table writes it.
    pub(crate) fn letter(self, role: char) -> char {
        match self {
            Self::Done => role,
            Self::NotPermitted => '-',
            Self::OccupantsFixed => '~',
            Self::Absent => '.',
            Self::Invalid => '!',
            Self::Strange(_) => '?',
        }
    }

    /// The outcome of two calls that are to go alike.
    fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Strange(0) }
    }
}

const NOT_PERMITTED: &str = "You don't have appropriate permissions to perform this operation";
const OCCUPANTS_FIXED: &str = "Updating occupants_ids is possible only for 'group' and 'public' chat dialogs";

/// Try it.
pub(crate) async fn attempt(action: Action, scene: &Scene<'_>) -> Outcome {
    let Scene { cast, who, dialog, own, foreign, .. } = scene;
    let path = scene.path();
    match action {
        Action::See => who.dialog(dialog).await.map_or(Outcome::Absent, |_| Outcome::Done),
        Action::ReadHistory => {
            got(who, &format!("chat/Message?chat_dialog_id={dialog}&mark_as_read=0")).await
        }
        Action::Post => Outcome::of(&who.post_message(dialog, &json!({ "message": scene.mark })).await),
        Action::MarkAll => put(who, "chat/Message", json!({ "chat_dialog_id": dialog, "read": 1 })).await,
        Action::MarkOne => {
            let body = json!({ "chat_dialog_id": dialog, "read": 1 });
            put(who, &format!("chat/Message/{foreign}"), body).await
        }
        Action::React => put(who, &reactions(foreign), json!({ "add": "+1" })).await,
        Action::ListReactions => got(who, &reactions(foreign)).await,
        Action::Rename => {
            let mark = &scene.mark;
            put(who, &path, json!({ "name": mark, "photo": mark, "description": mark })).await
        }
        Action::Extend => put(who, &path, json!({ "extensions": { "mood": scene.mark } })).await,
        Action::Permit => put(who, &path, json!({ "permissions": { "allow_preview": true } })).await,
        Action::Add => push(who, &path, "occupants_ids", json!([cast.newcomer.id()])).await,
        Action::AddOneself => push(who, &path, "occupants_ids", json!([who.id()])).await,
        Action::Expel => pull(who, &path, "occupants_ids", json!([expelled(scene).id()])).await,
        Action::ExpelTheOwner => pull(who, &path, "occupants_ids", json!([cast.owner.id()])).await,
        Action::ExpelAnAdmin => pull(who, &path, "occupants_ids", json!([cast.admin.id()])).await,
        Action::TakeOneselfOut => pull(who, &path, "occupants_ids", json!([who.id()])).await,
        Action::Pin => {
            let pinned = push(who, &path, "pinned_messages_ids", json!([scene.plain])).await;
            pinned.and(pull(who, &path, "pinned_messages_ids", json!([foreign])).await)
        }
        Action::ManageAdmins => manage_admins(scene, &format!("{path}/admins")).await,
        Action::ManageAdminsByChange => manage_admins(scene, &path).await,
        Action::HideOwn => delete_message(who, own, false).await,
        Action::HideForeign => delete_message(who, foreign, false).await,
        Action::RemoveOwn => delete_message(who, own, true).await,
        Action::RemoveForeign => delete_message(who, foreign, true).await,
        Action::EditOwn => put(who, &format!("chat/Message/{own}"), json!({ "message": scene.mark })).await,
        Action::EditForeign => {
            put(who, &format!("chat/Message/{foreign}"), json!({ "message": scene.mark })).await
        }
        Action::DeleteForSelf
        | Action::DeleteForAll
        | Action::ClearForSelf
        | Action::ClearForAll
        | Action::Subscribe
        | Action::Unsubscribe
        | Action::ListOccupants
        | Action::SetNotifications
        | Action::ShowNotifications
        | Action::Block
        | Action::Unblock
        | Action::ListBlocked => on_the_whole(action, scene).await,
    }
}

/// What is tried on the dialog as a whole.
async fn on_the_whole(action: Action, scene: &Scene<'_>) -> Outcome {
    let Scene { cast, who, dialog, .. } = scene;
    let path = scene.path();
    let history = format!("chat/Dialog/clearHistory/{dialog}");
    let (subscribe, block) = (format!("{path}/subscribe"), format!("{path}/block"));
    let blocked = json!({ "user_id": cast.other.id() });
    match action {
        Action::DeleteForSelf => Outcome::of(&who.delete(&path, false).await),
        Action::DeleteForAll => Outcome::of(&who.delete(&path, true).await),
        Action::ClearForSelf => Outcome::of(&who.delete(&history, false).await),
        Action::ClearForAll => Outcome::of(&who.delete(&history, true).await),
        Action::Subscribe => Outcome::of(&who.post_to(&subscribe, &json!({})).await),
        Action::Unsubscribe => Outcome::of(&who.delete(&subscribe, false).await),
        Action::ListOccupants => got(who, &format!("{path}/occupants")).await,
        Action::SetNotifications => put(who, &format!("{path}/notifications"), json!({ "enabled": 0 })).await,
        Action::ShowNotifications => got(who, &format!("{path}/notifications")).await,
        Action::Block => Outcome::of(&who.post_to(&block, &blocked).await),
        Action::Unblock => Outcome::of(&who.send(Method::DELETE, &block, &blocked).await),
        Action::ListBlocked => got(who, &block).await,
        other => panic!("{other:?} is on a part of the dialog"),
    }
}

/// Who is taken out: in a private dialog there is only the other one.
pub(crate) fn expelled<'a>(scene: &Scene<'a>) -> &'a Person {
    let cast = scene.cast;
    match (scene.kind, scene.who.id() == cast.member.id()) {
        (3, true) => &cast.owner,
        (3, false) => &cast.member,
        _ => &cast.other,
    }
}

/// Who is made an admin.
pub(crate) fn promoted<'a>(scene: &Scene<'a>) -> &'a Person {
    if scene.kind == 3 { &scene.cast.member } else { &scene.cast.other }
}

fn reactions(message: &str) -> String {
    format!("chat/Message/{message}/reactions")
}

async fn manage_admins(scene: &Scene<'_>, path: &str) -> Outcome {
    let pushed = push(scene.who, path, "admins_ids", json!([promoted(scene).id()])).await;
    pushed.and(pull(scene.who, path, "admins_ids", json!([scene.cast.admin.id()])).await)
}

async fn got(who: &Person, path: &str) -> Outcome {
    Outcome::of(&who.get(path).await)
}

async fn put(who: &Person, path: &str, body: Value) -> Outcome {
    Outcome::of(&who.put(path, &body).await)
}

async fn push(who: &Person, path: &str, list: &str, ids: Value) -> Outcome {
    put(who, path, json!({ "push_all": { list: ids } })).await
}

async fn pull(who: &Person, path: &str, list: &str, ids: Value) -> Outcome {
    put(who, path, json!({ "pull_all": { list: ids } })).await
}

/// Delete a message: the answer is always 200, and says in which of three lists the id is.
async fn delete_message(who: &Person, message: &str, force: bool) -> Outcome {
    let answer = who.delete(&format!("chat/Message/{message}"), force).await.is(200).json();
    let lists = [
        ("SuccessfullyDeleted", Outcome::Done),
        ("WrongPermissions", Outcome::NotPermitted),
        ("NotFound", Outcome::Absent),
    ];
    let is_in = |list: &str| answer[list]["ids"] == json!([message]);
    lists.into_iter().find(|(list, _)| is_in(list)).map_or(Outcome::Strange(200), |(_, outcome)| outcome)
}
