//! `hansard sessions …`: who is signed in, and an end to it.

use std::io::Write as _;

use clap::{Args, Subcommand};

use crate::Settings;
use crate::administration::{Act, Done, OfSessions, Way, Whom};
use crate::output::{log_to_stderr, table};

/// What to do with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// List somebody's sessions.
    List(List),
    /// End sessions: they are dead when this returns, in the other processes of a cluster within a
    /// second.
    Revoke(Revoke),
}

/// Whose.
#[derive(Debug, Args)]
pub struct List {
    /// A number, a login, or an email.
    #[arg(long)]
    user: Whom,
    /// A line of JSON for each session instead of a table.
    #[arg(long)]
    json: bool,
}

/// Which.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Revoke {
    /// The session of this number.
    #[arg(long)]
    session: Option<u64>,
    /// All sessions of this user: a number, a login, or an email.
    #[arg(long)]
    all_of_user: Option<Whom>,
}

impl SessionsCommand {
    /// Do it with the sessions of that deployment.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        log_to_stderr(settings)?;
        let (act, as_json) = match self {
            Self::List(List { user, json }) => (OfSessions::List(user), json),
            Self::Revoke(Revoke { session: Some(session), .. }) => (OfSessions::Revoke(session), false),
            Self::Revoke(Revoke { all_of_user: Some(user), .. }) => (OfSessions::RevokeAll(user), false),
            Self::Revoke(_) => anyhow::bail!("name a session or a user"),
        };
        let mut out = std::io::stdout();
        match Way::to(settings).await?.ask(Act::Sessions(act)).await? {
            Done::Sessions(sessions) if as_json => {
                for session in &sessions {
                    writeln!(out, "{}", serde_json::to_string(session)?)?;
                }
            }
            Done::Sessions(sessions) => {
                let rows: Vec<_> = sessions
                    .into_iter()
                    .map(|session| {
                        [session.id.to_string(), session.created_at, session.used_at, session.expires_at]
                    })
                    .collect();
                table(&mut out, ["id", "opened", "last used", "ends"], &rows)?;
            }
            Done::Revoked(session) => writeln!(out, "session {session} is no longer open")?,
            Done::Ended(1) => writeln!(out, "1 session was ended")?,
            Done::Ended(ended) => writeln!(out, "{ended} sessions were ended")?,
            Done::User(_) | Done::Users { .. } | Done::Deleted(_) | Done::Rotated { .. } => {
                anyhow::bail!("the server has answered something else")
            }
        }
        Ok(())
    }
}
