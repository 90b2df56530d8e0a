//! Names of things: users, dialogs, messages, commands, and the order of messages.
//!
//! Every identifier is parsed once, at the edge, and is well formed from then on.

use std::fmt;
use std::str::FromStr;

/// The largest id that a JavaScript client can hold exactly: 2⁵³ − 1.
pub const INTEGER_ID_MAX: u64 = (1 << 53) - 1;

/// Raw input that names nothing, because it is not of the form of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed id")]
pub struct MalformedId;

/// A user: a positive integer below 2⁵³, issued by identity and never issued twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(u64);

impl UserId {
    /// The user of that number, if it lies in 1..2⁵³.
    pub fn new(number: u64) -> Option<Self> {
        (1..=INTEGER_ID_MAX).contains(&number).then_some(Self(number))
    }

    /// The number, 1..2⁵³.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for UserId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(MalformedId);
        }
        text.parse().ok().and_then(Self::new).ok_or(MalformedId)
    }
}

/// The application (tenant) that a deployment serves: a positive integer below 2⁵³.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationId(u64);

impl ApplicationId {
    /// The application of that number, if it lies in 1..2⁵³.
    pub fn new(number: u64) -> Option<Self> {
        (1..=INTEGER_ID_MAX).contains(&number).then_some(Self(number))
    }

    /// The number, 1..2⁵³.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn hex_to_bytes(text: &str) -> Option<[u8; 12]> {
    fn digit(byte: u8) -> Option<u8> {
        match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        }
    }
    let text: &[u8; 24] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 12];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn hex_digits(bytes: &[u8; 12]) -> [u8; 24] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 24];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

fn write_hex(bytes: &[u8; 12], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(std::str::from_utf8(&hex_digits(bytes)).map_err(|_| fmt::Error)?)
}

/// A dialog: 24 lower-case hex digits, at least one of them a letter, because
/// clients take a name of digits only for a user.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogId([u8; 12]);

impl DialogId {
    /// The dialog id made of `seconds` since 1970 and eight bytes of the maker's choice.
    ///
    /// A name without a letter gets one, in its last digit.
    pub fn from_parts(seconds: u32, rest: [u8; 8]) -> Self {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..].copy_from_slice(&rest);
        if !has_letter(&bytes) {
            bytes[11] |= 0x0a;
        }
        Self(bytes)
    }

    /// The id of the private dialog of two users: a keyed hash of both, so that two
    /// people who create it at once get one dialog and nobody can guess it.
    ///
    /// `seconds` is part of every other id; here all twelve bytes come from the hash,
    /// as the same pair must get the same id at any time.
    pub fn private(key: &[u8; 32], one: UserId, other: UserId) -> Self {
        let (low, high) = if one <= other { (one, other) } else { (other, one) };
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(&low.get().to_be_bytes());
        hasher.update(&high.get().to_be_bytes());
        let hash = hasher.finalize();
        let mut seconds = [0; 4];
        let mut rest = [0; 8];
        seconds.copy_from_slice(&hash.as_bytes()[..4]);
        rest.copy_from_slice(&hash.as_bytes()[4..12]);
        Self::from_parts(u32::from_be_bytes(seconds), rest)
    }

    /// The digits, in ASCII.
    pub fn digits(&self) -> [u8; 24] {
        hex_digits(&self.0)
    }

    /// The twelve bytes that the digits spell.
    pub fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// The id of those twelve bytes, if it has a letter.
    pub fn from_bytes(bytes: [u8; 12]) -> Option<Self> {
        has_letter(&bytes).then_some(Self(bytes))
    }
}

fn has_letter(bytes: &[u8; 12]) -> bool {
    bytes.iter().any(|byte| byte >> 4 > 9 || byte & 15 > 9)
}

impl fmt::Display for DialogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for DialogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl FromStr for DialogId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        hex_to_bytes(text).and_then(Self::from_bytes).ok_or(MalformedId)
    }
}

/// A message's name: 24 lower-case hex digits, chosen by a client or made by the
/// server. What a message *is* is its dialog and its [`Sequence`] there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId([u8; 12]);

impl MessageId {
    /// The id made of `seconds` since 1970 and eight bytes of the maker's choice.
    pub fn from_parts(seconds: u32, rest: [u8; 8]) -> Self {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..].copy_from_slice(&rest);
        Self(bytes)
    }

    /// The id that stands for a client's id of another form: a hash of caller and text.
    pub fn mapped(caller: UserId, text: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("hansard message id of another form");
        hasher.update(&caller.get().to_be_bytes());
        hasher.update(text.as_bytes());
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..12]);
        Self(bytes)
    }

    /// The digits, in ASCII.
    pub fn digits(&self) -> [u8; 24] {
        hex_digits(&self.0)
    }

    /// The twelve bytes that the digits spell.
    pub fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// The id of those twelve bytes.
    pub fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl FromStr for MessageId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        hex_to_bytes(text).map(Self).ok_or(MalformedId)
    }
}

/// A message's dense place in its dialog, from 1. 0 stands before the first message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The place before the first message.
    pub const NONE: Self = Self(0);

    /// The place after this one; the last there can be has none after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What one command is called, so that asking twice is doing once: 16 bytes of a hash
/// of caller, stream, kind and the client's own id for the call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub [u8; 16]);

impl CommandId {
    /// The id of `caller`'s call of that `kind` on `dialog`, which he calls `key`.
    pub fn named(caller: UserId, dialog: DialogId, kind: &str, key: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("hansard command id");
        hasher.update(&caller.get().to_be_bytes());
        hasher.update(dialog.as_bytes());
        hasher.update(&[u8::try_from(kind.len()).unwrap_or(u8::MAX)]);
        hasher.update(kind.as_bytes());
        hasher.update(key.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(bytes)
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        u128::from_be_bytes(self.0).fmt(f)
    }
}

/// Milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

impl Time {
    /// Whole seconds since 1970.
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_id_always_has_a_letter() {
        for last in 0..=255 {
            let id = DialogId::from_parts(0x1234_5678, [0, 0, 0, 0, 0, 0, 0, last]);
            assert!(id.to_string().bytes().any(|b| b.is_ascii_alphabetic()), "{id}");
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!("012345678901234567890123".parse::<DialogId>(), Err(MalformedId));
    }

    #[test]
    fn ids_of_another_form_name_nothing() {
        for text in [
            "",
            "_",
            "5C094C0CE588CE6856F87422",
            "5c094c0ce588ce6856f8742",
            "5c094c0ce588ce6856f87422a",
            "zz094c0ce588ce6856f87422",
        ] {
            assert_eq!(text.parse::<DialogId>(), Err(MalformedId), "{text}");
            assert_eq!(text.parse::<MessageId>(), Err(MalformedId), "{text}");
        }
        for text in ["", "0", "-1", "+1", "1.0", "9007199254740992", "99999999999999999999999"] {
            assert_eq!(text.parse::<UserId>(), Err(MalformedId), "{text}");
        }
    }

    #[test]
    fn both_users_get_the_same_private_dialog() {
        let [alice, bob] = [1, 2].map(|n| UserId::new(n).unwrap());
        let one = DialogId::private(&[7; 32], alice, bob);
        assert_eq!(one, DialogId::private(&[7; 32], bob, alice));
        assert_ne!(one, DialogId::private(&[8; 32], alice, bob));
    }
}
