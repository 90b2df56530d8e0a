//! What becomes known about a request on its way in and is wanted on its way out, even
//! when its endpoint panics or runs out of time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::extract::MatchedPath;
use domain::Time;

/// One request passing through; in the request's extensions.
#[derive(Debug, Clone, Default)]
pub struct Visit(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    endpoint: OnceLock<MatchedPath>,
    expires: OnceLock<Time>,
    body_read: AtomicBool,
}

impl Visit {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The caller's session is valid and, after this request, lasts until then; the
    /// answer will say so, whatever it is. The first word counts.
    pub fn session_expires(&self, at: Time) {
        // A second word could only come from authenticating twice, with the same result.
        let _ = self.0.expires.set(at);
    }

    pub(super) fn expires(&self) -> Option<Time> {
        self.0.expires.get().copied()
    }

    /// The request's body was read to its end.
    pub(crate) fn read_body(&self) {
        self.0.body_read.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_read_body(&self) -> bool {
        self.0.body_read.load(Ordering::Relaxed)
    }

    /// The template of the route, of which there are few, unlike paths.
    pub(super) fn endpoint(&self) -> &str {
        self.0.endpoint.get().map_or("unmatched", MatchedPath::as_str)
    }
}

/// Keep the template of the route that the router chose.
pub(super) fn note_endpoint<B>(request: http::Request<B>) -> http::Request<B> {
    let extensions = request.extensions();
    if let (Some(visit), Some(matched)) = (extensions.get::<Visit>(), extensions.get::<MatchedPath>()) {
        let _ = visit.0.endpoint.set(matched.clone());
    }
    request
}
