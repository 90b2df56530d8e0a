//! The application that a deployment serves: configured, or made at the first start.

use std::path::Path;

use anyhow::Context as _;
use domain::ApplicationId;
use runtime::config::Secret;
use runtime::{DataFolder, Ids};
use serde::{Deserialize, Serialize};

use crate::settings::App;

/// The file in the data folder that keeps what was made.
const FILE: &str = "application.toml";
/// The number of an application that was made here.
const MADE_ID: u64 = 1;

/// Who may open sessions.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    /// Its number.
    pub(crate) id: ApplicationId,
    /// What its clients show.
    pub(crate) auth_key: Secret,
    /// What its older clients sign with.
    pub(crate) auth_secret: Secret,
    /// Whether it was made by this very start.
    pub(crate) is_new: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    id: u64,
    auth_key: String,
    auth_secret: String,
}

impl Application {
    /// The configured application; else the one in the data folder; else a new one,
    /// which is kept there.
    pub(crate) fn of(app: &App, folder: &DataFolder, ids: &Ids) -> anyhow::Result<Self> {
        if let Some(configured) = Self::configured(app) {
            return Ok(configured);
        }
        let path = folder.path().join(FILE);
        let kept = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|_| {
                anyhow::anyhow!(
                    "{} is damaged: restore it, or set app.id and app.auth_key as they were",
                    path.display()
                )
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let kept = Kept {
                    id: MADE_ID,
                    auth_key: hex(ids.random::<16>()),
                    auth_secret: hex(ids.random::<32>()),
                };
                folder.write_private(FILE, toml::to_string(&kept)?.as_bytes())?;
                return Self::from_kept(kept, true);
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        Self::from_kept(kept, false)
    }

    /// The configured application, if there is one.
    pub(crate) fn configured(app: &App) -> Option<Self> {
        let id = ApplicationId::new(app.id)?;
        Some(Self { id, auth_key: app.auth_key.clone(), auth_secret: app.auth_secret.clone(), is_new: false })
    }

    fn from_kept(kept: Kept, is_new: bool) -> anyhow::Result<Self> {
        Ok(Self {
            id: ApplicationId::new(kept.id).context("the application's id must be between 1 and 2^53")?,
            auth_key: kept.auth_key.into(),
            auth_secret: kept.auth_secret.into(),
            is_new,
        })
    }

    /// What the gateway knows of it.
    pub(crate) fn at_the_edge(&self, app: &App) -> gateway::Application {
        gateway::Application {
            id: self.id,
            auth_key: self.auth_key.clone(),
            auth_secret: self.auth_secret.clone(),
            chat_domain: app.chat_domain.clone(),
            extension_keys: app.extension_keys.clone(),
            create_on_login: app.create_users_on_login,
            list_users: app.list_users,
        }
    }

    /// Three lines to paste into a shell: sign up, open a session, create a dialog.
    pub(crate) fn first_steps(&self, address: std::net::SocketAddr) -> String {
        let (id, key) = (self.id, self.auth_key.expose());
        format!(
            r#"curl -X POST http://{address}/users -H 'CB-AuthKey: {key}' -H 'Content-Type: application/json' -d '{{"user":{{"login":"alice","password":"wonderland","full_name":"Alice"}}}}'
TOKEN=$(curl -s -X POST http://{address}/session -H 'Content-Type: application/json' -d '{{"application_id":{id},"auth_key":"{key}","user":{{"login":"alice","password":"wonderland"}}}}' | sed 's/.*"token":"\([0-9a-f]*\)".*/\1/')
curl -X POST http://{address}/chat/Dialog -H "CB-Token: $TOKEN" -H 'Content-Type: application/json' -d '{{"type":4,"name":"Lobby"}}'"#
        )
    }
}

/// What an application that was made here is, as it is kept in `folder`.
pub(crate) fn kept(folder: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let path = folder.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Keep an application that was made elsewhere; another one that is there is not replaced.
pub(crate) fn keep(folder: &DataFolder, bytes: &[u8]) -> anyhow::Result<()> {
    match kept(folder.path())? {
        Some(there) if there == bytes => Ok(()),
        Some(_) => anyhow::bail!("{} is another application's", folder.path().join(FILE).display()),
        None => Ok(folder.write_private(FILE, bytes)?),
    }
}

fn hex<const N: usize>(bytes: [u8; N]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
