//! The file: its schema and marks, how it is made, and every reason not to open it.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use super::{
    appender::FrameRow,
    query::{self, Ends},
    wal,
};
use crate::{
    chain::Chain,
    error::{OpenError, ReadError},
    frame::Frame,
    ids::{Epoch, Offset, PARTITION_HASH, PARTITIONS_MAX, Partition},
    log::{READ_BYTES_MAX, Spec, Tail},
    verify::{Progress, Scan},
};

/// The file's format, kept as its `user_version`.
pub const SQLITE_FORMAT: u32 = 1;
/// "Hlog": marks the file as ours.
const APPLICATION_ID: u32 = 0x486C_6F67;
/// SQLite's page.
pub(super) const PAGE_BYTES: u64 = 4_096;
/// How long a connection waits for another's lock; only a checkpoint or a foreign tool ever holds one.
const BUSY_WAIT: Duration = Duration::from_secs(5);

const FILE: &str = "log.db";
const LOCK: &str = "log.lock";

// Not WITHOUT ROWID: each comparison on the way down such a tree would read the whole frame it compares with.
const SCHEMA: &str = "
    CREATE TABLE meta (epoch BLOB NOT NULL, partitions INTEGER NOT NULL, partition_hash TEXT NOT NULL) STRICT;
    CREATE TABLE tails (
        partition INTEGER PRIMARY KEY, first_kept INTEGER NOT NULL, next INTEGER NOT NULL, hash BLOB NOT NULL,
        term INTEGER NOT NULL, time_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE frames (
        partition INTEGER NOT NULL, first_offset INTEGER NOT NULL, count INTEGER NOT NULL, term INTEGER NOT NULL,
        time_ms INTEGER NOT NULL, hash BLOB NOT NULL, frame BLOB NOT NULL, PRIMARY KEY (partition, first_offset)
    ) STRICT;";

/// An opened file, ready to be served.
pub(super) struct Opened {
    pub(super) epoch: Epoch,
    pub(super) tails: Vec<Tail>,
    /// The connection to write with; none on a read-only log.
    pub(super) writer: Option<Connection>,
    pub(super) lock: Option<File>,
    pub(super) source: Source,
}

/// How to connect to the file once more.
pub(super) struct Source {
    path: PathBuf,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Write,
    Read,
    /// Nobody can write the file, not even the shared memory beside it.
    Still,
}

impl Source {
    fn new(folder: &Path, mode: Mode) -> Self {
        Self { path: folder.join(FILE), mode }
    }

    /// A connection that only reads.
    pub(super) fn connect_to_read(&self) -> Result<Connection, OpenError> {
        let opened = match self.mode {
            // Able to write, so that whichever connection closes last can put the write-ahead log away.
            Mode::Write => Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE),
            Mode::Read => Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY),
            Mode::Still => Connection::open_with_flags(
                still_uri(&self.path),
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
            ),
        };
        let db = opened.map_err(|error| self.error(&error))?;
        db.busy_timeout(BUSY_WAIT).map_err(|error| self.error(&error))?;
        db.execute_batch("PRAGMA query_only = 1").map_err(|error| self.error(&error))?;
        Ok(db)
    }

    /// A connection that writes as durably as the system can, and leaves checkpoints to their own thread.
    pub(super) fn connect_to_write(&self) -> Result<Connection, OpenError> {
        let db = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .map_err(|error| self.error(&error))?;
        self.prepare_to_write(&db).map_err(|error| self.error(&error))?;
        Ok(db)
    }

    fn prepare_to_write(&self, db: &Connection) -> rusqlite::Result<()> {
        db.busy_timeout(BUSY_WAIT)?;
        db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        db.execute_batch("PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1")?;
        db.query_row("PRAGMA wal_autocheckpoint = 0", [], |_| Ok(()))
    }

    pub(super) fn io(&self, why: &dyn std::fmt::Display) -> OpenError {
        OpenError::Io { path: self.path.clone(), why: why.to_string() }
    }

    fn unreadable(&self, why: impl Into<String>) -> OpenError {
        OpenError::Unreadable { path: self.path.clone(), why: why.into() }
    }

    fn error(&self, error: &rusqlite::Error) -> OpenError {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::Foreign(self.path.clone()),
            Some(ErrorCode::DatabaseCorrupt) | None => self.unreadable(error.to_string()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::InUse(self.path.clone()),
            Some(_) => self.io(error),
        }
    }
}

/// The file as SQLite's URI for one that does not change: no lock, no shared memory.
fn still_uri(path: &Path) -> String {
    let path = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{path}?immutable=1")
}

/// Whether the file is a log of ours; `false` if it is empty, as after a crash while it was made.
fn identify(db: &Connection, source: &Source) -> Result<bool, OpenError> {
    let number =
        |sql: &str| db.query_row(sql, [], |row| row.get::<_, u32>(0)).map_err(|error| source.error(&error));
    let application = number("PRAGMA application_id")?;
    if application == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0 {
        return Ok(false);
    }
    if application != APPLICATION_ID {
        return Err(OpenError::Foreign(source.path.clone()));
    }
    match number("PRAGMA user_version")? {
        SQLITE_FORMAT => Ok(true),
        found if found > SQLITE_FORMAT => {
            Err(OpenError::Newer { path: source.path.clone(), found, known: SQLITE_FORMAT })
        }
        found => Err(source.unreadable(format!("its format is {found}, which never existed"))),
    }
}

/// The epoch and number of partitions.
fn read_meta(db: &Connection, source: &Source) -> Result<(Epoch, u32), OpenError> {
    let meta = db
        .query_row("SELECT epoch, partitions, partition_hash FROM meta", [], |row| {
            Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, u32>(1)?, row.get::<_, String>(2)?))
        })
        .optional()
        .map_err(|error| source.error(&error))?;
    let (epoch, partitions, found) = meta.ok_or_else(|| source.unreadable("its metadata is missing"))?;
    if found != PARTITION_HASH {
        return Err(OpenError::PartitionHash { found });
    }
    if !(1..=PARTITIONS_MAX).contains(&partitions) {
        return Err(source.unreadable(format!("its metadata says that it has {partitions} partitions")));
    }
    Ok((Epoch(epoch), partitions))
}

/// Be the only process that writes, until the file returned is closed, be it by the death of the process.
fn take_lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join(LOCK);
    let io = |error: std::io::Error| OpenError::Io { path: path.clone(), why: error.to_string() };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path)),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

pub(super) fn create(folder: &Path, spec: &Spec) -> Result<Opened, OpenError> {
    let frames = spec.first_frames()?;
    let source = Source::new(folder, Mode::Write);
    fs::create_dir_all(folder).map_err(|error| source.io(&error))?;
    let lock = take_lock(folder)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut db = Connection::open_with_flags(&source.path, flags).map_err(|error| source.error(&error))?;
    if identify(&db, &source)? {
        return Err(OpenError::Exists(source.path));
    }
    fill(&mut db, spec, &frames).map_err(|error| source.error(&error))?;
    source.prepare_to_write(&db).map_err(|error| source.error(&error))?;
    // The file's own entry must outlive a loss of power too.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| source.io(&error))?;
    let tails = frames.iter().map(Tail::after).collect();
    Ok(Opened { epoch: spec.epoch, tails, writer: Some(db), lock: Some(lock), source })
}

/// Everything in one transaction of the old journal mode: the marks are in the file itself from the first moment.
fn fill(db: &mut Connection, spec: &Spec, frames: &[Frame]) -> rusqlite::Result<()> {
    db.execute_batch("PRAGMA page_size = 4096; PRAGMA synchronous = FULL; PRAGMA fullfsync = 1")?;
    let transaction = db.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SQLITE_FORMAT}"
    ))?;
    transaction.execute(
        "INSERT INTO meta VALUES (?1, ?2, ?3)",
        params![spec.epoch.0, query::to_sql(frames.len() as u64), PARTITION_HASH],
    )?;
    for frame in frames {
        FrameRow::of(frame).insert(&transaction)?;
        let tail = Tail::after(frame);
        let time_ms = query::to_sql(tail.time_ms);
        transaction.execute(
            "INSERT INTO tails VALUES (?1, 0, ?2, ?3, ?4, ?5)",
            params![
                frame.partition().0,
                query::to_sql(tail.next.0),
                tail.hash.0,
                query::to_sql(tail.term),
                time_ms
            ],
        )?;
    }
    transaction.commit()
}

pub(super) fn open(
    folder: &Path,
    partitions: u32,
    report: &mut dyn FnMut(&Progress),
) -> Result<Opened, OpenError> {
    let source = Source::new(folder, Mode::Write);
    if !source.path.exists() {
        return Err(OpenError::Missing(source.path));
    }
    let lock = take_lock(folder)?;
    check_wal(&source)?;
    // Looked at before anything is set: a foreign file stays as it is.
    let db = source.connect_to_read()?;
    if !identify(&db, &source)? {
        return Err(OpenError::Missing(source.path));
    }
    let (epoch, found) = read_meta(&db, &source)?;
    if found != partitions {
        return Err(OpenError::Partitions { found, wanted: partitions });
    }
    let mut tails = Vec::new();
    for partition in (0..partitions).map(Partition) {
        tails.push(check(&db, epoch, partition, report).map_err(|error| match error {
            ReadError::Corrupt { partition, offset, why } => OpenError::Corrupt { partition, offset, why },
            other => source.io(&other),
        })?);
    }
    let writer = source.connect_to_write()?;
    Ok(Opened { epoch, tails, writer: Some(writer), lock: Some(lock), source })
}

/// Refuse a damaged write-ahead log while it is still as it was found.
fn check_wal(source: &Source) -> Result<(), OpenError> {
    let path = wal_path(&source.path);
    let Some(byte) = wal::damage(&path).map_err(|error| source.io(&error))? else { return Ok(()) };
    let mut why = format!("byte {byte} of {} is not what was written", path.display());
    let folder = source.path.parent().unwrap_or(Path::new(""));
    if let Ok(opened) = open_read_only(folder) {
        for (partition, tail) in opened.tails.iter().enumerate() {
            why.push_str(&format!("; partition {partition} is damaged at offset {}", tail.next));
        }
    }
    Err(source.unreadable(why))
}

/// Check every frame of a partition against the chain and the tail, one at a time.
fn check(
    db: &Connection,
    epoch: Epoch,
    partition: Partition,
    report: &mut dyn FnMut(&Progress),
) -> Result<Tail, ReadError> {
    let Ends { first_kept, tail } = query::ends(db, partition)?;
    let mut scan = Scan::new(Chain::new(epoch, partition, first_kept, None), first_kept, tail);
    let mut reported = 0;
    let walked = query::each_frame(db, (partition, Offset(0)), &mut |frame| {
        scan.accept(&frame.map_err(|why| scan.corrupt(why))?)?;
        let progress = scan.progress();
        if progress.bytes - reported >= READ_BYTES_MAX as u64 {
            reported = progress.bytes;
            report(progress);
        }
        Ok(())
    });
    walked.map_err(|error| error.at(partition, scan.progress().next))?;
    if scan.progress().next != tail.next {
        return Err(
            scan.corrupt(format!("the frames end here, but the log was written up to offset {}", tail.next))
        );
    }
    report(scan.progress());
    Ok(tail)
}

pub(super) fn open_read_only(folder: &Path) -> Result<Opened, OpenError> {
    let mut source = Source::new(folder, Mode::Read);
    if !source.path.exists() {
        return Err(OpenError::Missing(source.path));
    }
    let mut db = source.connect_to_read()?;
    let mut identified = identify(&db, &source);
    if matches!(identified, Err(OpenError::Io { .. })) && !has_unmoved_frames(&source.path) {
        // The shared memory of a live log cannot be made here; without one, the file alone is the whole log.
        source.mode = Mode::Still;
        db = source.connect_to_read()?;
        identified = identify(&db, &source);
    }
    if !identified? {
        return Err(OpenError::Missing(source.path));
    }
    let (epoch, partitions) = read_meta(&db, &source)?;
    let mut tails = Vec::new();
    for partition in (0..partitions).map(Partition) {
        let ends = query::ends(&db, partition).map_err(|error| source.unreadable(error.to_string()))?;
        tails.push(ends.tail);
    }
    Ok(Opened { epoch, tails, writer: None, lock: None, source })
}

/// Whether there is a write-ahead log with something in it.
fn has_unmoved_frames(path: &Path) -> bool {
    fs::metadata(wal_path(path)).is_ok_and(|wal| wal.len() > 0)
}

fn wal_path(path: &Path) -> PathBuf {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    PathBuf::from(wal)
}
