//! As whom an identity provider knows a user.

use crate::sign_up::KEY_BYTES_MAX;

/// A key that only one user has, made of what a provider says of him. No call of the API sets it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProviderKey(String);

impl ProviderKey {
    /// The user whom the application's own provider calls `uid`; none for a text that is empty, too long
    /// ([`KEY_BYTES_MAX`]) or holds control characters.
    pub fn custom(uid: &str) -> Option<Self> {
        Self::new(format!("custom:{uid}"), &[uid])
    }

    /// The user whom the provider at `issuer` calls `subject`; none as for [`Self::custom`], or if the
    /// issuer's name holds a `|`.
    pub fn open_id(issuer: &str, subject: &str) -> Option<Self> {
        let key = Self::new(format!("oidc:{issuer}|{subject}"), &[issuer, subject])?;
        (!issuer.contains('|')).then_some(key)
    }

    fn new(key: String, parts: &[&str]) -> Option<Self> {
        let fits = key.len() <= KEY_BYTES_MAX
            && parts.iter().all(|part| !part.is_empty() && !part.chars().any(char::is_control));
        fits.then_some(Self(key))
    }

    /// The key as it is stored.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_which_provider_and_who() {
        assert_eq!(ProviderKey::custom("7").unwrap().as_str(), "custom:7");
        let key = ProviderKey::open_id("https://id.example", "a|b").unwrap();
        assert_eq!(key.as_str(), "oidc:https://id.example|a|b");
        let longest = "x".repeat(KEY_BYTES_MAX - "custom:".len());
        assert!(ProviderKey::custom(&longest).is_some());
        for refused in [
            ProviderKey::custom(""),
            ProviderKey::custom("a\0"),
            ProviderKey::custom(&format!("{longest}x")),
            ProviderKey::open_id("", "7"),
            ProviderKey::open_id("https://id.example", ""),
            ProviderKey::open_id("https://id.example|7", "8"),
        ] {
            assert_eq!(refused, None);
        }
    }
}
