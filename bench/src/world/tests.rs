//! What is laid out is what was promised, in events that a server could have written.

use std::collections::HashMap;

use domain::facts::{Fact, Facts as _, Key, evolve};
use eventlog::Spec;

use super::*;
use crate::client::User;
use crate::run::Scale;

/// An empty log, as a server makes it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let application = ApplicationId::new(APPLICATION).unwrap();
    let opened = Event::LogOpened {
        partitions: 1,
        partition_hash: eventlog::PARTITION_HASH.to_owned(),
        private_dialog_key: [7; 32],
    };
    let opened = Bytes::from(wire::encode(&record(0, Time(0), application, opened, (None, None))));
    let spec = Spec { epoch: eventlog::Epoch([1; 16]), time_ms: 1_795_441_000_000, opened: vec![opened] };
    SqliteLog::create(folder.path(), &spec).unwrap();
    folder
}

/// Every event in the log, and the facts that they leave. Each is checked against the facts before it.
fn replay(folder: &Path) -> (Vec<Event>, HashMap<Key, Fact>) {
    let (mut events, mut facts) = (vec![], HashMap::new());
    each_frame(folder, 0, |frame| {
        for bytes in frame.events() {
            let record = wire::decode(bytes)?;
            if let Stream::Dialog(dialog) = record.stream {
                check(&facts, dialog, &record);
                facts.extend(evolve(&facts, dialog, record.actor, &record.event));
            }
            events.push(record.event);
        }
        Ok(())
    })
    .unwrap();
    (events, facts)
}

fn check(facts: &HashMap<Key, Fact>, dialog: DialogId, record: &Record) {
    let header = facts.header(dialog);
    let head = header.map_or(Sequence::NONE, |header| header.head);
    let actor = record.actor.unwrap();
    let is_member = |user| facts.standing(dialog, user).is_some_and(|standing| standing.member);
    let exists = |message: &MessageRef| {
        let found = facts.message(Key::Message(dialog, message.sequence)).unwrap();
        assert!(found.id == message.id && !found.removed);
    };
    match &record.event {
        Event::DialogCreated { occupants, .. } => {
            assert!(header.is_none() && occupants.contains(&actor));
            let mut distinct = occupants.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), occupants.len());
            return;
        }
        Event::MessagePosted { message, .. } => assert_eq!(message.sequence, head.next()),
        Event::MessageEdited { message, .. } | Event::ReactionsChanged { message, .. } => exists(message),
        Event::MessagesRemoved { messages } | Event::MessagesHidden { messages } => {
            messages.iter().for_each(exists);
        }
        Event::OccupantsAdded { users } => assert!(users.iter().all(|user| !is_member(*user))),
        Event::OccupantsRemoved { users } => assert!(users.iter().all(|user| is_member(*user))),
        Event::MessagesMarked { marked: Marked::Named(messages), .. } => messages.iter().for_each(exists),
        Event::MessagesMarked { marked: Marked::Listed(ranges), .. } => {
            assert!(ranges.iter().all(|range| range.first <= range.last && range.last <= head));
        }
        Event::MessagesMarked { marked: Marked::All(up_to), .. } => assert!(*up_to <= head),
        other => panic!("not laid out: {other:?}"),
    }
    assert!(is_member(actor));
}

#[test]
fn a_mixed_log_has_the_mix() {
    let folder = folder();
    let made = mix(Builder::open(folder.path()).unwrap(), 40_000).unwrap();
    let (events, _) = replay(folder.path());
    assert_eq!(events.len() as u64, made + 2);
    let share = |has: fn(&Event) -> bool| {
        events.iter().filter(|event| has(event)).count() as f64 / events.len() as f64
    };
    let shares = [
        share(|event| matches!(event, Event::MessagePosted { .. })),
        share(|event| matches!(event, Event::MessagesMarked { .. })),
        share(|event| matches!(event, Event::MessageEdited { .. } | Event::MessagesRemoved { .. })),
        share(|event| matches!(event, Event::OccupantsAdded { .. } | Event::OccupantsRemoved { .. })),
    ];
    for (share, wanted) in shares.iter().zip([0.7, 0.2, 0.05, 0.05]) {
        assert!((share - wanted).abs() < 0.01, "{shares:?}");
    }
}

#[test]
fn a_grown_store_has_its_dialogs() {
    let folder = folder();
    let users: Vec<User> = (1..=10).map(|id| User { id, token: String::new() }).collect();
    let scale = Scale { large_messages: 2_000, crowd: 500, wide_dialogs: 300, ..Scale::quick() };
    let scale = Scale { collected_dialogs: 30, hoarded_dialogs: 150, ..scale };
    let grown = grow(folder.path(), &scale, &users).unwrap();
    let (events, facts) = replay(folder.path());
    assert_eq!(events.len() as u64, grown.events + 2);
    let header = |id: &str| facts.header(id.parse().unwrap()).unwrap();
    assert_eq!((header(&grown.large).head, header(&grown.large).occupants), (Sequence(2_000), 10));
    assert_eq!((header(&grown.small).head, header(&grown.small).occupants), (Sequence(100), 10));
    assert_eq!([header(&grown.two).occupants, header(&grown.crowd).occupants], [2, 500]);
    let dialogs_of = |id: u64| {
        let user = UserId::new(id).unwrap();
        facts.keys().filter(|key| matches!(key, Key::Standing(_, found) if *found == user)).count()
    };
    // Of the many; the large, the small, the hall, the crowd, the two with reactions, and the 20 others.
    assert_eq!([dialogs_of(10), dialogs_of(9)], [30 + 6 + 20, 150 + 6 + 20]);
    let reactions = events.iter().filter(|event| matches!(event, Event::ReactionsChanged { .. })).count();
    assert_eq!(reactions, scale.hall + 500);
}

#[test]
fn spoken_words_are_as_rare_as_they_should_be() {
    let folder = folder();
    let users = [1, 2].map(|id| User { id, token: String::new() });
    let made = speak(Builder::open(folder.path()).unwrap(), 40_000, &users).unwrap();
    let (events, facts) = replay(folder.path());
    assert_eq!(events.len() as u64, made + 2);
    let says = |word: &str| {
        let said = events.iter().filter(|event| match event {
            Event::MessagePosted { content: Content::Known(content), .. } => {
                content.text.as_ref().is_some_and(|text| text.as_str().contains(word))
            }
            _ => false,
        });
        said.count()
    };
    assert!((30..50).contains(&says(RARE)) && (1_800..2_200).contains(&says(COMMON)));
    let readable = |id: u64| {
        let user = UserId::new(id).unwrap();
        let of_user = facts.keys().filter_map(|key| match key {
            Key::Standing(dialog, found) if *found == user => facts.header(*dialog),
            _ => None,
        });
        of_user.map(|header| header.head.0).sum::<u64>()
    };
    assert_eq!(readable(2), 1_000);
    assert!((19_000..=20_000).contains(&readable(1)), "{}", readable(1));
}
