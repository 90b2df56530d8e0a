//! Why somebody does not get what he asked for. Typed, and shown to him.

/// Something impossible was asked for. Nothing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No dialog of that id, or none that the caller may know of.
    #[error("no such dialog")]
    NoSuchDialog,
    /// No message of that id in the dialog.
    #[error("no such message")]
    NoSuchMessage,
    /// The caller is known there, and may not do that.
    #[error("not permitted")]
    NotPermitted,
    /// The occupants of a private dialog never change.
    #[error("the occupants of a private dialog never change")]
    OccupantsFixed,
    /// More occupants than the limit in the field.
    #[error("more than {0} occupants")]
    TooManyOccupants(usize),
    /// More admins than the limit in the field.
    #[error("more than {0} admins")]
    TooManyAdmins(usize),
    /// Admins must be occupants, where there are occupants, and not blocked.
    #[error("an admin is not an occupant")]
    AdminNotOccupant,
    /// Nobody joins a dialog of that kind by himself.
    #[error("nobody subscribes to that kind of dialog")]
    NotSubscribable,
    /// The user was shut out of the dialog.
    #[error("blocked in the dialog")]
    Blocked,
    /// The deployment lets users make no broadcasts.
    #[error("users make no broadcasts")]
    BroadcastDisabled,
    /// What is to be pinned is no message of the dialog.
    #[error("what is to be pinned is not there")]
    NoSuchPin,
    /// More pinned messages than the limit in the field.
    #[error("more than {0} pinned messages")]
    TooManyPins(usize),
    /// More kinds of reaction on a message than the limit in the field.
    #[error("more than {0} kinds of reaction")]
    TooManyReactions(usize),
    /// The message id is another message's.
    #[error("the message id is taken")]
    MessageIdTaken,
    /// What is to be stored is larger than an event may be.
    #[error("too large to be stored")]
    TooLarge,
}
