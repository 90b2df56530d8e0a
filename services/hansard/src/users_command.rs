//! `hansard users …`: sign people up, look at them, disable or delete them, give them new passwords.

use std::io::Write;

use clap::{Args, Subcommand};
use runtime::Ids;

use crate::Settings;
use crate::administration::{Act, Done, NewUser, OfUsers, Page, ShownUser, Way, Whom};
use crate::output::{log_to_stderr, plain, table};
use crate::password::{Chosen, PasswordSource};

/// Users asked for at a time.
const PAGE_MAX: u32 = 500;
const COLUMNS: [&str; 7] = ["id", "login", "email", "full name", "created", "last request", "is"];

/// What to do with users. USER is a number, a login, or an email; `id:`, `login:` or `email:` before it says
/// which.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Sign somebody up. Without an option the password is asked for.
    Add(Add),
    /// List users in the order of their numbers.
    List(List),
    /// Show one user.
    Show(One),
    /// Let nobody sign in as this user, and end his sessions.
    Disable(One),
    /// Let a disabled user sign in again.
    Enable(One),
    /// Delete a user for good: his sessions end, his names are free again, he leaves his dialogs.
    Delete(One),
    /// Give a user another password, and end his sessions. Without an option it is asked for.
    ResetPassword(ResetPassword),
}

/// Who is signed up.
#[derive(Debug, Args)]
pub struct Add {
    /// The name to sign in with; this or an email is needed.
    #[arg(long, required_unless_present = "email")]
    login: Option<String>,
    /// The address to sign in with.
    #[arg(long)]
    email: Option<String>,
    /// The name that others see.
    #[arg(long)]
    full_name: Option<String>,
    /// The user's id in a system of your own.
    #[arg(long)]
    external_id: Option<String>,
    /// A tag; can be repeated.
    #[arg(long = "tag")]
    tags: Vec<String>,
    #[command(flatten)]
    password: PasswordSource,
    /// A line of JSON.
    #[arg(long)]
    json: bool,
}

/// Which users.
#[derive(Debug, Args)]
pub struct List {
    /// Only those whose login, email or full name begins with this.
    #[arg(long)]
    prefix: Option<String>,
    /// Only those who are disabled.
    #[arg(long)]
    disabled: bool,
    /// Only guests.
    #[arg(long)]
    guests: bool,
    /// Only users with a higher number than this.
    #[arg(long, default_value_t = 0)]
    after: u64,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    limit: u64,
    /// A line of JSON for each user instead of a table.
    #[arg(long)]
    json: bool,
}

/// Which user.
#[derive(Debug, Args)]
pub struct One {
    user: Whom,
    /// A line of JSON.
    #[arg(long)]
    json: bool,
}

/// Whose password.
#[derive(Debug, Args)]
pub struct ResetPassword {
    user: Whom,
    #[command(flatten)]
    password: PasswordSource,
    /// A line of JSON.
    #[arg(long)]
    json: bool,
}

impl UsersCommand {
    /// Do it with the users of that deployment.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        log_to_stderr(settings)?;
        let one = async |act, json| show(ask(settings, act).await?, None, json);
        match self {
            Self::Add(add) => add.run(settings).await,
            Self::List(list) => list.run(settings).await,
            Self::Show(One { user, json }) => one(OfUsers::Show(user), json).await,
            Self::Disable(One { user, json }) => one(OfUsers::Disable(user), json).await,
            Self::Enable(One { user, json }) => one(OfUsers::Enable(user), json).await,
            Self::Delete(One { user, json }) => one(OfUsers::Delete(user), json).await,
            Self::ResetPassword(reset) => reset.run(settings).await,
        }
    }
}

async fn ask(settings: &Settings, act: OfUsers) -> anyhow::Result<Done> {
    Way::to(settings).await?.ask(Act::Users(act)).await
}

impl Add {
    async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let chosen = self.password.choose(&Ids::system())?;
        let new = NewUser {
            login: self.login,
            email: self.email,
            full_name: self.full_name,
            external_id: self.external_id,
            tags: self.tags,
            password: chosen.password.clone(),
        };
        show(ask(settings, OfUsers::Add(new)).await?, Some(chosen), self.json)
    }
}

impl ResetPassword {
    async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let chosen = self.password.choose(&Ids::system())?;
        let act = OfUsers::ResetPassword { whom: self.user, password: chosen.password.clone() };
        show(ask(settings, act).await?, Some(chosen), self.json)
    }
}

impl List {
    async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let way = Way::to(settings).await?;
        let (mut out, mut rows) = (std::io::stdout(), vec![]);
        let (mut after, mut left) = (self.after, self.limit);
        let more = loop {
            let page = Page {
                after,
                max: u32::try_from(left).unwrap_or(u32::MAX).min(PAGE_MAX),
                prefix: self.prefix.clone(),
                only_disabled: self.disabled,
                only_guests: self.guests,
            };
            let Done::Users { users, next } = way.ask(Act::Users(OfUsers::List(page))).await? else {
                break None;
            };
            left = left.saturating_sub(users.len() as u64);
            for user in &users {
                match self.json {
                    true => writeln!(out, "{}", serde_json::to_string(user)?)?,
                    false => rows.push(cells(user)),
                }
            }
            match next {
                Some(next) if left > 0 => after = next,
                next => break next,
            }
        };
        if !self.json {
            table(&mut out, COLUMNS, &rows)?;
        }
        if let Some(after) = more {
            writeln!(std::io::stderr(), "there may be more: --after {after}")?;
        }
        Ok(())
    }
}

fn cells(user: &ShownUser) -> [String; COLUMNS.len()] {
    let or_none = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "-".to_owned());
    let is = match (user.is_guest, user.is_disabled) {
        (false, false) => "-",
        (true, false) => "guest",
        (false, true) => "disabled",
        (true, true) => "guest, disabled",
    };
    [
        user.id.to_string(),
        or_none(&user.login),
        or_none(&user.email),
        or_none(&user.full_name),
        user.created_at.clone(),
        or_none(&user.last_request_at),
        is.to_owned(),
    ]
}

/// The user as he is now, with the password that somebody has to be told.
fn show(done: Done, chosen: Option<Chosen>, as_json: bool) -> anyhow::Result<()> {
    let mut fields = match done {
        Done::User(user) => serde_json::to_value(user)?,
        Done::Deleted(id) => serde_json::json!({ "id": id, "is_deleted": true }),
        Done::Users { .. } | Done::Sessions(_) | Done::Revoked(_) | Done::Ended(_) | Done::Rotated { .. } => {
            anyhow::bail!("the server has answered something else")
        }
    };
    if let Some(Chosen { password, is_generated: true }) = chosen {
        fields["password"] = password.into();
    }
    let mut out = std::io::stdout();
    if as_json {
        return Ok(writeln!(out, "{fields}")?);
    }
    for (name, value) in fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        match value.as_str() {
            Some(text) => writeln!(out, "{name:15} {}", plain(text))?,
            None => writeln!(out, "{name:15} {value}")?,
        }
    }
    Ok(())
}
