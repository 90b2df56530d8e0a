//! Closed until the read models have everything that was acknowledged before the process
//! started: what a client was told yesterday is never missing today.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::any;

use crate::{ApiError, Edge};

/// What a request that comes too early is told to wait.
const RETRY_AFTER_START: Duration = Duration::from_secs(2);

/// Whether the API is open. Cheap to clone; closed at first, and open for good once opened.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<AtomicBool>);

impl Gate {
    /// Let requests in.
    pub fn open(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The API of a process that has not even opened its stores: 503 with `Retry-After` for
/// everything.
pub fn closed() -> Router {
    Router::new().route("/{*path}", any(async || ApiError::Unavailable(RETRY_AFTER_START)))
}

/// Lets a request through the gate, or answers 503 with `Retry-After`, or 429 for what its address
/// does too often.
pub(crate) async fn pass(
    State(edge): State<Edge>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if !edge.gate.is_open() {
        return Err(ApiError::Unavailable(RETRY_AFTER_START));
    }
    Ok(next.run(edge.protection.admit(request).await?).await)
}
