//! What a newer version wrote is read or refused, never guessed; what is no event is
//! refused, and no bytes break anything.

use domain::content::{Content, MessageContent};
use domain::event::{Event, Mark, Marked, Range, Record};
use domain::{INTEGER_ID_MAX, Sequence, UserId};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use crate::arbitrary;
use crate::samples::{self, samples};

/// The envelope as a newer version might write it: with a field that is not known today.
#[derive(Clone, PartialEq, Message)]
struct NewerEnvelope {
    #[prost(bytes = "vec", tag = "1")]
    event_id: Vec<u8>,
    #[prost(string, tag = "2")]
    r#type: String,
    #[prost(uint32, tag = "3")]
    schema: u32,
    #[prost(bytes = "vec", tag = "4")]
    command_id: Vec<u8>,
    #[prost(uint64, tag = "5")]
    application: u64,
    #[prost(bytes = "vec", tag = "6")]
    stream: Vec<u8>,
    #[prost(uint64, tag = "7")]
    actor: u64,
    #[prost(uint64, tag = "8")]
    time_ms: u64,
    #[prost(bytes = "vec", tag = "9")]
    payload: Vec<u8>,
    #[prost(string, optional, tag = "1000")]
    unknown: Option<String>,
}

/// A field that is not known today, to append to any message.
#[derive(Clone, PartialEq, Message)]
struct NewerField {
    #[prost(string, tag = "999")]
    unknown: String,
}

/// Content as the payloads carry it.
#[derive(Clone, PartialEq, Message)]
struct SomeContent {
    #[prost(string, tag = "1")]
    key_id: String,
    #[prost(bytes = "vec", tag = "2")]
    nonce: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    bytes: Vec<u8>,
}

/// The part of "message.posted" that holds its content.
#[derive(Clone, PartialEq, Message)]
struct PostedContent {
    #[prost(message, optional, tag = "7")]
    content: Option<SomeContent>,
}

fn newer_field() -> Vec<u8> {
    NewerField { unknown: "of tomorrow".to_owned() }.encode_to_vec()
}

/// What `change` makes of the event's bytes.
fn rewritten(record: &Record, change: impl FnOnce(&mut NewerEnvelope)) -> Vec<u8> {
    let mut envelope = NewerEnvelope::decode(wire::encode(record).as_slice()).unwrap();
    change(&mut envelope);
    envelope.encode_to_vec()
}

fn message_posted() -> Record {
    samples().into_iter().find(|sample| sample.file == "message.posted-1").unwrap().record
}

#[test]
fn what_a_newer_version_added_is_passed_over() {
    for sample in samples() {
        let bytes = rewritten(&sample.record, |envelope| {
            envelope.unknown = Some("of tomorrow".to_owned());
            envelope.stream.extend(newer_field());
            envelope.payload.extend(newer_field());
        });
        assert_eq!(wire::decode(&bytes), Ok(sample.record), "{}", sample.file);
    }
}

#[test]
fn what_a_newer_version_added_to_content_is_passed_over() {
    let record = message_posted();
    let bytes = rewritten(&record, |envelope| {
        let content = SomeContent { bytes: newer_field(), ..SomeContent::default() };
        envelope.payload.extend(PostedContent { content: Some(content) }.encode_to_vec());
    });
    // A second content field is merged into the first, its bytes taking their place.
    let Event::MessagePosted { content, .. } = wire::decode(&bytes).unwrap().event else { panic!() };
    assert_eq!(content, Content::Known(MessageContent::default()));
}

#[test]
fn an_unknown_type_or_schema_stops_the_reader() {
    for sample in samples() {
        let unknown = |type_name: &str, schema| {
            Err(wire::Error::UnknownType { type_name: type_name.to_owned(), schema })
        };
        let name = wire::open(&wire::encode(&sample.record)).unwrap().type_name;
        for schema in [0, 2, u32::MAX] {
            let bytes = rewritten(&sample.record, |envelope| envelope.schema = schema);
            assert_eq!(wire::decode(&bytes), unknown(&name, schema));
            assert_eq!(wire::open(&bytes).unwrap().schema, schema, "the envelope is still readable");
        }
        for other in ["", "message.sung", "Message.Posted"] {
            let bytes = rewritten(&sample.record, |envelope| envelope.r#type = other.to_owned());
            assert_eq!(wire::decode(&bytes), unknown(other, 1));
        }
    }
}

#[test]
fn content_under_a_key_is_not_taken_for_erased() {
    let record = message_posted();
    let keyed = |key_id: &str| {
        rewritten(&record, |envelope| {
            let content = SomeContent { key_id: key_id.to_owned(), ..SomeContent::default() };
            envelope.payload.extend(PostedContent { content: Some(content) }.encode_to_vec());
        })
    };
    assert!(matches!(wire::decode(&keyed("2031-05")), Err(wire::Error::Malformed(_))));
    let Event::MessagePosted { content, .. } = wire::decode(&keyed("erased")).unwrap().event else {
        panic!()
    };
    assert_eq!(content, Content::Erased);
}

#[test]
fn what_lacks_a_part_or_breaks_off_is_malformed() {
    let record = message_posted();
    let malformed = |change: fn(&mut NewerEnvelope)| {
        let bytes = rewritten(&record, change);
        assert!(matches!(wire::decode(&bytes), Err(wire::Error::Malformed(_))), "{:?}", wire::decode(&bytes));
    };
    malformed(|envelope| envelope.event_id.truncate(15));
    malformed(|envelope| envelope.command_id.clear());
    malformed(|envelope| envelope.application = 0);
    malformed(|envelope| envelope.application = INTEGER_ID_MAX + 1);
    malformed(|envelope| envelope.actor = INTEGER_ID_MAX + 1);
    malformed(|envelope| envelope.stream.clear());
    malformed(|envelope| envelope.stream[1] = 2);
    malformed(|envelope| envelope.payload.clear());
    malformed(|envelope| envelope.payload.truncate(envelope.payload.len() - 1));
    assert!(matches!(wire::decode(&[]), Err(wire::Error::Malformed(_))));
}

#[test]
fn nobody_and_no_message_are_malformed() {
    let payloads: [(Event, &[u8]); 5] = [
        (Event::UserBlocked { user: UserId::new(1).unwrap() }, &[]),
        (Event::UserUnblocked { user: UserId::new(1).unwrap() }, &[8, 0]),
        (Event::AdminsAdded { users: vec![] }, &[8, 0]),
        (Event::MessagesPinned { messages: vec![] }, &[10, 0]),
        (samples::reactions_changed(samples::message(1)), &[18, 1, b'a']),
    ];
    for (event, payload) in payloads {
        let bytes =
            rewritten(&samples::record(event.clone()), |envelope| envelope.payload = payload.to_vec());
        assert!(matches!(wire::decode(&bytes), Err(wire::Error::Malformed(_))), "{event:?}");
    }
}

#[test]
fn a_mark_of_no_kind_is_malformed() {
    let all = Event::MessagesMarked { mark: Mark::Viewed, marked: Marked::All(Sequence(1)) };
    for kind in [0, 4, 99] {
        let bytes = rewritten(&samples::record(all.clone()), |envelope| envelope.payload[1] = kind);
        assert_eq!(wire::decode(&bytes), Err(wire::Error::Malformed("mark")));
    }
}

#[test]
fn a_range_of_nothing_is_malformed() {
    for (first, last) in [(0, 1), (2, 1), (0, 0)] {
        let range = Range { first: Sequence(first), last: Sequence(last) };
        let marked = Marked::Listed(vec![range]);
        let record = samples::record(Event::MessagesMarked { mark: Mark::Read, marked });
        assert_eq!(wire::decode(&wire::encode(&record)), Err(wire::Error::Malformed("range of sequences")));
    }
}

proptest! {
    #[test]
    fn no_bytes_break_anything(bytes in vec(any::<u8>(), 0..200)) {
        drop(wire::open(&bytes));
        drop(wire::decode(&bytes));
    }

    /// Bytes that were once an event get further in than any others.
    #[test]
    fn no_damage_breaks_anything(record in arbitrary::record(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = wire::encode(&record);
        let at = at.index(bytes.len());
        bytes[at] = to;
        drop(wire::decode(&bytes));
        bytes.truncate(at);
        drop(wire::decode(&bytes));
    }

    /// A payload of every type, whatever its bytes.
    #[test]
    fn no_payload_breaks_anything(payload in vec(any::<u8>(), 0..100)) {
        for sample in samples() {
            drop(wire::decode(&rewritten(&sample.record, |envelope| envelope.payload.clone_from(&payload))));
        }
    }
}
