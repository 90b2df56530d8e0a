//! Signed requests for a session: what older clients sign, and that nobody can ask twice
//! with the same signature.
//!
//! Newer clients sign nothing, so that a signature proves no more than that whoever sent it
//! knows the application's secret. One that is there has to be right all the same, and what
//! it signs was made within two hours. What was used is remembered by this process only,
//! for as long as its time would let it through.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::Time;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha1::Sha1;
use sha2::Sha256;

use super::Edge;
use crate::{ApiError, Params};

/// How far the clock of a client that signs may be off.
const OFF_MAX: Duration = Duration::from_secs(2 * 60 * 60);
/// Used signatures that are remembered, about 100 bytes each; beyond them, those whose time
/// runs out first are forgotten.
const USED_MAX: usize = 100_000;

const REFUSED: ApiError = ApiError::SignatureRefused("The signature is not the application's");
const REPEATED: ApiError = ApiError::SignatureRefused("The signature has been used already");

/// A request for a session that bears a signature.
pub(crate) struct Signed {
    signature: String,
    /// All parameters but the signature, as they are signed.
    text: String,
    timestamp: Option<i64>,
}

impl Signed {
    /// The signature of those parameters, taken out of them; none if there is none, or a
    /// blank one. To be asked before anything else is taken out.
    pub(crate) fn of(params: &mut Params) -> Result<Option<Self>, ApiError> {
        let signature = params.text("signature")?.filter(|signature| !signature.trim().is_empty());
        let Some(signature) = signature else { return Ok(None) };
        let text = text(params.tree());
        Ok(Some(Self { signature, text, timestamp: params.integer("timestamp")? }))
    }
}

/// `key=value` of each parameter, nested ones as `outer[inner]`, in the byte order of the
/// keys, joined with `&`. Values are as they came, without any escaping.
fn text(tree: &Map<String, Value>) -> String {
    let mut pairs = Vec::new();
    for (name, value) in tree {
        flatten(name.clone(), value, &mut pairs);
    }
    // Stable: entries of one list stay in their order.
    pairs.sort_by(|(one, _), (other, _)| one.as_bytes().cmp(other.as_bytes()));
    let pairs = pairs.into_iter().map(|(key, value)| format!("{key}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}

/// As deep as JSON or a form's keys may nest, which both bound.
fn flatten(key: String, value: &Value, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => pairs.push((key, text.clone())),
        Value::Null | Value::Bool(_) | Value::Number(_) => pairs.push((key, value.to_string())),
        Value::Array(items) => items.iter().for_each(|item| flatten(format!("{key}[]"), item, pairs)),
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| flatten(format!("{key}[{name}]"), value, pairs));
        }
    }
}

/// Whether `digest` is that of `text` under `secret`, told apart by its length; takes as long
/// for any wrong one.
fn is_of(text: &str, secret: &str, digest: &[u8]) -> bool {
    match digest.len() {
        20 => verifies::<Hmac<Sha1>>(text, secret, digest),
        32 => verifies::<Hmac<Sha256>>(text, secret, digest),
        _ => false,
    }
}

fn verifies<M: Mac + KeyInit>(text: &str, secret: &str, digest: &[u8]) -> bool {
    let Ok(mac) = <M as KeyInit>::new_from_slice(secret.as_bytes()) else { return false };
    mac.chain_update(text.as_bytes()).verify_slice(digest).is_ok()
}

/// The bytes that lower-case hex digits spell.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(pair).collect()
}

/// A used signature, and when its time would let it through no more. Ordered by that time.
type Used = (Time, Vec<u8>);

/// The signatures that have been used here. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Signatures(Arc<Mutex<BTreeSet<Used>>>);

impl Signatures {
    /// Takes the signature for the caller alone; none if somebody has it already.
    fn take(&self, used: Used, now: Time) -> Option<Spending> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while all.first().is_some_and(|(until, _)| *until < now) {
            all.pop_first();
        }
        if !all.insert(used.clone()) {
            return None;
        }
        if all.len() > USED_MAX {
            all.pop_first();
        }
        Some(Spending { signatures: self.clone(), used: Some(used) })
    }
}

/// A signature in use. Dropped, it can be used again: the request came to nothing, and its
/// client may repeat it.
pub(crate) struct Spending {
    signatures: Signatures,
    used: Option<Used>,
}

impl Spending {
    /// The request was answered: the signature is used up.
    pub(crate) fn spend(mut self) {
        self.used = None;
    }
}

impl Drop for Spending {
    fn drop(&mut self) {
        if let Some(used) = self.used.take() {
            self.signatures.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&used);
        }
    }
}

impl Edge {
    /// Uses the signature, which any of the application's secrets that are good may have made, until the
    /// request has come to nothing.
    ///
    /// # Errors
    ///
    /// 401 for one that is not the application's or was used before; 422 where its time is
    /// missing or more than two hours off, or the application has no secret.
    pub(crate) fn spend(&self, signed: &Signed) -> Result<Spending, ApiError> {
        let now = self.clock.now();
        let secrets = self.application.keys.secrets(now);
        if secrets.is_empty() {
            return Err(ApiError::invalid("signature", "cannot be verified: the application has no secret"));
        }
        let digest = bytes(&signed.signature).ok_or(REFUSED)?;
        if !secrets.iter().any(|secret| is_of(&signed.text, secret.expose(), &digest)) {
            return Err(REFUSED);
        }
        let timestamp = signed.timestamp.ok_or_else(|| ApiError::missing("timestamp"))?;
        let made = Time(u64::try_from(timestamp).unwrap_or(0).saturating_mul(1_000));
        if Duration::from_millis(made.0.abs_diff(now.0)) > OFF_MAX {
            return Err(ApiError::invalid("timestamp", "is more than 2 hours off"));
        }
        let until = Time(made.0.saturating_add(OFF_MAX.as_millis() as u64));
        self.0.signatures.take((until, digest), now).ok_or(REPEATED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(tree: Value) -> String {
        text(tree.as_object().unwrap())
    }

    #[test]
    fn what_is_signed_is_every_parameter_as_it_came_in_the_byte_order_of_the_keys() {
        let tree = json!({
            "user": {"password": "a&b =", "login": "zoë"}, "timestamp": 1_700_000_000, "auth_key": "k", "Z": "1",
            "auth": "", "nonce": "007", "is": true, "not": null, "list": ["b", "a"],
        });
        assert_eq!(
            of(tree),
            "Z=1&auth=&auth_key=k&is=true&list[]=b&list[]=a&nonce=007&not=null&timestamp=1700000000\
             &user[login]=zoë&user[password]=a&b ="
        );
    }

    // Digests of RFC 2202 and RFC 4231, test case 2.
    #[test]
    fn a_digest_is_told_by_its_length() {
        let (secret, text) = ("Jefe", "what do ya want for nothing?");
        let sha1 = bytes("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79").unwrap();
        let sha256 = bytes("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843").unwrap();
        for digest in [&sha1, &sha256] {
            assert!(is_of(text, secret, digest));
            assert!(!is_of(text, "jefe", digest) && !is_of("what", secret, digest));
            assert!(!is_of(text, secret, &digest[1..]));
        }
        assert!(!is_of(text, secret, &[]));
    }

    #[test]
    fn a_signature_is_lower_case_hex() {
        assert_eq!(bytes("00ff"), Some(vec![0, 255]));
        for wrong in ["0", "0F", "0g", " 00", "é"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_signature_serves_once_unless_its_request_came_to_nothing() {
        let signatures = Signatures::default();
        let take = |until, now| signatures.take((Time(until), vec![1]), Time(now));
        drop(take(10, 1).unwrap());
        let spending = take(10, 1).unwrap();
        assert!(take(10, 1).is_none(), "somebody is using it");
        spending.spend();
        assert!(take(10, 10).is_none());
        assert!(take(20, 11).is_some_and(|other| other.signatures.0.lock().unwrap().len() == 1));
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let signatures = Signatures::default();
        for n in 0..=USED_MAX as u64 {
            signatures.take((Time(n + 1), vec![]), Time(0)).unwrap().spend();
        }
        assert_eq!(signatures.0.lock().unwrap().len(), USED_MAX);
        assert!(signatures.take((Time(2), vec![]), Time(0)).is_none());
        assert!(signatures.take((Time(1), vec![]), Time(0)).is_some());
    }
}
