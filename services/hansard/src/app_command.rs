//! `hansard app …`: the application that is served, and new credentials for it.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use domain::calendar;
use gateway::Key;
use runtime::Ids;
use runtime::config::Secret;
use serde_json::{Map, Value, json};

use crate::Settings;
use crate::administration::{Act, Done, Way};
use crate::application::{self, Application};
use crate::output::log_to_stderr;
use crate::settings::Backend;

/// What to do with the application.
#[derive(Debug, Subcommand)]
pub enum AppCommand {
    /// Show its number, its switches, and where its credentials come from.
    Show(Show),
    /// Give it a new auth key and secret. Those kept in the data folder are replaced, also while a
    /// server runs; for configured ones it is printed what to set, and nothing is changed.
    RotateKey(RotateKey),
}

/// How.
#[derive(Debug, Args)]
pub struct Show {
    /// Show the credentials, too.
    #[arg(long)]
    reveal: bool,
    /// A line of JSON.
    #[arg(long)]
    json: bool,
}

/// How.
#[derive(Debug, Args)]
pub struct RotateKey {
    /// How long clients may go on with the old credentials, such as 12h or 30d; 0s for not at all.
    #[arg(long, default_value = "30d", value_parser = humantime::parse_duration)]
    grace: Duration,
    /// A line of JSON.
    #[arg(long)]
    json: bool,
}

impl AppCommand {
    /// Do it with the application of that deployment.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Show(show) => show.run(settings),
            Self::RotateKey(rotate) => rotate.run(settings).await,
        }
    }
}

impl Show {
    fn run(&self, settings: &Settings) -> anyhow::Result<()> {
        let folder = &settings.data.folder;
        let application = Application::look(&settings.app, folder)?;
        let application =
            application.context("no application is configured or was made yet: start a server once")?;
        let from = match settings.app.id {
            0 => format!("made at the first start, kept in {}", application::path(folder).display()),
            _ => "configuration: app.id, app.auth_key, app.auth_secret".to_owned(),
        };
        let app = &settings.app;
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("id", json!(application.id.get()));
        set("credentials", json!(from));
        for (prefix, key) in ["", "previous_"].into_iter().zip(application.keys.all()) {
            let Key { auth_key, auth_secret, until } = key;
            set(&format!("{prefix}auth_key"), json!(self.shown(&auth_key)));
            set(&format!("{prefix}auth_secret"), json!(self.shown(&auth_secret)));
            if let Some(until) = until {
                let until = calendar::iso(until);
                set(&format!("{prefix}until"), json!(String::from_utf8_lossy(&until)));
            }
        }
        set("chat_domain", json!(app.chat_domain));
        set("extension_keys", json!(app.extension_keys));
        set("create_users_on_login", json!(app.create_users_on_login));
        set("list_users", json!(app.list_users));
        set("broadcast_by_api", json!(app.broadcast_by_api));
        set("subscribe_to_groups", json!(app.subscribe_to_groups));
        set("single_reaction", json!(app.single_reaction));
        print(&fields, self.json)
    }

    fn shown(&self, secret: &Secret) -> String {
        if self.reveal { secret.expose().to_owned() } else { secret.to_string() }
    }
}

impl RotateKey {
    async fn run(&self, settings: &Settings) -> anyhow::Result<()> {
        if settings.app.id != 0 {
            return self.advise();
        }
        anyhow::ensure!(settings.log.backend == Backend::Sqlite, "app.id is not set");
        log_to_stderr(settings)?;
        let grace_ms = u64::try_from(self.grace.as_millis()).unwrap_or(u64::MAX);
        let done = Way::to(settings).await?.ask(Act::RotateKey { grace_ms }).await?;
        let Done::Rotated { auth_key, auth_secret } = done else {
            anyhow::bail!("the server has answered something else")
        };
        let mut fields = Map::new();
        fields.insert("auth_key".to_owned(), auth_key.into());
        fields.insert("auth_secret".to_owned(), auth_secret.into());
        print(&fields, self.json)?;
        let grace = humantime::format_duration(self.grace);
        say(&match self.grace.is_zero() {
            true => "The old credentials are good no longer.".to_owned(),
            false => {
                format!("The old credentials stay good for {grace}: bring clients the new ones by then.")
            }
        })
    }

    /// What is configured is not ours to change.
    fn advise(&self) -> anyhow::Result<()> {
        let (auth_key, auth_secret) = application::fresh_credentials(&Ids::system());
        let mut fields = Map::new();
        fields.insert("auth_key".to_owned(), auth_key.into());
        fields.insert("auth_secret".to_owned(), auth_secret.into());
        print(&fields, self.json)?;
        say("Nothing was changed: the credentials are configured. Set app.previous_auth_key and \
             app.previous_auth_secret to what app.auth_key and app.auth_secret are now, set those to the above, \
             and restart every process. Once all clients have the new ones, unset the previous ones.")
    }
}

/// One line each, or one of JSON.
fn print(fields: &Map<String, Value>, as_json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    if as_json {
        return Ok(writeln!(out, "{}", serde_json::to_string(fields)?)?);
    }
    for (name, value) in fields {
        writeln!(out, "{name} = {value}")?;
    }
    Ok(())
}

/// To whoever sits there; standard output is for what may be piped.
fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stderr(), "{line}")?)
}
