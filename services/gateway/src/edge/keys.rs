//! What the application's clients prove themselves with: its credentials of today, and for a while those
//! of before.
//!
//! They can be replaced while the API is served. How long comparing takes tells nothing of a key, not even
//! its length.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use domain::Time;
use runtime::config::Secret;
use subtle::ConstantTimeEq as _;

/// An application's credentials. Its `Debug` output hides them.
#[derive(Debug, Clone)]
pub struct Key {
    /// What clients show.
    pub auth_key: Secret,
    /// What older clients sign requests for sessions with; unset: these sign nothing.
    pub auth_secret: Secret,
    /// When these are good no longer; none: they stay so.
    pub until: Option<Time>,
}

impl Key {
    fn is_good(&self, now: Time) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    fn is(&self, given: &str) -> bool {
        let [known, given] = [self.auth_key.expose(), given].map(|key| blake3::hash(key.as_bytes()));
        self.auth_key.is_set() && known.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

/// All credentials of an application. Clones are the same ones.
#[derive(Clone)]
pub struct Keys(Arc<RwLock<Vec<Key>>>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// These, those of today first.
    pub fn new(keys: Vec<Key>) -> Self {
        Self(Arc::new(RwLock::new(keys)))
    }

    /// From now on these, for everybody.
    pub fn replace(&self, keys: Vec<Key>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// All of them, those of today first.
    pub fn all(&self) -> Vec<Key> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether `given` is an auth key that is good at `now`.
    pub(crate) fn know(&self, given: &str, now: Time) -> bool {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().any(|key| key.is(given) && key.is_good(now))
    }

    /// The secrets that are set and good at `now`, those of today first.
    pub(crate) fn secrets(&self, now: Time) -> Vec<Secret> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let good = keys.iter().filter(|key| key.auth_secret.is_set() && key.is_good(now));
        good.map(|key| key.auth_secret.clone()).collect()
    }

    /// Whether clients can be known at all.
    pub(crate) fn are_set(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().any(|key| key.auth_key.is_set())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(auth_key: &str, until: Option<u64>) -> Key {
        let auth_secret = format!("secret of {auth_key}").into();
        Key { auth_key: auth_key.to_owned().into(), auth_secret, until: until.map(Time) }
    }

    #[test]
    fn the_credentials_of_before_are_good_for_a_while() {
        let keys = Keys::new(vec![key("today", None), key("before", Some(100))]);
        assert!(keys.know("today", Time(200)));
        assert!(keys.know("before", Time(99)));
        for (other, now) in [("before", 100), ("other", 0), ("", 0), ("secret of today", 0)] {
            assert!(!keys.know(other, Time(now)), "{other:?} at {now}");
        }
        let secrets = |now| -> Vec<String> {
            keys.secrets(Time(now)).iter().map(|secret| secret.expose().to_owned()).collect()
        };
        assert_eq!(secrets(99), ["secret of today", "secret of before"]);
        assert_eq!(secrets(100), ["secret of today"]);
    }

    #[test]
    fn replaced_credentials_count_for_every_clone() {
        let keys = Keys::new(vec![key("old", None)]);
        let clone = keys.clone();
        keys.replace(vec![key("new", None)]);
        assert!(!clone.know("old", Time(0)) && clone.know("new", Time(0)));
    }

    #[test]
    fn what_is_unset_is_no_key_and_no_secret() {
        let unset = Key { auth_key: Secret::default(), auth_secret: Secret::default(), until: None };
        let keys = Keys::new(vec![unset]);
        assert!(!keys.are_set() && !keys.know("", Time(0)));
        assert_eq!(keys.secrets(Time(0)).len(), 0);
    }
}
