//! The rows of the read model, as the folds and every store share them.
//!
//! A row says what is, never how it is stored. It deliberately holds no sum over members
//! or dialogs: each row belongs to one dialog, and so to one partition of the log.

use domain::event::{Kind, MessageRef, Permissions, Record};
use domain::facts::{Header, Standing as StandingFact};
use domain::{MessageId, Sequence, Time, UserId};
pub use eventlog::{Epoch, FrameHash, Offset, Partition};

use crate::marks::{Corrupt, Marks, put, take};
pub use crate::totals::Totals;
pub use crate::touched::Touched;

/// A dialog's header. One deleted for all keeps it, without what people wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    /// What sort of dialog.
    pub kind: Kind,
    /// Whether it is there.
    pub alive: bool,
    /// Its creator.
    pub owner: UserId,
    /// Whether the creator is still in it.
    pub owner_present: bool,
    /// The one who is not the owner, in a private dialog.
    pub opponent: Option<UserId>,
    /// Who has admin rights, in the order of appointment.
    pub admins: Vec<UserId>,
    /// What non-members may do, if anything was said about it.
    pub permissions: Option<Permissions>,
    /// The name, if there is one and it was not erased.
    pub name: Option<String>,
    /// The photo, likewise.
    pub photo: Option<String>,
    /// The description, likewise.
    pub description: Option<String>,
    /// The application's own fields: a JSON object of texts.
    pub extensions: Option<String>,
    /// The sequence of its newest message, removed or not.
    pub head: Sequence,
    /// Messages up to here are gone for everybody.
    pub cleared_to: Sequence,
    /// How many occupants it has; 0 in a broadcast.
    pub occupants: u32,
    /// The date of its newest message, whole seconds; 0 before the first.
    pub last_sent: u64,
    /// When it came to be, the last time that it did.
    pub created_at: Time,
    /// When it, its occupants or its newest message last changed.
    pub updated_at: Time,
    /// Its newest message that is there; [`LastMessage::NONE`] if there is none.
    pub last: LastMessage,
    /// The pinned messages, in the order of pinning.
    pub pins: Vec<MessageRef>,
    /// When which of its messages were last read.
    pub touched: Touched,
}

/// What a list of dialogs shows of the newest message, so that it never visits members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastMessage {
    /// Its place; 0 if there is none.
    pub sequence: Sequence,
    /// Its author.
    pub sender: Option<UserId>,
    /// How many members beside the author have read it.
    pub read_by: u32,
    /// How many members beside the author have received it.
    pub delivered_by: u32,
    /// Whether the two counts are known: they are not once a newer message was removed.
    pub counts_known: bool,
}

impl LastMessage {
    /// No message at all.
    pub const NONE: Self =
        Self { sequence: Sequence::NONE, sender: None, read_by: 0, delivered_by: 0, counts_known: true };
}

impl Dialog {
    /// The fact that this row is.
    pub fn header(&self) -> Header {
        Header {
            kind: self.kind,
            alive: self.alive,
            owner: self.owner,
            owner_present: self.owner_present,
            opponent: self.opponent,
            admins: self.admins.clone(),
            permissions: self.permissions,
            pins: self.pins.clone(),
            head: self.head,
            cleared_to: self.cleared_to,
            occupants: self.occupants,
            last_sent: self.last_sent,
        }
    }
}

/// What one user is and has in one dialog.
///
/// Leaving drops it, but for what outlives it: that he is blocked, and in a public dialog
/// what he has seen, so that nobody is counted twice as a viewer. A broadcast has no
/// occupants: there it exists for whoever did anything, with `member` false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether he is an occupant.
    pub member: bool,
    /// When he came in.
    pub joined_at: Time,
    /// Unread counts after this sequence: the head at joining or clearing.
    pub from: Sequence,
    /// He sees no message up to here.
    pub cleared_to: Sequence,
    /// The head when he put the dialog out of his sight, if he did.
    pub hidden_at: Option<Sequence>,
    /// Whether he was shut out.
    pub blocked: bool,
    /// Whether he wants to be alerted.
    pub notifications: bool,
    /// What he has read, received and hidden. Where reading is not tracked but counted, what
    /// he has seen stands in `read`.
    pub marks: Marks,
}

impl Standing {
    /// What somebody has who never did anything in the dialog.
    pub(crate) fn nothing(at: Time) -> Self {
        Self {
            member: false,
            joined_at: at,
            from: Sequence::NONE,
            cleared_to: Sequence::NONE,
            hidden_at: None,
            blocked: false,
            notifications: true,
            marks: Marks::default(),
        }
    }

    /// Whether it says no more than none would.
    pub(crate) fn says_nothing(&self) -> bool {
        let Self { member, hidden_at, blocked, notifications, cleared_to, marks, .. } = self;
        let out = !member && hidden_at.is_none() && !blocked && *notifications;
        out && *cleared_to == Sequence::NONE && marks.is_empty()
    }

    /// The fact that this row is.
    pub fn fact(&self) -> StandingFact {
        let Self { member, hidden_at, blocked, notifications, .. } = *self;
        StandingFact { member, hidden_at, blocked, notifications }
    }
}

/// A message. One removed for all keeps its place and name, without what people wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub id: MessageId,
    /// Its author.
    pub sender: UserId,
    /// The opponent in a private dialog.
    pub recipient: Option<UserId>,
    /// The date shown to people, whole seconds.
    pub date_sent: u64,
    /// When it was stored.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// When its text was last replaced, if it was.
    pub edited_at: Option<Time>,
    /// The text, if there is one and it was not erased.
    pub text: Option<String>,
    /// A JSON list of objects, likewise.
    pub attachments: Option<String>,
    /// A JSON object of custom parameters, likewise.
    pub custom: Option<String>,
    /// What the client called it, when that was not of the form of an id.
    pub client_id: Option<String>,
    /// Whether it is gone for everybody.
    pub removed: bool,
    /// How many users have put each kind of reaction on it.
    pub reactions: Totals,
}

/// Messages by place and name as a column holds them: for each its sequence and the 12
/// bytes of its id.
pub(crate) fn encode_pins(pins: &[MessageRef]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(pins.len() * 14);
    for pin in pins {
        put(&mut bytes, pin.sequence.0);
        bytes.extend(pin.id.as_bytes());
    }
    bytes
}

/// What was encoded so.
pub(crate) fn decode_pins(mut bytes: &[u8]) -> Result<Vec<MessageRef>, Corrupt> {
    let mut pins = vec![];
    while !bytes.is_empty() {
        let sequence = Sequence(take(&mut bytes)?);
        let (id, rest) = bytes.split_first_chunk().ok_or(Corrupt("the id of a pin is cut off"))?;
        pins.push(MessageRef { sequence, id: MessageId::from_bytes(*id) });
        bytes = rest;
    }
    Ok(pins)
}

/// How far one partition of the log has been folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub epoch: Epoch,
    /// The offset of the next event to fold.
    pub next: Offset,
    /// The hash of the last frame folded.
    pub frame_hash: FrameHash,
    /// The time of the last frame folded.
    pub time: Time,
}

/// Events of one partition that follow its checkpoint.
#[derive(Debug, Clone)]
pub struct Applied {
    /// Which partition.
    pub partition: Partition,
    /// Where the rows are before; `None` before the first event.
    pub expected: Option<Checkpoint>,
    /// The events in the order of the log.
    pub records: Vec<Record>,
    /// Where the rows are after.
    pub checkpoint: Checkpoint,
}
