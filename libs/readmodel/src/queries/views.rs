//! What queries answer: plain values, for one viewer where something depends on who asks.

use domain::event::{Kind, MessageRef, Permissions, Range};
use domain::role::Role;
use domain::{DialogId, MessageId, Sequence, Time, UserId};
use eventlog::{Epoch, Offset, Partition};

use crate::rows::Totals;

/// A dialog as one user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogView {
    /// Its id.
    pub id: DialogId,
    /// What sort of dialog.
    pub kind: Kind,
    /// Its creator.
    pub owner: UserId,
    /// The other one, in a private dialog.
    pub opponent: Option<UserId>,
    /// Who has admin rights, in the order of appointment.
    pub admins: Vec<UserId>,
    /// What non-members may do, if anything was said about it.
    pub permissions: Option<Permissions>,
    /// The name, if there is one.
    pub name: Option<String>,
    /// The photo, if there is one.
    pub photo: Option<String>,
    /// The description, if there is one.
    pub description: Option<String>,
    /// The application's own fields: a JSON object of texts.
    pub extensions: Option<String>,
    /// Who is in it, ascending; empty in public dialogs and broadcasts.
    pub occupants: Vec<UserId>,
    /// How many are in it; 0 in a broadcast.
    pub occupants_count: u32,
    /// What the viewer is in it.
    pub role: Role,
    /// Whether the viewer put it out of his sight.
    pub hidden: bool,
    /// The newest message that the viewer sees.
    pub last: Option<LastView>,
    /// How many messages he has not read; 0 in public dialogs and broadcasts.
    pub unread: u64,
    /// The pinned messages, in the order of pinning, whether or not he sees them.
    pub pins: Vec<MessageRef>,
    /// When it came to be.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// The newest message of a dialog, as one user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastView {
    /// Its place.
    pub sequence: Sequence,
    /// Its name.
    pub id: MessageId,
    /// Its author.
    pub sender: UserId,
    /// The text, if there is one.
    pub text: Option<String>,
    /// Its date, whole seconds.
    pub date_sent: u64,
    /// How far it got, if the viewer is its author.
    pub status: Option<Status>,
}

/// How far a message got: the least of what all other occupants have of it. In a dialog
/// of more than `receipts_max` occupants it stays [`Status::Sent`] once a newer message
/// was removed or hidden by its author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It is stored.
    Sent,
    /// It has reached everybody.
    Delivered,
    /// Everybody has read it.
    Read,
}

/// A page of somebody's dialogs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogPage {
    /// How many there are on all pages.
    pub total: u64,
    /// Those of this page.
    pub items: Vec<DialogView>,
}

/// A message as one user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageView {
    /// Its name.
    pub id: MessageId,
    /// Where it is.
    pub dialog: DialogId,
    /// Its place.
    pub sequence: Sequence,
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
    /// The text, if there is one.
    pub text: Option<String>,
    /// A JSON list of objects, if there are attachments.
    pub attachments: Option<String>,
    /// A JSON object of custom parameters, if there are any.
    pub custom: Option<String>,
    /// What the client called it, when that was not of the form of an id.
    pub client_id: Option<String>,
    /// Its author, then which other occupants have read it, ascending. In a dialog of more
    /// than `receipts_max` occupants only the author and the viewer can be among them; in
    /// public dialogs and broadcasts only the author.
    pub read_ids: Vec<UserId>,
    /// Its author, then whom else it has reached; as `read_ids`.
    pub delivered_ids: Vec<UserId>,
    /// Whether there are other occupants and all of them have read it; never true where
    /// `read_ids` does not name everybody.
    pub read: bool,
    /// Who has reacted to it, if anybody has.
    pub reactions: Option<ReactionsView>,
    /// How many have seen it, beside its author; 0 but in public dialogs and broadcasts.
    pub views: u64,
}

/// The reactions to a message, as one user sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReactionsView {
    /// The kinds that he has put there, ascending by their bytes.
    pub own: Vec<String>,
    /// Each kind with how many users have put it there, likewise.
    pub total: Vec<(String, u32)>,
}

impl ReactionsView {
    /// None, if nobody has reacted.
    pub(super) fn of(totals: Totals, own: Vec<String>) -> Option<Self> {
        let total = totals.into_vec();
        (!total.is_empty()).then_some(Self { own, total })
    }
}

/// A page of a dialog's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// What sort of dialog.
    pub kind: Kind,
    /// The messages, in the order asked for.
    pub messages: Vec<MessageView>,
    /// What of them the viewer has not read, or in public dialogs and broadcasts not seen, in
    /// ascending ranges: to be marked, when the page is. A range also takes in what is removed
    /// between two of them.
    pub unread: Vec<Range>,
}

/// What a message id stands for, for one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// The name.
    pub id: MessageId,
    /// Where it is.
    pub dialog: DialogId,
    /// Its place.
    pub sequence: Sequence,
    /// Its author.
    pub sender: UserId,
}

/// How much somebody has not read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unread {
    /// Over all of them.
    pub total: u64,
    /// Each dialog that was asked for, once, in that order, with 0 for those he may not read.
    pub dialogs: Vec<(DialogId, u64)>,
}

/// How far the read model has folded one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folded {
    /// Which partition.
    pub partition: Partition,
    /// The offset of the next event to fold.
    pub next: Offset,
    /// Which log.
    pub epoch: Epoch,
}
