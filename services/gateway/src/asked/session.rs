//! How a session is opened.

use utoipa::{IntoResponses, ToSchema};

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
    user: Option<Credentials>,
}

/// What a user signs in with: `password`, and `login` or `email`.
#[derive(ToSchema)]
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
