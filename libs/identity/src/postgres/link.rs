//! Whether the server answers, and since when what is in memory is known to be true.
//!
//! One task asks the server over and over ([`super::ended`]); all others learn from it. So nobody
//! waits for a server that does not answer longer than it takes one asker to find that out, and
//! whoever comes later is told at once.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::failures;
use crate::Error;

/// How old what is known of ended sessions may be for memory to be trusted. An end must show
/// within a second everywhere: the rest is for what follows the look.
pub(super) const FRESH_MAX: Duration = Duration::from_millis(900);
/// How long anybody waits for the server's answer, all statements of a change together.
const WORK_TIME_MAX: Duration = Duration::from_secs(6);

#[derive(Clone, Copy)]
enum State {
    Up { since: Instant },
    Away,
}

/// What this process knows of the server.
pub(super) struct Link {
    state: watch::Sender<State>,
    suspected: Notify,
    origin: Instant,
    /// When the last complete answer about ended sessions was asked for: nanoseconds after
    /// `origin`, plus one; 0 before the first.
    heard: AtomicU64,
}

impl Link {
    /// The server is believed to answer.
    pub(super) fn new() -> Self {
        let origin = Instant::now();
        let state = watch::Sender::new(State::Up { since: origin });
        Self { state, suspected: Notify::new(), origin, heard: AtomicU64::new(0) }
    }

    /// Every session that had ended at `asked` has been forgotten.
    pub(super) fn heard(&self, asked: Instant) {
        let after = u64::try_from(asked.duration_since(self.origin).as_nanos()).unwrap_or(u64::MAX - 1);
        self.heard.fetch_max(after + 1, SeqCst);
    }

    /// Whether that was lately enough.
    pub(super) fn is_fresh(&self) -> bool {
        let Some(after) = self.heard.load(SeqCst).checked_sub(1) else { return false };
        self.origin.elapsed() <= Duration::from_nanos(after) + FRESH_MAX
    }

    /// The server has answered.
    pub(super) fn up(&self) {
        let came_back = self.state.send_if_modified(|state| {
            let came_back = matches!(state, State::Away);
            if came_back {
                *state = State::Up { since: Instant::now() };
            }
            came_back
        });
        if came_back {
            tracing::info!("identity's PostgreSQL answers again");
        }
    }

    /// The server has not answered, for that reason.
    pub(super) fn away(&self, reason: &str) {
        let went = self.state.send_if_modified(|state| {
            let went = matches!(state, State::Up { .. });
            *state = State::Away;
            went
        });
        if went {
            tracing::warn!(reason, "identity's PostgreSQL does not answer: requests are refused meanwhile");
        }
    }

    /// Until somebody has met a dead connection.
    pub(super) async fn suspected(&self) {
        self.suspected.notified().await;
    }

    /// How long the server has been answering; none if it does not.
    pub(super) fn up_for(&self) -> Option<Duration> {
        match *self.state.borrow() {
            State::Up { since } => Some(since.elapsed()),
            State::Away => None,
        }
    }

    /// Whether it has ever been away.
    pub(super) fn has_been_away(&self) -> bool {
        match *self.state.borrow() {
            State::Up { since } => since != self.origin,
            State::Away => true,
        }
    }

    /// Does `work`; [`Error::Unavailable`] as soon as the server is known not to answer.
    pub(super) async fn run<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> Result<T, Error> {
        let mut state = self.state.subscribe();
        let is_away = |state: &State| matches!(state, State::Away);
        if is_away(&state.borrow()) {
            return Err(Error::Unavailable);
        }
        let done = tokio::select! {
            biased;
            done = tokio::time::timeout(WORK_TIME_MAX, work) => done,
            _ = state.wait_for(is_away) => return Err(Error::Unavailable),
        };
        let Ok(done) = done else { return Err(Error::Unavailable) };
        done.map_err(|error| {
            let meant = failures::meaning(&error);
            if meant == Error::Unavailable {
                self.away(&error.to_string());
                self.suspected.notify_one();
            }
            meant
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_heard_is_true_for_less_than_a_second() {
        let link = Link::new();
        assert!(!link.is_fresh(), "nothing has been heard");
        let asked = Instant::now();
        tokio::time::advance(Duration::from_millis(300)).await;
        link.heard(asked);
        tokio::time::advance(Duration::from_millis(600)).await;
        assert!(link.is_fresh(), "900 ms after the question");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!link.is_fresh(), "however late the answer was");
        link.heard(Instant::now());
        link.heard(asked);
        assert!(link.is_fresh(), "an old answer takes nothing back");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_told_as_soon_as_anybody_knows() {
        let link = Link::new();
        let began = Instant::now();
        let stuck = link.run(std::future::pending::<sqlx::Result<()>>());
        let failing = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            link.run(async { Err::<(), _>(sqlx::Error::WorkerCrashed) }).await
        };
        let (stuck, failing) = tokio::join!(stuck, failing);
        assert_eq!((stuck, failing), (Err(Error::Unavailable), Err(Error::Unavailable)));
        assert_eq!(link.run(async { Ok(()) }).await, Err(Error::Unavailable), "without asking");
        assert_eq!(began.elapsed(), Duration::from_millis(50));
        link.up();
        assert_eq!(link.run(async { Ok(1) }).await, Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_has_an_end() {
        let link = Link::new();
        let stuck = link.run(std::future::pending::<sqlx::Result<()>>()).await;
        assert_eq!(stuck, Err(Error::Unavailable));
    }
}
