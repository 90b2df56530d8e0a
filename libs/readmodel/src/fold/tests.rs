//! What the random histories of the stores cannot show: events that contradict the rows,
//! and how little a batch wants.

use domain::content::{Content, DialogContent, Text};
use domain::event::{Event, Kind, Mark, Marked, MessageRef, Range, Record, Stream};
use domain::{ApplicationId, CommandId, DialogId, MessageId, Sequence, Time, UserId};

use super::{Error, Plan, Rows, highest_user};
use crate::marks::{Bits, Marks, Removals};
use crate::rows::{LastMessage, Standing};

fn dialog() -> DialogId {
    DialogId::from_parts(1, [0xaa; 8])
}

fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

fn by(actor: u64, event: Event) -> Record {
    Record {
        id: [0; 16],
        command: CommandId([0; 16]),
        application: ApplicationId::new(1).unwrap(),
        stream: Stream::Dialog(dialog()),
        actor: UserId::new(actor),
        at: Time(1_000),
        event,
    }
}

fn created() -> Record {
    let content = Content::Known(DialogContent::default());
    let occupants = vec![user(1), user(2)];
    let (kind, owner) = (Kind::Group, user(1));
    by(1, Event::DialogCreated { kind, owner, occupants, admins: vec![], permissions: None, content })
}

fn at(sequence: u64) -> MessageRef {
    MessageRef { sequence: Sequence(sequence), id: MessageId::from_parts(1, sequence.to_be_bytes()) }
}

fn posted(sequence: u64) -> Record {
    let (send_to_chat, markable, silent) = (true, true, false);
    let (message, date_sent, content) = (at(sequence), 1, Content::Erased);
    by(
        1,
        Event::MessagePosted { message, recipient: None, date_sent, send_to_chat, markable, silent, content },
    )
}

#[test]
fn events_that_contradict_the_rows_stop_the_fold() {
    let mut rows = Rows::default();
    assert_eq!(rows.fold(&posted(1)), Err(Error::NoDialog(dialog())));
    rows.fold(&created()).unwrap();
    rows.fold(&posted(1)).unwrap();
    for found in [1, 3] {
        let gap = Error::Gap { dialog: dialog(), head: Sequence(1), found: Sequence(found) };
        assert_eq!(rows.fold(&posted(found)), Err(gap));
    }
    assert_eq!(rows.fold(&by(0, Event::OccupantLeft)), Err(Error::Actorless(dialog())));
    let stray = Record { stream: Stream::Application(ApplicationId::new(1).unwrap()), ..posted(2) };
    assert_eq!(rows.fold(&stray), Err(Error::Streamless));
    assert_eq!(rows.fold(&Record { event: Event::WriterStarted, ..stray }), Ok(()));
}

#[test]
fn the_highest_user_is_that_of_anybody_named() {
    assert_eq!(highest_user(&created()), 2);
    assert_eq!(highest_user(&by(9, Event::OccupantsAdded { users: vec![user(5)] })), 9);
    assert_eq!(highest_user(&by(1, Event::OccupantsAdded { users: vec![user(5)] })), 5);
    assert_eq!(highest_user(&by(1, Event::AdminsAdded { users: vec![user(6)] })), 6);
    assert_eq!(highest_user(&by(1, Event::UserBlocked { user: user(7) })), 7);
    assert_eq!(highest_user(&by(0, Event::WriterStarted)), 0);
}

/// A dialog of 1,000,000 messages, all but its first and its last removed.
fn hollow() -> Rows {
    let mut rows = Rows::default();
    rows.fold(&created()).unwrap();
    let held = rows.of(dialog());
    let mut row = held.row.clone().unwrap();
    row.head = Sequence(1_000_000);
    row.last = LastMessage { sequence: row.head, sender: Some(user(1)), ..LastMessage::NONE };
    let mut removals = Removals::default();
    (0..=244).for_each(|chunk| removals.set(chunk, 4_096));
    removals.set(0, 4_095);
    removals.set(244, 575);
    held.load(row, removals);
    rows
}

#[test]
fn the_message_before_a_long_gap_is_found_by_counts() {
    let mut rows = hollow();
    let mut plan = Plan::of([&by(1, Event::MessagesRemoved { messages: vec![at(1_000_000)] })]);
    assert!(plan.next(&rows).is_some());
    let mut loaded = vec![];
    while let Some(wanted) = plan.next(&rows) {
        for (_, chunk) in wanted.removed_chunks {
            let mut bits = Bits::EMPTY;
            bits.insert_range(u32::from(chunk == 0), if chunk == 244 { 574 } else { 4_095 });
            rows.of(dialog()).removed_chunks.insert(chunk, bits);
            loaded.push(chunk);
        }
        for (_, sequence) in wanted.authors {
            assert_eq!(sequence, 1);
            rows.of(dialog()).living.insert(sequence, user(2));
        }
    }
    assert_eq!(loaded, [244, 0], "two chunks of 245");
    rows.fold(&by(1, Event::MessagesRemoved { messages: vec![at(1_000_000)] })).unwrap();
    let last = rows.get(&dialog()).unwrap().row.as_ref().unwrap().last;
    assert_eq!((last.sequence, last.sender, last.counts_known), (Sequence(1), Some(user(2)), false));
}

#[test]
fn a_mark_on_everything_wants_no_chunk() {
    let mut rows = hollow();
    let standing = |rows: &mut Rows, marks| {
        let row = Standing { member: true, marks, ..Standing::nothing(Time(1)) };
        rows.of(dialog()).standings.entry(user(2)).or_default().row = Some(row);
    };
    let mut marks = Marks::default();
    marks.sparse.set(crate::marks::Entry { chunk: 9, seen: 1, hidden: 0, removed: 4_096 });
    standing(&mut rows, marks);
    rows.of(dialog()).removals = Removals::default();
    let all = Event::MessagesMarked { mark: Mark::Read, marked: Marked::All(Sequence(1_000_000)) };
    let mut plan = Plan::of([&by(2, all.clone())]);
    plan.next(&rows).unwrap();
    assert!(plan.next(&rows).unwrap().is_empty());
    rows.fold(&by(2, all)).unwrap();
    let held = &rows.get(&dialog()).unwrap().standings[&user(2)];
    assert!(held.row.as_ref().unwrap().marks.sparse.is_empty());
    assert!(held.chunks_dirty.is_empty());

    let named = Event::MessagesMarked {
        mark: Mark::Read,
        marked: Marked::Listed(vec![Range { first: Sequence(1), last: Sequence(u64::MAX) }]),
    };
    assert_eq!(rows.fold(&by(2, named)), Ok(()), "beyond the head there is nothing to mark");
}

#[test]
fn reading_touches_what_was_not_read_before() {
    let mut rows = Rows::default();
    let at = |record: Record, at| Record { at: Time(at), ..record };
    let mark = |mark, first, last| {
        let range = Range { first: Sequence(first), last: Sequence(last) };
        by(2, Event::MessagesMarked { mark, marked: Marked::Listed(vec![range]) })
    };
    let touched = |rows: &Rows| {
        let row = rows.get(&dialog()).unwrap().row.clone().unwrap();
        [1, 2, 3, 4].map(|sequence| row.touched.at(Sequence(sequence)).map(|at| at.0))
    };
    rows.fold(&created()).unwrap();
    (1..=4).for_each(|sequence| rows.fold(&posted(sequence)).unwrap());
    rows.fold(&at(mark(Mark::Delivered, 1, 4), 5)).unwrap();
    assert_eq!(touched(&rows), [None; 4], "writing and receiving is not reading");
    rows.fold(&at(mark(Mark::Read, 1, 2), 6)).unwrap();
    rows.fold(&at(mark(Mark::Read, 1, 2), 7)).unwrap();
    assert_eq!(touched(&rows), [Some(6), Some(6), None, None]);
    let all = Event::MessagesMarked { mark: Mark::Read, marked: Marked::All(Sequence(3)) };
    rows.fold(&at(by(2, all), 8)).unwrap();
    assert_eq!(touched(&rows), [Some(6), Some(6), Some(8), None]);
    rows.fold(&by(1, Event::HistoryClearedForAll)).unwrap();
    assert_eq!(touched(&rows), [None; 4]);
}

#[test]
fn extensions_are_merged_key_by_key() {
    let mut rows = Rows::default();
    let merged = |pairs: &[(&str, &str)]| {
        let text = |text: &str| Text::stored(text.to_owned());
        let pairs = pairs.iter().map(|(key, value)| (text(key), text(value)));
        by(1, Event::ExtensionsMerged { content: Content::Known(pairs.collect()) })
    };
    let stored = |rows: &Rows| rows.get(&dialog()).unwrap().row.clone().unwrap().extensions;
    rows.fold(&created()).unwrap();
    rows.fold(&merged(&[("a", "1"), ("b", "2")])).unwrap();
    rows.fold(&merged(&[("c", "3"), ("a", "4")])).unwrap();
    assert_eq!(stored(&rows).unwrap(), r#"{"a":"4","b":"2","c":"3"}"#);
    rows.fold(&by(1, Event::ExtensionsMerged { content: Content::Erased })).unwrap();
    assert_eq!(stored(&rows), None);
}
