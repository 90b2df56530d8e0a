//! Files that hold secrets: are they there, and can others read them?

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use runtime::config;

use super::finding::Findings;
use crate::settings::Backend;
use crate::stores::IDENTITY_FILE;
use crate::{Settings, application};

pub(super) const PART: &str = "secret files";

/// Keys of a configuration file that are secrets.
const SECRETS: [&str; 11] = [
    "app.auth_key",
    "app.auth_secret",
    "app.previous_auth_key",
    "app.previous_auth_secret",
    "identity.provider.url",
    "nats.password",
    "nats.token",
    "nats.urls",
    "postgres.url",
    "reset.webhook_secret",
    "reset.webhook_url",
];

pub(super) fn look(settings: &Settings, file: Option<&Path>) -> Findings {
    let mut findings = Findings::of(PART);
    let mut private = vec![];
    private.extend(file.filter(|file| holds_secrets(file)).map(Path::to_owned));
    match settings.secret_files() {
        Ok(files) => private.extend(files.into_iter().map(|(_, path)| path)),
        Err(error) => findings.fail_with(&error),
    }
    match settings.log.backend {
        Backend::Sqlite => {
            let folder = &settings.data.folder;
            let kept = [application::path(folder), folder.join(IDENTITY_FILE), folder.join("log.db")];
            private.extend(kept.into_iter().filter(|path| path.exists()));
        }
        Backend::Jetstream => {
            let files = [&settings.nats.credentials_file].into_iter().filter(|path| !path.is_empty());
            private.extend(files.map(PathBuf::from));
        }
    }
    // Nobody else comes into a folder that is its owner's alone, whatever the files in it allow.
    let folder = settings.data.folder.as_path();
    let is_closed = folder.metadata().is_ok_and(|folder| folder.mode() & 0o077 == 0);
    for path in &private {
        look_at(path, is_closed && path.parent() == Some(folder), &mut findings);
    }
    if findings.count() == 0 && !private.is_empty() {
        let names: Vec<_> = private.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        findings.ok(format!("only their owner can read {}", names.join(", ")));
    }
    findings
}

fn look_at(path: &Path, is_guarded: bool, findings: &mut Findings) {
    let shown = path.display();
    match path.metadata() {
        Ok(found) if !is_guarded && config::is_too_open(path).unwrap_or(false) => findings.warn(
            format!(
                "others on this machine can use {shown}, which holds secrets (its mode is {:o})",
                found.mode() & 0o777
            ),
            format!("chmod 600 {shown}"),
        ),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            findings.fail(
                format!("{shown} is configured and does not exist"),
                "put it there, or correct its path",
            );
        }
        Err(error) => findings.fail(
            format!("{shown} cannot be looked at: {error}"),
            "run this command as the user of the server, and check the file's owner and rights",
        ),
    }
}

/// Whether a configuration file has a secret in it; it has been read as one already.
fn holds_secrets(file: &Path) -> bool {
    let table = std::fs::read_to_string(file).ok().and_then(|text| text.parse::<toml::Table>().ok());
    let is_secret = |value: &toml::Value| match value {
        toml::Value::Array(items) => {
            items.iter().any(|item| item.as_str().is_some_and(|url| url.contains('@')))
        }
        other => other.as_str().is_some_and(|text| !text.is_empty()),
    };
    table.is_some_and(|table| {
        let table = toml::Value::Table(table);
        let at = |key: &str| key.split('.').try_fold(&table, |value, part| value.get(part));
        SECRETS.iter().any(|key| at(key).is_some_and(is_secret))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_of(value: &toml::Value, above: &str, keys: &mut Vec<String>) {
        for (name, value) in value.as_table().into_iter().flatten() {
            keys.push(format!("{above}{name}"));
            keys_of(value, &format!("{above}{name}."), keys);
        }
    }

    #[test]
    fn every_key_that_can_be_in_a_file_of_its_own_is_a_secret() {
        let settings = toml::Value::try_from(Settings::load(None, vec![]).unwrap()).unwrap();
        let mut keys = vec![];
        keys_of(&settings, "", &mut keys);
        let in_files = keys.iter().filter_map(|key| key.strip_suffix("_file"));
        let in_files: Vec<_> = in_files.filter(|stem| keys.iter().any(|key| key == stem)).collect();
        assert!(in_files.len() > 5, "{in_files:?}");
        for key in in_files {
            assert!(SECRETS.contains(&key), "{key}");
        }
    }

    #[test]
    fn a_file_holds_secrets_if_one_is_set_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hansard.toml");
        for (text, holds) in [
            ("[app]\nauth_key = \"k\"\n", true),
            ("[app]\nauth_key = \"\"\nauth_key_file = \"k\"\n", false),
            ("[identity.provider]\nurl = \"https://team.example/?key=k\"\n", true),
            ("[nats]\nurls = [\"nats://one\", \"nats://chat:secret@two\"]\n", true),
            ("[nats]\nurls = [\"nats://one\"]\n", false),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(holds_secrets(&file), holds, "{text}");
        }
    }
}
