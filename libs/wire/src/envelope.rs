//! The envelope alone: what every reader can tell of an event, known type or not.

use domain::event::Stream;
use domain::{ApplicationId, CommandId, DialogId, Time, UserId};
use prost::Message as _;

use crate::decode::Error;
use crate::proto;

/// What surrounds an event, and its payload undecoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The event's own id, a UUID of version 7.
    pub event_id: [u8; 16],
    /// The event's type, such as `message.posted`.
    pub type_name: String,
    /// The version of the payload's meaning.
    pub schema: u32,
    /// The command that caused the event.
    pub command: CommandId,
    /// The application.
    pub application: ApplicationId,
    /// What it happened to.
    pub stream: Stream,
    /// Who did it; nobody for the system.
    pub actor: Option<UserId>,
    /// When.
    pub at: Time,
    /// The message named after the type.
    pub payload: Vec<u8>,
}

/// The envelope of an event's `bytes`.
pub fn open(bytes: &[u8]) -> Result<Envelope, Error> {
    let envelope = proto::Envelope::decode(bytes).map_err(|_| Error::Malformed("envelope"))?;
    let sixteen = |bytes: Vec<u8>| bytes.try_into().map_err(|_| Error::Malformed("id of 16 bytes"));
    Ok(Envelope {
        event_id: sixteen(envelope.event_id)?,
        type_name: envelope.r#type,
        schema: envelope.schema,
        command: CommandId(sixteen(envelope.command_id)?),
        application: ApplicationId::new(envelope.application).ok_or(Error::Malformed("application"))?,
        stream: stream(envelope.stream.ok_or(Error::Malformed("stream"))?)?,
        actor: match envelope.actor {
            0 => None,
            number => Some(UserId::new(number).ok_or(Error::Malformed("actor"))?),
        },
        at: Time(envelope.time_ms),
        payload: envelope.payload,
    })
}

fn stream(stream: proto::Stream) -> Result<Stream, Error> {
    use proto::stream::Kind;
    match stream.kind() {
        Kind::Dialog => {
            let id = stream.id.try_into().ok().and_then(DialogId::from_bytes);
            Ok(Stream::Dialog(id.ok_or(Error::Malformed("dialog id"))?))
        }
        Kind::Application => {
            let number = stream.id.try_into().ok().map(u64::from_be_bytes);
            let id = number.and_then(ApplicationId::new);
            Ok(Stream::Application(id.ok_or(Error::Malformed("application id"))?))
        }
        Kind::User | Kind::Unspecified => Err(Error::Malformed("stream kind")),
    }
}
