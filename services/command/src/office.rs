//! What a writer holds while it is the writer: the right to append, the facts above the
//! rows, and the commands it remembers.

use std::collections::HashMap;

use domain::ApplicationId;
use domain::command::Rules;
use domain::facts::{Fact, Key};

use crate::overlay::Overlay;
use crate::recent::Recent;
use crate::unfolded::Unfolded;

/// The read model's rows, as facts.
pub trait Rows: Send {
    /// Those of `keys` that exist, and the checkpoint of the partition, both of one moment.
    fn load(&mut self, keys: &[Key]) -> impl Future<Output = anyhow::Result<Loaded>> + Send;
}

/// Facts as they were at a checkpoint.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The facts that exist.
    pub facts: HashMap<Key, Fact>,
    /// Every event before this offset is in them, and none after it.
    pub checkpoint: u64,
}

/// What a deployment chooses about its writers.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The application that events are stamped with.
    pub application: ApplicationId,
    /// What decisions depend on.
    pub rules: Rules,
    /// Facts that a writer keeps once the rows have them; about 200 bytes each.
    pub facts_max: usize,
    /// Commands that it remembers, to do none twice; about 100 bytes each.
    pub recent_max: usize,
    /// Events that the read models may lag behind before writes are refused.
    pub lag_max: u64,
}

/// The state of a writer in office.
pub(crate) struct Office {
    pub(crate) writer: eventlog::Writer,
    pub(crate) overlay: Overlay,
    pub(crate) recent: Recent,
    pub(crate) unfolded: Unfolded,
}
