//! A partitioned, dense, hash-chained, append-only log of opaque frames; one contract, several backends, one conformance suite.
//!
//! It knows nothing of chat: an event is bytes. [`Log`] is what a backend promises, [`Writer`] and [`Reader`] are what
//! everybody else uses: a writer is alone on its partition or it is fenced, a reader gets every frame once and
//! in order or a loud error. [`SqliteLog`] keeps a log in one file, [`JetStreamLog`] on a NATS cluster.

mod batch;
mod chain;
mod error;
mod frame;
mod ids;
mod jetstream;
mod log;
mod reader;
mod sqlite;
mod verify;
mod writer;

#[cfg(feature = "testing")]
pub mod conformance;
#[cfg(feature = "testing")]
pub mod faulty;
#[cfg(feature = "testing")]
pub mod memory;

pub use batch::Batch;
pub use error::{AppendError, OpenError, ReadError, Rejection, TakeoverError};
pub use frame::{
    EVENT_BYTES_MAX, FRAME_BYTES_MAX, FRAME_EVENTS_MAX, FRAME_FORMAT, Frame, FrameError, Header, NUMBER_MAX,
};
pub use ids::{Epoch, FrameHash, Offset, PARTITION_HASH, PARTITIONS_MAX, Partition, Position, partition_of};
pub use jetstream::{
    Credentials, Done, Durability, Initialized, JETSTREAM_FORMAT, JetStreamError, JetStreamLog,
    JetStreamSettings, Monitored, Replica, Replicas, SERVER_MIN, monitored,
};
pub use log::{BoxFuture, Log, READ_BYTES_MAX, READ_FRAMES_MAX, ReadLimit, Spec, Tail};
pub use reader::Reader;
pub use sqlite::{SQLITE_FORMAT, SqliteLog, Stats};
pub use verify::{Progress, verify};
pub use writer::{Appended, Writer};
