//! Secrets in files of their own, as orchestrators hand them to a process: a key `x` of which
//! there is an `x_file` beside it.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

/// What the name of a key ends with that names the file of another one.
pub(super) const FILE_SUFFIX: &str = "_file";
/// The longest secret.
const SECRET_BYTES_MAX: u64 = 64 * 1024;
/// Rights that let others than the owner and his group read it, or others than the owner change it.
const TOO_OPEN: u32 = 0o027;

/// The text of the file without the end of its last line. The error never shows any of it.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let file = fs::File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let mut text = vec![];
    let read = file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut text);
    let bytes = read.with_context(|| format!("cannot read {shown}"))? as u64;
    anyhow::ensure!(bytes <= SECRET_BYTES_MAX, "{shown} has more than {SECRET_BYTES_MAX} bytes");
    let text = String::from_utf8(text).map_err(|_| anyhow::anyhow!("{shown} is not valid UTF-8"))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    anyhow::ensure!(!line.is_empty(), "{shown} is empty");
    Ok(line.to_owned())
}

/// The files that a configuration has secrets in: the key that names each, and where it is.
///
/// # Errors
///
/// TOML cannot hold the configuration.
pub fn secret_files<T: Serialize>(configuration: &T) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let sections = toml::Table::try_from(configuration).context("cannot show the configuration as TOML")?;
    let mut files = vec![];
    for (section, keys) in &sections {
        let Some(keys) = keys.as_table() else { continue };
        for (key, path) in keys {
            let of_secret = key.strip_suffix(FILE_SUFFIX).is_some_and(|secret| keys.contains_key(secret));
            let path = path.as_str().filter(|path| of_secret && !path.is_empty());
            files.extend(path.map(|path| (format!("{section}.{key}"), PathBuf::from(path))));
        }
    }
    Ok(files)
}

/// Whether others than its owner and his group can read the file, or others than its owner
/// change it.
///
/// # Errors
///
/// It cannot be looked at.
pub fn is_too_open(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & TOO_OPEN != 0)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use serde::Deserialize;

    use super::super::{Secret, load};
    use super::*;

    const DEFAULTS: &str = "[app]\nkey = \"\"\nkey_file = \"\"\nca_file = \"ca.pem\"";

    #[derive(Debug, Deserialize, Serialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        app: App,
    }

    #[derive(Debug, Deserialize, Serialize)]
    #[serde(deny_unknown_fields)]
    struct App {
        key: Secret,
        key_file: String,
        ca_file: String,
    }

    fn loaded(text: &[u8], more: &[(&str, &str)]) -> anyhow::Result<Settings> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let mut given = vec![("app.key_file".to_owned(), file.path().display().to_string())];
        given.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        load(DEFAULTS, None, [], given)
    }

    #[test]
    fn a_secret_is_the_files_text_without_the_end_of_its_last_line() {
        for (text, secret) in
            [("xyzzy", "xyzzy"), ("xyzzy\n", "xyzzy"), ("xyzzy\r\n", "xyzzy"), (" a\nb \n\n", " a\nb \n")]
        {
            let settings = loaded(text.as_bytes(), &[]).unwrap();
            assert_eq!(settings.app.key.expose(), secret);
            let files = secret_files(&settings).unwrap();
            assert_eq!(files, [("app.key_file".to_owned(), PathBuf::from(settings.app.key_file))]);
        }
        let settings: Settings = load(DEFAULTS, None, [], []).unwrap();
        assert!(!settings.app.key.is_set() && secret_files(&settings).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_shown() {
        let long = vec![b'x'; SECRET_BYTES_MAX as usize + 1];
        for (text, complaint) in [
            (&b""[..], "is empty"),
            (b"\n", "is empty"),
            (b"xyzzy\xff", "is not valid UTF-8"),
            (&long, "has more than 65536 bytes"),
        ] {
            let error = format!("{:#}", loaded(text, &[]).unwrap_err());
            assert!(error.starts_with("`app.key_file` in the command line: "), "{error}");
            assert!(error.ends_with(complaint) && !error.contains("xyzzy"), "{error}");
        }
        let twice = loaded(b"xyzzy", &[("app.key", "plugh")]).unwrap_err().to_string();
        assert!(twice.contains("are both set") && !twice.contains("plugh"), "{twice}");
        let gone = loaded(b"xyzzy", &[("app.key_file", "/nowhere")]).unwrap_err();
        assert!(format!("{gone:#}").contains("cannot read /nowhere"), "{gone:#}");
    }

    #[test]
    fn a_file_that_others_can_read_is_too_open() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, too_open) in [(0o600, false), (0o640, false), (0o400, false), (0o644, true), (0o660, true)]
        {
            fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_too_open(file.path()).unwrap(), too_open, "{mode:o}");
        }
    }
}
