//! What may happen in a chat and what follows from it: pure rules; no I/O, clock,
//! chance or async.

mod ids;

pub use ids::{
    ApplicationId, CommandId, DialogId, INTEGER_ID_MAX, MalformedId, MessageId, Sequence, Time, UserId,
};
