//! What people wrote: texts, custom parameters, attachments, dialog names.
//!
//! Personal content is kept apart from everything else in an event, so that it can be
//! erased while the event stays. Whoever reads it must say what happens to
//! [`Content::Erased`].

use crate::limits::Limits;

/// Personal content, or the place where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content<T> {
    /// The content itself.
    Known(T),
    /// It was there and can no longer be read.
    Erased,
}

impl<T> Content<T> {
    /// The content, unless it was erased.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(content) => Some(content),
            Self::Erased => None,
        }
    }
}

/// Why a text cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// U+0000, which one of the stores cannot hold.
    #[error("must not contain the character U+0000")]
    Nul,
    /// More characters than the limit in the field.
    #[error("is too long (maximum is {0} characters)")]
    TooLong(usize),
    /// More bytes than the limit in the field.
    #[error("is too large (maximum is {0} bytes)")]
    TooLarge(usize),
    /// More entries than the limit in the field.
    #[error("has too many entries (maximum is {0})")]
    TooMany(usize),
    /// Deeper than the limit in the field.
    #[error("is nested too deeply (maximum is {0} levels)")]
    TooDeep(usize),
    /// Nothing but white space where something is needed.
    #[error("can't be blank")]
    Blank,
}

/// A text without U+0000 and within the limit it was parsed with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

impl Text {
    /// `raw`, if it has at most `characters_max` characters (Unicode scalar values).
    pub fn new(raw: impl Into<String>, characters_max: usize) -> Result<Self, Unfit> {
        let raw = raw.into();
        if raw.contains('\0') {
            return Err(Unfit::Nul);
        }
        if raw.len() > characters_max && raw.chars().count() > characters_max {
            return Err(Unfit::TooLong(characters_max));
        }
        Ok(Self(raw))
    }

    /// A reaction: `raw`, if it is not empty and has at most `bytes_max` bytes of UTF-8. Any
    /// text is one.
    pub fn reaction(raw: impl Into<String>, bytes_max: usize) -> Result<Self, Unfit> {
        let raw = raw.into();
        if raw.is_empty() {
            return Err(Unfit::Blank);
        }
        if raw.contains('\0') {
            return Err(Unfit::Nul);
        }
        if raw.len() > bytes_max {
            return Err(Unfit::TooLarge(bytes_max));
        }
        Ok(Self(raw))
    }

    /// A text that was checked when it was stored.
    pub fn stored(raw: String) -> Self {
        Self(raw)
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The characters, given away.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Shows the length only: texts are personal and `Debug` ends up in logs.
impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

/// JSON kept as its text: an object of custom parameters, or a list of attachments.
///
/// Kept as text because one of the stores changes numbers and key order in a JSON type
/// of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonText(String);

impl JsonText {
    /// The custom parameters of a message: within `limits` and without U+0000 anywhere.
    pub fn custom(
        object: &serde_json::Map<String, serde_json::Value>,
        limits: &Limits,
    ) -> Result<Self, Unfit> {
        for (key, value) in object {
            check_text(key)?;
            check_json(value, 0, limits.custom_depth_max)?;
        }
        Self::sized(serde_json::Value::Object(object.clone()), limits.custom_bytes_max)
    }

    /// The attachments of a message: within `limits` and without U+0000 anywhere. That
    /// each is an object is for the caller to see to.
    pub fn attachments(list: Vec<serde_json::Value>, limits: &Limits) -> Result<Self, Unfit> {
        if list.len() > limits.attachments_max {
            return Err(Unfit::TooMany(limits.attachments_max));
        }
        for attachment in &list {
            check_json(attachment, 0, limits.custom_depth_max)?;
        }
        Self::sized(serde_json::Value::Array(list), limits.attachments_bytes_max)
    }

    fn sized(value: serde_json::Value, bytes_max: usize) -> Result<Self, Unfit> {
        let text = value.to_string();
        if text.len() > bytes_max {
            return Err(Unfit::TooLarge(bytes_max));
        }
        Ok(Self(text))
    }

    /// JSON that was checked when it was stored.
    pub fn stored(raw: String) -> Self {
        Self(raw)
    }

    /// The JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shows the length only: custom parameters are personal and `Debug` ends up in logs.
impl std::fmt::Debug for JsonText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JsonText({} bytes)", self.0.len())
    }
}

fn check_text(text: &str) -> Result<(), Unfit> {
    if text.contains('\0') { Err(Unfit::Nul) } else { Ok(()) }
}

/// `depth` objects and lists are around `value`.
fn check_json(value: &serde_json::Value, depth: usize, depth_max: usize) -> Result<(), Unfit> {
    use serde_json::Value;
    if depth == depth_max && (value.is_array() || value.is_object()) {
        return Err(Unfit::TooDeep(depth_max));
    }
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) => check_text(text),
        Value::Array(list) => list.iter().try_for_each(|item| check_json(item, depth + 1, depth_max)),
        Value::Object(object) => object.iter().try_for_each(|(key, item)| {
            check_text(key)?;
            check_json(item, depth + 1, depth_max)
        }),
    }
}

/// What is personal in a dialog.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DialogContent {
    /// The name; none in private dialogs.
    pub name: Option<Text>,
    /// A link to a picture, or the name of one.
    pub photo: Option<Text>,
    /// What the dialog is about.
    pub description: Option<Text>,
    /// The application's own fields, allowed keys only, in key order.
    pub extensions: Option<Extensions>,
}

/// The application's own fields of a dialog: key → text.
pub type Extensions = Vec<(Text, Text)>;

/// What changes in a dialog's personal content; `None` leaves as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DialogChange {
    /// A new name, or none any more.
    pub name: Option<Option<Text>>,
    /// A new photo, or none any more.
    pub photo: Option<Option<Text>>,
    /// A new description, or none any more.
    pub description: Option<Option<Text>>,
    /// New extensions in place of all old ones, or none any more.
    pub extensions: Option<Option<Extensions>>,
}

impl DialogChange {
    /// Whether it leaves everything as it is.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is personal in a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageContent {
    /// The text; a message may have attachments only.
    pub text: Option<Text>,
    /// A JSON list of objects, if there are attachments.
    pub attachments: Option<JsonText>,
    /// A JSON object of custom parameters, if there are any.
    pub custom: Option<JsonText>,
    /// What the client called the message, when that was not of the form of an id.
    pub client_id: Option<Text>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_holds_what_every_store_can_hold() {
        assert_eq!(Text::new("a\0b", 10), Err(Unfit::Nul));
        assert_eq!(Text::new("four", 3), Err(Unfit::TooLong(3)));
        assert!(Text::new("😀😀😀", 3).is_ok(), "characters count, not bytes");
    }

    #[test]
    fn a_reaction_is_any_short_text() {
        assert_eq!(Text::reaction("", 64), Err(Unfit::Blank));
        assert_eq!(Text::reaction("a\0b", 64), Err(Unfit::Nul));
        assert_eq!(Text::reaction("\u{1f600}".repeat(17), 64), Err(Unfit::TooLarge(64)), "bytes count");
        for raw in [" ", "+1", "\u{1f469}\u{200d}\u{1f52c}", "\u{1f600}\u{1f600}"] {
            assert_eq!(Text::reaction(raw, 64).unwrap().as_str(), raw);
        }
    }

    #[test]
    fn custom_parameters_have_limits() {
        let limits = Limits { custom_bytes_max: 60, custom_depth_max: 2, ..Limits::default() };
        let parse = |value: serde_json::Value| JsonText::custom(value.as_object().unwrap(), &limits);
        assert!(parse(json!({"a": {"b": {"c": 1}}})).is_ok());
        assert_eq!(parse(json!({"a": {"b": {"c": {}}}})), Err(Unfit::TooDeep(2)));
        assert_eq!(parse(json!({"a": ["x\0"]})), Err(Unfit::Nul));
        assert_eq!(parse(json!({"a\0": 1})), Err(Unfit::Nul));
        assert_eq!(parse(json!({"a": "x".repeat(60)})), Err(Unfit::TooLarge(60)));
    }

    #[test]
    fn personal_content_does_not_reach_debug_output() {
        let content = MessageContent { text: Text::new("secret", 10).ok(), ..MessageContent::default() };
        assert!(!format!("{content:?}").contains("secret"));
    }
}
