//! Durations in a configuration, as people write them: `2h`, `500ms`, `1m 30s`.
//!
//! For `#[serde(with = "runtime::config::duration")]`. A bare number is refused, because
//! it does not say of what.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;

/// Read a duration.
///
/// # Errors
///
/// The text is no duration; the error says how one is written.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|_| {
        D::Error::custom(format_args!("expected a duration such as `500ms`, `2s` or `2h`, found {text:?}"))
    })
}

/// Write a duration, so that it reads back as the same.
///
/// # Errors
///
/// Only those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_duration(*duration))
}
