//! How many bytes of this writer's own frames the rows do not have yet: the brake's other
//! measure beside the number of events, so that no takeover ever has to hold more.

use std::collections::VecDeque;

/// Frames appended and not seen in the rows, with their bytes.
#[derive(Debug, Default)]
pub(crate) struct Unfolded {
    frames: VecDeque<(u64, u64)>,
    bytes: u64,
}

impl Unfolded {
    /// A frame of `bytes` was appended, and ends before the offset `next`.
    pub(crate) fn append(&mut self, next: u64, bytes: u64) {
        self.frames.push_back((next, bytes));
        self.bytes += bytes;
    }

    /// The rows have everything before the offset `next`. Rows that go back are not
    /// followed: their writer takes over again, and begins anew.
    pub(crate) fn reach(&mut self, next: u64) {
        while let Some((end, bytes)) = self.frames.front().copied()
            && end <= next
        {
            self.bytes -= bytes;
            self.frames.pop_front();
        }
    }

    /// What is left, together.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_rows_have_no_longer_counts() {
        let mut unfolded = Unfolded::default();
        unfolded.append(10, 100);
        unfolded.append(20, 30);
        unfolded.reach(9);
        assert_eq!(unfolded.bytes(), 130);
        unfolded.reach(10);
        assert_eq!(unfolded.bytes(), 30);
        unfolded.reach(50);
        assert_eq!(unfolded.bytes(), 0);
    }
}
