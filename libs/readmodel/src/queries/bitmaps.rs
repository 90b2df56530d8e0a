//! The bits of a dialog's chunks for one viewer, read when the counts do not answer.

use rusqlite::params;

use super::Error;
use super::columns::{bits, int};
use super::reader::{Reader, Recount, Rows};
use super::seat::Seat;
use crate::marks::{Chunk, Loaded, Want};

const REMOVED: &str = "SELECT bits FROM removed_chunks WHERE dialog = ?1 AND chunk = ?2";
const OWN: &str =
    "SELECT read, delivered, hidden FROM mark_chunks WHERE dialog = ?1 AND chunk = ?2 AND user = ?3";

/// Reads bits, and remembers those of the chunk it read last: a page mostly lies in one.
pub(super) struct Bitmaps<'c> {
    reader: &'c Reader<'c>,
    seat: &'c Seat,
    latest: Option<(u32, Want, Loaded)>,
    found: Vec<Recount>,
}

impl<'c> Bitmaps<'c> {
    pub(super) fn new(reader: &'c Reader<'c>, seat: &'c Seat) -> Self {
        Self { reader, seat, latest: None, found: vec![] }
    }

    /// At least what `want` names of that chunk.
    pub(super) fn get(&mut self, chunk: u32, want: Want) -> Result<&Loaded, Error> {
        let suits = |(of, has, _): &(u32, Want, Loaded)| {
            *of == chunk && (has.own || !want.own) && (has.removed || !want.removed)
        };
        let latest = match self.latest.take().filter(suits) {
            Some(latest) => latest,
            None => {
                let loaded = self.read(chunk, want)?;
                if let Some(loaded) = &loaded {
                    self.recount(chunk, want, loaded);
                }
                (chunk, want, loaded.unwrap_or_default())
            }
        };
        Ok(&self.latest.insert(latest).2)
    }

    /// The same for the arithmetic, which keeps it.
    pub(super) fn load(&mut self, chunk: u32, want: Want) -> Result<Loaded, Error> {
        self.get(chunk, want).cloned()
    }

    /// What the bits say where the counts are out of date.
    fn recount(&mut self, chunk: u32, want: Want, loaded: &Loaded) {
        let stored = self.seat.marks.sparse.get(chunk).filter(|entry| self.seat.is_stale(entry));
        let Some(stored) = stored.filter(|_| want.own && want.removed) else { return };
        if self.found.iter().all(|recount| recount.stored != *stored) {
            let now = loaded.own.entry(chunk, &loaded.removed);
            self.found.push(Recount { stored: *stored, now });
        }
    }

    /// `None` only if they have to be fetched first.
    fn read(&self, chunk: u32, want: Want) -> Result<Option<Loaded>, Error> {
        let connection = match self.reader.rows {
            Rows::File(connection) => connection,
            Rows::Fetched(rows) => return Ok(rows.bits(self.seat.dialog, chunk)),
        };
        let mut loaded = Loaded::default();
        if want.removed {
            let mut statement = connection.prepare_cached(REMOVED)?;
            let mut rows = statement.query(params![self.seat.dialog.as_bytes(), chunk])?;
            if let Some(row) = rows.next()? {
                loaded.removed = bits(row, 0)?;
            }
        }
        if want.own {
            let mut statement = connection.prepare_cached(OWN)?;
            let mut rows =
                statement.query(params![self.seat.dialog.as_bytes(), chunk, int(self.seat.viewer.get())])?;
            if let Some(row) = rows.next()? {
                loaded.own = Chunk { read: bits(row, 0)?, delivered: bits(row, 1)?, hidden: bits(row, 2)? };
            }
        }
        Ok(Some(loaded))
    }
}

impl Drop for Bitmaps<'_> {
    fn drop(&mut self) {
        if !self.found.is_empty() {
            self.reader.recounts.keep(self.seat, std::mem::take(&mut self.found));
        }
    }
}
