//! Identities that a team has already, outside of Hansard: who is asked about them and who is told.
//!
//! Nothing here keeps users or sessions; that is [`Identity`](crate::Identity)'s. Nothing outside is trusted with
//! our time or memory: connecting, waiting, reading and repeating are bounded, no redirect is
//! followed, and only JSON is read. What somebody outside said of a person becomes one of our
//! users by a key of its own, never by a name or a field that a client can set.

mod http;
mod json;
mod keys;
mod provider;
mod signatures;
mod template;
#[cfg(test)]
mod testing;
mod tokens;
mod webhook;

use std::sync::Arc;

pub use http::ANSWER_BYTES_MAX;
pub use provider::{Fields, NAME_BYTES_MAX, Provider, ProviderSettings, SignInError};
pub use tokens::{Claims, TokenSettings, Tokens, is_foreign};
pub use webhook::{SECRET_BYTES_MIN, SIGNATURE_HEADER, Webhook, WebhookSettings};

/// Everything outside that a deployment is configured with; by default nothing.
#[derive(Debug, Clone, Default)]
pub struct Remote {
    /// Who decides about names and passwords instead of us.
    pub provider: Option<Arc<Provider>>,
    /// Whose tokens are sessions here.
    pub tokens: Option<Arc<Tokens>>,
    /// Who sends the mail by which somebody sets a new password.
    pub webhook: Option<Arc<Webhook>>,
}
