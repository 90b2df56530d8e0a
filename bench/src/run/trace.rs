//! What a server leaves behind: events and bytes in its log, rows in its read models.

use std::path::Path;

use crate::client::Client;
use crate::world;

/// How many rows the server's read models have written since its start.
const ROWS_METRIC: &str = "projector_rows_total";

/// What a server has written so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trace {
    events: u64,
    rows: Option<f64>,
}

impl Trace {
    /// What the server of `client` has written to `data`.
    ///
    /// # Errors
    ///
    /// Its log or its metrics cannot be read.
    pub(super) fn take(data: &Path, client: &mut Client) -> anyhow::Result<Self> {
        Ok(Self { events: world::tail(data)?, rows: client.metric(ROWS_METRIC)? })
    }

    /// The events since `before`.
    pub(super) fn events_since(self, before: Self) -> u64 {
        self.events.saturating_sub(before.events)
    }

    /// The rows since `before`; none if the server does not count them.
    pub(super) fn rows_since(self, before: Self) -> Option<f64> {
        self.rows.map(|rows| rows - before.rows.unwrap_or(0.0))
    }

    /// In words, what was written since `before`, for each of so many messages.
    ///
    /// # Errors
    ///
    /// The log in `data` cannot be read.
    pub(super) fn per_message(self, before: Self, data: &Path, messages: usize) -> anyhow::Result<String> {
        let each = |number: f64| format!("{:.2}", number / messages.max(1) as f64);
        let events = each(self.events_since(before) as f64);
        let bytes = each(world::bytes_from(data, before.events)? as f64);
        let rows = self.rows_since(before).map_or("not counted".to_owned(), each);
        Ok(format!("a message: {events} events, {bytes} B of log, rows {rows}"))
    }
}
