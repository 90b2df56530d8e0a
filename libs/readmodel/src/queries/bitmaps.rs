//! The bits of a dialog's chunks for one viewer, read when the counts do not answer.

use domain::{DialogId, UserId};
use rusqlite::{Connection, params};

use super::Error;
use super::columns::{bits, int};
use crate::marks::{Chunk, Loaded, Want};

const REMOVED: &str = "SELECT bits FROM removed_chunks WHERE dialog = ?1 AND chunk = ?2";
const OWN: &str =
    "SELECT read, delivered, hidden FROM mark_chunks WHERE dialog = ?1 AND chunk = ?2 AND user = ?3";

/// Reads bits, and remembers those of the chunk it read last: a page mostly lies in one.
pub(super) struct Bitmaps<'c> {
    connection: &'c Connection,
    dialog: DialogId,
    viewer: UserId,
    latest: Option<(u32, Want, Loaded)>,
}

impl<'c> Bitmaps<'c> {
    pub(super) fn new(connection: &'c Connection, dialog: DialogId, viewer: UserId) -> Self {
        Self { connection, dialog, viewer, latest: None }
    }

    /// At least what `want` names of that chunk.
    pub(super) fn get(&mut self, chunk: u32, want: Want) -> Result<&Loaded, Error> {
        let suits = |(of, has, _): &(u32, Want, Loaded)| {
            *of == chunk && (has.own || !want.own) && (has.removed || !want.removed)
        };
        let latest = match self.latest.take().filter(suits) {
            Some(latest) => latest,
            None => (chunk, want, self.read(chunk, want)?),
        };
        Ok(&self.latest.insert(latest).2)
    }

    /// The same for the arithmetic, which keeps it.
    pub(super) fn load(&mut self, chunk: u32, want: Want) -> Result<Loaded, Error> {
        self.get(chunk, want).cloned()
    }

    fn read(&self, chunk: u32, want: Want) -> Result<Loaded, Error> {
        let mut loaded = Loaded::default();
        if want.removed {
            let mut statement = self.connection.prepare_cached(REMOVED)?;
            let mut rows = statement.query(params![self.dialog.as_bytes(), chunk])?;
            if let Some(row) = rows.next()? {
                loaded.removed = bits(row, 0)?;
            }
        }
        if want.own {
            let mut statement = self.connection.prepare_cached(OWN)?;
            let mut rows = statement.query(params![self.dialog.as_bytes(), chunk, int(self.viewer.get())])?;
            if let Some(row) = rows.next()? {
                loaded.own = Chunk { read: bits(row, 0)?, delivered: bits(row, 1)?, hidden: bits(row, 2)? };
            }
        }
        Ok(loaded)
    }
}
