//! Headers of every answer that make browsers careful with it, and those that say how often
//! one may still ask.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::protection::Level;

/// The draft of the IETF's working group `httpapi`, in its form with three headers.
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// An answer is data: nothing in it is to be run, framed or taken for something else.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// A year, in seconds.
const ENCRYPTED_ONLY: &str = "max-age=31536000";

/// What an endpoint has said itself about its answer counts.
pub(super) fn secure(headers: &mut HeaderMap, is_encrypted: bool) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    // Answers hold tokens and what people have written.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if is_encrypted {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ENCRYPTED_ONLY));
    }
}

/// How many of how many are left, and in how many seconds it is worth looking again.
pub(super) fn tell(headers: &mut HeaderMap, level: Level) {
    headers.insert(LIMIT, HeaderValue::from(level.limit));
    headers.insert(REMAINING, HeaderValue::from(level.remaining));
    // Rounded up, as Retry-After is.
    let seconds = level.reset.as_millis().div_ceil(1_000) as u64;
    headers.insert(RESET, HeaderValue::from(seconds));
}
