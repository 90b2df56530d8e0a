//! The last commands that appended something, so that a repeated one does nothing again.
//!
//! The second net of idempotency: the first, for ever, is a message's own name in its
//! dialog. Read back from the log's end at a takeover.

use std::collections::{HashMap, VecDeque};

use domain::CommandId;
use domain::command::{Command, Decision, Request};
use domain::event::{Event, MessageRef};
use domain::{MessageId, Refusal};

/// What an earlier command did, as far as its answer needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Receipt {
    posted: Option<MessageRef>,
    deleted: Vec<MessageId>,
}

impl Receipt {
    /// The receipt of a command that caused `events`.
    pub(crate) fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut receipt = Self::default();
        for event in events {
            receipt.add(event);
        }
        receipt
    }

    /// The same command caused this too. In which order its events come does not matter.
    pub(crate) fn add(&mut self, event: &Event) {
        match event {
            Event::MessagePosted { message, .. } => self.posted = Some(*message),
            Event::MessagesRemoved { messages } | Event::MessagesHidden { messages } => {
                self.deleted.extend(messages.iter().map(|message| message.id));
            }
            _ => {}
        }
    }

    /// The answer to the same command asked again, given what it would lead to `now`.
    ///
    /// Who may no longer ask gets no answer repeated; but a command that took its own
    /// author out is answered, as it succeeded.
    pub(crate) fn repeat(
        &self,
        request: &Request,
        now: Result<Decision, Refusal>,
    ) -> Result<Decision, Refusal> {
        let Decision { denied, missing, .. } = match now {
            Ok(decision) => decision,
            Err(_) if ends_access(request) => Decision::default(),
            Err(refusal) => return Err(refusal),
        };
        let missing = missing.into_iter().filter(|id| !self.deleted.contains(id)).collect();
        Ok(Decision { events: vec![], message: self.posted, denied, missing })
    }
}

fn ends_access(request: &Request) -> bool {
    match &request.command {
        Command::DeleteForSelf | Command::DeleteForAll => true,
        Command::Change(change) => {
            [&change.remove, &change.remove_admins].into_iter().any(|gone| gone.contains(&request.actor))
        }
        Command::Create(_) | Command::OpenPrivate { .. } | Command::Post(_) | Command::Update(_) => false,
        Command::ClearForSelf | Command::ClearForAll | Command::Subscribe => false,
        Command::SetNotifications(_) | Command::Block(_) | Command::Unblock(_) => false,
        Command::HideMessages(_) | Command::RemoveMessages(_) | Command::React(_) => false,
    }
}

/// Receipts by command, the oldest forgotten first.
#[derive(Debug)]
pub(crate) struct Recent {
    receipts: HashMap<CommandId, Receipt>,
    order: VecDeque<CommandId>,
    commands_max: usize,
}

impl Recent {
    /// None yet; remembers `commands_max`.
    pub(crate) fn new(commands_max: usize) -> Self {
        Self { receipts: HashMap::new(), order: VecDeque::new(), commands_max }
    }

    /// Remember a command as the latest.
    pub(crate) fn insert(&mut self, command: CommandId, receipt: Receipt) {
        if self.receipts.insert(command, receipt).is_none() {
            self.order.push_back(command);
        }
        if self.order.len() > self.commands_max
            && let Some(oldest) = self.order.pop_front()
        {
            self.receipts.remove(&oldest);
        }
    }

    /// How many commands are remembered.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// What the command did, if it is remembered.
    pub(crate) fn get(&self, command: CommandId) -> Option<&Receipt> {
        self.receipts.get(&command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::command::Change;
    use domain::{DialogId, UserId};

    /// Who gave up what he needed to ask is answered again; who lost it to others is not.
    #[test]
    fn only_who_took_his_own_rights_is_answered_without_them() {
        let user = |number| UserId::new(number).unwrap();
        let asks = |change| Request {
            id: CommandId([1; 16]),
            dialog: DialogId::from_parts(7, [0xaa; 8]),
            actor: user(1),
            command: Command::Change(change),
        };
        let repeat = |change| Receipt::default().repeat(&asks(change), Err(Refusal::NotPermitted));
        let done = Ok(Decision::default());
        assert_eq!(repeat(Change { remove: vec![user(1)], ..Change::default() }), done);
        assert_eq!(repeat(Change { remove_admins: vec![user(1)], ..Change::default() }), done);
        let others = Change { remove: vec![user(2)], remove_admins: vec![user(2)], ..Change::default() };
        assert_eq!(repeat(others), Err(Refusal::NotPermitted));
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut recent = Recent::new(2);
        for n in 0..3 {
            recent.insert(CommandId([n; 16]), Receipt::default());
        }
        assert_eq!(recent.get(CommandId([0; 16])), None);
        assert!(recent.get(CommandId([1; 16])).is_some() && recent.get(CommandId([2; 16])).is_some());
    }
}
