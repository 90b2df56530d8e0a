//! How a session is opened.

use utoipa::{IntoResponses, ToSchema};

use super::Flag;
use crate::document::{Responses, refusals};

/// Who opens a session: the application, and a user if `user` is there.
#[derive(ToSchema)]
#[schema(as = NewSession, examples(json!({
    "application_id": 105,
    "auth_key": "your-auth-key",
    "user": { "login": "alice", "password": "wonderland" }
})))]
pub(crate) struct Opening {
    /// The application's number, also as text.
    application_id: u64,
    /// The application's auth key.
    auth_key: String,
    /// Whose session it is to be; without it, the application's own.
    user: Option<Opener>,
    /// Of older clients: the seconds since 1970, when the call is signed.
    timestamp: Option<u64>,
    /// Of older clients: any number, answered again.
    nonce: Option<u64>,
    /// Of older clients: HMAC-SHA-1 or HMAC-SHA-256, in hex, of all other parameters under the application's
    /// secret.
    signature: Option<String>,
}

/// Who opens it: what a user signs in with, or that he is a guest.
#[derive(ToSchema)]
pub(crate) struct Opener {
    /// His login.
    login: Option<String>,
    /// His email address, where there is no login.
    email: Option<String>,
    /// His password.
    password: Option<String>,
    /// 1 for somebody who is a user for a day, without a password.
    guest: Option<Flag>,
    /// A guest's name.
    full_name: Option<String>,
}

/// What a user signs in with: `password`, and `login` or `email`.
#[derive(ToSchema)]
#[schema(examples(json!({ "login": "alice", "password": "wonderland" })))]
pub(crate) struct Credentials {
    /// His login.
    login: Option<String>,
    /// His email address, where there is no login.
    email: Option<String>,
    /// His password.
    password: Option<String>,
}

impl IntoResponses for Opening {
    fn responses() -> Responses {
        refusals([401, 403, 404, 422, 503, 507])
    }
}

impl IntoResponses for Credentials {
    fn responses() -> Responses {
        refusals([401, 403, 404, 422, 503, 507])
    }
}
