//! The header of a stored message that says which frame it holds, so that the end of a partition and the way to an
//! offset are found without reading events.
//!
//! `Hansard-Frame: <first offset> <count> <term> <time in ms> <hash in hex>`. It repeats what the frame itself says and
//! is never trusted over it: a reader checks the frame.

use async_nats::HeaderMap;

use crate::{
    frame::{FRAME_EVENTS_MAX, Frame},
    ids::{FrameHash, Offset},
    log::Tail,
};

/// The header's name.
pub(super) const HEADER: &str = "Hansard-Frame";

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) first: Offset,
    /// The partition's end behind this frame.
    pub(super) tail: Tail,
}

impl Label {
    pub(super) fn of(frame: &Frame) -> Self {
        Self { first: frame.first(), tail: Tail::after(frame) }
    }

    pub(super) fn contains(&self, offset: Offset) -> bool {
        self.first <= offset && offset < self.tail.next
    }

    pub(super) fn to_header(self) -> String {
        let Tail { next, hash, term, time_ms } = self.tail;
        let count = next.0 - self.first.0;
        format!("{} {count} {term} {time_ms} {hash}", self.first)
    }

    /// Read it back; nothing if there is none, or none of ours.
    pub(super) fn in_headers(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get(HEADER)?.as_str())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let mut number = || words.next()?.parse::<u64>().ok();
        let (first, count, term, time_ms) = (number()?, number()?, number()?, number()?);
        if !(1..=FRAME_EVENTS_MAX as u64).contains(&count) {
            return None;
        }
        let hash = parse_hash(words.next()?)?;
        let first = Offset(first);
        let tail = Tail { next: first.plus(count), hash, term, time_ms };
        words.next().is_none().then_some(Self { first, tail })
    }
}

fn parse_hash(text: &str) -> Option<FrameHash> {
    let digits = text.as_bytes();
    let mut hash = [0; 32];
    if digits.len() != 2 * hash.len() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(FrameHash(hash))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Label;
    use crate::{
        frame::FRAME_EVENTS_MAX,
        ids::{FrameHash, Offset},
        log::Tail,
    };

    proptest! {
        #[test]
        fn what_is_written_is_read(
            (first, term, time_ms) in (0..u64::MAX / 2, any::<u64>(), any::<u64>()),
            count in 1..=FRAME_EVENTS_MAX as u64,
            hash: [u8; 32],
        ) {
            let tail = Tail { next: Offset(first + count), hash: FrameHash(hash), term, time_ms };
            let label = Label { first: Offset(first), tail };
            prop_assert_eq!(Label::parse(&label.to_header()), Some(label));
        }

        #[test]
        fn other_headers_are_none_of_ours(text in "[0-9a-f ]{0,80}") {
            if let Some(label) = Label::parse(&text) {
                prop_assert_eq!(label.to_header().len(), text.len());
            }
        }
    }

    #[test]
    fn the_header_never_changes() {
        let tail = Tail { next: Offset(8), hash: FrameHash([0xab; 32]), term: 2, time_ms: 1_000 };
        let label = Label { first: Offset(5), tail };
        assert_eq!(label.to_header(), format!("5 3 2 1000 {}", "ab".repeat(32)));
        assert_eq!(Label::parse("5 0 2 1000 ab"), None);
        assert_eq!(Label::parse(&format!("5 513 2 1000 {}", "ab".repeat(32))), None);
        assert_eq!(Label::parse(&format!("5 3 2 1000 {} x", "ab".repeat(32))), None);
    }
}
