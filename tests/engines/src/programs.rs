//! Where the engines' programs are: `infra/engines` knows, and fetches what is missing.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;
use tokio::sync::OnceCell;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/engines");

/// The programs of this machine.
#[derive(Debug)]
pub struct Programs {
    /// NATS's server.
    pub nats_server: PathBuf,
    postgresql: PathBuf,
}

impl Programs {
    /// Look once in a process. The first time on a machine this fetches them, which takes a while.
    ///
    /// # Errors
    ///
    /// They cannot be had; the reason stands on standard error.
    pub async fn find() -> Result<&'static Self> {
        static PROGRAMS: OnceCell<Programs> = OnceCell::const_new();
        PROGRAMS.get_or_try_init(ask).await
    }

    /// One of PostgreSQL's programs.
    pub fn postgresql(&self, name: &str) -> PathBuf {
        self.postgresql.join(name)
    }

    /// PostgreSQL's major version, as its folder tells it.
    pub(crate) fn postgresql_version(&self) -> &str {
        self.postgresql.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or("0")
    }

    /// Where what is made once and used by many tests can stay.
    pub(crate) fn cache(&self) -> &Path {
        self.nats_server.ancestors().nth(2).unwrap_or(Path::new("/tmp"))
    }
}

async fn ask() -> Result<Programs> {
    let asked = Command::new(SCRIPT).stdin(Stdio::null()).stderr(Stdio::inherit()).output().await;
    let asked = asked.context("infra/engines cannot be started; it needs Python 3")?;
    ensure!(asked.status.success(), "infra/engines failed, and has said why above");
    let said = String::from_utf8(asked.stdout)?;
    let named = |name: &str| {
        let found = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found.map(PathBuf::from).with_context(|| format!("infra/engines does not name {name}"))
    };
    Ok(Programs { nats_server: named("nats-server")?, postgresql: named("postgresql")? })
}
