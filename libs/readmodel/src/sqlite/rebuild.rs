//! Folding from zero into a file of its own, and putting it in place of the old one.

use std::path::{Path, PathBuf};

use super::connect::{companions, create_scratch, discard, finish_scratch};
use super::error::OpenError;
use super::store::apply;
use crate::Applied;
use crate::Error;

/// Folds `batches` from zero into a fresh file beside `path`, and closes it. Returns where
/// it is: `path` with `.new` after it. What was there before is gone.
///
/// The first error of `batches` or of the store ends it, and leaves no file.
pub fn fold_beside<E>(
    path: &Path,
    batches: impl Iterator<Item = Result<Vec<Applied>, E>>,
) -> Result<PathBuf, E>
where
    E: From<OpenError> + From<Error>,
{
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    discard(&fresh).map_err(OpenError::File)?;
    let folded = fold_into(&fresh, batches);
    if folded.is_err() {
        discard(&fresh).map_err(OpenError::File)?;
    }
    folded.map(|()| fresh)
}

fn fold_into<E>(fresh: &Path, batches: impl Iterator<Item = Result<Vec<Applied>, E>>) -> Result<(), E>
where
    E: From<OpenError> + From<Error>,
{
    let mut connection = create_scratch(fresh)?;
    for batch in batches {
        apply(&mut connection, &batch?)?;
    }
    Ok(finish_scratch(connection)?)
}

/// Puts the closed file `fresh` in the place of `path`. No connection to either is open.
///
/// A crash in the middle leaves the old file, the new one, or none: never a mixture.
pub fn switch(fresh: &Path, path: &Path) -> std::io::Result<()> {
    std::fs::File::open(fresh)?.sync_all()?;
    // A write-ahead log without its file is ignored; one beside another file is not.
    discard(path)?;
    std::fs::rename(fresh, path)?;
    for companion in companions(fresh) {
        remove_if_there(&companion)?;
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::File::open(folder)?.sync_all(),
        Some(_) | None => Ok(()),
    }
}

pub(super) fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
