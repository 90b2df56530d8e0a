//! The bus between processes, over NATS: commands by request and reply, progress by
//! messages that may be lost. Leases over it are in [`crate::leases`].
//!
//! Everything here is core NATS: nothing is stored, and whoever is not there misses it.

mod ask;
mod connection;
mod progress;
mod serve;

use std::sync::Arc;

pub(crate) use ask::Asker;
pub use connection::{Connection, Credentials, Error, Settings};
pub use progress::{follow, tell};
pub use serve::serve;

/// The bus of one log's processes. Cheap to clone.
///
/// Subjects carry the log's epoch: processes of different logs do not hear each other.
#[derive(Debug, Clone)]
pub struct Bus(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Connection,
    epoch: [u8; 16],
    partitions: u32,
}

impl Bus {
    /// The bus of the log of that epoch and number of partitions.
    pub fn new(connection: Connection, epoch: [u8; 16], partitions: u32) -> Self {
        Self(Arc::new(Inner { connection, epoch, partitions }))
    }

    /// The connection under it.
    pub fn connection(&self) -> &Connection {
        &self.0.connection
    }

    /// How many partitions the log has.
    pub fn partitions(&self) -> u32 {
        self.0.partitions
    }

    /// `<namespace>.bus.<epoch>.<what>`
    pub(crate) fn subject(&self, what: &str) -> String {
        format!("{}.bus.{}.{what}", self.0.connection.namespace(), self.epoch_hex())
    }

    pub(crate) fn epoch_hex(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0.epoch))
    }

    fn command_subject(&self, partition: u32) -> String {
        self.subject(&format!("command.{partition}"))
    }
}
