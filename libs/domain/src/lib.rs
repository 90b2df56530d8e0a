//! What may happen in a chat and what follows from it: pure rules; no I/O, clock,
//! chance or async.
//!
//! A [`command::Request`] names the [`facts`] that its decision needs; [`decide`] turns
//! both into [`event::Event`]s or a [`Refusal`]; [`facts::evolve`] says what an event makes
//! of the facts. [`role::permit`] is the one table of who may do what.

pub mod calendar;
pub mod command;
pub mod content;
mod decide;
pub mod event;
pub mod facts;
mod ids;
mod limits;
mod refusal;
pub mod role;

pub use decide::decide;
pub use event::Kind;
pub use ids::{
    ApplicationId, CommandId, DialogId, INTEGER_ID_MAX, MalformedId, MessageId, Sequence, Time, UserId,
};
pub use limits::{Limits, REACTION_BYTES_MAX};
pub use refusal::Refusal;
