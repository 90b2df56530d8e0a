//! Whoever has forgotten a password is sent a token by somebody who can send mail: a webhook.
//!
//! It is told of each reset with a signature that proves who calls, and again, less and less
//! often, if it does not answer. Nothing is kept for it on a disk: a token lies nowhere but in
//! memory and with whoever gets it. Whoever was not told in the end asks for another reset.

use std::fmt;
use std::time::Duration;

use domain::Time;
use domain::calendar::iso;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ring::hmac;
use serde_json::json;
use tokio::time::sleep;
use url::Url;

use super::http::{Asker, Failure, address};
use crate::session::after;
use crate::{OpenError, Token, User};

/// Proves who calls: `t=<unix seconds>,v1=<hex of HMAC-SHA-256 over "<unix seconds>.<body>">`.
pub const SIGNATURE_HEADER: HeaderName = HeaderName::from_static("hansard-signature");
/// Fewest bytes of the secret: a shorter one can be guessed from one signature.
pub const SECRET_BYTES_MIN: usize = 16;
/// How often a webhook is told of one reset.
const ATTEMPTS_MAX: u32 = 5;

/// How a webhook is told.
#[derive(Clone)]
pub struct WebhookSettings {
    /// Where it listens.
    pub url: String,
    /// What it is signed with, at least [`SECRET_BYTES_MIN`] bytes.
    pub secret: String,
    /// How long an answer may take, connecting included.
    pub time_max: Duration,
    /// How many resets it is told of at once.
    pub requests_max: usize,
    /// How long to wait after the first failure; twice as long after each further one.
    pub retry_after: Duration,
    /// How long a token is good for: [`crate::Settings::reset_lifetime`].
    pub lifetime: Duration,
}

impl fmt::Debug for WebhookSettings {
    /// Neither the secret nor the address, which may hold one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSettings").finish_non_exhaustive()
    }
}

/// Who is told of resets.
pub struct Webhook {
    asker: Asker,
    url: Url,
    key: hmac::Key,
    retry_after: Duration,
    lifetime: Duration,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}

impl Webhook {
    /// Checks the settings; tells nobody.
    pub fn new(settings: &WebhookSettings) -> Result<Self, OpenError> {
        let url = address("reset.webhook_url", &settings.url)?;
        if settings.secret.len() < SECRET_BYTES_MIN {
            let reason = format!("must have at least {SECRET_BYTES_MIN} bytes");
            return Err(OpenError::Setting { name: "reset.webhook_secret", reason });
        }
        Ok(Self {
            asker: Asker::new(settings.time_max, settings.requests_max)?,
            url,
            key: hmac::Key::new(hmac::HMAC_SHA256, settings.secret.as_bytes()),
            retry_after: settings.retry_after,
            lifetime: settings.lifetime,
        })
    }

    /// Tells of the reset that was begun for `user` at `now`: up to five times, until it is taken. Whether it
    /// was; for a few seconds, or for half a minute if nobody listens.
    pub async fn tell(&self, user: &User, token: [u8; 20], now: Time) -> bool {
        let body = body(user, &Token::from_bytes(token), after(now, self.lifetime));
        let (mut wait, headers) = (self.retry_after, self.headers(&body, now));
        for attempt in 1..=ATTEMPTS_MAX {
            let Err(failure) = self.asker.post(self.url.clone(), headers.clone(), body.clone()).await else {
                return true;
            };
            if attempt == ATTEMPTS_MAX || is_final(&failure) {
                let user = user.id.get();
                tracing::warn!(user.id = user, %failure, attempt, "the webhook did not take a password reset");
                break;
            }
            sleep(wait).await;
            wait *= 2;
        }
        false
    }

    fn headers(&self, body: &[u8], now: Time) -> HeaderMap {
        let seconds = now.seconds();
        let mut context = hmac::Context::with_key(&self.key);
        context.update(format!("{seconds}.").as_bytes());
        context.update(body);
        let digest = context.sign();
        let digest = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(signature) = HeaderValue::try_from(format!("t={seconds},v1={digest}")) {
            headers.insert(SIGNATURE_HEADER, signature);
        }
        headers
    }
}

fn body(user: &User, token: &Token, expires_at: Time) -> Vec<u8> {
    let body = json!({
        "event": "password_reset",
        "user_id": user.id.get(),
        "email": user.email,
        "full_name": user.full_name,
        "token": token.as_str(),
        "expires_at": String::from_utf8_lossy(&iso(expires_at)),
    });
    body.to_string().into_bytes()
}

/// Whether telling again is in vain: it was understood, and refused.
fn is_final(failure: &Failure) -> bool {
    matches!(failure, Failure::Status(300..=407 | 409..=428 | 430..=499))
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
