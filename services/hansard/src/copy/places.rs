//! Where a copy comes from and where it goes: the stores that the two configurations name.

use std::sync::Arc;

use anyhow::Context as _;
use domain::ApplicationId;
use eventlog::{JetStreamLog, Log, OpenError, Partition, SqliteLog};
use identity::{Identity, Unfinished};
use runtime::{DataFolder, Ids};

use super::log::{Opening, opening};
use crate::Settings;
use crate::application;
use crate::engines::log_settings;
use crate::settings::Backend;
use crate::stores::{IDENTITY_FILE, spec_with};

/// The stores to copy from, which nobody else uses.
pub(super) struct Source {
    pub(super) log: Arc<dyn Log>,
    pub(super) identity: Identity,
    opening: Opening,
    /// The application's file, where its id and key were not configured.
    application: Option<Vec<u8>>,
    _folder: Option<DataFolder>,
}

/// The stores to copy to, which open for nobody else before the end.
pub(super) struct Target {
    pub(super) log: Arc<dyn Log>,
    pub(super) identity: Unfinished,
    _folder: Option<DataFolder>,
}

impl Source {
    /// Open them as they are; nothing is made.
    pub(super) async fn open(settings: &Settings) -> anyhow::Result<Self> {
        match settings.log.backend {
            Backend::Sqlite => Self::embedded(settings).await,
            Backend::Jetstream => Self::cluster(settings).await,
        }
    }

    /// Nothing can hold a cluster: whether it rests shows at the end.
    async fn cluster(settings: &Settings) -> anyhow::Result<Self> {
        let log: Arc<dyn Log> = Arc::new(JetStreamLog::open(&log_settings(settings), None).await?);
        Ok(Self {
            identity: Identity::open_postgres(settings.postgres.url.expose(), &settings.identity()).await?,
            opening: opening(&*log, Partition(0)).await?,
            log,
            application: None,
            _folder: None,
        })
    }

    async fn embedded(settings: &Settings) -> anyhow::Result<Self> {
        DataFolder::find(&settings.data.folder)?;
        let folder = DataFolder::open(&settings.data.folder)?;
        let log: Arc<dyn Log> = Arc::new(SqliteLog::open_read_only(folder.path())?);
        let identity = folder.path().join(IDENTITY_FILE);
        anyhow::ensure!(identity.exists(), "there is no {}", identity.display());
        Ok(Self {
            identity: Identity::open_embedded(&identity, &settings.identity())?,
            opening: opening(&*log, Partition(0)).await?,
            log,
            application: application::kept(folder.path())?.filter(|_| settings.app.id == 0),
            _folder: Some(folder),
        })
    }
}

impl Target {
    /// Open them, or make them as a copy of `source` needs them.
    pub(super) async fn open(settings: &Settings, source: &Source, ids: &Ids) -> anyhow::Result<Self> {
        match settings.log.backend {
            Backend::Sqlite => Self::embedded(settings, source, ids).await,
            Backend::Jetstream => Self::cluster(settings, source, ids).await,
        }
    }

    async fn cluster(settings: &Settings, source: &Source, ids: &Ids) -> anyhow::Result<Self> {
        let Opening { application, private_dialog_key, at } = source.opening;
        anyhow::ensure!(
            ApplicationId::new(settings.app.id) == Some(application),
            "the log to copy belongs to application {application}: set app.id and app.auth_key as they are there"
        );
        // Marked before there is a log: no half of one is ever served.
        let url = settings.postgres.url.expose();
        let identity = Unfinished::open_postgres(url, &settings.identity()).await?;
        let (place, partitions) = (log_settings(settings), settings.log.partitions());
        // One that is there already stays as it is; whether it is a copy shows when it is looked into.
        JetStreamLog::init(&place, &spec_with(partitions, application, (private_dialog_key, at), ids))
            .await?;
        let log = JetStreamLog::open(&place, Some(partitions)).await?;
        Ok(Self { log: Arc::new(log), identity, _folder: None })
    }

    async fn embedded(settings: &Settings, source: &Source, ids: &Ids) -> anyhow::Result<Self> {
        let folder = DataFolder::open(&settings.data.folder)?;
        // Marked before there is a log: no half of one is ever served.
        let path = folder.path().join(IDENTITY_FILE);
        let identity = Unfinished::open_embedded(&path, &settings.identity()).await?;
        keep_application(settings, source, &folder)?;
        let partitions = settings.log.partitions();
        let log = match SqliteLog::open(folder.path(), partitions, &mut |_| ()) {
            Err(OpenError::Missing(_)) => {
                let Opening { application, private_dialog_key, at } = source.opening;
                SqliteLog::create(
                    folder.path(),
                    &spec_with(partitions, application, (private_dialog_key, at), ids),
                )?
            }
            opened => opened?,
        };
        Ok(Self { log: Arc::new(log), identity, _folder: Some(folder) })
    }
}

/// The application stays the same: its events name it, and its clients know its key.
fn keep_application(settings: &Settings, source: &Source, folder: &DataFolder) -> anyhow::Result<()> {
    let id = source.opening.application;
    if let Some(configured) = ApplicationId::new(settings.app.id) {
        anyhow::ensure!(
            configured == id,
            "the log to copy belongs to application {id}: set app.id and app.auth_key as they are there"
        );
        return Ok(());
    }
    let kept = source.application.as_deref().with_context(|| {
        format!("app.id and app.auth_key are not set where the log of application {id} goes to: set them as they are where it comes from")
    })?;
    application::keep(folder, kept)
}
