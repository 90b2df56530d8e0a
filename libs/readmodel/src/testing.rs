//! Random valid histories: a small world whose people ask for random things, and the
//! events that [`domain::decide`] makes of it.
//!
//! A [`Step`] is a wish in small numbers, so that proptest can shrink a history to the
//! steps that matter. Every number means something in every world; what a person may not
//! do is refused and yields no event.

mod feeder;
mod strategy;
mod wishes;

use std::collections::HashMap;

use domain::command::{Command, Request, Rules};
use domain::content::{Content, DialogContent};
use domain::event::{Event, Kind, Mark, MessageRef, Record, Stream};
use domain::facts::{Fact, Facts as _, Key, evolve};
use domain::{ApplicationId, CommandId, DialogId, MessageId, Sequence, Time, UserId};

pub use feeder::Feeder;
pub use strategy::steps;

/// People in a world.
const USERS: u64 = 6;
/// Actors from this number on are anybody; below it, somebody who is in the dialog.
const ANYBODY: u8 = 224;

/// One wish.
#[derive(Debug, Clone)]
pub struct Step {
    /// Who asks.
    pub actor: u8,
    /// About which dialog.
    pub dialog: u8,
    /// How long after the step before, milliseconds.
    pub pause_ms: u16,
    /// Whether what was written has been erased since.
    pub erased: bool,
    /// What for.
    pub wish: Wish,
}

/// What is wished for. Sets of users are bits, messages are picked by [`World::message`].
#[derive(Debug, Clone)]
pub enum Wish {
    /// A new dialog; private means the one with the first of `users`.
    Create {
        /// What sort.
        kind: Kind,
        /// With whom.
        users: u8,
        /// Who is to be admin.
        admins: u8,
    },
    /// Another name, other people.
    Change {
        /// Whether there is a new name, photo, description and extensions.
        rename: bool,
        /// A new permission.
        allow_preview: Option<bool>,
        /// Who comes in.
        add: u8,
        /// Who goes out.
        remove: u8,
    },
    /// Delete the dialog for oneself.
    Leave,
    /// Delete it for everybody.
    Delete,
    /// Write a message; `name` is the client's.
    Post {
        /// A name, out of few.
        name: Option<u8>,
        /// Whether the name is passed off as a fresh one.
        forged: bool,
    },
    /// Write that many messages.
    Burst(u16),
    /// Write to somebody whether or not there is a dialog.
    Write(u8),
    /// Replace a text.
    Edit(u16),
    /// Mark messages by name.
    MarkNamed(Mark, Vec<u16>),
    /// Mark the ranges between messages.
    MarkListed(Mark, Vec<(u16, u16)>),
    /// Mark everything.
    MarkAll(Mark),
    /// Delete messages for oneself.
    Hide(Vec<u16>),
    /// Delete messages for everybody.
    Remove(Vec<u16>),
    /// Give admin rights and take them.
    Admins {
        /// To whom.
        add: u8,
        /// From whom.
        remove: u8,
    },
    /// Pin messages and unpin others.
    Pin {
        /// Which.
        pin: Vec<u16>,
        /// Which others.
        unpin: Vec<u16>,
    },
    /// Clear the history for oneself.
    Clear,
    /// Clear it for everybody.
    ClearForAll,
    /// Join by oneself; the actor is anybody.
    Subscribe,
    /// Turn alerts on or off.
    Notify(bool),
    /// Shut somebody out.
    Block(u8),
    /// Let him come back.
    Unblock(u8),
    /// React to a message, with kinds out of few.
    React {
        /// To which.
        message: u16,
        /// A kind to put on it.
        add: Option<u8>,
        /// A kind to take off it.
        remove: Option<u8>,
    },
}

/// Some people, their dialogs, and every fact about them.
#[derive(Debug, Clone)]
pub struct World {
    facts: HashMap<Key, Fact>,
    dialogs: Vec<DialogId>,
    now: Time,
    minted: u64,
    rules: Rules,
}

impl Default for World {
    fn default() -> Self {
        Self {
            facts: HashMap::new(),
            dialogs: vec![],
            now: Time(1_700_000_000_000),
            minted: 0,
            rules: Rules { group_subscribe: true, ..Rules::default() },
        }
    }
}

impl World {
    /// Every fact, as [`evolve`] made it.
    pub fn facts(&self) -> &HashMap<Key, Fact> {
        &self.facts
    }

    /// Every dialog that ever was, in the order of creation.
    pub fn dialogs(&self) -> &[DialogId] {
        &self.dialogs
    }

    /// Everybody.
    pub fn users(&self) -> impl Iterator<Item = UserId> + use<> {
        (1..=USERS).filter_map(UserId::new)
    }

    /// What comes of a wish: its events in order; none if it was refused.
    pub fn act(&mut self, step: &Step) -> Vec<Record> {
        self.now = Time(self.now.0 + u64::from(step.pause_ms));
        let times = if let Wish::Burst(times) = step.wish { times } else { 1 };
        let mut records = vec![];
        for _ in 0..times {
            let Some(request) = self.request(step) else { break };
            let Ok(decision) = domain::decide(&request, &self.facts, &self.rules, self.now) else { break };
            for event in decision.events {
                let event = if step.erased { erased(event) } else { event };
                records.push(self.record(&request, event));
            }
        }
        records
    }

    /// The events of all `steps`, one list for each that had any.
    pub fn history(&mut self, steps: &[Step]) -> Vec<Vec<Record>> {
        steps.iter().map(|step| self.act(step)).filter(|records| !records.is_empty()).collect()
    }

    fn record(&mut self, request: &Request, event: Event) -> Record {
        let changed = evolve(&self.facts, request.dialog, Some(request.actor), &event);
        self.facts.extend(changed);
        if matches!(event, Event::DialogCreated { .. }) && !self.dialogs.contains(&request.dialog) {
            self.dialogs.push(request.dialog);
        }
        let mut id = [0; 16];
        id[8..].copy_from_slice(&self.mint().to_be_bytes());
        Record {
            id,
            command: request.id,
            application: ApplicationId::new(1).expect("1 is an application"),
            stream: Stream::Dialog(request.dialog),
            actor: Some(request.actor),
            at: self.now,
            event,
        }
    }

    fn mint(&mut self) -> u64 {
        self.minted += 1;
        self.minted
    }

    fn user(&self, number: u8) -> Option<UserId> {
        UserId::new(u64::from(number) % USERS + 1)
    }

    fn set(&self, bits: u8) -> Vec<UserId> {
        self.users().filter(|user| bits >> (user.get() - 1) & 1 == 1).collect()
    }

    /// The dialog of that number, and somebody to act in it.
    fn scene(&self, step: &Step) -> Option<(DialogId, UserId)> {
        let dialog = *self.dialogs.get(usize::from(step.dialog) % self.dialogs.len().max(1))?;
        let within: Vec<_> = self
            .users()
            .filter(|user| self.facts.standing(dialog, *user).is_some_and(|standing| standing.member))
            .collect();
        let anybody = step.actor >= ANYBODY || matches!(step.wish, Wish::Subscribe);
        let actor = if !anybody && !within.is_empty() {
            within[usize::from(step.actor) % within.len()]
        } else {
            self.user(step.actor)?
        };
        Some((dialog, actor))
    }

    /// A message of the dialog: an even number counts back from its newest, an odd one
    /// lies somewhere in its whole history.
    pub fn message(&self, dialog: DialogId, number: u16) -> Option<MessageRef> {
        let head = self.facts.header(dialog)?.head.0;
        let back = if number.is_multiple_of(2) {
            u64::from(number / 2) % head.clamp(1, 40)
        } else {
            u64::from(number) * head / (u64::from(u16::MAX) + 1)
        };
        let message = self.facts.message(Key::Message(dialog, Sequence(head.saturating_sub(back))))?;
        Some(MessageRef { sequence: message.sequence, id: message.id })
    }

    fn request(&mut self, step: &Step) -> Option<Request> {
        let id = CommandId(u128::from(self.mint()).to_be_bytes());
        let (dialog, actor, command) = match &step.wish {
            Wish::Create { kind: Kind::Private, users, .. } => self.opening(step, *users)?,
            Wish::Create { kind, users, admins } => {
                let create = wishes::create(*kind, self.set(*users), self.set(*admins));
                let dialog = DialogId::from_parts(u32::MAX, self.mint().to_be_bytes());
                (dialog, self.user(step.actor)?, Command::Create(create))
            }
            Wish::Write(opponent) => self.writing(step, *opponent)?,
            wish
            @ (Wish::Change { .. } | Wish::Leave | Wish::Delete | Wish::Post { .. } | Wish::Burst(_))
            | wish @ (Wish::Edit(_) | Wish::MarkNamed(..) | Wish::MarkListed(..) | Wish::MarkAll(_))
            | wish @ (Wish::Hide(_) | Wish::Remove(_) | Wish::Admins { .. } | Wish::Pin { .. })
            | wish @ (Wish::Clear | Wish::ClearForAll | Wish::Subscribe | Wish::Notify(_))
            | wish @ (Wish::Block(_) | Wish::Unblock(_) | Wish::React { .. }) => {
                let (dialog, actor) = self.scene(step)?;
                (dialog, actor, self.within(dialog, wish)?)
            }
        };
        Some(Request { id, dialog, actor, command })
    }

    fn opening(&self, step: &Step, users: u8) -> Option<(DialogId, UserId, Command)> {
        let (actor, opponent) = (self.user(step.actor)?, *self.set(users).first()?);
        let content = if users > 0x7f { wishes::extended() } else { DialogContent::default() };
        let command = Command::OpenPrivate { opponent, content };
        Some((private(actor, opponent)?, actor, command))
    }

    fn writing(&mut self, step: &Step, opponent: u8) -> Option<(DialogId, UserId, Command)> {
        let (actor, opponent) = (self.user(step.actor)?, self.user(opponent)?);
        let name = MessageId::from_parts(1, self.mint().to_be_bytes());
        let post = wishes::post(name, false, Some(opponent));
        Some((private(actor, opponent)?, actor, Command::Post(post)))
    }
}

/// The private dialog of two; nobody has one with himself.
fn private(actor: UserId, opponent: UserId) -> Option<DialogId> {
    (opponent != actor).then(|| DialogId::private(&[7; 32], actor, opponent))
}

/// The event after what people wrote in it was erased.
fn erased(event: Event) -> Event {
    match event {
        Event::DialogCreated { kind, owner, occupants, admins, permissions, content: _ } => {
            let content = Content::Erased;
            Event::DialogCreated { kind, owner, occupants, admins, permissions, content }
        }
        Event::DialogChanged { permissions, content: _ } => {
            Event::DialogChanged { permissions, content: Content::Erased }
        }
        Event::MessagePosted { message, recipient, date_sent, send_to_chat, markable, silent, .. } => {
            let content = Content::Erased;
            Event::MessagePosted { message, recipient, date_sent, send_to_chat, markable, silent, content }
        }
        Event::MessageEdited { message, content: _ } => {
            Event::MessageEdited { message, content: Content::Erased }
        }
        Event::ExtensionsMerged { content: _ } => Event::ExtensionsMerged { content: Content::Erased },
        Event::LogOpened { .. } | Event::WriterStarted | Event::DialogDeleted | Event::DialogHidden => event,
        Event::HistoryCleared | Event::HistoryClearedForAll | Event::OccupantSubscribed => event,
        Event::AdminsAdded { .. } | Event::AdminsRemoved { .. } | Event::NotificationsSet { .. } => event,
        Event::MessagesPinned { .. } | Event::MessagesUnpinned { .. } => event,
        Event::UserBlocked { .. } | Event::UserUnblocked { .. } | Event::ReactionsChanged { .. } => event,
        Event::DialogShown | Event::OccupantsAdded { .. } | Event::OccupantsRemoved { .. } => event,
        Event::OccupantLeft | Event::MessagesRemoved { .. } | Event::MessagesHidden { .. } => event,
        Event::MessagesMarked { .. } => event,
    }
}

/// The events of a group of everybody, in which that many messages are written and some of
/// them marked.
#[cfg(test)]
pub(crate) fn conversation(messages: u16) -> Vec<Record> {
    let step = |actor, wish| Step { actor, dialog: 0, pause_ms: 1, erased: false, wish };
    let mut steps = vec![step(0, Wish::Create { kind: Kind::Group, users: 0x3f, admins: 0 })];
    for number in 0..messages {
        steps.push(step(number as u8 % 6, Wish::Post { name: None, forged: false }));
        if number.is_multiple_of(5) {
            steps.push(step(number as u8 % 5 + 1, Wish::MarkAll(Mark::Read)));
        }
    }
    World::default().history(&steps).into_iter().flatten().collect()
}
