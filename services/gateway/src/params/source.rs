//! From bytes to the tree: what a body is, and the checks that hold for all of it.
//!
//! Clients announce one thing and send another (`curl -d '{…}'` says that JSON is a
//! form, documentation samples say that a form is JSON), so content decides first.

use std::error::Error as _;

use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use http::{HeaderMap, Method, header};
use serde_json::{Map, Value};

use super::form;
use crate::ApiError;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How JSON spells U+0000; it has no other way.
const NUL_ESCAPE: &[u8] = br"\u0000";
const NUL_REFUSED: &str = "must not contain a NUL character";

/// What to take a body for that does not start like JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Form,
    /// Some other type was announced.
    Other,
}

impl Kind {
    pub(super) fn of(method: &Method, headers: &HeaderMap) -> Self {
        let Some(announced) = headers.get(header::CONTENT_TYPE) else { return Self::Form };
        let announced = announced.to_str().unwrap_or("?").split(';').next().unwrap_or_default();
        match announced.trim().to_ascii_lowercase().as_str() {
            "" | "text/plain" | "application/x-www-form-urlencoded" => Self::Form,
            // Samples of the API document announce JSON and send a form with GET.
            "application/json" | "text/json" if [Method::GET, Method::DELETE].contains(method) => Self::Form,
            "application/json" | "text/json" => Self::Json,
            _ => Self::Other,
        }
    }
}

/// The tree of a query string, without its `?`.
pub(super) fn query(text: &str) -> Result<Map<String, Value>, ApiError> {
    checked_form(text.as_bytes())
}

/// The tree of a body. Empty bytes are an empty tree, whatever was announced.
pub(super) fn body(kind: Kind, bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii();
    match (bytes.first(), kind) {
        (None, _) => Ok(Map::new()),
        (Some(b'{' | b'['), _) | (_, Kind::Json) => json(bytes),
        (_, Kind::Form) => checked_form(bytes),
        (_, Kind::Other) => Err(ApiError::UnsupportedMedia),
    }
}

/// Why a body could not be read to its end.
pub(super) fn unreadable(cause: BytesRejection) -> ApiError {
    match cause {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => ApiError::BodyTooLarge,
        other => {
            let cause = other.source().map_or_else(|| other.to_string(), ToString::to_string);
            tracing::debug!(cause, "a request's body ended early");
            ApiError::Malformed("The request body ended early".into())
        }
    }
}

/// serde_json refuses what nests deeper than 128, numbers beyond a double, half
/// surrogate pairs and text that is not UTF-8; of a repeated name it keeps the last.
fn json(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let value = serde_json::from_slice(bytes)
        .map_err(|cause| ApiError::Malformed(format!("Malformed JSON: {cause}").into()))?;
    let Value::Object(tree) = value else {
        return Err(ApiError::Malformed("The request body must be a JSON object".into()));
    };
    // One scan of the bytes spares nearly every request a walk through the tree.
    if memchr::memmem::find(bytes, NUL_ESCAPE).is_some() {
        refuse_nul(&tree)?;
    }
    Ok(tree)
}

fn checked_form(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let tree = form::read(bytes)?;
    if bytes.contains(&0) || memchr::memmem::find(bytes, b"%00").is_some() {
        refuse_nul(&tree)?;
    }
    Ok(tree)
}

fn refuse_nul(tree: &Map<String, Value>) -> Result<(), ApiError> {
    for (name, value) in tree {
        if name.contains('\0') || holds_nul(value) {
            return Err(ApiError::invalid(name.replace('\0', "\u{fffd}"), NUL_REFUSED));
        }
    }
    Ok(())
}

/// As deep as JSON or a form's keys may nest, which both bound.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
    }
}
