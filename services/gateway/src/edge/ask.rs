//! From a command to an answer: ask, wait until it can be seen, and say where in the log
//! it stands.

use std::time::Duration;

use axum::response::Response;
use bus::{Answer, Decided, Position, Unanswered, Visibility};
use domain::command::Request;
use futures::future::join_all;
use http::HeaderValue;
use readmodel::rows::{Offset, Partition};
use runtime::trace;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::Edge;
use super::position::{LOG_POSITION, LOG_VISIBLE, LogPosition};
use crate::ApiError;

/// When to ask again for what the read models are late for.
pub(crate) const RETRY_AFTER_LAG: Duration = Duration::from_secs(1);

/// A command that was decided and is durable.
#[derive(Debug)]
pub(crate) struct Done {
    /// What came of it.
    pub(crate) decided: Decided,
    /// Whether the read models show it already.
    pub(crate) visible: bool,
}

impl Done {
    /// What its answer has to say about the log.
    pub(crate) fn seen(&self) -> Seen {
        Seen { positions: vec![self.decided.position], visible: self.visible }
    }
}

/// What an answer says about the log: up to where it goes, and whether the read models
/// have come that far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    positions: Vec<Position>,
    visible: bool,
}

impl Seen {
    /// Nothing was done: nothing is said.
    pub(crate) fn nothing() -> Self {
        Self { positions: vec![], visible: true }
    }

    /// This and what `done` adds to it.
    pub(crate) fn add(&mut self, done: &Done) {
        self.positions.push(done.decided.position);
        self.visible &= done.visible;
    }

    /// The answer that says so.
    pub(crate) fn on(self, mut response: Response) -> Response {
        let position = LogPosition::of(self.positions).and_then(|position| position.header());
        if let Some(position) = position {
            response.headers_mut().insert(LOG_POSITION, position);
        }
        if !self.visible {
            response.headers_mut().insert(LOG_VISIBLE, HeaderValue::from_static("0"));
        }
        response
    }
}

impl Edge {
    /// Has the command decided, and waits a bounded time until what came of it can be read.
    ///
    /// # Errors
    ///
    /// The refusal's own; 503 or 507 with `Retry-After` if it could not be decided.
    pub(crate) async fn ask(&self, request: Request) -> Result<Done, ApiError> {
        let decided = self.decision(request).await??;
        Ok(self.done(decided).await)
    }

    /// As [`Edge::ask`], for what may as well be left undone: whoever asks waits no longer for
    /// the decision than for its being visible. It may still be decided later.
    ///
    /// # Errors
    ///
    /// Those of [`Edge::ask`]; 503 also when there is no decision in time.
    pub(crate) async fn ask_briefly(&self, request: Request) -> Result<Done, ApiError> {
        let decided = timeout(self.visible_within, self.decision(request)).await;
        let decided = decided.map_err(|_| ApiError::Unavailable(RETRY_AFTER_LAG))???;
        Ok(self.done(decided).await)
    }

    async fn decision(&self, request: Request) -> Result<Answer, Unanswered> {
        let span = tracing::trace_span!(target: trace::TARGET, "command");
        self.commands.ask_traced(request, trace::parent(&span)).instrument(span).await
    }

    async fn done(&self, decided: Decided) -> Done {
        let Position { partition, next, .. } = decided.position;
        let span = tracing::trace_span!(target: trace::TARGET, "fold", partition, next);
        let visible = self.reach(decided.position).instrument(span).await;
        Done { decided, visible }
    }

    /// Waits a bounded time until everything before `position` can be read; whether it can.
    /// If so, no later answer is without it, even if the rows are lost and folded again.
    pub(crate) async fn reach(&self, position: Position) -> bool {
        let visible = self.progress.wait(position, self.visible_within).await == Visibility::Visible;
        if visible {
            self.queries.at_least(Partition(position.partition), Offset(position.next));
        }
        visible
    }

    /// Asks several, side by side; the answers stand in the same order. The caller bounds
    /// how many.
    pub(crate) async fn ask_each(&self, requests: Vec<Request>) -> Vec<Result<Done, ApiError>> {
        join_all(requests.into_iter().map(|request| self.ask(request))).await
    }
}
