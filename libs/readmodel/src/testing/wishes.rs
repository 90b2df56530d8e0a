//! What a wish inside a dialog asks for.

use domain::command::{Change, Command, Create, Post, React, Update};
use domain::content::{DialogChange, DialogContent, JsonText, MessageContent, Text};
use domain::event::{Kind, Mark, Marked, MessageRef, Permissions, Range};
use domain::{DialogId, MessageId, Sequence, UserId};

use super::{Wish, World};

fn text(words: impl std::fmt::Display) -> Text {
    Text::stored(words.to_string())
}

pub(super) fn create(kind: Kind, occupants: Vec<UserId>, admins: Vec<UserId>) -> Create {
    let content = DialogContent {
        name: Some(text("lobby")),
        photo: None,
        description: Some(text("where all meet")),
        extensions: Some(vec![(text("colour"), text("gr\"een"))]),
    };
    Create { kind, occupants, admins, permissions: None, content }
}

/// What a private dialog may be opened with.
pub(super) fn extended() -> DialogContent {
    let extensions = vec![(text("colour"), text("blue")), (text("size"), text("large"))];
    DialogContent { extensions: Some(extensions), ..DialogContent::default() }
}

pub(super) fn post(id: MessageId, id_is_clients: bool, opens: Option<UserId>) -> Post {
    let content = MessageContent {
        text: Some(text(format_args!("message {id}"))),
        attachments: None,
        custom: Some(JsonText::stored("{\"mood\":\"fine\"}".to_owned())),
        client_id: id_is_clients.then(|| text("my own")),
    };
    Post { id, id_is_clients, opens, content, send_to_chat: true, markable: true, silent: false }
}

impl World {
    pub(super) fn within(&mut self, dialog: DialogId, wish: &Wish) -> Option<Command> {
        let some = |messages: Vec<MessageRef>| (!messages.is_empty()).then_some(messages);
        let pick = |world: &Self, numbers: &[u16]| -> Vec<MessageRef> {
            numbers.iter().filter_map(|number| world.message(dialog, *number)).collect()
        };
        match wish {
            Wish::Create { .. } | Wish::Write(_) => None,
            Wish::Change { rename, allow_preview, add, remove } => Some(Command::Change(Change {
                content: if *rename { self.renaming() } else { DialogChange::default() },
                permissions: allow_preview.map(|allow_preview| Permissions { allow_preview }),
                add: self.set(*add),
                remove: self.set(*remove),
                ..Change::default()
            })),
            Wish::Admins { add, remove } => Some(Command::Change(Change {
                add_admins: self.set(*add),
                remove_admins: self.set(*remove),
                ..Change::default()
            })),
            Wish::Pin { pin: pinned, unpin } => {
                let (pin, unpin) = (pick(self, pinned), pick(self, unpin));
                Some(Command::Change(Change { pin, unpin, ..Change::default() }))
            }
            Wish::Clear => Some(Command::ClearForSelf),
            Wish::ClearForAll => Some(Command::ClearForAll),
            Wish::Subscribe => Some(Command::Subscribe),
            Wish::Notify(enabled) => Some(Command::SetNotifications(*enabled)),
            Wish::Block(user) => Some(Command::Block(self.user(*user)?)),
            Wish::Unblock(user) => Some(Command::Unblock(self.user(*user)?)),
            Wish::React { message, add, remove } => {
                let message = self.message(dialog, *message)?;
                let (add, remove) = (add.map(reaction), remove.map(reaction));
                Some(Command::React(React { message, add, remove }))
            }
            Wish::Leave => Some(Command::DeleteForSelf),
            Wish::Delete => Some(Command::DeleteForAll),
            Wish::Post { name, forged } => {
                let id = match name {
                    Some(name) => MessageId::from_parts(0, u64::from(*name).to_be_bytes()),
                    None => MessageId::from_parts(1, self.mint().to_be_bytes()),
                };
                Some(Command::Post(post(id, name.is_some() && !forged, None)))
            }
            Wish::Burst(_) => {
                let id = MessageId::from_parts(1, self.mint().to_be_bytes());
                Some(Command::Post(post(id, false, None)))
            }
            Wish::Edit(number) => {
                let messages = some(pick(self, &[*number]))?;
                let text = Some(text(format_args!("edited {}", self.mint())));
                Some(Command::Update(Update { messages, text, mark: None }))
            }
            Wish::MarkNamed(mark, numbers) => Some(marking(*mark, Marked::Named(some(pick(self, numbers))?))),
            Wish::MarkListed(mark, pairs) => {
                let ranges = pairs.iter().filter_map(|pair| self.range(dialog, *pair)).collect();
                Some(marking(*mark, Marked::Listed(ranges)))
            }
            Wish::MarkAll(mark) => Some(marking(*mark, Marked::All(Sequence::NONE))),
            Wish::Hide(numbers) => Some(Command::HideMessages(some(pick(self, numbers))?)),
            Wish::Remove(numbers) => Some(Command::RemoveMessages(some(pick(self, numbers))?)),
        }
    }

    fn range(&self, dialog: DialogId, (one, other): (u16, u16)) -> Option<Range> {
        let [one, other] = [self.message(dialog, one)?.sequence, self.message(dialog, other)?.sequence];
        Some(Range { first: one.min(other), last: one.max(other) })
    }

    fn renaming(&mut self) -> DialogChange {
        let number = self.mint();
        DialogChange {
            name: Some(Some(text(format_args!("name {number}")))),
            photo: Some(number.is_multiple_of(2).then(|| text("photo"))),
            description: None,
            extensions: Some(None),
        }
    }
}

fn marking(mark: Mark, marked: Marked) -> Command {
    Command::Update(Update { messages: vec![], text: None, mark: Some((mark, marked)) })
}

/// A kind of reaction, out of few; some that stores could take for one another.
fn reaction(number: u8) -> Text {
    const KINDS: [&str; 6] = ["\u{1f44d}", "\u{2764}\u{fe0f}", "a", "A", "\"'{}\\", " "];
    text(KINDS[usize::from(number) % KINDS.len()])
}
