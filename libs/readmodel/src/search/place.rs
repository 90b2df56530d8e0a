//! Where the index of a deployment is.

use std::path::{Path, PathBuf};

use super::error::OpenError;
use super::reader::Reader;
use super::snapshot::Snapshot;
use super::store::{Kind, Store};
use super::walk::Settings;
use super::{SEARCH_VERSION, postgres, sqlite};
use crate::postgres as rows;

/// A file, or a schema.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file of the embedded store.
    File(PathBuf),
    /// A schema of the server with these settings, beside that of the rows.
    Schema(rows::Settings),
}

impl Place {
    /// In a data folder: `search-<version>.db`.
    pub fn in_folder(folder: &Path) -> Self {
        Self::File(folder.join(format!("search-{SEARCH_VERSION}.db")))
    }

    /// What people call it.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Schema(settings) => postgres::schema(settings),
        }
    }

    /// Opens it for folding, or makes it. A damaged or older one is thrown away: the log has
    /// everything that was in it.
    pub async fn open(&self) -> Result<Store, OpenError> {
        Ok(Store(match self {
            Self::File(path) => Kind::Embedded(sqlite::Store::open_or_create(path)?),
            Self::Schema(settings) => Kind::Postgres(postgres::Store::open(settings).await?),
        }))
    }

    /// Throws the index away, if there is one; whoever folds it, folds it again from the log.
    /// No process has a file open.
    pub async fn discard(&self) -> Result<(), OpenError> {
        match self {
            Self::File(path) => crate::sqlite::discard(path).map_err(OpenError::File),
            Self::Schema(settings) => postgres::discard(settings).await,
        }
    }

    /// The place of another index beside this one, for comparing them.
    pub fn beside(&self, folder: &Path) -> Self {
        match self {
            Self::File(_) => Self::in_folder(folder),
            Self::Schema(settings) => Self::Schema(rows::Settings {
                schema: format!("{}_fresh", settings.schema),
                ..settings.clone()
            }),
        }
    }

    /// One moment of it; `None` if there is no index.
    pub async fn snapshot(&self) -> Result<Option<Snapshot>, OpenError> {
        Snapshot::take(self).await
    }

    /// For searching. Nothing is asked of it yet.
    pub(super) fn reader(&self, searching: &Settings) -> Result<Reader, OpenError> {
        Ok(match self {
            Self::File(path) => Reader::Embedded(sqlite::Reader::new(path.clone())),
            Self::Schema(settings) => Reader::Postgres(postgres::Reader::new(settings, searching)?),
        })
    }
}
