//! What an operator does with users, sessions and the application: an [`Act`], done where the stores are.
//!
//! The users of a data folder belong to one process, which has sessions in its memory. While a server
//! runs, acts go to it through a socket in the folder; otherwise, and in a cluster, they are done here. In
//! every case they are done by the same function, so that what a session's end or a deletion has to bring
//! with it is known in one place. Whoever does an act writes its line into the audit log.

mod act;
mod desk;
mod shown;
mod socket;
mod way;

pub(crate) use act::{Act, NewUser, OfSessions, OfUsers, Page, Whom};
pub(crate) use desk::Desk;
pub(crate) use shown::{Done, ShownUser};
pub(crate) use socket::{Door, is_listening, serve};
pub(crate) use way::Way;
