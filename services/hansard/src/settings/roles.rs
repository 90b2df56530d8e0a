//! Which roles a process takes.

use serde::{Deserialize, Serialize};

/// A role, as it is named in `roles`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Every role there is.
    All,
    /// HTTP in, commands out, read models back.
    Gateway,
    /// The partition writers.
    Command,
    /// The folds.
    Projector,
}

/// The roles of one process, at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roles(Vec<Role>);

impl Roles {
    /// Whether the process takes `role`.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.0.contains(&role) || self.0.contains(&Role::All)
    }

    /// Whether it takes them all.
    pub(crate) fn are_all(&self) -> bool {
        [Role::Gateway, Role::Command, Role::Projector].iter().all(|role| self.has(*role))
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            !self.0.is_empty(),
            "roles: name at least one of \"gateway\", \"command\", \"projector\" or \"all\""
        );
        Ok(())
    }
}
