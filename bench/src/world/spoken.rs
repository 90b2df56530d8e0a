//! Messages to be searched: one word in 5 % of them, one in 0.1 %, for somebody who may read half of them and for
//! somebody who may read very few.

use domain::UserId;

use super::{Builder, Group, stranger, user};
use crate::client::User;

/// A word in one message of 20.
pub(crate) const COMMON: &str = "piano";
/// A word in one message of 1,000.
pub(crate) const RARE: &str = "zebra";
/// The dialogs; the reader of much is in every other one.
const DIALOGS: u32 = 200;
/// Messages of each second: a busy day.
const PER_SECOND: u64 = 1_000;
/// Messages that the reader of little may read.
const FEW: u64 = 1_000;

/// Append `messages` messages to the log that `builder` has opened, and close it: the first of `users` may read half of
/// them, the second [`FEW`].
///
/// # Errors
///
/// The log cannot be written.
pub(crate) fn speak(mut builder: Builder, messages: u64, users: &[User; 2]) -> anyhow::Result<u64> {
    let [reader_of_much, reader_of_little] = [user(users[0].id)?, user(users[1].id)?];
    let mut rooms = (0..DIALOGS)
        .map(|number| room(&mut builder, number, (number % 2 == 0).then_some(reader_of_much)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut small = room(&mut builder, DIALOGS, Some(reader_of_little))?;
    let every = (messages / FEW).max(1);
    let newest = builder.at.seconds();
    for number in 0..messages {
        // Neither the words nor the dialogs follow a rhythm of each other.
        let chance = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let text = match (chance % 1_000, chance % 20) {
            (0, _) => said(&builder, RARE),
            (_, 1) => said(&builder, COMMON),
            _ => builder.text.clone(),
        };
        let place = usize::try_from(number % u64::from(DIALOGS))?;
        let group = if number % every == 0 { &mut small } else { &mut rooms[place] };
        let author = group.occupants[0];
        let date = newest - (messages - number) / PER_SECOND;
        builder.say(group, author, (date, text))?;
    }
    builder.finish()
}

fn room(builder: &mut Builder, number: u32, reader: Option<UserId>) -> anyhow::Result<Group> {
    let mut occupants = vec![stranger(u64::from(number))?];
    occupants.extend(reader);
    builder.group(number, occupants)
}

/// The usual text with `word` in its middle.
fn said(builder: &Builder, word: &str) -> String {
    let (before, after) = builder.text.split_at(builder.text.len() / 2);
    format!("{before}{word}{after}")
}
