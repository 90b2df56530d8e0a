//! A value that must not be seen: it leaves no trace in logs, errors or printed
//! configuration, because nothing but [`Secret::expose`] shows it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

const HIDDEN: &str = "***";

/// Text that shows itself as `***` everywhere. Of length zero it is unset.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// The text itself; empty if unset.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is a text.
    pub fn is_set(&self) -> bool {
        !self.0.is_empty()
    }

    fn shown(&self) -> &'static str {
        if self.is_set() { HIDDEN } else { "" }
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.shown())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Somebody has loaded a printed configuration: everybody would know the secret.
        if text == HIDDEN {
            return Err(D::Error::custom("expected a secret, found the `***` that hides one"));
        }
        Ok(Self(text))
    }
}
