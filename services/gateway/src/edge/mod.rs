//! What endpoints stand on: the application they serve and the ways to everything that
//! they may ask.
//!
//! The edge itself decides nothing, and keeps nothing for long but which signatures were used: a gateway
//! that starts again has forgotten nothing that anybody was promised.

mod ask;
mod call_key;
mod caller;
mod fault;
mod gate;
mod keys;
mod position;
mod resets;
mod signature;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bus::{Commands, Progress, Signals};
use domain::{ApplicationId, Limits};
use identity::remote::Remote;
use identity::{EMAIL_MAX, Identity};
use readmodel::queries::Queries;
use readmodel::search::Search;
use runtime::audit::Account;
use runtime::{Clock, Ids};

use crate::Protection;

pub(crate) use ask::{Done, RETRY_AFTER_LAG, Seen};
pub(crate) use call_key::CallKey;
pub(crate) use caller::{Caller, Session, SignedIn, token};
pub(crate) use gate::pass;
pub use gate::{Gate, closed};
pub use keys::{Key, Keys};
pub(crate) use position::LogPosition;
use resets::Resets;
pub use resets::reset_passwords;
use signature::Signatures;
pub(crate) use signature::Signed;

/// The most keys that an application may allow in its dialogs' extensions: the API's number.
pub const EXTENSION_KEYS_MAX: usize = 3;
/// How long a read or an answer waits for the read models unless configuration says otherwise.
pub const VISIBLE_WITHIN: Duration = Duration::from_secs(2);

/// The application that a deployment serves, as far as the edge has to know it.
#[derive(Debug, Clone)]
pub struct Application {
    /// Its number.
    pub id: ApplicationId,
    /// What its clients prove themselves with when they open a session or sign up, and what older ones
    /// sign their requests with.
    pub keys: Keys,
    /// The domain of its rooms' addresses, `muc.` not included.
    pub chat_domain: String,
    /// The keys allowed in dialogs' extensions, at most [`EXTENSION_KEYS_MAX`]. Others are
    /// neither stored nor shown.
    pub extension_keys: Vec<String>,
    /// Whether somebody who signs in under a name that nobody has is signed up. The API's
    /// default is yes.
    pub create_on_login: bool,
    /// Whether all users can be listed by anybody with a session.
    pub list_users: bool,
}

/// Everything that an [`Edge`] is made of.
pub struct Parts {
    /// The one application.
    pub application: Application,
    /// How much of anything a call may hold.
    pub limits: Limits,
    /// Users and sessions.
    pub identity: Arc<Identity>,
    /// Everybody outside who is asked or told about users.
    pub remote: Remote,
    /// The read models.
    pub queries: Queries,
    /// The way to search; none, if that is switched off.
    pub search: Option<Search>,
    /// The way to the writers.
    pub commands: Commands,
    /// How far the read models have come.
    pub progress: Progress,
    /// The way to whoever keeps connections.
    pub signals: Signals,
    /// The time.
    pub clock: Clock,
    /// New ids and chance.
    pub ids: Ids,
    /// The key of the ids of private dialogs, from the log's first frame.
    pub private_dialog_key: [u8; 32],
    /// The log's epoch.
    pub epoch: [u8; 16],
    /// How long to wait for the read models, [`VISIBLE_WITHIN`] by default.
    pub visible_within: Duration,
    /// How often anybody may ask.
    pub protection: Protection,
    /// Closed until the read models have what was acknowledged before the start.
    pub gate: Gate,
}

/// The state of every endpoint. Cheap to clone.
#[derive(Clone)]
pub struct Edge(Arc<Kept>);

struct Kept {
    parts: Parts,
    signatures: Signatures,
    resets: Resets,
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").field("application", &self.application).finish_non_exhaustive()
    }
}

impl Deref for Edge {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

impl Edge {
    /// An edge of those parts.
    ///
    /// # Errors
    ///
    /// An application without an auth key, or with more extension keys than allowed: in
    /// words for the operator.
    pub fn new(parts: Parts) -> anyhow::Result<Self> {
        Self::check(&parts.application)?;
        Ok(Self(Arc::new(Kept { parts, signatures: Signatures::default(), resets: Resets::default() })))
    }

    pub(crate) fn check(application: &Application) -> anyhow::Result<()> {
        let keys = application.extension_keys.len();
        anyhow::ensure!(application.keys.are_set(), "the application has no auth key");
        anyhow::ensure!(
            keys <= EXTENSION_KEYS_MAX,
            "the application allows {keys} extension keys, more than {EXTENSION_KEYS_MAX}"
        );
        Ok(())
    }

    /// Whether `given` is an auth key of the application that is good now.
    pub(crate) fn knows_auth_key(&self, given: &str) -> bool {
        self.application.keys.know(given, self.clock.now())
    }

    /// The account of that name, as it may be logged and counted: one for all spellings.
    pub(crate) fn account(&self, name: &str) -> Account {
        // Comparing costs time by length, and no account has a longer name.
        let name: String = name.trim().chars().take(EMAIL_MAX + 1).collect();
        Account::named(&self.private_dialog_key, &identity::canonical(&name))
    }
}
