//! Events that wait to be appended as one frame, with their size kept.

use bytes::Bytes;

use crate::{
    error::Rejection,
    frame::{EVENT_BYTES_MAX, FRAME_BYTES_MAX, FRAME_EVENTS_MAX, encoded_len},
};

/// A frame in the making: says cheaply what still fits.
#[derive(Debug, Default)]
pub struct Batch {
    events: Vec<Bytes>,
    bytes: usize,
}

impl Batch {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `count` more events of `bytes` bytes together still fit the frame.
    #[must_use]
    pub fn fits(&self, count: usize, bytes: usize) -> bool {
        let count = self.events.len().saturating_add(count);
        count <= FRAME_EVENTS_MAX && encoded_len(count, self.bytes).saturating_add(bytes) <= FRAME_BYTES_MAX
    }

    /// Whether all of `events` still fit: those of one command go into one frame.
    #[must_use]
    pub fn fits_all(&self, events: &[Bytes]) -> bool {
        self.fits(events.len(), events.iter().map(Bytes::len).sum())
    }

    /// Add one event.
    ///
    /// # Errors
    /// [`Rejection`] if it does not fit; the batch is then as it was.
    pub fn push(&mut self, event: Bytes) -> Result<(), Rejection> {
        if event.len() > EVENT_BYTES_MAX {
            return Err(Rejection::EventBytes(event.len()));
        }
        if self.events.len() == FRAME_EVENTS_MAX {
            return Err(Rejection::Events(FRAME_EVENTS_MAX + 1));
        }
        if !self.fits(1, event.len()) {
            return Err(Rejection::FrameBytes(encoded_len(self.events.len() + 1, self.bytes + event.len())));
        }
        self.bytes += event.len();
        self.events.push(event);
        Ok(())
    }

    /// How many events there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.events.len()
    }

    /// Whether there is nothing to append.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The bytes of the frame that these events make.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        encoded_len(self.events.len(), self.bytes)
    }

    /// The events, to append; the batch is empty again.
    #[must_use]
    pub fn take(&mut self) -> Vec<Bytes> {
        self.bytes = 0;
        std::mem::take(&mut self.events)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Batch;
    use crate::{
        error::Rejection,
        frame::{EVENT_BYTES_MAX, FRAME_BYTES_MAX, FRAME_EVENTS_MAX, encoded_len},
    };

    #[test]
    fn a_batch_fills_a_frame_to_its_last_byte() {
        let mut batch = Batch::new();
        for _ in 0..3 {
            batch.push(Bytes::from(vec![0; EVENT_BYTES_MAX])).unwrap();
        }
        let rest = FRAME_BYTES_MAX - encoded_len(4, 3 * EVENT_BYTES_MAX);
        assert!(batch.fits(1, rest) && !batch.fits(1, rest + 1));
        assert_eq!(
            batch.push(Bytes::from(vec![0; rest + 1])),
            Err(Rejection::FrameBytes(FRAME_BYTES_MAX + 1))
        );
        batch.push(Bytes::from(vec![0; rest])).unwrap();
        assert_eq!(batch.encoded_len(), FRAME_BYTES_MAX);
        assert_eq!(batch.take().len(), 4);
        assert!(batch.is_empty() && batch.encoded_len() == encoded_len(0, 0));
    }

    #[test]
    fn a_batch_counts_its_events() {
        let mut batch = Batch::new();
        for _ in 0..FRAME_EVENTS_MAX {
            assert!(batch.fits_all(&[Bytes::new()]));
            batch.push(Bytes::new()).unwrap();
        }
        assert!(!batch.fits(1, 0) && !batch.fits(usize::MAX, usize::MAX));
        assert_eq!(batch.push(Bytes::new()), Err(Rejection::Events(FRAME_EVENTS_MAX + 1)));
        let large = Bytes::from(vec![0; EVENT_BYTES_MAX + 1]);
        assert_eq!(Batch::new().push(large), Err(Rejection::EventBytes(EVENT_BYTES_MAX + 1)));
    }
}
