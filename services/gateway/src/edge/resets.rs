//! Passwords that are to be reset: noted at once, looked after later.
//!
//! Whoever asks is answered before anybody is looked for, so that the time of the answer does not
//! tell whether there is somebody of that address. What waits ends with the process; its user
//! asks again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use identity::EMAIL_MAX;
use runtime::Stop;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::Edge;
use crate::ApiError;

/// Resets that may wait; one more is refused.
const WAITING_MAX: usize = 1_000;
/// Resets that are looked after at the same time, however long the webhook takes.
const AT_ONCE_MAX: usize = 8;
/// When to ask again what found no place.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The addresses that wait.
pub(super) struct Resets {
    waiting: Sender<String>,
    /// For the one task that looks after them.
    next: Mutex<Option<Receiver<String>>>,
}

impl Default for Resets {
    fn default() -> Self {
        let (waiting, next) = channel(WAITING_MAX);
        Self { waiting, next: Mutex::new(Some(next)) }
    }
}

impl Edge {
    /// Notes that whoever has that address wants a new password.
    ///
    /// # Errors
    ///
    /// 503 if too many wait.
    pub(crate) fn note_reset(&self, email: String) -> Result<(), ApiError> {
        // Nobody's address is longer, and what waits is to stay small.
        if email.chars().nth(EMAIL_MAX).is_some() {
            return Ok(());
        }
        self.0.resets.waiting.try_send(email).map_err(|_| ApiError::Unavailable(RETRY_AFTER))
    }

    async fn reset(&self, email: String) {
        // Nobody would ever learn the token.
        let Some(webhook) = &self.remote.webhook else { return };
        let (token, now) = (self.ids.random(), self.clock.now());
        match self.identity.begin_reset(&email, token, now).await {
            Ok(Some(user)) => drop(webhook.tell(&user, token, now).await),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the reset of a password could not begin"),
        }
    }
}

/// Looks after the passwords that are to be reset at this edge, until it is time to stop. The
/// first one to be asked does all of it.
pub async fn reset_passwords(edge: Edge, stop: Stop) -> anyhow::Result<()> {
    let next = edge.0.resets.next.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(next) = next {
        let waiting = stream::unfold(next, async |mut next| Some((next.recv().await?, next)));
        let resets = waiting.for_each_concurrent(AT_ONCE_MAX, |email| edge.reset(email));
        // Whom the webhook does not take in time is lost.
        tokio::select! {
            () = resets => {}
            () = stop.stopped() => {}
        }
    }
    stop.stopped().await;
    Ok(())
}
