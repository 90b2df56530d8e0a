//! `Log-Position` and `Min-Log-Position`: how far in the log an answer is, as one word.
//!
//! Clients hand the word back and look not into it: `1-<epoch>-<partition>.<next>,…`,
//! where 1 is the version of this form and the epoch 32 hex digits.

use std::fmt::{self, Write as _};

use bus::Position;
use http::{HeaderName, HeaderValue};

use crate::ApiError;

/// On answers: what of the log this answer knows.
pub(crate) const LOG_POSITION: HeaderName = HeaderName::from_static("log-position");
/// On answers: `0`, when what was done cannot be seen in the read models yet.
pub(crate) const LOG_VISIBLE: HeaderName = HeaderName::from_static("log-visible");
/// On requests: what of the log the answer has to know at least.
pub(crate) const MIN_LOG_POSITION: HeaderName = HeaderName::from_static("min-log-position");

const VERSION: &str = "1";
/// The most places that one word may name.
const PLACES_MAX: usize = 256;

/// Places in one log, at most one a partition, by partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogPosition {
    /// The log.
    epoch: [u8; 16],
    /// Partition and next offset, ascending.
    next: Vec<(u32, u64)>,
}

impl LogPosition {
    /// The places together: of each partition the farthest. None, if there are no places.
    pub(crate) fn of(positions: impl IntoIterator<Item = Position>) -> Option<Self> {
        let mut positions = positions.into_iter();
        let first = positions.next()?;
        let mut all = Self { epoch: first.epoch, next: vec![(first.partition, first.next)] };
        for position in positions {
            all.add(position.partition, position.next);
        }
        Some(all)
    }

    fn add(&mut self, partition: u32, next: u64) {
        match self.next.binary_search_by_key(&partition, |(partition, _)| *partition) {
            Ok(place) => self.next[place].1 = self.next[place].1.max(next),
            Err(place) => self.next.insert(place, (partition, next)),
        }
    }

    /// The word of a request's header.
    ///
    /// # Errors
    ///
    /// 400 for what is no such word, 422 for one of another log than `epoch`'s.
    pub(crate) fn parse(header: &HeaderValue, epoch: [u8; 16]) -> Result<Self, ApiError> {
        let malformed = || ApiError::Malformed("Min-Log-Position is malformed".into());
        let found = header.to_str().ok().and_then(read).ok_or_else(malformed)?;
        if found.epoch != epoch {
            return Err(ApiError::invalid("Min-Log-Position", "belongs to another log"));
        }
        Ok(found)
    }

    /// The places, by partition.
    pub(crate) fn positions(&self) -> impl Iterator<Item = Position> {
        self.next.iter().map(|(partition, next)| Position {
            epoch: self.epoch,
            partition: *partition,
            next: *next,
        })
    }

    /// As a header's value.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::try_from(self.to_string()).ok()
    }
}

fn read(word: &str) -> Option<LogPosition> {
    let (epoch, places) = word.strip_prefix(VERSION)?.strip_prefix('-')?.split_once('-')?;
    let well_formed = epoch.len() == 32 && epoch.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let epoch = u128::from_str_radix(epoch, 16).ok().filter(|_| well_formed)?;
    let mut found = LogPosition { epoch: epoch.to_be_bytes(), next: vec![] };
    if places.split(',').nth(PLACES_MAX).is_some() {
        return None;
    }
    for place in places.split(',') {
        let (partition, next) = place.split_once('.')?;
        if !(digits(partition) && digits(next)) {
            return None;
        }
        found.add(partition.parse().ok()?, next.parse().ok()?);
    }
    Some(found)
}

/// `parse` alone would take a plus sign.
fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERSION}-{:032x}", u128::from_be_bytes(self.epoch))?;
        for (place, (partition, next)) in self.next.iter().enumerate() {
            f.write_char(if place == 0 { '-' } else { ',' })?;
            write!(f, "{partition}.{next}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EPOCH: [u8; 16] = [0x0a; 16];

    fn at(partition: u32, next: u64) -> Position {
        Position { epoch: EPOCH, partition, next }
    }

    #[test]
    fn places_are_one_word_with_the_farthest_of_each_partition() {
        let position = LogPosition::of([at(3, 7), at(0, 9), at(3, 8), at(3, 1)]).unwrap();
        assert_eq!(position.to_string(), format!("1-{}-0.9,3.8", "0a".repeat(16)));
        assert_eq!(LogPosition::of([]), None);
    }

    #[test]
    fn another_word_is_refused() {
        let epoch = "0a".repeat(16);
        for word in [
            String::new(),
            "1".to_owned(),
            format!("2-{epoch}-0.1"),
            format!("1-{epoch}"),
            format!("1-{epoch}-"),
            format!("1-{epoch}-0"),
            format!("1-{epoch}-0.1,"),
            format!("1-{epoch}-+0.1"),
            format!("1-{epoch}-0.-1"),
            format!("1-{}-0.1", "0A".repeat(16)),
            format!("1-{epoch}-0.99999999999999999999999"),
            format!("1-{epoch}-0.1,4294967296.1"),
            format!("1-{epoch}-{}", vec!["0.1"; PLACES_MAX + 1].join(",")),
        ] {
            let refused = LogPosition::parse(&HeaderValue::from_str(&word).unwrap(), EPOCH);
            assert!(matches!(refused, Err(ApiError::Malformed(_))), "{word}");
        }
        let other = LogPosition::of([Position { epoch: [1; 16], partition: 0, next: 1 }]).unwrap();
        let refused = LogPosition::parse(&other.header().unwrap(), EPOCH);
        assert!(matches!(refused, Err(ApiError::Invalid(_))));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(places in prop::collection::vec((any::<u32>(), any::<u64>()), 1..20)) {
            let position = LogPosition::of(places.into_iter().map(|(partition, next)| at(partition, next)));
            let position = position.unwrap();
            prop_assert_eq!(LogPosition::parse(&position.header().unwrap(), EPOCH).unwrap(), position);
        }

        #[test]
        fn any_word_is_answered(word in "[ -~]{0,80}") {
            let _ = LogPosition::parse(&HeaderValue::from_str(&word).unwrap(), EPOCH);
        }
    }
}
