//! The public keys of an issuer, as he publishes them, kept here.
//!
//! A key that is not known is asked for again, by one asker at a time and not more often than is
//! allowed; what was known stays good while the issuer is away. Keys that he has taken back are
//! forgotten with the next answer.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use domain::Time;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::http::{Asker, Failure, address};
use super::signatures::is_asymmetric;
use crate::OpenError;
use crate::session::after;

/// Where keys are published.
enum Source {
    /// At this address.
    Keys(Url),
    /// At the one that the issuer's own description, at this address, names.
    Description { address: Url, issuer: String },
}

/// The keys of one issuer.
pub(super) struct Keys {
    source: Source,
    asker: Asker,
    /// The least time between two askings.
    ask_again_after: Duration,
    known: RwLock<Arc<Known>>,
    /// When the issuer was last asked. Held while he is.
    asked: Mutex<Option<Time>>,
}

/// What the issuer said last, and whether he could be asked since.
#[derive(Clone, Default)]
struct Known {
    keys: Vec<Key>,
    is_current: bool,
}

#[derive(Clone)]
struct Key {
    id: Option<String>,
    algorithm: Option<KeyAlgorithm>,
    check: DecodingKey,
}

/// Why a key is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The issuer has none of that name.
    Unknown,
    /// The issuer cannot be asked: it may be his or not.
    Unavailable,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// The keys at `jwks_url`, or where the issuer says; none are known yet.
    pub(super) fn of(
        issuer: &str,
        jwks_url: &str,
        asker: Asker,
        ask_again_after: Duration,
    ) -> Result<Self, OpenError> {
        let source = if jwks_url.is_empty() {
            let base = issuer.trim_end_matches('/');
            let address = address("oidc.issuer", &format!("{base}/.well-known/openid-configuration"))?;
            Source::Description { address, issuer: issuer.to_owned() }
        } else {
            Source::Keys(address("oidc.jwks_url", jwks_url)?)
        };
        Ok(Self { source, asker, ask_again_after, known: RwLock::default(), asked: Mutex::new(None) })
    }

    /// The key of that name for that algorithm; without a name the only one that fits.
    pub(super) async fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        now: Time,
    ) -> Result<DecodingKey, NoKey> {
        if let Some(key) = self.known().find(id, algorithm) {
            return Ok(key);
        }
        let mut asked = self.asked.lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(key) = self.known().find(id, algorithm) {
            return Ok(key);
        }
        // A clock that was set back must not keep everybody waiting.
        let is_due = |asked: Time| now < asked || now >= after(asked, self.ask_again_after);
        if asked.is_none_or(is_due) {
            *asked = Some(now);
            self.ask().await;
        }
        let known = self.known();
        known.find(id, algorithm).ok_or(if known.is_current { NoKey::Unknown } else { NoKey::Unavailable })
    }

    /// Asks the issuer, whatever is known, so that keys he has taken back are forgotten.
    pub(super) async fn refresh(&self, now: Time) {
        let mut asked = self.asked.lock().await;
        *asked = Some(now);
        self.ask().await;
    }

    async fn ask(&self) {
        let told = self.fetch().await;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Arc::new(match told {
            Ok(keys) => Known { keys, is_current: true },
            Err(failure) => {
                tracing::warn!(%failure, "the issuer's keys cannot be read; those that are known stay good");
                Known { keys: known.keys.clone(), is_current: false }
            }
        });
    }

    async fn fetch(&self) -> Result<Vec<Key>, Failure> {
        let url = match &self.source {
            Source::Keys(url) => url.clone(),
            Source::Description { address, issuer } => {
                described(&self.asker.get(address.clone()).await?, address, issuer)?
            }
        };
        keys(&self.asker.get(url).await?)
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Known {
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        let mut fitting = self.keys.iter().filter(|key| key.fits(algorithm));
        match id {
            Some(id) => fitting.find(|key| key.id.as_deref() == Some(id)).map(|key| key.check.clone()),
            None => match (fitting.next(), fitting.next()) {
                (Some(only), None) => Some(only.check.clone()),
                (Some(_), Some(_)) | (None, _) => None,
            },
        }
    }
}

impl Key {
    fn fits(&self, algorithm: Algorithm) -> bool {
        self.check.family().algorithms().contains(&algorithm)
            && self.algorithm.is_none_or(|named| named == KeyAlgorithm::from(algorithm))
    }
}

/// Where the issuer's description says that his keys are.
fn described(description: &Value, at: &Url, issuer: &str) -> Result<Url, Failure> {
    if description["issuer"].as_str() != Some(issuer) {
        return Err(Failure::Unusable("it describes another issuer"));
    }
    let url = description["jwks_uri"].as_str().and_then(|url| address("oidc.jwks_url", url).ok());
    // Who is asked over TLS must not send us to where anybody could answer.
    url.filter(|url| url.scheme() == "https" || at.scheme() == "http")
        .ok_or(Failure::Unusable("it does not say where its keys are"))
}

/// The keys of a key set that can be used here. What cannot be read is somebody else's.
fn keys(set: &Value) -> Result<Vec<Key>, Failure> {
    let set = set["keys"].as_array().ok_or(Failure::Unusable("no key set"))?;
    let read = |key: &Value| serde_json::from_value::<Jwk>(key.clone()).ok().and_then(|jwk| key_of(&jwk));
    let keys = set.iter().filter_map(read).collect::<Vec<_>>();
    if keys.is_empty() { Err(Failure::Unusable("no key that fits")) } else { Ok(keys) }
}

fn key_of(jwk: &Jwk) -> Option<Key> {
    let is_for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    // A shared secret in a public key set is a mistake of the issuer's: anybody could sign.
    let is_public = !matches!(jwk.algorithm, AlgorithmParameters::OctetKey(_));
    if !is_for_signatures || !is_public {
        return None;
    }
    let check = DecodingKey::from_jwk(jwk).ok()?;
    check.family().algorithms().iter().any(|algorithm| is_asymmetric(*algorithm)).then(|| Key {
        id: jwk.common.key_id.clone(),
        algorithm: jwk.common.key_algorithm,
        check,
    })
}
