//! A log in memory, small enough for a test: requests are decided on its facts, and what
//! was decided becomes facts.
//!
//! Every test keeps an invariant without asking for it: a decision reads only the facts
//! that its request names, and an event reads and changes only those that it names.

use std::collections::{HashMap, HashSet};

use crate::command::{Change, Command, Create, Decision, Post, React, Request, Rules, Update};
use crate::content::{Content, DialogChange, DialogContent, MessageContent, Text};
use crate::event::{Event, Mark, Marked, MessageRef};
use crate::facts::{Fact, Facts, Header, Key, Message, Standing, evolve, keys_of};
use crate::role::Role;
use crate::{CommandId, DialogId, Kind, MessageId, Refusal, Sequence, Time, UserId, decide};

/// Nobody special in any dialog but those that he makes himself.
pub(super) const OWNER: u64 = 1;
pub(super) const ADMIN: u64 = 2;
pub(super) const SECOND_ADMIN: u64 = 3;
pub(super) const MEMBER: u64 = 4;
pub(super) const STRANGER: u64 = 9;

/// The facts that may be asked for; asking for another one fails the test.
struct Named<'a> {
    facts: &'a HashMap<Key, Fact>,
    keys: HashSet<Key>,
}

impl Facts for Named<'_> {
    fn get(&self, key: &Key) -> Option<&Fact> {
        assert!(self.keys.contains(key), "asked for {key:?}, which was not named");
        self.facts.get(key)
    }
}

/// What happened so far in one dialog, and the facts it made.
#[derive(Clone)]
pub(super) struct World {
    pub(super) dialog: DialogId,
    pub(super) rules: Rules,
    pub(super) now: Time,
    pub(super) facts: HashMap<Key, Fact>,
    pub(super) events: Vec<(UserId, Event)>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            dialog: DialogId::from_parts(1, [0xab; 8]),
            rules: Rules {
                occupants_max: 6,
                admins_max: 2,
                pins_max: 3,
                reaction_kinds_max: 3,
                ..Rules::default()
            },
            now: Time(1_000_000),
            facts: HashMap::new(),
            events: vec![],
        }
    }

    /// A dialog of [`OWNER`] with admins, if it can have them, and [`MEMBER`].
    pub(super) fn with(kind: Kind) -> Self {
        let mut world = Self::new();
        match kind {
            Kind::Private => drop(world.does(OWNER, open_private(MEMBER))),
            Kind::Broadcast | Kind::Group | Kind::Public => {
                let occupants = users(&[ADMIN, SECOND_ADMIN, MEMBER]);
                let admins = users(&[ADMIN, SECOND_ADMIN]);
                drop(world.does(OWNER, create(kind, occupants, admins)));
            }
        }
        world
    }

    /// What the request of that `actor` leads to; nothing happens yet.
    pub(super) fn ask(&self, actor: u64, command: Command) -> Result<Decision, Refusal> {
        let request = self.request(actor, command);
        let facts = Named { facts: &self.facts, keys: request.keys().into_iter().collect() };
        decide(&request, &facts, &self.rules, self.now)
    }

    fn request(&self, actor: u64, command: Command) -> Request {
        Request { id: CommandId([0; 16]), dialog: self.dialog, actor: user(actor), command }
    }

    /// The events that the request leads to; nothing happens yet.
    pub(super) fn events_of(&self, actor: u64, command: Command) -> Result<Vec<Event>, Refusal> {
        self.ask(actor, command).map(|decision| decision.events)
    }

    /// What the request led to. It must be allowed.
    ///
    /// Whoever knows only the facts that the request names learns the same of them.
    pub(super) fn does(&mut self, actor: u64, command: Command) -> Decision {
        let keys = self.request(actor, command.clone()).keys();
        let mut loaded: HashMap<_, _> =
            keys.iter().filter_map(|key| Some((*key, self.facts.get(key)?.clone()))).collect();
        let decision = self.ask(actor, command).unwrap();
        for event in &decision.events {
            self.happens(actor, event.clone());
            loaded.extend(evolve(&loaded, self.dialog, Some(user(actor)), event));
        }
        for (key, fact) in loaded {
            assert_eq!(self.facts.get(&key), Some(&fact), "{key:?} after {:?}", decision.events);
        }
        decision
    }

    /// The `event` happened, whatever the rules say.
    pub(super) fn happens(&mut self, actor: u64, event: Event) {
        let actor = user(actor);
        let keys: HashSet<_> = keys_of(self.dialog, Some(actor), &event).into_iter().collect();
        let facts = Named { facts: &self.facts, keys: keys.clone() };
        for (key, fact) in evolve(&facts, self.dialog, Some(actor), &event) {
            assert!(keys.contains(&key), "{event:?} changed {key:?}, which it does not name");
            self.facts.insert(key, fact);
        }
        self.events.push((actor, event));
    }

    pub(super) fn header(&self) -> &Header {
        self.facts.header(self.dialog).unwrap()
    }

    pub(super) fn standing(&self, user: UserId) -> Option<&Standing> {
        self.facts.standing(self.dialog, user)
    }

    pub(super) fn message(&self, sequence: u64) -> Option<&Message> {
        self.facts.message(Key::Message(self.dialog, Sequence(sequence)))
    }

    /// Everybody who is an occupant by his own standing, in the order of the ids.
    pub(super) fn members(&self) -> Vec<UserId> {
        let mut members: Vec<_> = self
            .facts
            .iter()
            .filter_map(|(key, fact)| match (key, fact) {
                (Key::Standing(_, user), Fact::Standing(standing)) => standing.member.then_some(*user),
                (
                    Key::Standing(..),
                    Fact::Header(_) | Fact::Message(_) | Fact::Reacted(_) | Fact::Reactions(_),
                )
                | (Key::Header(_) | Key::Message(..) | Key::Named(..), _)
                | (Key::Reacted(..) | Key::Reactions(..), _) => None,
            })
            .collect();
        members.sort_unstable();
        members
    }

    /// What that user is in the dialog.
    pub(super) fn role(&self, number: u64) -> Role {
        self.header().role(user(number), self.standing(user(number)))
    }

    /// The reactions to the message at that place, all together.
    pub(super) fn reacted(&self, sequence: u64) -> Vec<(&str, u32)> {
        let totals = self.facts.reacted(self.dialog, Sequence(sequence));
        totals.iter().map(|(kind, count)| (kind.as_str(), *count)).collect()
    }

    /// The reactions of that user to it.
    pub(super) fn reactions(&self, sequence: u64, number: u64) -> &[String] {
        self.facts.reactions(self.dialog, Sequence(sequence), user(number))
    }

    /// [`Self::does`] a post and says where the message stands.
    pub(super) fn posts(&mut self, actor: u64) -> MessageRef {
        let name = u64::try_from(self.events.len()).unwrap();
        self.does(actor, post(100 + name)).message.unwrap()
    }
}

pub(super) fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

pub(super) fn users(numbers: &[u64]) -> Vec<UserId> {
    numbers.iter().copied().map(user).collect()
}

pub(super) fn name(number: u64) -> MessageId {
    MessageId::from_parts(0, number.to_be_bytes())
}

pub(super) fn at(sequence: u64, number: u64) -> MessageRef {
    MessageRef { sequence: Sequence(sequence), id: name(number) }
}

pub(super) fn text(raw: &str) -> Text {
    Text::new(raw, 100).unwrap()
}

pub(super) fn create(kind: Kind, occupants: Vec<UserId>, admins: Vec<UserId>) -> Command {
    let content = DialogContent { name: Some(text("lobby")), ..DialogContent::default() };
    Command::Create(Create { kind, occupants, admins, permissions: None, content })
}

pub(super) fn open_private(opponent: u64) -> Command {
    Command::OpenPrivate { opponent: user(opponent), content: DialogContent::default() }
}

pub(super) fn add(who: &[u64]) -> Command {
    Command::Change(Change { add: users(who), ..Change::default() })
}

pub(super) fn remove(who: &[u64]) -> Command {
    Command::Change(Change { remove: users(who), ..Change::default() })
}

pub(super) fn add_admins(who: &[u64]) -> Command {
    Command::Change(Change { add_admins: users(who), ..Change::default() })
}

pub(super) fn remove_admins(who: &[u64]) -> Command {
    Command::Change(Change { remove_admins: users(who), ..Change::default() })
}

pub(super) fn pin(messages: &[MessageRef]) -> Command {
    Command::Change(Change { pin: messages.to_vec(), ..Change::default() })
}

pub(super) fn unpin(messages: &[MessageRef]) -> Command {
    Command::Change(Change { unpin: messages.to_vec(), ..Change::default() })
}

pub(super) fn block(who: u64) -> Command {
    Command::Block(user(who))
}

pub(super) fn unblock(who: u64) -> Command {
    Command::Unblock(user(who))
}

/// Puts the first kind on the message and takes the second one off.
pub(super) fn react(message: MessageRef, add: Option<&str>, remove: Option<&str>) -> Command {
    Command::React(React { message, add: add.map(text), remove: remove.map(text) })
}

pub(super) fn rename() -> DialogChange {
    DialogChange { name: Some(Some(text("attic"))), ..DialogChange::default() }
}

pub(super) fn change(content: DialogChange) -> Command {
    Command::Change(Change { content, ..Change::default() })
}

/// A post under a name that the client chose.
pub(super) fn post(number: u64) -> Command {
    Command::Post(posting(number))
}

pub(super) fn posting(number: u64) -> Post {
    Post {
        id: name(number),
        id_is_clients: true,
        opens: None,
        content: content(),
        send_to_chat: true,
        markable: true,
        silent: false,
    }
}

/// A post to that user, whether the private dialog is there or not.
pub(super) fn post_to(opponent: u64, number: u64) -> Command {
    Command::Post(Post { opens: Some(user(opponent)), ..posting(number) })
}

pub(super) fn content() -> MessageContent {
    MessageContent { text: Some(text("hello")), ..MessageContent::default() }
}

pub(super) fn edit(messages: &[MessageRef]) -> Command {
    Command::Update(Update { messages: messages.to_vec(), text: Some(text("better")), mark: None })
}

pub(super) fn mark(marked: Marked) -> Command {
    Command::Update(Update { messages: vec![], text: None, mark: Some((Mark::Read, marked)) })
}

pub(super) fn posted(message: MessageRef, recipient: Option<u64>, date_sent: u64) -> Event {
    Event::MessagePosted {
        message,
        recipient: recipient.map(user),
        date_sent,
        send_to_chat: true,
        markable: true,
        silent: false,
        content: Content::Known(content()),
    }
}
