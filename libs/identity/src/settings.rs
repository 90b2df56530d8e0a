//! What an operator may choose about identity. Plain values: reading them from files and
//! the environment is the composition root's.

use std::time::Duration;

use crate::OpenError;

/// How expensive one guess of a password is made (argon2id). A hash keeps the cost it was made
/// with, so that a change counts for new passwords only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory per hash, in KiB, at least 8 per lane.
    pub memory_kib: u32,
    /// Passes over the memory, at least 1.
    pub iterations: u32,
    /// Lanes, at least 1.
    pub lanes: u32,
}

/// Limits and costs of identity; the default suits two cores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a session lives after its last request. At least one second.
    pub session_lifetime: Duration,
    /// How long a guest and his session live. At least one second.
    pub guest_lifetime: Duration,
    /// How long the token of a password's reset is good for. At least one second.
    pub reset_lifetime: Duration,
    /// How many sessions are kept in memory, about 300 bytes each.
    pub sessions_cached_max: u64,
    /// How many users' names and avatars are kept in memory, about 300 bytes each.
    pub displays_cached_max: u64,
    /// What a password hash costs.
    pub hash_cost: HashCost,
    /// Threads that hash passwords; each needs `hash_cost.memory_kib` while it works.
    pub hash_threads: usize,
    /// Passwords that may wait for such a thread; one more is refused as busy.
    pub hash_queue_max: usize,
    /// Reading connections, each with a thread of its own.
    pub readers: usize,
    /// Reads that may wait for a connection; one more is refused as busy.
    pub read_queue_max: usize,
    /// PostgreSQL only: connections for reads and changes alike, beside the one that listens for
    /// ended sessions and the one that writes uses. `read_queue_max` may wait for one.
    pub connections_max: usize,
    /// Changes that may wait for the writing connection; one more is refused as busy.
    pub write_queue_max: usize,
}

impl Default for Settings {
    /// The contract's two hours and one day, and OWASP's second argon2id profile (19 MiB, 2 passes,
    /// 1 lane: about 20 ms a hash).
    fn default() -> Self {
        Self {
            session_lifetime: Duration::from_secs(2 * 60 * 60),
            guest_lifetime: Duration::from_secs(24 * 60 * 60),
            reset_lifetime: Duration::from_secs(60 * 60),
            sessions_cached_max: 100_000,
            displays_cached_max: 100_000,
            hash_cost: HashCost { memory_kib: 19_456, iterations: 2, lanes: 1 },
            hash_threads: 2,
            hash_queue_max: 64,
            readers: 2,
            read_queue_max: 1_024,
            connections_max: 8,
            write_queue_max: 1_024,
        }
    }
}

/// More threads than this of one kind are a slip of the pen.
const THREADS_MAX: usize = 256;

impl Settings {
    /// Refuses what cannot work, by the setting's name.
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let refuse = |name, reason: &str| Err(OpenError::Setting { name, reason: reason.to_owned() });
        for (name, lifetime) in [
            ("session_lifetime", self.session_lifetime),
            ("guest_lifetime", self.guest_lifetime),
            ("reset_lifetime", self.reset_lifetime),
        ] {
            if lifetime < Duration::from_secs(1) {
                return refuse(name, "must be at least one second");
            }
        }
        for (name, threads) in [
            ("hash_threads", self.hash_threads),
            ("readers", self.readers),
            ("connections_max", self.connections_max),
        ] {
            if !(1..=THREADS_MAX).contains(&threads) {
                return refuse(name, "must be between 1 and 256");
            }
        }
        for (name, places) in [
            ("hash_queue_max", self.hash_queue_max),
            ("read_queue_max", self.read_queue_max),
            ("write_queue_max", self.write_queue_max),
        ] {
            if places == 0 {
                return refuse(name, "must be at least 1");
            }
        }
        Ok(())
    }
}
