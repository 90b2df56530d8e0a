//! The fold of reactions.

use domain::content::Text;
use domain::event::Event;

use super::rows::{Changed, DialogRows, MessageChange};
use super::{Cause, Error};

impl DialogRows {
    /// The decision has seen what the actor had put on the message: each kind that is added
    /// is new, and each that is removed was there.
    pub(super) fn reacted(&mut self, by: Cause, event: &Event) -> Result<(), Error> {
        let Event::ReactionsChanged { message, added, removed } = event else { return Ok(()) };
        let user = by.actor()?;
        let row = self.header(by.dialog)?;
        let sequence = message.sequence.0;
        if sequence <= row.cleared_to.0 || sequence > row.head.0 {
            return Ok(());
        }
        let stored = || self.totals.get(&sequence).cloned().unwrap_or_default();
        let change =
            self.messages.entry(sequence).or_insert_with(|| MessageChange::Changed(Changed::default()));
        let totals = match change {
            MessageChange::New(new) if !new.removed => &mut new.reactions,
            MessageChange::Changed(changed) => changed.reactions.get_or_insert_with(stored),
            MessageChange::New(_) | MessageChange::Removed => return Ok(()),
        };
        let reactions = self.reactions.entry(sequence).or_default();
        for kind in removed.iter().map(Text::as_str) {
            totals.take(kind);
            reactions.insert((kind.to_owned(), user), false);
        }
        for kind in added.iter().map(Text::as_str) {
            totals.add(kind);
            reactions.insert((kind.to_owned(), user), true);
        }
        Ok(())
    }
}
