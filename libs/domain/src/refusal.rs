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
    /// An admin of a new group must be one of its occupants.
    #[error("an admin is not an occupant")]
    AdminNotOccupant,
    /// The message id is another message's.
    #[error("the message id is taken")]
    MessageIdTaken,
    /// What is to be stored is larger than an event may be.
    #[error("too large to be stored")]
    TooLarge,
}
