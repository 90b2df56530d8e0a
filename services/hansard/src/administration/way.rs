//! The way to where acts are done: the server that holds the data folder, or this very process.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use domain::UserId;
use identity::Identity;
use readmodel::sqlite::{self, FactSource};
use runtime::data_folder::Error as FolderError;
use runtime::{Clock, DataFolder, Ids};

use super::act::Act;
use super::desk::{Desk, by_this_process};
use super::shown::Done;
use super::socket;
use crate::Settings;
use crate::engines::open_identity;
use crate::settings::Backend;
use crate::stores::IDENTITY_FILE;

/// How long to wait for a server that is starting to listen, or for another command to end.
const HELD_TIME_MAX: Duration = Duration::from_secs(10);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The way.
pub(crate) enum Way {
    /// Acts are done in this process.
    Here(Box<Desk>),
    /// Acts are done by the server that holds this folder.
    Server(PathBuf),
}

impl Way {
    /// The way to the users of that deployment.
    pub(crate) async fn to(settings: &Settings) -> anyhow::Result<Self> {
        match settings.log.backend {
            Backend::Sqlite => Self::embedded(settings).await,
            Backend::Jetstream => Ok(Self::Here(Box::new(Desk {
                identity: Arc::new(open_identity(settings).await?),
                folder: None,
                keeps_credentials: false,
                keys: None,
                rotating: Arc::default(),
                clock: Clock::system(),
                ids: Ids::system(),
            }))),
        }
    }

    async fn embedded(settings: &Settings) -> anyhow::Result<Self> {
        let path = DataFolder::find(&settings.data.folder)?;
        let owner = path.metadata().with_context(|| format!("cannot look at {}", path.display()))?.uid();
        let begun = Instant::now();
        let folder = loop {
            match DataFolder::open(&path) {
                Ok(folder) => break folder,
                Err(held @ FolderError::InUse { .. }) => {
                    if socket::connect(&path).await?.is_some() {
                        return Ok(Self::Server(path));
                    }
                    if begun.elapsed() >= HELD_TIME_MAX {
                        return Err(held).context("whoever has it takes no requests");
                    }
                }
                Err(other) => return Err(other.into()),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        // What root makes the server's user cannot read.
        anyhow::ensure!(
            owner == 0 || !rustix::process::geteuid().is_root(),
            "{} belongs to user {owner} of the system, and this command runs as root: run it as that user \
             (sudo -u '#{owner}' …)",
            path.display()
        );
        let file = path.join(IDENTITY_FILE);
        anyhow::ensure!(file.exists(), "there is no {}: start a server once to make it", file.display());
        let identity = Identity::open_embedded(&file, &settings.identity())?;
        raise_counter(&identity, &path.join(sqlite::file_name())).await?;
        Ok(Self::Here(Box::new(Desk {
            identity: Arc::new(identity),
            folder: Some(Arc::new(folder)),
            keeps_credentials: settings.app.id == 0,
            keys: None,
            rotating: Arc::default(),
            clock: Clock::system(),
            ids: Ids::system(),
        })))
    }

    /// Have it done.
    pub(crate) async fn ask(&self, act: Act) -> anyhow::Result<Done> {
        match self {
            Self::Here(desk) => desk.perform(act, &by_this_process()).await,
            Self::Server(folder) => {
                let stream =
                    socket::connect(folder).await?.context("the server has just ended: try again")?;
                socket::ask(stream, &act).await
            }
        }
    }
}

/// As a server does at its start: no id is issued again that an event has named, be `identity.db` restored from
/// an older copy.
async fn raise_counter(identity: &Identity, rows: &Path) -> anyhow::Result<()> {
    if !rows.exists() {
        return Ok(());
    }
    let look = || anyhow::Ok(FactSource::open(rows)?.highest_user()?);
    let highest = look().with_context(|| {
        format!("{} cannot be read: run `hansard readmodel rebuild`, or start a server once", rows.display())
    })?;
    match UserId::new(highest) {
        Some(user) => Ok(identity.raise_counter_above(user).await?),
        None => Ok(()),
    }
}
