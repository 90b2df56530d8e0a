//! What somebody may ask for: one command on one dialog, parsed and within its limits.

use crate::content::{DialogChange, DialogContent, MessageContent, Text};
use crate::event::{Kind, Mark, Marked, MessageRef, Permissions};
use crate::facts::Key;
use crate::{CommandId, DialogId, Limits, MessageId, UserId};

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
        /// Description and extensions, should it have to be made; the extensions of one that
        /// is there are merged with these.
        content: DialogContent,
    },
    /// Change the dialog and who is in it; all or nothing.
    Change(Change),
    /// Delete it for the actor: hide it, leave it or unsubscribe.
    DeleteForSelf,
    /// Delete it for everybody.
    DeleteForAll,
    /// Clear the history for the actor.
    ClearForSelf,
    /// Clear the history for everybody.
    ClearForAll,
    /// Join by oneself. Leaving again is [`Command::DeleteForSelf`].
    Subscribe,
    /// Turn one's own alerts on or off.
    SetNotifications(bool),
    /// Shut that user out.
    Block(UserId),
    /// Let that user come back.
    Unblock(UserId),
    /// Write a message.
    Post(Post),
    /// Replace the text of messages, or mark them, or both; all or nothing.
    Update(Update),
    /// Delete messages for the actor.
    HideMessages(Vec<MessageRef>),
    /// Delete messages for everybody.
    RemoveMessages(Vec<MessageRef>),
    /// React to a message.
    React(React),
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
    /// Who goes out; whoever comes in too goes out.
    pub remove: Vec<UserId>,
    /// Who gets admin rights.
    pub add_admins: Vec<UserId>,
    /// Who loses them; whoever gets them too loses them.
    pub remove_admins: Vec<UserId>,
    /// The messages to pin, in this order.
    pub pin: Vec<MessageRef>,
    /// The messages to unpin; what is to be pinned too is unpinned.
    pub unpin: Vec<MessageRef>,
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

/// A reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct React {
    /// The message.
    pub message: MessageRef,
    /// The kind to put on it.
    pub add: Option<Text>,
    /// The kind to take off it; one that is to be put on too is taken off.
    pub remove: Option<Text>,
}

impl Request {
    /// The facts that deciding needs.
    pub fn keys(&self) -> Vec<Key> {
        let dialog = self.dialog;
        let mut keys = vec![Key::Header(dialog), Key::Standing(dialog, self.actor)];
        match &self.command {
            Command::Create(_) | Command::DeleteForSelf | Command::DeleteForAll => {}
            Command::ClearForSelf | Command::ClearForAll => {}
            Command::Subscribe | Command::SetNotifications(_) => {}
            Command::OpenPrivate { opponent: user, .. } | Command::Block(user) | Command::Unblock(user) => {
                keys.push(Key::Standing(dialog, *user));
            }
            Command::Change(change) => {
                let users = [&change.add, &change.remove, &change.add_admins].into_iter().flatten();
                keys.extend(users.map(|user| Key::Standing(dialog, *user)));
                keys.extend(change.pin.iter().map(|message| Key::Message(dialog, message.sequence)));
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
            Command::React(React { message: MessageRef { sequence, .. }, .. }) => keys.extend([
                Key::Message(dialog, *sequence),
                Key::Reacted(dialog, *sequence),
                Key::Reactions(dialog, *sequence, self.actor),
            ]),
        }
        keys
    }

    /// Whether it is a mark or a view and nothing else: those are many, decided on standing alone,
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
    /// Pinned messages of a dialog.
    pub pins_max: usize,
    /// Kinds of reaction on a message.
    pub reaction_kinds_max: usize,
    /// Whether a user has one reaction to a message at a time: a new one replaces it.
    pub single_reaction: bool,
    /// Whether everybody may join a group by himself, as he may a public dialog.
    pub group_subscribe: bool,
    /// Whether users may make broadcasts.
    pub broadcast_creation: bool,
}

impl Rules {
    /// The rules of a deployment with these limits; where there is a choice, the one that
    /// the API's documents make.
    pub fn within(limits: &Limits) -> Self {
        Self {
            occupants_max: limits.occupants_max,
            admins_max: limits.admins_max,
            pins_max: limits.pins_max,
            reaction_kinds_max: limits.reaction_kinds_max,
            single_reaction: false,
            group_subscribe: false,
            broadcast_creation: true,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::within(&Limits::default())
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
