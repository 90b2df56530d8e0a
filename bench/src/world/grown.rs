//! A store that has grown: a dialog of a million messages, one of ten thousand occupants, and many others beside.

use std::path::Path;

use anyhow::bail;
use domain::content::Text;
use domain::event::{Event, Marked, MessageRef};
use domain::{DialogId, Sequence, UserId};

use super::{Builder, Group, NAMED, stranger, user};
use crate::client::User;
use crate::run::Scale;

/// The number of the first of the many dialogs; those below it are named one by one.
const WIDE_FIRST: u32 = 1_000;
/// Occupants of a dialog where nothing else is said.
const OCCUPANTS: usize = 10;
/// Occupants of each of the many dialogs.
const WIDE_OCCUPANTS: u64 = 5;
/// Messages of the dialogs whose size is not the point.
const SOME_MESSAGES: u64 = 1_000;
/// How many dialogs go on being used while the large one is deleted.
const OTHERS: u32 = 20;
/// Messages of the small dialog that the large one is compared with.
pub(crate) const SMALL_MESSAGES: u64 = 100;

/// What is in the store, by id.
#[derive(Debug, Clone)]
pub(crate) struct Grown {
    /// The dialog with the most messages.
    pub(crate) large: String,
    /// The same with [`SMALL_MESSAGES`].
    pub(crate) small: String,
    /// A dialog of 2 occupants.
    pub(crate) two: String,
    /// A dialog of as many occupants as receipts are named for.
    pub(crate) hall: String,
    /// A dialog of as many occupants as there may be.
    pub(crate) crowd: String,
    /// A message that everybody in a dialog like the hall reacted to, and one that everybody in a crowd did.
    pub(crate) liked: [String; 2],
    /// Dialogs like any others.
    pub(crate) others: Vec<String>,
    /// How many events were made.
    pub(crate) events: u64,
}

/// Lay the store out in the log in `data`: the first of `users` reads, the others write; the last two are in many
/// dialogs.
///
/// # Errors
///
/// The log cannot be written.
pub(crate) fn grow(data: &Path, scale: &Scale, users: &[User]) -> anyhow::Result<Grown> {
    let mut builder = Builder::open(data)?;
    let people = users.iter().take(OCCUPANTS).map(|u| user(u.id)).collect::<anyhow::Result<Vec<_>>>()?;
    let strangers = (people.len()..scale.crowd).map(|number| stranger(number as u64));
    let crowd = people.iter().copied().map(Ok).chain(strangers).collect::<anyhow::Result<Vec<_>>>()?;
    let hall = crowd[..scale.hall.min(crowd.len())].to_vec();
    let large = history(&mut builder, 1, people.clone(), scale.large_messages)?;
    let small = history(&mut builder, 2, people.clone(), SMALL_MESSAGES)?;
    let two = history(&mut builder, 3, people[..2].to_vec(), SOME_MESSAGES)?;
    let reactors = [hall.clone(), crowd.clone()];
    let hall = history(&mut builder, 4, hall, SOME_MESSAGES)?;
    let crowd = history(&mut builder, 5, crowd, SOME_MESSAGES)?;
    let liked = [reacted(&mut builder, 6, &reactors[0])?, reacted(&mut builder, 7, &reactors[1])?];
    let mut others = Vec::new();
    for number in 0..OTHERS {
        others.push(history(&mut builder, 100 + number, people.clone(), SOME_MESSAGES)?.to_string());
    }
    wide(&mut builder, scale, &people)?;
    let [large, small, two] = [large, small, two].map(|id| id.to_string());
    let [hall, crowd] = [hall, crowd].map(|id| id.to_string());
    Ok(Grown { large, small, two, hall, crowd, liked, others, events: builder.finish()? })
}

/// Whether the message at `sequence` of a [`history`] is removed.
fn is_removed(sequence: u64) -> bool {
    sequence % 10 == 3
}

/// Whether the reader has hidden it.
fn is_hidden(sequence: u64) -> bool {
    sequence % 100 == 51
}

/// Whether the reader has read it by itself, above his watermark.
fn is_read(sequence: u64) -> bool {
    sequence.is_multiple_of(2)
}

/// Up to where the reader has read all.
fn watermark(messages: u64) -> u64 {
    messages / 10
}

/// What the reader of a history of so many messages has not read.
pub(crate) fn unread_of(messages: u64) -> u64 {
    let unread = |s: &u64| !is_removed(*s) && !is_hidden(*s) && !is_read(*s);
    (watermark(messages) + 1..=messages).filter(unread).count() as u64
}

/// A dialog whose first occupant reads what the other nine or fewer write: 10 % is removed, 10 % read at once, of
/// the rest every other message one by one, and 1 % hidden.
fn history(
    builder: &mut Builder,
    number: u32,
    occupants: Vec<UserId>,
    messages: u64,
) -> anyhow::Result<DialogId> {
    let reader = occupants[0];
    let writers: Vec<UserId> = occupants[1..].iter().copied().take(OCCUPANTS - 1).collect();
    let mut group = builder.group(number, occupants)?;
    for writer in writers.into_iter().cycle().take(usize::try_from(messages)?) {
        builder.post(&mut group, writer)?;
    }
    for removed in named(&group, is_removed) {
        // The reader owns the group, so he may.
        builder.add(group.id, reader, Event::MessagesRemoved { messages: removed })?;
    }
    let watermark = watermark(messages);
    builder.read(&group, reader, Marked::All(Sequence(watermark)))?;
    for sequence in (watermark + 1..=messages).filter(|sequence| is_read(*sequence)) {
        builder.read(&group, reader, Marked::Named(vec![group.message(sequence)]))?;
    }
    for hidden in named(&group, is_hidden) {
        builder.add(group.id, reader, Event::MessagesHidden { messages: hidden })?;
    }
    Ok(group.id)
}

/// The messages of `group` with that property, as many together as a call may name.
fn named(group: &Group, has: fn(u64) -> bool) -> Vec<Vec<MessageRef>> {
    let messages: Vec<MessageRef> =
        (1..=group.head).filter(|sequence| has(*sequence)).map(|sequence| group.message(sequence)).collect();
    messages.chunks(NAMED).map(<[MessageRef]>::to_vec).collect()
}

/// Lay only the many dialogs out in the log that `builder` has opened, and close it; the last two of `users` are in many
/// of them. Gives how many events there are.
///
/// # Errors
///
/// The log cannot be written.
pub(crate) fn widen(mut builder: Builder, scale: &Scale, users: &[User]) -> anyhow::Result<u64> {
    let people = users.iter().map(|u| user(u.id)).collect::<anyhow::Result<Vec<_>>>()?;
    wide(&mut builder, scale, &people)?;
    builder.finish()
}

/// Many dialogs of one message each; the last of `people` is in some of them, the one before him in many, evenly spread.
fn wide(builder: &mut Builder, scale: &Scale, people: &[UserId]) -> anyhow::Result<()> {
    let [.., hoarder, collector] = people else { bail!("nobody is to be in many dialogs") };
    let every = |dialogs: u32| (scale.wide_dialogs / dialogs.max(1)).max(1);
    let [collected, hoarded] = [every(scale.collected_dialogs), every(scale.hoarded_dialogs)];
    for number in 0..scale.wide_dialogs {
        let strangers = (0..WIDE_OCCUPANTS).map(|place| stranger(u64::from(number) * 7 % 50_000 + place));
        let mut occupants = strangers.collect::<anyhow::Result<Vec<_>>>()?;
        if number % collected == 0 {
            occupants[1] = *collector;
        }
        if number % hoarded == 0 {
            occupants[2] = *hoarder;
        }
        let author = occupants[0];
        let mut group = builder.group(WIDE_FIRST + number, occupants)?;
        builder.post(&mut group, author)?;
    }
    Ok(())
}

/// A dialog of one message that each of `occupants` has reacted to. Gives its id.
fn reacted(builder: &mut Builder, number: u32, occupants: &[UserId]) -> anyhow::Result<String> {
    let mut group = builder.group(number, occupants.to_vec())?;
    builder.post(&mut group, occupants[0])?;
    let message = group.message(1);
    for reactor in occupants {
        let added = vec![Text::stored("👍".to_owned())];
        builder.add(group.id, *reactor, Event::ReactionsChanged { message, added, removed: vec![] })?;
    }
    Ok(message.id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unread_are_what_is_left() {
        // Above 10: the odd ones (45) without 13, 23, … 93 (9) and 51 (1).
        assert_eq!(unread_of(100), 45 - 9 - 1);
    }
}
