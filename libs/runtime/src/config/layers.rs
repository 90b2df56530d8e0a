//! Layers of keys and values, each remembering where it came from.
//!
//! Every layer is flattened to leaves (`app.auth_key`) and held against the leaves of the
//! defaults; what is merged and read afterwards can be wrong only in its type.

use std::collections::BTreeMap;
use std::path::Path;

use ::config::{ConfigError, Value, ValueKind};
use anyhow::{Context as _, anyhow, bail};
use serde::de::DeserializeOwned;

use super::secret_file::{self, FILE_SUFFIX};

pub(super) struct Layers {
    /// By key: every key there is, with the value of the topmost layer that has it.
    leaves: BTreeMap<String, Leaf>,
}

struct Leaf {
    value: toml::Value,
    is_list: bool,
    origin: String,
}

impl Layers {
    pub(super) fn new(defaults: &str) -> anyhow::Result<Self> {
        let mut leaves = BTreeMap::new();
        for (key, value) in flatten(parse(defaults).context("the defaults are not TOML")?) {
            let is_list = value.is_array();
            leaves.insert(key, Leaf { value, is_list, origin: "the defaults".to_owned() });
        }
        Ok(Self { leaves })
    }

    pub(super) fn add_file(&mut self, path: &Path, text: &str) -> anyhow::Result<()> {
        let origin = path.display().to_string();
        for (key, value) in flatten(parse(text).with_context(|| format!("{origin} is not TOML"))?) {
            self.add(&key, value, origin.clone())?;
        }
        Ok(())
    }

    /// Add a value that came as text; if the key holds a list, its items between commas.
    pub(super) fn add_text(&mut self, key: &str, text: &str, origin: String) -> anyhow::Result<()> {
        let value = if self.leaves.get(key).is_some_and(|leaf| leaf.is_list) {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            toml::Value::Array(items.map(toml::Value::from).collect())
        } else {
            toml::Value::from(text)
        };
        self.add(key, value, origin)
    }

    fn add(&mut self, key: &str, value: toml::Value, origin: String) -> anyhow::Result<()> {
        if let Some(leaf) = self.leaves.get_mut(key) {
            leaf.value = value;
            leaf.origin = origin;
            return Ok(());
        }
        let inside = self.names_below(Some(key));
        if !inside.is_empty() {
            // A section's head without a single key says nothing, which is no mistake.
            if value.as_table().is_some_and(toml::Table::is_empty) {
                return Ok(());
            }
            bail!("`{key}` in {origin} is a section and has no value itself; its keys are: {inside}");
        }
        let section = key.rsplit_once('.').map(|(section, _)| section);
        let beside = self.names_below(section);
        match section {
            Some(section) if !beside.is_empty() => {
                bail!("unknown key `{key}` in {origin}; the keys of `{section}` are: {beside}")
            }
            _ => bail!("unknown key `{key}` in {origin}; there is: {}", self.names_below(None)),
        }
    }

    /// What stands in a section, by name; at the top, the sections and the keys of none.
    fn names_below(&self, section: Option<&str>) -> String {
        let mut names: Vec<&str> = Vec::new();
        for key in self.leaves.keys() {
            let inside = match section {
                Some(section) => key.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')),
                None => Some(key.as_str()),
            };
            let name = inside.and_then(|rest| rest.split('.').next());
            // The keys are sorted, so the same names stand together.
            names.extend(name.filter(|name| names.last() != Some(name)));
        }
        names.join(", ")
    }

    /// Fill in what stands in files of its own.
    pub(super) fn open_files(&mut self) -> anyhow::Result<()> {
        let named = |key: &String| {
            let file = self.leaves.get(&format!("{key}{FILE_SUFFIX}"))?;
            let path = file.value.as_str().filter(|path| !path.is_empty())?;
            Some((key.clone(), path.to_owned(), file.origin.clone()))
        };
        let named: Vec<_> = self.leaves.keys().filter_map(named).collect();
        for (key, path, origin) in named {
            let Some(leaf) = self.leaves.get_mut(&key) else { continue };
            if leaf.value.as_str() != Some("") {
                bail!(
                    "`{key}` in {} and `{key}{FILE_SUFFIX}` in {origin} are both set: one of them is enough",
                    leaf.origin
                );
            }
            let text = secret_file::read(Path::new(&path))
                .with_context(|| format!("`{key}{FILE_SUFFIX}` in {origin}"))?;
            leaf.value = toml::Value::from(text);
            leaf.origin = path;
        }
        Ok(())
    }

    pub(super) fn read<T: DeserializeOwned>(self) -> anyhow::Result<T> {
        let mut builder = ::config::Config::builder();
        for (key, leaf) in &self.leaves {
            builder = builder.set_override(key, convert(&leaf.origin, leaf.value.clone()))?;
        }
        builder.build()?.try_deserialize().map_err(|error| self.explain(error))
    }

    fn explain(&self, error: ConfigError) -> anyhow::Error {
        match error {
            ConfigError::Type { key: Some(key), unexpected, expected, .. } => {
                anyhow!("{}: expected {expected}, found {unexpected}", self.place(&key))
            }
            ConfigError::At { key: Some(key), error, .. } => anyhow!("{}: {error}", self.place(&key)),
            other => anyhow!("the configuration cannot be read: {other}"),
        }
    }

    /// A key as reported (`app.list[2]`), and where its value came from.
    fn place(&self, reported: &str) -> String {
        let key = reported.split('[').next().unwrap_or(reported);
        match self.leaves.get(key) {
            Some(leaf) => format!("`{reported}` in {}", leaf.origin),
            None => format!("`{reported}`"),
        }
    }
}

fn parse(text: &str) -> anyhow::Result<toml::Table> {
    // Not the error's own rendering: it shows the line, and the line might hold a secret.
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
        anyhow!("line {line}: {}", error.message())
    })
}

fn flatten(table: toml::Table) -> Vec<(String, toml::Value)> {
    let mut leaves = Vec::new();
    for (name, value) in table {
        match value {
            toml::Value::Table(inner) if !inner.is_empty() => {
                leaves
                    .extend(flatten(inner).into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
            }
            other => leaves.push((name, other)),
        }
    }
    leaves
}

fn convert(origin: &String, value: toml::Value) -> Value {
    let kind = match value {
        toml::Value::String(text) => ValueKind::String(text),
        toml::Value::Integer(number) => ValueKind::I64(number),
        toml::Value::Float(number) => ValueKind::Float(number),
        toml::Value::Boolean(flag) => ValueKind::Boolean(flag),
        toml::Value::Datetime(date) => ValueKind::String(date.to_string()),
        toml::Value::Array(items) => {
            ValueKind::Array(items.into_iter().map(|item| convert(origin, item)).collect())
        }
        toml::Value::Table(table) => {
            ValueKind::Table(table.into_iter().map(|(name, item)| (name, convert(origin, item))).collect())
        }
    };
    Value::new(Some(origin), kind)
}
