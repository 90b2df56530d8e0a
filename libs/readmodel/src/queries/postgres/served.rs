//! How far the rows were when something was last shown, so that nothing older is shown
//! afterwards.
//!
//! Commits of the rows do not wait for the disk, so a server that crashed comes back with
//! older ones, and is folded up again. Each state proves how far it is folded; one that is
//! behind what was shown before its question began answers nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::Error;

/// How far a state is folded: partitions, each with the offset of its next event.
pub(super) type Reached = Vec<(u32, u64)>;

/// The least that may be shown, by partition.
#[derive(Debug, Default)]
pub(super) struct Served(Mutex<Vec<u64>>);

impl Served {
    fn lock(&self) -> MutexGuard<'_, Vec<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The least that a question may be answered from that begins now.
    pub(super) fn least(&self) -> Vec<u64> {
        self.lock().clone()
    }

    /// From now on nothing older than `reached` may be shown.
    pub(super) fn raise(&self, reached: &[(u32, u64)]) {
        let mut least = self.lock();
        for (partition, next) in reached {
            let partition = *partition as usize;
            if least.len() <= partition {
                least.resize(partition + 1, 0);
            }
            least[partition] = least[partition].max(*next);
        }
    }
}

/// Whether a state that has `reached` so far may be shown.
pub(super) fn check(least: &[u64], reached: &[(u32, u64)]) -> Result<(), Error> {
    for (partition, least) in least.iter().enumerate().filter(|(_, least)| **least > 0) {
        let found = reached.iter().find(|(found, _)| *found as usize == partition);
        if found.is_none_or(|(_, next)| next < least) {
            return Err(Error::Behind);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_is_never_gone_back_behind() {
        let served = Served::default();
        let early = served.least();
        assert!(check(&early, &[]).is_ok(), "nothing was shown yet");
        served.raise(&[(1, 5), (0, 2)]);
        served.raise(&[(1, 4)]);
        let least = served.least();
        assert!(check(&least, &[(0, 2), (1, 5)]).is_ok());
        assert!(check(&least, &[(1, 6), (0, 2)]).is_ok());
        assert!(matches!(check(&least, &[(0, 9), (1, 4)]), Err(Error::Behind)));
        assert!(matches!(check(&least, &[(0, 9)]), Err(Error::Behind)), "folded anew");
        assert!(check(&early, &[(1, 4)]).is_ok(), "it was asked before that was shown");
    }
}
