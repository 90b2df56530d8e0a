//! What becomes known about a request on its way in and is wanted on its way out, even
//! when its endpoint panics or runs out of time.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequestParts, MatchedPath};
use domain::{Time, UserId};
use http::request::Parts;

use crate::protection::Level;

/// One request passing through; in the request's extensions.
#[derive(Debug, Clone)]
pub struct Visit(Arc<Known>);

#[derive(Debug)]
struct Known {
    client: IpAddr,
    endpoint: OnceLock<MatchedPath>,
    expires: OnceLock<Time>,
    user: OnceLock<UserId>,
    level: OnceLock<Level>,
    body_read: AtomicBool,
}

impl Visit {
    pub(super) fn by(client: IpAddr) -> Self {
        Self(Arc::new(Known {
            client,
            endpoint: OnceLock::new(),
            expires: OnceLock::new(),
            user: OnceLock::new(),
            level: OnceLock::new(),
            body_read: AtomicBool::new(false),
        }))
    }

    /// Where the request came from.
    pub fn client_address(&self) -> IpAddr {
        self.0.client
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

    /// The session is that user's.
    pub(crate) fn is_of(&self, user: UserId) {
        let _ = self.0.user.set(user);
    }

    pub(super) fn user(&self) -> Option<UserId> {
        self.0.user.get().copied()
    }

    /// How often it may still be asked; the answer will say so. The first word counts.
    pub(crate) fn note_level(&self, level: Level) {
        let _ = self.0.level.set(level);
    }

    pub(super) fn level(&self) -> Option<Level> {
        self.0.level.get().copied()
    }

    /// The request's body was read to its end.
    pub(crate) fn read_body(&self) {
        self.0.body_read.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_read_body(&self) -> bool {
        self.0.body_read.load(Ordering::Relaxed)
    }

    /// The template of the route, of which there are few, unlike paths.
    pub(crate) fn endpoint(&self) -> &str {
        self.0.endpoint.get().map_or("unmatched", MatchedPath::as_str)
    }
}

impl Default for Visit {
    /// From nowhere.
    fn default() -> Self {
        Self::by(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Whatever comes through the front has one.
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
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
