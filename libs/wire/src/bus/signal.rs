//! A signal on its way to whoever keeps connections.

use domain::content::JsonText;
use domain::{MessageId, UserId};
use prost::Message as _;

use super::{Malformed, fixed, parse};
use crate::{decode, proto};

/// What one user's application tells another's. It is no message of any dialog, and nobody
/// keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemMessage {
    /// Its name.
    pub id: MessageId,
    /// Whom it is from.
    pub sender: UserId,
    /// Whom it is for.
    pub recipient: UserId,
    /// What it says: a JSON object of the application's own.
    pub parameters: JsonText,
}

/// The bytes of a system message.
pub fn encode_system_message(message: &SystemMessage) -> Vec<u8> {
    proto::SystemMessage {
        id: message.id.as_bytes().to_vec(),
        sender: message.sender.get(),
        recipient: message.recipient.get(),
        parameters: message.parameters.as_str().to_owned(),
    }
    .encode_to_vec()
}

/// The system message that `bytes` hold.
pub fn decode_system_message(bytes: &[u8]) -> Result<SystemMessage, Malformed> {
    let message: proto::SystemMessage = parse(bytes, "system message")?;
    if message.parameters.contains('\0') {
        return Err("U+0000 in a text".into());
    }
    Ok(SystemMessage {
        id: MessageId::from_bytes(fixed(message.id, "message id")?),
        sender: decode::user(message.sender)?,
        recipient: decode::user(message.recipient)?,
        parameters: JsonText::stored(message.parameters),
    })
}
