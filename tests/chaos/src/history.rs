//! What clients asked and what came back: the one thing that the judge goes by.
//!
//! It knows nothing of servers. Times are microseconds since the run began, on one clock for all
//! clients. One operation a line, as JSON, so that a run can be judged again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// One request and its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Who asked: an index of clients, each with one session, which asks one thing after another.
    pub client: usize,
    /// When it was sent.
    pub start: u64,
    /// When its end was known.
    pub end: u64,
    /// What was asked.
    pub asked: Asked,
    /// What came of it.
    pub outcome: Outcome,
}

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    /// Write a message under an id of the client's own. A client repeats one whose fate it does not know.
    Post {
        /// Where.
        dialog: usize,
        /// Its id.
        message: String,
    },
    /// Change the text of a message to its next version. The first text is version 0.
    Edit {
        /// Where.
        dialog: usize,
        /// Its id.
        message: String,
        /// Which text.
        version: u64,
    },
    /// Read the end of a dialog, or all of it.
    List {
        /// Which.
        dialog: usize,
        /// From the first message on; else the newest ones.
        whole: bool,
        /// Does this mark as read what it shows?
        marks: bool,
        /// What it showed, oldest first; nothing if it was not answered.
        seen: Vec<Seen>,
    },
    /// Mark all of a dialog as read.
    MarkAll {
        /// Which.
        dialog: usize,
    },
    /// Count what is unread in a dialog.
    Unread {
        /// Which.
        dialog: usize,
        /// The count; 0 if it was not answered.
        count: u64,
    },
}

/// A message as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its id.
    pub message: String,
    /// Which of its texts; nothing if it is none of its own.
    pub version: Option<u64>,
    /// Has the reader read it?
    pub read: bool,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was done, and can be seen by everybody.
    Done,
    /// It was done, and can be seen later: the answer said so.
    DoneUnseen,
    /// It was not done, and will not be: with this status.
    Refused(u16),
    /// It was done, will be done, or neither: the status, or 0 without an answer.
    Unknown(u16),
}

impl Asked {
    /// The dialog it is about.
    pub fn dialog(&self) -> usize {
        match self {
            Self::Post { dialog, .. }
            | Self::Edit { dialog, .. }
            | Self::List { dialog, .. }
            | Self::MarkAll { dialog }
            | Self::Unread { dialog, .. } => *dialog,
        }
    }
}

impl Operation {
    /// Was it confirmed?
    pub fn is_done(&self) -> bool {
        matches!(self.outcome, Outcome::Done | Outcome::DoneUnseen)
    }

    /// Is it confirmed as visible?
    pub fn is_visible(&self) -> bool {
        self.outcome == Outcome::Done
    }

    /// The dialog it is about.
    pub fn dialog(&self) -> usize {
        self.asked.dialog()
    }

    /// Does it change something?
    pub fn writes(&self) -> bool {
        matches!(self.asked, Asked::Post { .. } | Asked::Edit { .. } | Asked::MarkAll { .. })
    }
}

/// Takes operations as they end, into memory and a file.
#[derive(Debug)]
pub struct Recorder {
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    operations: Vec<Operation>,
    file: BufWriter<File>,
    /// When the latest confirmed write of each dialog ended.
    latest: BTreeMap<usize, u64>,
}

impl Recorder {
    /// Write into a new file.
    ///
    /// # Errors
    ///
    /// The file cannot be made.
    pub fn to(file: &Path) -> Result<Self> {
        let opened = File::create(file).with_context(|| format!("{} cannot be made", file.display()))?;
        let file = BufWriter::new(opened);
        Ok(Self { written: Mutex::new(Written { operations: vec![], file, latest: BTreeMap::new() }) })
    }

    /// Record one.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn record(&self, operation: Operation) -> Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::to_writer(&mut written.file, &operation)?;
        written.file.write_all(b"\n")?;
        if operation.writes() && operation.is_done() {
            let latest = written.latest.entry(operation.dialog()).or_insert(0);
            *latest = operation.end.max(*latest);
        }
        written.operations.push(operation);
        Ok(())
    }

    /// When the latest confirmed write of each dialog ended.
    pub fn latest_writes(&self) -> BTreeMap<usize, u64> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).latest.clone()
    }

    /// All of them.
    ///
    /// # Errors
    ///
    /// The file cannot be completed.
    pub fn finish(self) -> Result<Vec<Operation>> {
        let mut written = self.written.into_inner().unwrap_or_else(PoisonError::into_inner);
        written.file.flush()?;
        Ok(written.operations)
    }
}

/// Read a history back.
///
/// # Errors
///
/// There is none, or a line is no operation.
pub fn read(file: &Path) -> Result<Vec<Operation>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
