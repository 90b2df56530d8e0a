//! Passwords: what may be one, and the hash that is kept of it.
//!
//! A hash costs tens of milliseconds by intention: it is made and compared on
//! the hash pool only, never on a thread that serves requests.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use unicode_normalization::UnicodeNormalization;

use crate::{HashCost, OpenError};

/// What somebody typed as a password. Its `Debug` output does not show it.
///
/// It is compared in Unicode's composed form (NFC), so that the same letters typed on
/// another keyboard are the same password; case and spaces count.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Any text; [`crate::NewUser::parse`] decides whether it may be somebody's.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as typed.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Sixteen bytes that make equal passwords hash differently: fresh ones from a
/// cryptographic generator for each new user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

/// The function of one cost that turns passwords into PHC strings.
pub(crate) fn hasher(cost: HashCost) -> Result<Argon2<'static>, OpenError> {
    let params = Params::new(cost.memory_kib, cost.iterations, cost.lanes, None)
        .map_err(|error| OpenError::Setting { name: "hash_cost", reason: error.to_string() })?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The PHC string to keep of `password`; the error is for an operator.
pub(crate) fn hash(hasher: &Argon2<'_>, password: &Password, salt: Salt) -> Result<String, String> {
    let typed = password.0.nfc().collect::<String>();
    match hasher.hash_password_with_salt(typed.as_bytes(), &salt.0) {
        Ok(hash) => Ok(hash.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether `password` is the one that the PHC string `kept` was made of, at the cost that
/// `kept` names; the error (for an operator) says that `kept` is no such string.
pub(crate) fn matches(hasher: &Argon2<'_>, password: &Password, kept: &str) -> Result<bool, String> {
    let kept = PasswordHash::new(kept).map_err(|error| error.to_string())?;
    let typed = password.0.nfc().collect::<String>();
    Ok(hasher.verify_password(typed.as_bytes(), &kept).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: HashCost = HashCost { memory_kib: 8, iterations: 1, lanes: 1 };

    #[test]
    fn a_hash_fits_its_password_only_and_names_its_cost() {
        let hasher = hasher(CHEAP).unwrap();
        let kept = hash(&hasher, &Password::new("zoe\u{308} has 1 secret"), Salt([7; 16])).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{kept}");
        assert_eq!(matches(&hasher, &Password::new("zo\u{eb} has 1 secret"), &kept), Ok(true));
        assert_eq!(matches(&hasher, &Password::new("Zo\u{eb} has 1 secret"), &kept), Ok(false));
        assert!(matches(&hasher, &Password::new("any"), "no PHC string").is_err());
    }

    #[test]
    fn a_hash_outlives_a_change_of_the_cost() {
        let kept = hash(&hasher(CHEAP).unwrap(), &Password::new("correct horse"), Salt([7; 16])).unwrap();
        let dearer = hasher(HashCost { memory_kib: 16, iterations: 2, lanes: 1 }).unwrap();
        assert_eq!(matches(&dearer, &Password::new("correct horse"), &kept), Ok(true));
    }

    #[test]
    fn an_impossible_cost_is_refused_by_name() {
        let refused = hasher(HashCost { memory_kib: 1, iterations: 1, lanes: 1 });
        assert!(matches!(refused, Err(OpenError::Setting { name: "hash_cost", .. })));
    }
}
