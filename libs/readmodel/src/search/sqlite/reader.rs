//! Reading the file: a few connections, each used by one search at a time on a thread that
//! may block.
//!
//! The file may be thrown away and made anew beside a running server; each search looks
//! whether its connection still belongs to the file of that name.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use domain::{DialogId, Sequence};
use eventlog::Partition;
use rusqlite::{Connection, params};
use tokio::task::spawn_blocking;

use super::connect::open_read_only;
use super::store::checkpoints;
use super::{date_of, first_of};
use crate::rows::Checkpoint;
use crate::search::error::{Error, OpenError};
use crate::search::reader::{Looked, Place, Step};
use crate::sqlite::Error as StoreError;

/// The newest rows before a number that hold some trigrams, and down to another number.
const WALK: &str = "SELECT t.id, t.dialog, t.sequence FROM words CROSS JOIN texts t ON t.id = words.rowid
    WHERE words MATCH ?1 AND words.rowid < ?2 AND words.rowid >= ?3 ORDER BY words.rowid DESC";
/// Rows between two looks at the clock.
const CLOCK_EVERY: usize = 128;

/// Connections to an index's file.
#[derive(Debug)]
pub(in crate::search) struct Reader {
    path: PathBuf,
    idle: Mutex<Vec<Opened>>,
}

/// A connection, and which file it is to.
#[derive(Debug)]
struct Opened {
    connection: Connection,
    file: u64,
}

impl Reader {
    pub(in crate::search) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default() }
    }

    pub(in crate::search) async fn checkpoints(&self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        self.run(|connection| Ok(checkpoints(connection)?)).await
    }

    pub(in crate::search) async fn look(&self, step: Step) -> Result<Looked, Error> {
        self.run(move |connection| look(connection, &step)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let (path, kept) = (self.path.clone(), self.idle().pop());
        let answered = spawn_blocking(move || {
            let opened = fresh(&path, kept)?;
            let answer = question(&opened.connection)?;
            Ok::<_, Error>((opened, answer))
        });
        match answered.await {
            Ok(answered) => {
                let (opened, answer) = answered?;
                self.idle().push(opened);
                Ok(answer)
            }
            Err(failed) => Err(Error::Unread(StoreError::Store(failed.into()))),
        }
    }

    /// A list is whole between two statements.
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Opened>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection that was kept, if the file is still the same, or another one.
fn fresh(path: &Path, kept: Option<Opened>) -> Result<Opened, Error> {
    let Ok(there) = std::fs::metadata(path) else { return Err(Error::Missing) };
    let file = there.ino();
    if let Some(kept) = kept.filter(|kept| kept.file == file) {
        return Ok(kept);
    }
    match open_read_only(path) {
        Ok(Some(connection)) => Ok(Opened { connection, file }),
        Ok(None) => Err(Error::Behind),
        Err(OpenError::Store(error)) => Err(Error::Unread(error)),
        Err(OpenError::Foreign(_) | OpenError::NoTrigrams(_) | OpenError::File(_)) => Err(Error::Missing),
        Err(OpenError::Postgres(_)) => Err(Error::Missing),
    }
}

fn look(connection: &Connection, step: &Step) -> Result<Looked, StoreError> {
    let mut looked = Looked { places: vec![], before: step.from, looked: 0, ended: true };
    let mut walk = connection.prepare_cached(WALK)?;
    let values = params![step.needle.trigrams(), first_of(step.before), first_of(step.from)];
    let mut rows = walk.query(values)?;
    let (mut date, mut late) = (u64::MAX, false);
    while let Some(row) = rows.next()? {
        let here = date_of(row.get(0)?);
        if looked.looked.is_multiple_of(CLOCK_EVERY) {
            late = Instant::now() >= step.until;
        }
        let enough = looked.places.len() >= step.wanted && here != date;
        if enough || late || looked.looked >= step.looked_max {
            (looked.before, looked.ended) = (date, false);
            break;
        }
        date = here;
        looked.looked += 1;
        let Some(dialog) = DialogId::from_bytes(row.get(1)?) else {
            return Err(StoreError::Damaged("a dialog id without a letter".to_owned()));
        };
        let sequence = Sequence(row.get::<_, i64>(2)?.cast_unsigned());
        if step.scope.reaches(dialog, sequence) {
            looked.places.push(Place { date_sent: here, dialog, sequence });
        }
    }
    Ok(looked)
}
