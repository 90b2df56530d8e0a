//! Where an attempt happens: people with roles, and a dialog with what the attempt needs.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Chat, Person};

use crate::action::Action;

/// Everybody that a dialog needs. Each line of the table has its own: there is only one private
/// dialog of two people.
pub(crate) struct Cast {
    pub(crate) owner: Person,
    pub(crate) admin: Person,
    pub(crate) member: Person,
    pub(crate) outsider: Person,
    /// A member like the other, on whom something is done.
    pub(crate) other: Person,
    /// Nobody in any dialog yet.
    pub(crate) newcomer: Person,
}

/// One dialog, made for one attempt.
pub(crate) struct Scene<'a> {
    pub(crate) cast: &'a Cast,
    pub(crate) kind: u64,
    pub(crate) dialog: String,
    /// Who tries.
    pub(crate) who: &'a Person,
    /// A message of whoever tries, if the attempt is on one.
    pub(crate) own: String,
    /// A message of somebody else; pinned, where messages are.
    pub(crate) foreign: String,
    /// Another one of somebody else, not pinned; only where messages are to be pinned.
    pub(crate) plain: String,
    /// A text that no other attempt uses.
    pub(crate) mark: String,
}

impl Cast {
    pub(crate) async fn of(chat: &Chat, line: usize) -> Self {
        let names = ["owner", "admin", "member", "outsider", "other", "newcomer"];
        let logins = names.map(|name| format!("{name}-{line}"));
        let [owner, admin, member, outsider, other, newcomer] =
            chat.users(logins.each_ref().map(String::as_str)).await;
        Self { owner, admin, member, outsider, other, newcomer }
    }

    fn role(&self, letter: char) -> &Person {
        match letter {
            'O' => &self.owner,
            'A' => &self.admin,
            'M' => &self.member,
            _ => &self.outsider,
        }
    }
}

impl<'a> Scene<'a> {
    /// A dialog of that type with all that the attempt needs.
    pub(crate) async fn set(cast: &'a Cast, action: Action, kind: u64, role: char) -> Self {
        let (who, owner) = (cast.role(role), &cast.owner);
        let others: Vec<u64> = match kind {
            3 => vec![cast.member.id()],
            1 => vec![],
            _ => [&cast.admin, &cast.member, &cast.other].map(Person::id).to_vec(),
        };
        let admins = if kind == 3 { vec![] } else { vec![cast.admin.id()] };
        let body = json!({ "type": kind, "name": "scene", "occupants_ids": others, "admins_ids": admins });
        let dialog = owner.create(&body).await;
        let author = match (who.id() == owner.id(), kind) {
            (true, 3) => &cast.member,
            (true, _) => &cast.admin,
            (false, _) => owner,
        };
        let foreign = author.post(&dialog, "somebody else's").await;
        let plain = if action == Action::Pin { author.post(&dialog, "another").await } else { String::new() };
        let own = if action.is_on_ones_own() { who.post(&dialog, "his own").await } else { String::new() };
        let mark = mark(action, kind, role);
        let scene = Self { cast, kind, dialog, who, own, foreign, plain, mark };
        if action == Action::Pin && kind != 3 {
            let body = json!({ "push_all": { "pinned_messages_ids": [scene.foreign] } });
            owner.put(&scene.path(), &body).await.is(200);
        }
        if action.is_on_somebody_blocked() {
            let body = json!({ "user_id": cast.other.id() });
            owner.send(Method::POST, &format!("{}/block", scene.path()), &body).await.is(200);
        }
        scene
    }

    /// The same for the next one who tries.
    pub(crate) fn for_the_next(self, action: Action, role: char) -> Self {
        Self { who: self.cast.role(role), mark: mark(action, self.kind, role), ..self }
    }

    /// The dialog's address.
    pub(crate) fn path(&self) -> String {
        format!("chat/Dialog/{}", self.dialog)
    }

    /// Somebody else who is in the dialog, as long as nobody takes him out.
    pub(crate) fn witness(&self) -> &'a Person {
        match (self.who.id() == self.cast.owner.id(), self.kind) {
            (true, 3) => &self.cast.member,
            (true, _) => &self.cast.admin,
            (false, _) => &self.cast.owner,
        }
    }

    /// The dialog and its messages as its owner sees them now, and the dialog as whoever tries
    /// sees it.
    pub(crate) async fn seen(&self) -> Vec<Value> {
        let (owner, who) = (&self.cast.owner, self.who);
        let mut seen = owner.peek(&self.dialog).await;
        seen.extend(owner.dialog(&self.dialog).await);
        if who.id() != owner.id() {
            seen.extend(who.dialog(&self.dialog).await);
        }
        seen
    }
}

fn mark(action: Action, kind: u64, role: char) -> String {
    format!("{action:?} by {role} in type {kind}")
}
