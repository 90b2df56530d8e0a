//! The frame's bytes: they round-trip, no damage passes, and format 1 stays what it is.

use bytes::Bytes;
use proptest::prelude::*;

use super::{
    EVENT_BYTES_MAX, FRAME_BYTES_MAX, FRAME_EVENTS_MAX, Frame, FrameError, Header, NUMBER_MAX, encoded_len,
};
use crate::{
    error::Rejection,
    ids::{Epoch, FrameHash, Offset, Partition},
};

fn header() -> Header {
    Header {
        epoch: Epoch(*b"0123456789abcdef"),
        partition: Partition(3),
        term: 7,
        first: Offset(1_000),
        time_ms: 1_700_000_000_123,
        previous: FrameHash([0xAB; 32]),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same bytes with a hash that fits them, to reach what lies behind the hash check.
fn rehashed(mut bytes: Vec<u8>) -> Bytes {
    let body = bytes.len() - 32;
    let hash = *blake3::hash(&bytes[..body]).as_bytes();
    bytes[body..].copy_from_slice(&hash);
    Bytes::from(bytes)
}

// A stored format: this text may never be edited, only joined by one for a newer format.
const GOLDEN: &str = concat!(
    "01",
    "30313233343536373839616263646566",
    "03000000",
    "0700000000000000",
    "e803000000000000",
    "7b68e5cf8b010000",
    "abababababababababababababababababababababababababababababababab",
    "0300",
    "05000000",
    "00000000",
    "01000000",
    "68656c6c6f",
    "21",
);

#[test]
fn format_1_never_changes() {
    let events = [Bytes::from_static(b"hello"), Bytes::new(), Bytes::from_static(b"!")];
    let frame = Frame::seal(header(), &events).unwrap();
    let golden = format!("{GOLDEN}{}", "53d94d5c53461134aab384b4eff2b8a3aa573e413db1ebe9391910b9d9506413");
    assert_eq!(hex(frame.encoded()), golden);
    assert_eq!(frame.hash().to_string(), golden[GOLDEN.len()..]);
    assert_eq!(Frame::decode(frame.encoded().clone()).unwrap(), frame);
    assert_eq!((frame.first(), frame.next(), frame.count()), (Offset(1_000), Offset(1_003), 3));
}

#[test]
fn limits_hold_at_their_edge() {
    let sealed = |events: Vec<Bytes>| Frame::seal(header(), &events);
    let zeros = |bytes: usize| Bytes::from(vec![0; bytes]);
    assert_eq!(sealed(vec![]).unwrap_err(), Rejection::NoEvents);
    assert_eq!(sealed(vec![Bytes::new(); FRAME_EVENTS_MAX]).unwrap().count(), FRAME_EVENTS_MAX);
    assert_eq!(sealed(vec![Bytes::new(); FRAME_EVENTS_MAX + 1]).unwrap_err(), Rejection::Events(513));
    assert!(sealed(vec![zeros(EVENT_BYTES_MAX)]).is_ok());
    assert_eq!(sealed(vec![zeros(EVENT_BYTES_MAX + 1)]).unwrap_err(), Rejection::EventBytes(65_537));
    let rest = FRAME_BYTES_MAX - encoded_len(4, 3 * EVENT_BYTES_MAX);
    let full = |last: usize| {
        let mut events = vec![zeros(EVENT_BYTES_MAX); 3];
        events.push(zeros(last));
        events
    };
    let frame = sealed(full(rest)).unwrap();
    assert_eq!(frame.encoded().len(), FRAME_BYTES_MAX);
    assert_eq!(Frame::decode(frame.encoded().clone()).unwrap(), frame);
    assert_eq!(sealed(full(rest + 1)).unwrap_err(), Rejection::FrameBytes(FRAME_BYTES_MAX + 1));
}

#[test]
fn numbers_that_a_store_cannot_hold_are_refused() {
    let event = [Bytes::from_static(b"x")];
    for (term, first, time_ms) in [(NUMBER_MAX + 1, 0, 0), (0, NUMBER_MAX, 0), (0, 0, u64::MAX)] {
        let header = Header { term, first: Offset(first), time_ms, ..header() };
        assert_eq!(Frame::seal(header, &event).unwrap_err(), Rejection::Number);
    }
    let largest = Header { term: NUMBER_MAX, first: Offset(NUMBER_MAX - 1), time_ms: NUMBER_MAX, ..header() };
    let frame = Frame::seal(largest, &event).unwrap();
    let mut bytes = frame.encoded().to_vec();
    bytes[36] = 0xFF;
    assert_eq!(Frame::decode(rehashed(bytes)), Err(FrameError::Limits));
}

#[test]
fn lying_lengths_are_refused_even_with_a_fitting_hash() {
    let frame = Frame::seal(header(), &[Bytes::from_static(b"hello"), Bytes::from_static(b"!")]).unwrap();
    let lie = |at: usize, value: u8| {
        let mut bytes = frame.encoded().to_vec();
        bytes[at] = value;
        Frame::decode(rehashed(bytes))
    };
    assert_eq!(lie(0, 2), Err(FrameError::Format(2)));
    assert_eq!(lie(77, 0), Err(FrameError::Limits));
    assert_eq!(lie(77, 1), Err(FrameError::Length));
    assert_eq!(lie(77, 200), Err(FrameError::Length));
    assert_eq!(lie(78, 0xFF), Err(FrameError::Limits));
    assert_eq!(lie(79, 6), Err(FrameError::Length));
    assert_eq!(lie(82, 0xFF), Err(FrameError::Limits));
    assert_eq!(Frame::decode(Bytes::new()), Err(FrameError::Length));
    assert_eq!(Frame::decode(Bytes::from(vec![1; FRAME_BYTES_MAX + 1])), Err(FrameError::Length));
}

fn any_frame() -> impl Strategy<Value = (Header, Vec<Vec<u8>>)> {
    let numbers = (0..=NUMBER_MAX, 0..NUMBER_MAX - FRAME_EVENTS_MAX as u64, 0..=NUMBER_MAX);
    let events = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..40);
    (any::<[u8; 16]>(), any::<u32>(), numbers, any::<[u8; 32]>(), events).prop_map(
        |(epoch, partition, (term, first, time_ms), previous, events)| {
            let header = Header {
                epoch: Epoch(epoch),
                partition: Partition(partition),
                term,
                first: Offset(first),
                time_ms,
                previous: FrameHash(previous),
            };
            (header, events)
        },
    )
}

proptest! {
    #[test]
    fn a_frame_comes_back_as_it_was((header, events) in any_frame()) {
        let events: Vec<Bytes> = events.into_iter().map(Bytes::from).collect();
        let frame = Frame::seal(header, &events).unwrap();
        let back = Frame::decode(Bytes::copy_from_slice(frame.encoded())).unwrap();
        prop_assert_eq!(back.events(), &events[..]);
        prop_assert_eq!(back.header(), &header);
        prop_assert_eq!(back, frame);
    }

    #[test]
    fn any_changed_byte_is_found((header, events) in any_frame(), at: prop::sample::Index, change in 1..=255_u8) {
        let events: Vec<Bytes> = events.into_iter().map(Bytes::from).collect();
        let frame = Frame::seal(header, &events).unwrap();
        let mut bytes = frame.encoded().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        prop_assert!(Frame::decode(Bytes::from(bytes)).is_err());
    }

    #[test]
    fn any_cut_is_found((header, events) in any_frame(), at: prop::sample::Index) {
        let events: Vec<Bytes> = events.into_iter().map(Bytes::from).collect();
        let frame = Frame::seal(header, &events).unwrap();
        let cut = at.index(frame.encoded().len());
        prop_assert!(Frame::decode(frame.encoded().slice(..cut)).is_err());
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 111..2_000), format in 0..3_u8, count in 0..600_u16) {
        let mut bytes = bytes;
        bytes[0] = format;
        bytes[77..79].copy_from_slice(&count.to_le_bytes());
        let _any_answer = Frame::decode(rehashed(bytes));
    }
}
