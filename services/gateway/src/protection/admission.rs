//! What an address may do only so often, counted before anything is done.

use std::time::Duration;

use axum::extract::Request;
use http::Method;
use tokio::time::timeout;

use super::{Protection, told};
use crate::front::{bucket, discard};
use crate::{ApiError, Visit};

/// The longest body that is read and thrown away, to spare an honest client a new connection.
const DISCARDED_BYTES_MAX: u64 = 16 * 1024;
/// The longest time for that.
const DISCARD_TIME_MAX: Duration = Duration::from_millis(200);

/// What is counted for each address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// To sign in, to open a session, or to show what lets one do so.
    SignIn,
    /// To sign up.
    SignUp,
    /// To ask for a new password.
    Reset,
}

impl Act {
    /// What a request to the endpoint of that route does, if it is counted.
    fn of(method: &Method, route: &str) -> Option<Self> {
        match (method, route) {
            (&Method::POST, "/session" | "/login") | (&Method::PUT, "/users/password") => Some(Self::SignIn),
            (&Method::POST, "/users") => Some(Self::SignUp),
            (&Method::POST | &Method::GET, "/users/password/reset") => Some(Self::Reset),
            _ => None,
        }
    }
}

impl Protection {
    /// The request, if its address may ask for that now.
    ///
    /// # Errors
    ///
    /// 429: whoever is there has to wait.
    pub(crate) async fn admit(&self, request: Request) -> Result<Request, ApiError> {
        let Some(visit) = request.extensions().get::<Visit>() else { return Ok(request) };
        let Some(act) = Act::of(request.method(), visit.endpoint()) else { return Ok(request) };
        let visit = visit.clone();
        let Err(refused) = self.tried(act, &visit) else { return Ok(request) };
        if timeout(DISCARD_TIME_MAX, discard(request, DISCARDED_BYTES_MAX)).await == Ok(true) {
            visit.read_body();
        }
        Err(refused)
    }

    fn tried(&self, act: Act, visit: &Visit) -> Result<(), ApiError> {
        let counted = &self.0;
        let buckets = match act {
            Act::SignIn => &counted.sign_in,
            Act::SignUp => &counted.sign_up,
            Act::Reset => &counted.reset,
        };
        let Some(buckets) = buckets else { return Ok(()) };
        told(buckets.take(bucket(visit.client_address())), visit)
    }
}
