//! What an operator may write, and what he is told when it is wrong.

use std::io::Write as _;
use std::time::Duration;

use serde::Deserialize;

use super::*;

const DEFAULTS: &str = r#"
# How much is logged.
verbose = false

[app]
id = 1
auth_secret = ""       # unset
extensions = ["jpg", "png"]

[session]
life = "2h"
poll = "500ms"
"#;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    verbose: bool,
    app: App,
    session: Session,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct App {
    id: u16,
    auth_secret: Secret,
    extensions: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Session {
    #[serde(with = "duration")]
    life: Duration,
    #[serde(with = "duration")]
    poll: Duration,
}

fn pairs(given: &[(&str, &str)]) -> Vec<(String, String)> {
    given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn loaded(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> anyhow::Result<Settings> {
    let mut written = tempfile::Builder::new().prefix("hansard").suffix(".toml").tempfile().unwrap();
    written.write_all(file.as_bytes()).unwrap();
    load(DEFAULTS, Some(written.path()), pairs(environment), pairs(flags))
}

/// The complaint about it, with the file's name shortened.
fn complaint(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
    let text = format!("{:#}", loaded(file, environment, flags).unwrap_err());
    match (text.find(std::env::temp_dir().to_str().unwrap()), text.find(".toml")) {
        (Some(start), Some(end)) => format!("{}FILE{}", &text[..start], &text[end + 5..]),
        _ => text,
    }
}

#[test]
fn the_defaults_are_enough() {
    let settings: Settings = load(DEFAULTS, None, [], []).unwrap();
    assert!(!settings.verbose);
    assert_eq!((settings.app.id, settings.app.auth_secret.is_set()), (1, false));
    assert_eq!(settings.app.extensions, ["jpg", "png"]);
    assert_eq!(settings.session.life, Duration::from_secs(7_200));
    assert_eq!(settings.session.poll, Duration::from_millis(500));
}

#[test]
fn each_layer_covers_the_one_below_key_by_key() {
    let file = "[app]\nid = 2\n[session]\nlife = '3h'\npoll = '1s'";
    let environment = [("HANSARD__APP__ID", "3"), ("HANSARD__SESSION__LIFE", "4h"), ("HOME", "/root")];
    let settings = loaded(file, &environment, &[("app.id", "4"), ("app.id", "5")]).unwrap();
    assert_eq!(settings.app.id, 5);
    assert_eq!(settings.session.life, Duration::from_secs(4 * 3_600));
    assert_eq!(settings.session.poll, Duration::from_secs(1));
    assert_eq!(settings.app.extensions, ["jpg", "png"]);
}

#[test]
fn text_becomes_what_the_key_holds() {
    let environment = [
        ("HANSARD__VERBOSE", "true"),
        ("HANSARD__APP__EXTENSIONS", "gif, webp"),
        ("HANSARD__APP__AUTH_SECRET", "7"),
    ];
    let settings = loaded("", &environment, &[]).unwrap();
    assert!(settings.verbose);
    assert_eq!(settings.app.extensions, ["gif", "webp"]);
    assert_eq!(settings.app.auth_secret.expose(), "7");
    assert!(loaded("", &[], &[("app.extensions", "")]).unwrap().app.extensions.is_empty());
}

#[test]
fn an_empty_section_says_nothing() {
    assert_eq!(loaded("[app]\n[session]", &[], &[]).unwrap().app.id, 1);
}

#[test]
fn an_unknown_key_is_refused_wherever_it_comes_from() {
    let keys = "the keys of `app` are: auth_secret, extensions, id";
    assert_eq!(complaint("[app]\nidd = 2", &[], &[]), format!("unknown key `app.idd` in FILE; {keys}"));
    assert_eq!(
        complaint("", &[("HANSARD__APP__IDD", "2")], &[]),
        format!("unknown key `app.idd` in environment variable HANSARD__APP__IDD; {keys}")
    );
    assert_eq!(
        complaint("", &[], &[("aap.id", "2")]),
        "unknown key `aap.id` in the command line; there is: app, session, verbose"
    );
    assert_eq!(complaint("[aap]", &[], &[]), "unknown key `aap` in FILE; there is: app, session, verbose");
    assert_eq!(
        complaint("app = 2", &[], &[]),
        "`app` in FILE is a section and has no value itself; its keys are: auth_secret, extensions, id"
    );
    assert_eq!(
        complaint("[app.id]\nx = 2", &[], &[]),
        "unknown key `app.id.x` in FILE; there is: app, session, verbose"
    );
}

#[test]
fn a_wrong_value_is_refused_with_its_key_its_source_and_what_is_expected() {
    assert_eq!(
        complaint("", &[("HANSARD__APP__ID", "one")], &[]),
        "`app.id` in environment variable HANSARD__APP__ID: expected an integer, found string \"one\""
    );
    assert_eq!(
        complaint("[app]\nid = 70000", &[], &[]),
        "`app.id` in FILE: expected an unsigned 16 bit integer, found 64-bit unsigned integer `70000`"
    );
    assert_eq!(
        complaint("", &[], &[("session.life", "2")]),
        "`session.life` in the command line: expected a duration such as `500ms`, `2s` or `2h`, found \"2\""
    );
    assert_eq!(
        complaint("[app]\nextensions = [['jpg']]", &[], &[]),
        "`app.extensions[0]` in FILE: expected a string, found sequence"
    );
}

#[test]
fn a_broken_file_is_refused_without_showing_its_line() {
    let text = complaint("[app]\nid = 2\nauth_secret = \"hunter2", &[], &[]);
    assert!(text.starts_with("FILE is not TOML: line 3: "), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_missing_file_is_refused_by_name() {
    let error = load::<Settings>(DEFAULTS, Some(Path::new("/nowhere/hansard.toml")), [], []).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the configuration file /nowhere/hansard.toml");
}

#[test]
fn a_secret_is_never_shown() {
    let settings = loaded("", &[("HANSARD__APP__AUTH_SECRET", "hunter2")], &[]).unwrap();
    assert_eq!(settings.app.auth_secret.expose(), "hunter2");
    let secret = &settings.app.auth_secret;
    for shown in [format!("{settings:?}"), format!("{secret}"), print(&settings).unwrap()] {
        assert!(shown.contains("***") && !shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_hidden_secret_is_not_taken_for_one() {
    assert_eq!(
        complaint("[app]\nauth_secret = '***'", &[], &[]),
        "`app.auth_secret` in FILE: expected a secret, found the `***` that hides one"
    );
}

#[test]
fn what_is_printed_without_secrets_loads_as_the_same() {
    let printed = print(&loaded("", &[], &[("session.life", "90m")]).unwrap()).unwrap();
    assert!(printed.contains("life = \"1h 30m\""), "{printed}");
    assert_eq!(print(&loaded(&printed, &[], &[]).unwrap()).unwrap(), printed);
}

#[test]
fn only_configuration_is_taken_from_the_environment() {
    assert!(environment().unwrap().iter().all(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX)));
}
