//! Passwords: what may be one, and the hash that is kept of it.
//!
//! A hash costs tens of milliseconds by intention: it is made and compared on
//! the hash pool only, never on a thread that serves requests.

use std::fmt;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt as PhcSalt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
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

/// Turns passwords into PHC strings of one cost, in memory that it keeps: to take so much from the
/// system and give it back for each password would hold up every other thread of the process.
pub(crate) struct Hasher {
    cost: Params,
    memory: Vec<Block>,
}

impl Hasher {
    /// Of that cost. It has no memory yet.
    pub(crate) fn new(cost: HashCost) -> Result<Self, OpenError> {
        let cost = Params::new(cost.memory_kib, cost.iterations, cost.lanes, None)
            .map_err(|error| OpenError::Setting { name: "hash_cost", reason: error.to_string() })?;
        Ok(Self { cost, memory: vec![] })
    }

    /// The PHC string to keep of `password`; the error is for an operator.
    pub(crate) fn hash(&mut self, password: &Password, salt: Salt) -> Result<String, String> {
        let (algorithm, version, cost) = (Algorithm::Argon2id, Version::V0x13, self.cost.clone());
        let params = ParamsString::try_from(&cost).map_err(|error| error.to_string())?;
        let salt = PhcSalt::new(&salt.0).map_err(|error| error.to_string())?;
        let hash = self.output(Argon2::new(algorithm, version, cost), password, &salt)?;
        let (algorithm, version) = (algorithm.ident(), Some(version.into()));
        Ok(PasswordHash { algorithm, version, params, salt: Some(salt), hash: Some(hash) }.to_string())
    }

    /// Whether `password` is the one that the PHC string `kept` was made of, at the cost that
    /// `kept` names; the error (for an operator) says that `kept` is no such string.
    pub(crate) fn matches(&mut self, password: &Password, kept: &str) -> Result<bool, String> {
        let kept = PasswordHash::new(kept).map_err(|error| error.to_string())?;
        let algorithm = Algorithm::try_from(kept.algorithm.as_str()).map_err(|error| error.to_string())?;
        let version = kept.version.map_or(Ok(Version::default()), Version::try_from);
        let version = version.map_err(|error| error.to_string())?;
        let cost = Params::try_from(&kept).map_err(|error| error.to_string())?;
        let (Some(salt), Some(hash)) = (&kept.salt, &kept.hash) else {
            return Err("it has no salt or no hash".to_owned());
        };
        // Outputs are compared in constant time.
        Ok(self.output(Argon2::new(algorithm, version, cost), password, salt)? == *hash)
    }

    fn output(
        &mut self,
        argon2: Argon2<'_>,
        Password(typed): &Password,
        salt: &PhcSalt,
    ) -> Result<Output, String> {
        let blocks = argon2.params().block_count();
        if self.memory.len() < blocks {
            self.memory = vec![Block::new(); blocks];
        }
        let typed = typed.nfc().collect::<String>();
        let mut bytes = [0; Output::MAX_LENGTH];
        let length = argon2.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let bytes = bytes.get_mut(..length).ok_or("its hash is too long")?;
        let memory = &mut self.memory[..blocks];
        argon2
            .hash_password_into_with_memory(typed.as_bytes(), salt, bytes, memory)
            .map_err(|error| error.to_string())?;
        Output::new(bytes).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher as _;

    use super::*;

    const CHEAP: HashCost = HashCost { memory_kib: 8, iterations: 1, lanes: 1 };

    #[test]
    fn a_hash_fits_its_password_only_and_names_its_cost() {
        let mut hasher = Hasher::new(CHEAP).unwrap();
        let kept = hasher.hash(&Password::new("zoe\u{308} has 1 secret"), Salt([7; 16])).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{kept}");
        assert_eq!(hasher.matches(&Password::new("zo\u{eb} has 1 secret"), &kept), Ok(true));
        assert_eq!(hasher.matches(&Password::new("Zo\u{eb} has 1 secret"), &kept), Ok(false));
        assert!(hasher.matches(&Password::new("any"), "no PHC string").is_err());
    }

    #[test]
    fn a_hash_outlives_a_change_of_the_cost() {
        let (cheap, dear) = (CHEAP, HashCost { memory_kib: 16, iterations: 2, lanes: 1 });
        let password = Password::new("correct horse");
        for (of, by) in [(cheap, dear), (dear, cheap)] {
            let kept = Hasher::new(of).unwrap().hash(&password, Salt([7; 16])).unwrap();
            assert_eq!(Hasher::new(by).unwrap().matches(&password, &kept), Ok(true));
        }
    }

    /// Whatever was hashed before in the same memory, at whatever cost.
    #[test]
    fn a_hash_is_that_of_the_library() {
        let mut hasher = Hasher::new(HashCost { memory_kib: 32, iterations: 2, lanes: 2 }).unwrap();
        let cheaper = Hasher::new(CHEAP).unwrap().hash(&Password::new("before"), Salt([1; 16])).unwrap();
        for text in ["correct horse", "battery staple", "correct horse"] {
            assert_eq!(hasher.matches(&Password::new(text), &cheaper), Ok(false));
            let ours = hasher.hash(&Password::new(text), Salt([7; 16])).unwrap();
            let library = Argon2::new(Algorithm::Argon2id, Version::V0x13, hasher.cost.clone());
            let theirs = library.hash_password_with_salt(text.as_bytes(), &[7; 16]).unwrap();
            assert_eq!(ours, theirs.to_string());
        }
    }

    #[test]
    fn an_impossible_cost_is_refused_by_name() {
        let refused = Hasher::new(HashCost { memory_kib: 1, iterations: 1, lanes: 1 });
        assert!(matches!(refused, Err(OpenError::Setting { name: "hash_cost", .. })));
    }
}
