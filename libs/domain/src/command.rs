//! What somebody may ask for: one command on one dialog, parsed and within its limits.

use crate::content::{DialogChange, DialogContent, MessageContent, Text};
use crate::event::{Kind, Mark, Marked, MessageRef, Permissions};
use crate::facts::Key;
use crate::{CommandId, DialogId, MessageId, UserId};

/// A command with all that its decision needs beside the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The command's id; a repeated one does nothing again.
    pub id: CommandId,
    /// The dialog it is about.
    pub dialog: DialogId,
    /// Who asks.
    pub actor: UserId,
    /// What for.
    pub command: Command,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make a broadcast, group or public dialog.
    Create(Create),
    /// Make the private dialog with that user, or take it back into the list.
    OpenPrivate {
        /// The other one.
        opponent: UserId,
        /// Description and extensions, should it have to be made.
        content: DialogContent,
    },
    /// Change the dialog and who is in it; all or nothing.
    Change(Change),
    /// Delete it for the actor: hide it, leave it or unsubscribe.
    DeleteForSelf,
    /// Delete it for everybody.
    DeleteForAll,
    /// Write a message.
    Post(Post),
    /// Replace the text of messages, or mark them, or both; all or nothing.
    Update(Update),
    /// Delete messages for the actor.
    HideMessages(Vec<MessageRef>),
    /// Delete messages for everybody.
    RemoveMessages(Vec<MessageRef>),
}

/// A new dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// Not private.
    pub kind: Kind,
    /// Who is to be in it; the actor is added.
    pub occupants: Vec<UserId>,
    /// Who is to have admin rights.
    pub admins: Vec<UserId>,
    /// What non-members may do.
    pub permissions: Option<Permissions>,
    /// Name, photo, description, extensions.
    pub content: DialogContent,
}

/// Changes of a dialog.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// Name, photo, description, extensions.
    pub content: DialogChange,
    /// What non-members may do.
    pub permissions: Option<Permissions>,
    /// Who comes in.
    pub add: Vec<UserId>,
    /// Who goes out.
    pub remove: Vec<UserId>,
}

/// A new message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Its name.
    pub id: MessageId,
    /// Whether the client chose the name, so that it may be there already.
    pub id_is_clients: bool,
    /// The opponent, when the private dialog is to be made if it is not there.
    pub opens: Option<UserId>,
    /// Text, attachments, custom parameters.
    pub content: MessageContent,
    /// Whether connected clients are to get it.
    pub send_to_chat: bool,
    /// Whether its author asks for marks.
    pub markable: bool,
    /// Whether nobody is to be alerted.
    pub silent: bool,
}

/// Changes of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The messages to edit; empty unless there is a text. Those that are gone are passed
    /// over, unless all are.
    pub messages: Vec<MessageRef>,
    /// Their new text.
    pub text: Option<Text>,
    /// The mark to set, and on what. Ids and sequences come from the read model, where a
    /// name never changes its place. [`Marked::All`] means everything up to the newest
    /// message at the moment of the decision, whatever sequence it holds.
    pub mark: Option<(Mark, Marked)>,
}

impl Request {
    /// The facts that deciding needs.
    pub fn keys(&self) -> Vec<Key> {
        let dialog = self.dialog;
        let mut keys = vec![Key::Header(dialog), Key::Standing(dialog, self.actor)];
        match &self.command {
            Command::Create(_) | Command::DeleteForSelf | Command::DeleteForAll => {}
            Command::OpenPrivate { opponent, .. } => keys.push(Key::Standing(dialog, *opponent)),
            Command::Change(change) => {
                keys.extend(change.add.iter().chain(&change.remove).map(|user| Key::Standing(dialog, *user)));
            }
            Command::Post(post) => {
                keys.extend(post.opens.map(|user| Key::Standing(dialog, user)));
                keys.extend(post.id_is_clients.then_some(Key::Named(dialog, post.id)));
            }
            Command::Update(Update { messages, .. })
            | Command::HideMessages(messages)
            | Command::RemoveMessages(messages) => {
                keys.extend(
                    messages
                        .iter()
                        .flat_map(|m| [Key::Message(dialog, m.sequence), Key::Named(dialog, m.id)]),
                );
            }
        }
        keys
    }

    /// Whether it is a mark and nothing else: those are many, decided on standing alone,
    /// and shed first.
    pub fn is_mark(&self) -> bool {
        matches!(&self.command, Command::Update(update) if update.text.is_none() && update.mark.is_some())
    }
}

/// What a deployment allows, as far as decisions depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Occupants of a group or public dialog.
    pub occupants_max: usize,
    /// Admins of a dialog beside its owner.
    pub admins_max: usize,
}

impl Default for Rules {
    fn default() -> Self {
        let limits = crate::Limits::default();
        Self { occupants_max: limits.occupants_max, admins_max: limits.admins_max }
    }
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// What happens; nothing, if it has already happened.
    pub events: Vec<crate::event::Event>,
    /// The message that a [`Post`] made, or that was there already under its name.
    pub message: Option<MessageRef>,
    /// Of the messages that were to be deleted: those the actor may not delete.
    pub denied: Vec<MessageId>,
    /// Of the messages that were to be deleted: those that are not there.
    pub missing: Vec<MessageId>,
}

impl Decision {
    /// A decision with `events` and nothing to add.
    pub fn of(events: Vec<crate::event::Event>) -> Self {
        Self { events, ..Self::default() }
    }
}
