//! The files that operators go by say what is so: `compose.yaml` and `Dockerfile` set settings that there are and
//! make a cluster of the same shape as `infra/cluster`; `docs/operations.md` names figures that are recorded.
//!
//! Nothing is run; `infra/containers.sh` asks the linters.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chaos::Layout;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// `HANSARD__SECTION__KEY` for every key of the defaults.
fn settings() -> BTreeSet<String> {
    let defaults: toml::Table =
        text("services/hansard/src/defaults.toml").parse().expect("defaults are TOML");
    let mut names = BTreeSet::new();
    for (section, value) in &defaults {
        match value {
            toml::Value::Table(keys) => names.extend(keys.keys().map(|key| format!("{section}__{key}"))),
            _ => drop(names.insert(section.clone())),
        }
    }
    names.iter().map(|name| format!("HANSARD__{}", name.to_uppercase())).collect()
}

/// The words of a file that begin with `HANSARD__`.
fn set_in(file: &str) -> BTreeSet<String> {
    let text = text(file);
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("HANSARD__")).map(str::to_owned).collect()
}

/// The names under `services:`.
fn services() -> BTreeSet<String> {
    let text = text("compose.yaml");
    let lines = text.lines().skip_while(|line| *line != "services:").skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    names.filter(|name| !name.starts_with([' ', '#'])).map(str::to_owned).collect()
}

/// All but what guards a cluster from its clients: those of the one are a load on this machine,
/// those of the other come through a proxy.
fn within(settings: BTreeSet<String>) -> BTreeSet<String> {
    let guards = ["HANSARD__PROTECTION__", "HANSARD__SERVER__"];
    settings.into_iter().filter(|key| !guards.iter().any(|guard| key.starts_with(guard))).collect()
}

fn layout() -> Layout {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    Layout::of(folder.path(), 8, None).expect("a cluster can be laid out")
}

#[test]
fn containers_set_what_can_be_set() {
    let known = settings();
    assert!(known.contains("HANSARD__LOG__PARTITIONS"), "the defaults are read: {known:?}");
    for file in ["compose.yaml", "Dockerfile"] {
        let unknown = set_in(file).difference(&known).cloned().collect::<Vec<_>>();
        assert!(unknown.is_empty(), "{file} sets {unknown:?}, which are no settings");
    }
}

#[test]
fn both_clusters_are_of_one_shape() {
    let layout = layout();
    let set = layout.settings(&layout.nats_addresses()).into_iter().map(|(key, _)| key).collect();
    assert_eq!(within(set_in("compose.yaml")), within(set), "the same settings");
    let mut members = BTreeSet::from(["postgres", "balancer"].map(str::to_owned));
    members.extend(layout.roles.iter().map(|(name, _)| name.clone()));
    members.extend((1..=layout.nats.len()).map(|number| format!("nats-{number}")));
    let mut services = services();
    assert!(services.remove("init"), "the log's streams are made: {services:?}");
    assert_eq!(services, members, "the same processes");
}

#[test]
fn alerts_are_about_figures_that_are_recorded() {
    let text = text("docs/operations.md");
    let named = text.split('`').skip(1).step_by(2);
    let figures = ["http_", "log_", "projector_", "writer_", "bus_"];
    let named = named.filter(|name| figures.iter().any(|prefix| name.starts_with(prefix)));
    let named = named.collect::<BTreeSet<_>>();
    assert!(named.len() > 10, "the page names figures: {named:?}");
    let mut sources = String::new();
    read_sources(&root().join("libs"), &mut sources);
    read_sources(&root().join("services"), &mut sources);
    let unknown = named.iter().filter(|name| !sources.contains(&format!("\"{name}\""))).collect::<Vec<_>>();
    assert!(unknown.is_empty(), "nothing records {unknown:?}");
}

fn read_sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            read_sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&std::fs::read_to_string(&path).expect("a source can be read"));
        }
    }
}
