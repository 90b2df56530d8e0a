//! Tokens of an OpenID Connect issuer: signed statements (JWT) of who somebody is, and until when.
//!
//! A token is checked in full at its first sight; from then on it is a session like any other,
//! which ends when the token does. Nothing in a token chooses how it is checked: algorithms,
//! issuer and audience are the operator's words, and a key is only ever one that the issuer
//! publishes himself.

use std::fmt;
use std::time::Duration;

use domain::{ApplicationId, Time};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use serde_json::Value;

use super::http::Asker;
use super::keys::{Keys, NoKey};
use super::{json, signatures};
use crate::session::after;
use crate::sign_up::{REFERENCE_MAX, SignUp};
use crate::{Caller, Error, Identity, OpenError, Profile, ProviderKey};

/// Most bytes of a foreign token.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Most bytes of an issuer's name, so that any store can index a key with it.
const ISSUER_BYTES_MAX: usize = 512;

/// Which tokens are sessions here.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// Whose tokens: exactly what stands in `iss`.
    pub issuer: String,
    /// For whom a token must be: one of these stands in `aud`.
    pub audience: Vec<String>,
    /// Where the issuer's keys are; if empty, where his own description says.
    pub jwks_url: String,
    /// With what tokens may be signed: `RS256`, `ES256`, …; never with a shared secret.
    pub algorithms: Vec<String>,
    /// How much the issuer's clock may differ from ours.
    pub leeway: Duration,
    /// The longest time that a token may still be good for at its first sight.
    pub lifetime_max: Duration,
    /// The least time between two askings for keys, however many tokens name an unknown one.
    pub ask_again_after: Duration,
    /// How long the issuer may take to answer, connecting included.
    pub time_max: Duration,
    /// Which claims tell what is known of a user.
    pub claims: Claims,
}

/// The names of claims; an empty one is not looked at. Dots lead into objects.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// His name to show.
    pub full_name: String,
    /// His email; not taken if `email_verified` is false.
    pub email: String,
    /// His login.
    pub login: String,
    /// His phone.
    pub phone: String,
    /// Where his picture is.
    pub avatar: String,
}

/// The tokens of one issuer.
#[derive(Debug)]
pub struct Tokens {
    issuer: String,
    audience: Vec<String>,
    algorithms: Vec<Algorithm>,
    leeway: Duration,
    lifetime_max: Duration,
    claims: Claims,
    keys: Keys,
}

/// What a token proves.
pub(super) struct Proven {
    pub(super) key: ProviderKey,
    pub(super) profile: Profile,
    pub(super) ends_at: Time,
}

/// Why a token proves nothing, in words for an operator who looks for the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused(pub(super) &'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Whether it is of no form that tokens of our own have: they have no dots.
pub fn is_foreign(token: &str) -> bool {
    token.contains('.')
}

impl Tokens {
    /// Checks the settings; asks nobody.
    pub fn new(settings: &TokenSettings) -> Result<Self, OpenError> {
        let refuse = |name, reason: &str| Err(OpenError::Setting { name, reason: reason.to_owned() });
        if settings.issuer.len() > ISSUER_BYTES_MAX {
            return refuse("oidc.issuer", "is too long");
        }
        if settings.audience.iter().all(String::is_empty) {
            return refuse(
                "oidc.audience",
                "must say for whom tokens are: any client of the issuer could come in",
            );
        }
        let mut algorithms = vec![];
        for name in &settings.algorithms {
            match name.parse::<Algorithm>().ok().filter(|algorithm| signatures::is_asymmetric(*algorithm)) {
                Some(algorithm) => algorithms.push(algorithm),
                None => {
                    return refuse(
                        "oidc.algorithms",
                        "must be of RS256, ES256, EdDSA and their kin; no shared secrets",
                    );
                }
            }
        }
        if algorithms.is_empty() {
            return refuse("oidc.algorithms", "must name at least one");
        }
        signatures::install();
        // The keys are asked for by one at a time.
        let asker = Asker::new(settings.time_max, 1)?;
        Ok(Self {
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            algorithms,
            leeway: settings.leeway,
            lifetime_max: settings.lifetime_max,
            claims: settings.claims.clone(),
            keys: Keys::of(&settings.issuer, &settings.jwks_url, asker, settings.ask_again_after)?,
        })
    }

    /// Who asks with the foreign `token`: from memory if it was seen before, else once it is
    /// checked and its user found or made. It counts as a use, as [`Identity::authenticate`] does.
    ///
    /// [`Error::NoSuchSession`] if it is no good token, or its session was ended;
    /// [`Error::Unavailable`] if it needs a key and the issuer cannot be asked.
    pub async fn authenticate(
        &self,
        identity: &Identity,
        token: &str,
        application: ApplicationId,
        now: Time,
    ) -> Result<Caller, Error> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Error::NoSuchSession);
        }
        match identity.authenticate(token, now).await {
            // Never seen, or not for so long that its session has run out before it has.
            Err(Error::NoSuchSession) => {}
            known => return known,
        }
        let Proven { key, profile, ends_at } = self.prove(token, now).await?;
        let user = identity.user_of_provider(key, profile, now).await?;
        identity.open_foreign_session(token, application, (user.id, ends_at), now).await
    }

    /// Asks for the issuer's keys anew. To be called at the start and now and then, so that the first
    /// request does not wait and keys that he has taken back are forgotten.
    pub async fn refresh_keys(&self, now: Time) {
        self.keys.refresh(now).await;
    }

    pub(super) async fn prove(&self, token: &str, now: Time) -> Result<Proven, Error> {
        let refused = |reason: Refused| {
            tracing::debug!(%reason, "a foreign token was refused");
            Error::NoSuchSession
        };
        let header = self.header(token).map_err(refused)?;
        let key = self.keys.find(header.kid.as_deref(), header.alg, now).await;
        let key = key.map_err(|no_key| match no_key {
            NoKey::Unknown => refused(Refused("its key is not one of the issuer's")),
            NoKey::Unavailable => Error::Unavailable,
        })?;
        let claims = decode::<Value>(token, &key, &self.validation(header.alg));
        let claims = claims.map_err(|_| refused(Refused("signature, issuer or audience is wrong")))?.claims;
        self.proven(&claims, now).map_err(refused)
    }

    fn header(&self, token: &str) -> Result<Header, Refused> {
        let header = decode_header(token).map_err(|_| Refused("it has no header that can be read"))?;
        if !self.algorithms.contains(&header.alg) {
            return Err(Refused("its algorithm is not allowed"));
        }
        // What is signed for another purpose, such as the notice of a sign-out, is no proof of who asks.
        let kind = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        match kind.trim_start_matches("application/") {
            "jwt" | "at+jwt" => Ok(header),
            _ => Err(Refused("it is of another type")),
        }
    }

    /// Times are left out: the clock is an argument.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&self.audience);
        validation
    }

    fn proven(&self, claims: &Value, now: Time) -> Result<Proven, Refused> {
        // A list of issuers would have passed.
        if claims["iss"].as_str() != Some(&self.issuer) {
            return Err(Refused("its issuer is another"));
        }
        let subject = claims["sub"].as_str().filter(|subject| !subject.is_empty());
        let subject = subject.ok_or(Refused("it has no subject"))?;
        let fits = subject.chars().nth(REFERENCE_MAX).is_none();
        let key = ProviderKey::open_id(&self.issuer, subject).filter(|_| fits);
        let key = key.ok_or(Refused("its subject cannot be kept"))?;
        let ends_at = after(seconds(&claims["exp"]).ok_or(Refused("its end is no time"))?, self.leeway);
        if ends_at <= now {
            return Err(Refused("it has expired"));
        }
        if ends_at > after(after(now, self.lifetime_max), self.leeway) {
            return Err(Refused("it is good for longer than oidc.lifetime_max"));
        }
        if let Some(begins) = claims.get("nbf").filter(|begins| !begins.is_null()) {
            let begins = seconds(begins).ok_or(Refused("its beginning is no time"))?;
            if begins > after(now, self.leeway) {
                return Err(Refused("it is not valid yet"));
            }
        }
        let profile = SignUp { external_id: Some(subject.to_owned()), ..self.profile(claims) };
        Ok(Proven { key, profile: Profile::of_what_fits(profile), ends_at })
    }

    fn profile(&self, claims: &Value) -> SignUp {
        // Some issuers call their own claims by URLs, which have dots.
        let text = |path: &str| json::text(claims.get(path).or_else(|| json::at(claims, path))?);
        let is_doubtful = claims["email_verified"] == false;
        SignUp {
            full_name: text(&self.claims.full_name),
            email: text(&self.claims.email).filter(|_| !is_doubtful),
            login: text(&self.claims.login),
            phone: text(&self.claims.phone),
            avatar: text(&self.claims.avatar),
            ..SignUp::default()
        }
    }
}

/// Seconds since 1970, perhaps with a fraction, as claims tell times.
fn seconds(claim: &Value) -> Option<Time> {
    let seconds = claim.as_f64().filter(|seconds| seconds.is_finite() && *seconds >= 0.0)?;
    Some(Time((seconds * 1_000.0) as u64))
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
