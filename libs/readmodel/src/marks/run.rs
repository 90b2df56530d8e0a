//! A stretch of sequences that are all marked.

/// Everything after `base` up to and with `to` is marked.
///
/// Whoever joins late starts with both at the head: what he reads from then on extends
/// the run, and nobody lists him as a reader of what he never got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Run {
    /// The sequence before the first marked one.
    pub base: u64,
    /// The last marked sequence; `base` if none is.
    pub to: u64,
}

impl Run {
    /// The empty run that what comes after `sequence` will extend.
    pub fn after(sequence: u64) -> Self {
        Self { base: sequence, to: sequence }
    }

    /// Whether `sequence` is marked.
    pub fn contains(&self, sequence: u64) -> bool {
        self.base < sequence && sequence <= self.to
    }

    /// Whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        self.base == self.to
    }

    /// Grows over `first..=last` if nothing lies between the two; whether it did.
    pub(super) fn join(&mut self, first: u64, last: u64) -> bool {
        let touches = first <= self.to + 1 && last >= self.base;
        if touches {
            self.base = self.base.min(first.saturating_sub(1));
            self.to = self.to.max(last);
        }
        touches
    }
}
