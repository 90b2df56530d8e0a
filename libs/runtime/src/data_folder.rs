//! The folder that a process keeps its data in: its own, and nobody else's meanwhile.
//!
//! A marker file says that the folder is Hansard's and in which format; an operating
//! system's lock, held for life and gone with the process however it ends, keeps a
//! second process out. What is inside is for the stores to say. The lock needs a file
//! system that has locks between processes: a local one.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

mod holder;

pub use holder::{Holder, holder};

/// The format of the folder that this program writes: the names of the files in it.
pub const FORMAT: u32 = 1;

const MARKER: &str = "hansard-data";
const LOCK: &str = "hansard.lock";

/// A marker or a process number is shorter; of anything longer only this much is read.
const NOTE_BYTES_MAX: u64 = 64;

/// Why a folder cannot be used. Each is a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such folder (only when it is opened for reading).
    #[error(
        "there is no data folder {}: name another one, or start a server once to make it", path.display()
    )]
    Absent {
        /// The folder.
        path: PathBuf,
    },
    /// Another process holds the lock.
    #[error(
        "the data folder {} is in use by another process{holder}: stop that one, or name another folder",
        path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// ` (number)`, or nothing if it is not known.
        holder: String,
    },
    /// There are other things in it, and no marker.
    #[error(
        "the folder {} holds {found:?} and is not a data folder of Hansard: name an empty or a new folder",
        path.display()
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// The name of one thing that is in it.
        found: String,
    },
    /// A newer program has written it.
    #[error(
        "the data folder {} has format {found}, and this program knows formats up to {FORMAT}: \
         use the newer program that wrote it",
        path.display()
    )]
    Newer {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The marker is damaged.
    #[error(
        "the file {} should hold the number of a format and holds {found:?}: restore it from a backup",
        path.display()
    )]
    Marker {
        /// The marker.
        path: PathBuf,
        /// What it holds, cut.
        found: String,
    },
    /// The file system refuses.
    #[error("cannot {action} {}: {source}; check the path, its owner and the space left", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
}

impl Error {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

/// A data folder, held by this process alone until it is dropped.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    writing: Mutex<()>,
    _lock: File,
}

impl DataFolder {
    /// Take the folder, and make it (mode 0700) if there is none. A folder that is there
    /// keeps its mode.
    ///
    /// # Errors
    ///
    /// It is in use, not ours, too new or not writable. Then nothing in it has changed.
    pub fn open(path: &Path) -> Result<Self, Error> {
        make(path).map_err(Error::io("make the folder", path))?;
        if !is_marked(path)? {
            refuse_foreign(path)?;
        }
        let folder = Self { path: path.to_owned(), writing: Mutex::new(()), _lock: lock(path)? };
        // Asked again under the lock: another process may have been here in between.
        if !is_marked(path)? {
            folder.write_private(MARKER, format!("{FORMAT}\n").as_bytes())?;
        }
        Ok(folder)
    }

    /// Look for a folder to read in, without taking it: a server may be running on it.
    /// Nothing is made or changed. The answer is the path itself.
    ///
    /// # Errors
    ///
    /// There is none, or it is not ours, too new or not readable.
    pub fn find(path: &Path) -> Result<PathBuf, Error> {
        if !path.try_exists().map_err(Error::io("look for", path))? {
            return Err(Error::Absent { path: path.to_owned() });
        }
        if !is_marked(path)? {
            refuse_foreign(path)?;
            return Err(Error::Absent { path: path.to_owned() });
        }
        Ok(path.to_owned())
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Write a whole file that only its owner may read (mode 0600). After a crash it holds
    /// either what it held before or all of `bytes`, and `bytes` if this has returned.
    ///
    /// # Errors
    ///
    /// `name` is more than a file's name, or the file system refuses; then the file is as
    /// it was before.
    pub fn write_private(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path.join(name);
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(Error::io("write", &path)(io::ErrorKind::InvalidFilename.into()));
        }
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let draft = self.path.join(format!("{name}.draft"));
        write_draft(&draft, bytes)
            .and_then(|()| std::fs::rename(&draft, &path))
            .and_then(|()| File::open(&self.path)?.sync_all())
            .map_err(Error::io("write", &path))
    }
}

/// Make the folder and those above it, and see to it that a power failure keeps them.
fn make(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    for folder in missing {
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        File::open(above.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

fn write_draft(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    // What a crash has left might have another mode.
    match std::fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Whether there is a marker, and it is of a format that this program knows.
fn is_marked(folder: &Path) -> Result<bool, Error> {
    let path = folder.join(MARKER);
    let text = match File::open(&path).and_then(|file| note(&file)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io("read", &path)(error)),
    };
    match text.trim().parse::<u32>() {
        Ok(found) if found > FORMAT => Err(Error::Newer { path: folder.to_owned(), found }),
        Ok(FORMAT) => Ok(true),
        _ => Err(Error::Marker { path, found: text }),
    }
}

/// What is short enough to be a note, from the beginning of a file.
fn note(file: &File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(NOTE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A folder without a marker must be empty, but for what a crash in [`DataFolder::open`]
/// or a process that is opening it right now leaves.
fn refuse_foreign(folder: &Path) -> Result<(), Error> {
    let draft = format!("{MARKER}.draft");
    for entry in std::fs::read_dir(folder).map_err(Error::io("list", folder))? {
        let name = entry.map_err(Error::io("list", folder))?.file_name();
        let is_ours = [MARKER, LOCK, draft.as_str()].iter().any(|ours| name == *ours);
        if !is_ours {
            return Err(Error::Foreign {
                path: folder.to_owned(),
                found: name.to_string_lossy().into_owned(),
            });
        }
    }
    Ok(())
}

/// The lock, and in its file the number of this process, for whoever is refused.
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(Error::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            // The number is a courtesy: without one the refusal is the same.
            let number = note(&file).ok().and_then(|text| text.trim().parse::<u32>().ok());
            let holder = number.map_or_else(String::new, |number| format!(" ({number})"));
            return Err(Error::InUse { path: folder.to_owned(), holder });
        }
        Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(Error::io("write", &path))?;
    Ok(file)
}

#[cfg(test)]
mod tests;
