//! What happened: the events of a dialog, and the two that a log has of its own.
//!
//! Events carry what a decision settled, never what a reader could have looked up at
//! another moment: sequences and ids, the date a message got, how a mark was made.

use crate::content::{Content, DialogChange, DialogContent, Extensions, MessageContent, Text};
use crate::{ApplicationId, CommandId, DialogId, MessageId, Sequence, Time, UserId};

/// What sort of conversation a dialog is; the numbers are those of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// 1: the owner and admins write, everybody of the application reads.
    Broadcast,
    /// 2: its occupants read and write.
    Group,
    /// 3: two users.
    Private,
    /// 4: whoever subscribes reads and writes.
    Public,
}

impl Kind {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Broadcast, Self::Group, Self::Private, Self::Public];

    /// The API's number, 1 to 4.
    pub fn number(self) -> u8 {
        match self {
            Self::Broadcast => 1,
            Self::Group => 2,
            Self::Private => 3,
            Self::Public => 4,
        }
    }

    /// The kind of that number.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| u64::from(kind.number()) == number)
    }

    /// Whether reading is tracked: who has read what, and how much is unread.
    pub fn is_marked(self) -> bool {
        matches!(self, Self::Group | Self::Private)
    }
}

/// What non-members may do in a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions {
    /// Whether a non-member may see the last messages.
    pub allow_preview: bool,
}

/// A message, by what it is (its sequence) and by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageRef {
    /// Its place in the dialog.
    pub sequence: Sequence,
    /// Its name.
    pub id: MessageId,
}

/// Sequences `first..=last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The first sequence that belongs to it.
    pub first: Sequence,
    /// The last sequence that belongs to it.
    pub last: Sequence,
}

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// The message reached one of the user's devices.
    Delivered,
    /// The user has read it; that implies delivered.
    Read,
    /// It was shown to the user where reading is counted and not tracked: in public and
    /// broadcast dialogs.
    Viewed,
}

/// How a mark came about, and what it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marked {
    /// The user named these messages.
    Named(Vec<MessageRef>),
    /// They stood on a page that he listed.
    Listed(Vec<Range>),
    /// Everything in the dialog up to this sequence.
    All(Sequence),
}

impl Marked {
    /// The sequences covered, as ranges in no special order. `visible_from` is the
    /// sequence after which the user sees the dialog.
    pub fn ranges(&self, visible_from: Sequence) -> Vec<Range> {
        match self {
            Self::Named(messages) => {
                messages.iter().map(|m| Range { first: m.sequence, last: m.sequence }).collect()
            }
            Self::Listed(ranges) => ranges.clone(),
            Self::All(up_to) if *up_to > visible_from => {
                vec![Range { first: visible_from.next(), last: *up_to }]
            }
            Self::All(_) => vec![],
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A log began. The first event of each partition.
    LogOpened {
        /// How many partitions the log has.
        partitions: u32,
        /// The name of the hash from stream to partition.
        partition_hash: String,
        /// The key of the ids of private dialogs.
        private_dialog_key: [u8; 32],
    },
    /// A writer took a partition over.
    WriterStarted,
    /// A dialog came to be, or came to be again after it was deleted for all.
    DialogCreated {
        /// What sort of dialog.
        kind: Kind,
        /// Its creator.
        owner: UserId,
        /// Everybody in it, the owner first; empty for a broadcast.
        occupants: Vec<UserId>,
        /// Who has admin rights beside the owner.
        admins: Vec<UserId>,
        /// What non-members may do, if anything was said about it.
        permissions: Option<Permissions>,
        /// Name, photo, description, extensions.
        content: Content<DialogContent>,
    },
    /// Its name, photo, description, extensions or permissions changed.
    DialogChanged {
        /// New permissions, if they changed.
        permissions: Option<Permissions>,
        /// What changed of the rest.
        content: Content<DialogChange>,
    },
    /// These extensions were put beside those it has, each in place of one of the same key.
    ExtensionsMerged {
        /// At least one.
        content: Content<Extensions>,
    },
    /// It is gone for everybody, with all its messages.
    DialogDeleted,
    /// The actor put it out of his sight, and its messages so far with it.
    DialogHidden,
    /// The actor took it back into his list.
    DialogShown,
    /// The actor put its messages so far out of his sight.
    HistoryCleared,
    /// Its messages so far are gone for everybody.
    HistoryClearedForAll,
    /// The actor made these users occupants.
    OccupantsAdded {
        /// Who was not in it before.
        users: Vec<UserId>,
    },
    /// The actor took these users out; he may be one of them.
    OccupantsRemoved {
        /// Who was in it before.
        users: Vec<UserId>,
    },
    /// The actor joined by himself.
    OccupantSubscribed,
    /// The actor left.
    OccupantLeft,
    /// The owner gave these users admin rights.
    AdminsAdded {
        /// Who had none before.
        users: Vec<UserId>,
    },
    /// The owner took admin rights from these users.
    AdminsRemoved {
        /// Who had them before.
        users: Vec<UserId>,
    },
    /// The actor pinned these messages, in this order.
    MessagesPinned {
        /// Which; not pinned before.
        messages: Vec<MessageRef>,
    },
    /// The actor unpinned these messages.
    MessagesUnpinned {
        /// Which; pinned before.
        messages: Vec<MessageRef>,
    },
    /// The actor turned his own alerts on or off.
    NotificationsSet {
        /// Whether they are on.
        enabled: bool,
    },
    /// The actor shut that user out: he is no occupant and no admin any more, and comes
    /// back neither by himself nor by others.
    UserBlocked {
        /// Who; perhaps he never was in it.
        user: UserId,
    },
    /// The actor let that user come back, should he want to.
    UserUnblocked {
        /// Who was blocked before.
        user: UserId,
    },
    /// The actor wrote a message.
    MessagePosted {
        /// Its place and name.
        message: MessageRef,
        /// The opponent in a private dialog.
        recipient: Option<UserId>,
        /// The date shown to people, whole seconds since 1970; never goes back in a dialog.
        date_sent: u64,
        /// Whether connected clients are to get it.
        send_to_chat: bool,
        /// Whether its author asks for marks.
        markable: bool,
        /// Whether nobody is to be alerted.
        silent: bool,
        /// Text, attachments, custom parameters.
        content: Content<MessageContent>,
    },
    /// The actor replaced the text of his message.
    MessageEdited {
        /// Which.
        message: MessageRef,
        /// The new text.
        content: Content<Text>,
    },
    /// These messages are gone for everybody.
    MessagesRemoved {
        /// Which; not removed before.
        messages: Vec<MessageRef>,
    },
    /// The actor put these messages out of his sight.
    MessagesHidden {
        /// Which.
        messages: Vec<MessageRef>,
    },
    /// The actor got, read or saw messages.
    MessagesMarked {
        /// Got, read or saw.
        mark: Mark,
        /// How, and which.
        marked: Marked,
    },
    /// The actor reacted to a message, or took that back.
    ReactionsChanged {
        /// To which.
        message: MessageRef,
        /// Kinds that he had not put on it before.
        added: Vec<Text>,
        /// Kinds that he had put on it.
        removed: Vec<Text>,
    },
}

/// An event with all that is known of it, as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The event's own id, a UUID of version 7.
    pub id: [u8; 16],
    /// The command that caused it.
    pub command: CommandId,
    /// The application it belongs to.
    pub application: ApplicationId,
    /// What it happened to.
    pub stream: Stream,
    /// Who did it; nobody for what the system does itself.
    pub actor: Option<UserId>,
    /// When; never goes back within a partition.
    pub at: Time,
    /// What.
    pub event: Event,
}

/// What events happen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// A dialog.
    Dialog(DialogId),
    /// The application as a whole.
    Application(ApplicationId),
}

impl Stream {
    /// The bytes that decide about the stream's partition: a letter for the kind, then the id.
    pub fn key(&self) -> Vec<u8> {
        match self {
            Self::Dialog(dialog) => [b"d".as_slice(), dialog.as_bytes()].concat(),
            Self::Application(application) => [b"a".as_slice(), &application.get().to_be_bytes()].concat(),
        }
    }
}
