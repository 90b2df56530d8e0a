//! `Idempotency-Key`: what a client calls its own call, so that asking twice is doing once.

use axum::extract::FromRequestParts;
use domain::{CommandId, DialogId, Time, UserId};
use http::request::Parts;

use super::Edge;
use crate::ApiError;

/// The longest key, in characters.
const KEY_CHARACTERS_MAX: usize = 128;
/// Keeps the ids that are made of keys apart from all others under the same secret.
const DIALOG_DOMAIN: &[u8] = b"dialog of a named call";

/// The call's name, if the client gave it one.
///
/// As an extractor it fails with 400 for a key that is empty, longer than 128 characters
/// or holds anything but visible ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallKey(Option<String>);

impl CallKey {
    /// The id of the caller's command of that `kind` on `dialog`: the same for the same
    /// key, otherwise a new one.
    pub(crate) fn command(&self, edge: &Edge, caller: UserId, dialog: DialogId, kind: &str) -> CommandId {
        match &self.0 {
            Some(key) => CommandId::named(caller, dialog, kind, key),
            None => CommandId(edge.ids.random()),
        }
    }

    /// The id of the dialog that the caller makes: with a key, a keyed hash of it and
    /// caller, so that a retry meets the dialog of the first try.
    pub(crate) fn dialog(&self, edge: &Edge, caller: UserId, now: Time) -> DialogId {
        let Some(key) = &self.0 else { return edge.ids.dialog_id(now) };
        let mut hasher = blake3::Hasher::new_keyed(&edge.private_dialog_key);
        hasher.update(DIALOG_DOMAIN);
        hasher.update(&caller.get().to_be_bytes());
        hasher.update(key.as_bytes());
        let mut hash = hasher.finalize_xof();
        let (mut seconds, mut rest) = ([0; 4], [0; 8]);
        hash.fill(&mut seconds);
        hash.fill(&mut rest);
        DialogId::from_parts(u32::from_be_bytes(seconds), rest)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CallKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(header) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let key = header.as_bytes();
        let well_formed =
            (1..=KEY_CHARACTERS_MAX).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
        match header.to_str() {
            Ok(key) if well_formed => Ok(Self(Some(key.to_owned()))),
            _ => Err(ApiError::Malformed(
                format!("Idempotency-Key must be 1 to {KEY_CHARACTERS_MAX} visible characters").into(),
            )),
        }
    }
}
