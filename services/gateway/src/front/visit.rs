//! What becomes known about a request on its way in and is wanted on its way out, even
//! when its endpoint panics or runs out of time.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequestParts, MatchedPath};
use domain::Time;
use http::request::Parts;

/// One request passing through; in the request's extensions.
#[derive(Debug, Clone)]
pub struct Visit(Arc<Known>);

#[derive(Debug)]
struct Known {
    client: IpAddr,
    endpoint: OnceLock<MatchedPath>,
    expires: OnceLock<Time>,
    body_read: AtomicBool,
}

impl Visit {
    pub(super) fn by(client: IpAddr) -> Self {
        Self(Arc::new(Known {
            client,
            endpoint: OnceLock::new(),
            expires: OnceLock::new(),
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
