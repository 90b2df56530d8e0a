//! Whom the servers run as: PostgreSQL refuses to run as root.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// In this order: PostgreSQL's packages bring the first, every system has the second.
const SERVANTS: [&str; 2] = ["postgres", "nobody"];

/// A user of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub uid: u32,
    /// Its group's.
    pub gid: u32,
}

impl User {
    /// Whoever runs this.
    pub fn myself() -> Self {
        Self { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
    }

    /// Whoever runs this, or somebody without rights if that is root.
    ///
    /// # Errors
    ///
    /// There is nobody without rights.
    pub fn servant() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::myself());
        }
        let users = std::fs::read_to_string("/etc/passwd").context("the users cannot be read")?;
        let named = SERVANTS.iter().find_map(|name| find(&users, name));
        named.context("there is neither a user `postgres` nor a user `nobody`")
    }

    /// A temporary folder of this user's; whoever asks for it sees to its end.
    pub(crate) fn folder(self) -> Result<PathBuf> {
        let folder = tempfile::Builder::new().prefix("hansard-test-").tempdir()?.keep();
        std::fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        if self != Self::myself() {
            chown(&folder, Some(self.uid), Some(self.gid))?;
        }
        Ok(folder)
    }
}

fn find(users: &str, name: &str) -> Option<User> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some(User { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
}
