//! A log with the mix that a fold is measured by: 70 % posts, 20 % marks, 5 % edits and deletions, 5 % membership.

use domain::content::{Content, Text};
use domain::event::{Event, Marked, Range};
use domain::{Sequence, UserId};

use super::{Builder, Group, stranger};

/// The dialogs, and the occupants of each.
const DIALOGS: u32 = 200;
const OCCUPANTS: u64 = 10;

/// Append about `events` events of that mix to the log that `builder` has opened, and close it. Gives how many there are.
///
/// # Errors
///
/// The log cannot be written.
pub(crate) fn mix(mut builder: Builder, events: u64) -> anyhow::Result<u64> {
    let mut rooms = Vec::new();
    for number in 0..DIALOGS {
        let first = u64::from(number) * OCCUPANTS;
        let occupants = (first..first + OCCUPANTS).map(stranger).collect::<anyhow::Result<Vec<_>>>()?;
        rooms.push(Room { group: builder.group(number, occupants)?, removed: 0, guest: false, turns: 0 });
    }
    for turn in 0..events {
        // A step of 77 through 200 dialogs visits all of them: neighbours in the log are strangers.
        let place = usize::try_from(turn * 77 % u64::from(DIALOGS))?;
        rooms[place].act(&mut builder)?;
    }
    builder.finish()
}

/// A dialog and what was done in it so far.
struct Room {
    group: Group,
    removed: u64,
    guest: bool,
    turns: u64,
}

impl Room {
    /// The next event, by its turn of twenty: 14 posts, 4 marks, 1 edit or deletion, 1 of membership.
    fn act(&mut self, builder: &mut Builder) -> anyhow::Result<()> {
        let turn = self.turns;
        self.turns += 1;
        let round = turn / 20;
        let somebody = |number: u64| self.group.occupants[usize::try_from(number % OCCUPANTS).unwrap_or(0)];
        match turn % 20 {
            4 | 14 => {
                let head = Sequence(self.group.head);
                let first = Sequence(self.group.head.saturating_sub(9).max(1));
                let page = Marked::Listed(vec![Range { first, last: head }]);
                builder.read(&self.group, somebody(round + turn), page)
            }
            9 => {
                let message = self.group.message(self.group.head);
                builder.read(&self.group, somebody(round), Marked::Named(vec![message]))
            }
            18 => builder.read(&self.group, somebody(round), Marked::All(Sequence(self.group.head))),
            17 if round.is_multiple_of(2) => self.edit(builder),
            17 => self.remove(builder),
            19 => self.invite_or_dismiss(builder),
            _ => {
                let author = somebody(turn);
                builder.post(&mut self.group, author)
            }
        }
    }

    /// The newest message's author replaces its text.
    fn edit(&mut self, builder: &mut Builder) -> anyhow::Result<()> {
        let text = Text::stored(builder.text.clone());
        let event = Event::MessageEdited {
            message: self.group.message(self.group.head),
            content: Content::Known(text),
        };
        builder.add(self.group.id, self.owner(), event)
    }

    /// A message is removed, each once: the third, the sixth, …
    fn remove(&mut self, builder: &mut Builder) -> anyhow::Result<()> {
        self.removed += 3;
        let messages = vec![self.group.message(self.removed)];
        builder.add(self.group.id, self.owner(), Event::MessagesRemoved { messages })
    }

    /// A guest comes, or goes again.
    fn invite_or_dismiss(&mut self, builder: &mut Builder) -> anyhow::Result<()> {
        let users = vec![stranger(1_000_000 + u64::from(self.group.number))?];
        self.guest = !self.guest;
        let event = match self.guest {
            true => Event::OccupantsAdded { users },
            false => Event::OccupantsRemoved { users },
        };
        builder.add(self.group.id, self.owner(), event)
    }

    fn owner(&self) -> UserId {
        self.group.occupants[0]
    }
}
