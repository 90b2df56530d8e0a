//! The application that a deployment serves: configured, or made at the first start.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use domain::{ApplicationId, Time};
use gateway::{Key, Keys};
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
    /// What its clients prove themselves with: the credentials of today, and those of before.
    pub(crate) keys: Keys,
    /// Whether it was made by this very start.
    pub(crate) is_new: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    id: u64,
    auth_key: String,
    auth_secret: String,
    /// The credentials before these, good until that time (milliseconds since 1970).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Previous>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Previous {
    auth_key: String,
    auth_secret: String,
    until: u64,
}

impl Application {
    /// The configured application; else the one in the data folder; else a new one,
    /// which is kept there.
    pub(crate) fn of(app: &App, folder: &DataFolder, ids: &Ids) -> anyhow::Result<Self> {
        if let Some(configured) = Self::configured(app) {
            return Ok(configured);
        }
        if let Some(kept) = Kept::read(folder.path())? {
            return Self::from_kept(kept);
        }
        let kept = Kept::new(MADE_ID, None, ids);
        kept.write(folder)?;
        Ok(Self { is_new: true, ..Self::from_kept(kept)? })
    }

    /// The configured application, if there is one.
    pub(crate) fn configured(app: &App) -> Option<Self> {
        let id = ApplicationId::new(app.id)?;
        let mut keys =
            vec![Key { auth_key: app.auth_key.clone(), auth_secret: app.auth_secret.clone(), until: None }];
        if app.previous_auth_key.is_set() {
            keys.push(Key {
                auth_key: app.previous_auth_key.clone(),
                auth_secret: app.previous_auth_secret.clone(),
                until: None,
            });
        }
        Some(Self { id, keys: Keys::new(keys), is_new: false })
    }

    /// The application as it is now, for whoever looks beside a server; `None` if there is none yet.
    pub(crate) fn look(app: &App, folder: &Path) -> anyhow::Result<Option<Self>> {
        match Self::configured(app) {
            Some(configured) => Ok(Some(configured)),
            None => Kept::read(folder)?.map(Self::from_kept).transpose(),
        }
    }

    fn from_kept(kept: Kept) -> anyhow::Result<Self> {
        let id = ApplicationId::new(kept.id).context("the application's id must be between 1 and 2^53")?;
        let mut keys =
            vec![Key { auth_key: kept.auth_key.into(), auth_secret: kept.auth_secret.into(), until: None }];
        keys.extend(kept.previous.map(|previous| Key {
            auth_key: previous.auth_key.into(),
            auth_secret: previous.auth_secret.into(),
            until: Some(Time(previous.until)),
        }));
        Ok(Self { id, keys: Keys::new(keys), is_new: false })
    }

    /// What its clients show today.
    pub(crate) fn auth_key(&self) -> Secret {
        self.keys.all().into_iter().next().map(|key| key.auth_key).unwrap_or_default()
    }

    /// What the gateway knows of it.
    pub(crate) fn at_the_edge(&self, app: &App) -> gateway::Application {
        gateway::Application {
            id: self.id,
            keys: self.keys.clone(),
            chat_domain: app.chat_domain.clone(),
            extension_keys: app.extension_keys.clone(),
            create_on_login: app.create_users_on_login,
            list_users: app.list_users,
        }
    }

    /// Three lines to paste into a shell: sign up, open a session, create a dialog.
    pub(crate) fn first_steps(&self, address: std::net::SocketAddr) -> String {
        let (id, key) = (self.id, self.auth_key());
        let key = key.expose();
        format!(
            r#"curl -X POST http://{address}/users -H 'CB-AuthKey: {key}' -H 'Content-Type: application/json' -d '{{"user":{{"login":"alice","password":"wonderland","full_name":"Alice"}}}}'
TOKEN=$(curl -s -X POST http://{address}/session -H 'Content-Type: application/json' -d '{{"application_id":{id},"auth_key":"{key}","user":{{"login":"alice","password":"wonderland"}}}}' | sed 's/.*"token":"\([0-9a-f]*\)".*/\1/')
curl -X POST http://{address}/chat/Dialog -H "CB-Token: $TOKEN" -H 'Content-Type: application/json' -d '{{"type":4,"name":"Lobby"}}'"#
        )
    }
}

impl Kept {
    /// Fresh credentials.
    fn new(id: u64, previous: Option<Previous>, ids: &Ids) -> Self {
        Self { id, auth_key: hex(ids.random::<16>()), auth_secret: hex(ids.random::<32>()), previous }
    }

    fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        let Some(bytes) = kept(folder)? else { return Ok(None) };
        // Not the reason: it could quote a key.
        let read = std::str::from_utf8(&bytes).ok().and_then(|text| toml::from_str(text).ok());
        let read = read.with_context(|| {
            let path = path(folder);
            format!("{} is damaged: restore it, or set app.id and app.auth_key as they were", path.display())
        })?;
        Ok(Some(read))
    }

    fn write(&self, folder: &DataFolder) -> anyhow::Result<()> {
        Ok(folder.write_private(FILE, toml::to_string(self)?.as_bytes())?)
    }
}

/// Give the application that is kept in `folder` new credentials, atomically; those of before stay good
/// for `grace` from `now` on, those before them no longer.
pub(crate) fn rotate(
    folder: &DataFolder,
    (now, grace): (Time, Duration),
    ids: &Ids,
) -> anyhow::Result<Application> {
    let old = Kept::read(folder.path())?.context("no application was made yet: start a server once")?;
    let grace = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
    let previous = (grace > 0).then(|| Previous {
        auth_key: old.auth_key,
        auth_secret: old.auth_secret,
        // TOML's largest number.
        until: now.0.saturating_add(grace).min(i64::MAX as u64),
    });
    let new = Kept::new(old.id, previous, ids);
    new.write(folder)?;
    Application::from_kept(new)
}

/// Credentials that nobody has yet: a key and a secret.
pub(crate) fn fresh_credentials(ids: &Ids) -> (String, String) {
    (hex(ids.random::<16>()), hex(ids.random::<32>()))
}

/// Where an application that was made here is kept.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// What an application that was made here is, as it is kept in `folder`.
pub(crate) fn kept(folder: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let path = path(folder);
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
        Some(_) => anyhow::bail!("{} is another application's", path(folder.path()).display()),
        None => Ok(folder.write_private(FILE, bytes)?),
    }
}

fn hex<const N: usize>(bytes: [u8; N]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_credentials_keep_those_of_before_for_a_while() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(temporary.path()).unwrap();
        let ids = Ids::seeded(1);
        let hour = Duration::from_secs(3600);
        assert!(rotate(&folder, (Time(0), hour), &ids).is_err(), "nothing is there to rotate");
        Kept::new(MADE_ID, None, &ids).write(&folder).unwrap();
        let first = Kept::read(folder.path()).unwrap().unwrap();
        let rotated = rotate(&folder, (Time(1_000), hour), &ids).unwrap();
        let keys = rotated.keys.all();
        let [today, before] = keys.as_slice() else { panic!("{rotated:?}") };
        assert_ne!(today.auth_key.expose(), first.auth_key);
        assert_eq!(
            (before.auth_key.expose(), before.until),
            (first.auth_key.as_str(), Some(Time(3_601_000)))
        );
        let again = rotate(&folder, (Time(2_000), Duration::MAX), &ids).unwrap();
        assert_eq!(again.keys.all().len(), 2, "one set of before is enough");
        assert_eq!(again.keys.all()[1].auth_key.expose(), today.auth_key.expose());
        let at_once = rotate(&folder, (Time(3_000), Duration::ZERO), &ids).unwrap();
        assert_eq!(at_once.keys.all().len(), 1);
        let kept = Kept::read(folder.path()).unwrap().unwrap();
        assert_eq!(kept.auth_key, at_once.auth_key().expose());
    }
}
