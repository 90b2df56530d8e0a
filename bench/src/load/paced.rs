//! Calls at a fixed rate, whatever becomes of them: what a crowd sends that does not wait for answers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::tally::{Tally, Window};
use super::{lock, refusal};
use crate::http::Connection;

/// The pace that the connections of a load keep together.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    per_second: f64,
    begun: AtomicU64,
}

impl Pace {
    /// So many a second from now on.
    pub(super) fn new(per_second: f64) -> Self {
        Self { start: Instant::now(), per_second, begun: AtomicU64::new(0) }
    }

    /// The number of the next call, and when it is due.
    fn next(&self) -> (u64, Instant) {
        // Ordering: the number itself is all that is shared.
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        (number, self.start + Duration::from_secs_f64(number as f64 / self.per_second))
    }

    /// Ask these in turn, each when it is due or, if that is over, at once. A refusal is an answer; a fault is none.
    pub(super) async fn ask(
        &self,
        mut connection: Connection,
        requests: &[Vec<u8>],
        window: Window,
        tally: &Mutex<Tally>,
    ) -> anyhow::Result<()> {
        loop {
            let (number, due) = self.next();
            if due >= window.to || Instant::now() >= window.to {
                return Ok(());
            }
            tokio::time::sleep_until(due.into()).await;
            let turn = usize::try_from(number)? % requests.len();
            let asked = Instant::now();
            let answer = connection.call(&requests[turn]).await?;
            match answer.status {
                200..300 => _ = lock(tally).answered(asked, answer.body.len()),
                400..500 | 503 => _ = lock(tally).refused(asked, answer.body.len()),
                _ => lock(tally).failed(|| refusal(&answer)),
            }
        }
    }
}
