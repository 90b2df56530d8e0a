//! Reads a process's configuration, in layers: commented defaults compiled in, a file
//! over them, `HANSARD__SECTION__KEY` over that, flags over that.
//!
//! The defaults name every key, also those that are unset (`""`, `[]`). So a key that
//! they do not name is a mistake wherever it comes from, and is refused with its source;
//! nothing is ever silently ignored. What the keys mean is for the caller's types to say.

pub mod duration;

mod layers;
mod secret;
mod secret_file;

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use layers::Layers;
pub use secret::Secret;
pub use secret_file::{is_too_open, secret_files};

/// What the names of all environment variables of the configuration begin with.
pub const ENVIRONMENT_PREFIX: &str = "HANSARD__";

/// Put the layers over each other and read them as a `T`.
///
/// `defaults` is TOML that names every key. `file` must exist if it is given. Of
/// `environment` only the variables of the [prefix](ENVIRONMENT_PREFIX) count:
/// `HANSARD__APP__AUTH_KEY` is `app.auth_key`, and a list's items stand between commas.
/// `overrides` are keys such as `app.auth_key` and their values; the last one wins. Of two keys
/// `x` and `x_file` the second names a file that holds the value of the first, without the end
/// of its last line.
///
/// # Errors
///
/// A sentence for the operator that names the key, where its value came from, and what
/// was expected there. It never shows a line of the file, which might hold a secret.
pub fn load<T: DeserializeOwned>(
    defaults: &str,
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: impl IntoIterator<Item = (String, String)>,
) -> anyhow::Result<T> {
    let mut layers = Layers::new(defaults)?;
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
        layers.add_file(path, &text)?;
    }
    for (name, value) in environment {
        if let Some(key) = name.strip_prefix(ENVIRONMENT_PREFIX) {
            let key = key.to_lowercase().replace("__", ".");
            layers.add_text(&key, &value, format!("environment variable {name}"))?;
        }
    }
    for (key, value) in overrides {
        layers.add_text(&key, &value, "the command line".to_owned())?;
    }
    layers.open_files()?;
    layers.read()
}

/// The process's environment, as far as it is configuration.
///
/// # Errors
///
/// A variable of the [prefix](ENVIRONMENT_PREFIX) is not UTF-8.
pub fn environment() -> anyhow::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(ENVIRONMENT_PREFIX)) else { continue };
        let value = value
            .into_string()
            .map_err(|_| anyhow::anyhow!("the value of environment variable {name} is not valid UTF-8"))?;
        found.push((name.to_owned(), value));
    }
    Ok(found)
}

/// A configuration as TOML, its secrets hidden: for a person to read, not to load again.
///
/// # Errors
///
/// TOML cannot hold the value, such as an integer above 2⁶³ − 1.
pub fn print<T: Serialize>(configuration: &T) -> anyhow::Result<String> {
    toml::to_string_pretty(configuration).context("cannot show the configuration as TOML")
}

#[cfg(test)]
mod tests;
