//! Reads the workspace as the layering test needs it: crates and their edges, and source
//! files as tokens, so that comments and strings never count. It resolves no names and
//! expands no macros.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde_json::Value;

/// One of our crates, as `cargo metadata` tells of it.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

pub(crate) struct Dependency {
    pub(crate) name: String,
    /// By its path, not from a registry.
    pub(crate) ours: bool,
    /// For tests only.
    pub(crate) dev: bool,
    pub(crate) renamed: bool,
}

/// A source file.
pub(crate) struct Source {
    pub(crate) krate: String,
    /// From the folder of the workspace.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) tokens: Vec<TokenTree>,
}

fn workspace() -> Result<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .context("cargo does not start")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

pub(crate) fn packages() -> Result<Vec<Package>> {
    let workspace = workspace()?;
    let packages = workspace["packages"].as_array().context("cargo metadata names no packages")?;
    packages.iter().map(package).collect()
}

fn package(package: &Value) -> Result<Package> {
    let manifest = package["manifest_path"].as_str().context("a package without a manifest")?;
    let dependencies = package["dependencies"].as_array().context("a package without dependencies")?;
    Ok(Package {
        name: text(&package["name"])?,
        folder: Path::new(manifest).parent().context("a manifest without a folder")?.to_owned(),
        dependencies: dependencies.iter().map(dependency).collect::<Result<_>>()?,
    })
}

fn dependency(dependency: &Value) -> Result<Dependency> {
    Ok(Dependency {
        name: text(&dependency["name"])?,
        ours: dependency["path"].is_string(),
        dev: dependency["kind"] == "dev",
        renamed: !dependency["rename"].is_null(),
    })
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().context("cargo metadata has a name that is no text")?.to_owned())
}

/// Every source file of every crate.
pub(crate) fn sources() -> Result<Vec<Source>> {
    let root = PathBuf::from(text(&workspace()?["workspace_root"])?);
    let mut sources = vec![];
    let packages = packages()?;
    for package in &packages {
        let mut paths = vec![];
        collect(&package.folder, &mut paths)?;
        // A file belongs to the innermost crate around it.
        let inner = packages.iter().map(|other| &other.folder);
        let inner: Vec<_> =
            inner.filter(|&other| *other != package.folder && other.starts_with(&package.folder)).collect();
        for path in paths.into_iter().filter(|path| !inner.iter().any(|inner| path.starts_with(inner))) {
            let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let tokens = parse(&text).with_context(|| path.display().to_string())?;
            let path = path.strip_prefix(&root)?.to_owned();
            sources.push(Source { krate: package.name.clone(), path, text, tokens });
        }
    }
    ensure!(!sources.is_empty(), "no sources found");
    Ok(sources)
}

/// The sources without what is compiled for tests only.
pub(crate) fn product_sources() -> Result<Vec<Source>> {
    let mut sources = sources()?;
    let mut for_tests = BTreeSet::new();
    for source in &mut sources {
        let (tokens, modules) = product(&source.tokens);
        source.tokens = tokens;
        let folder = folder_of_modules(&source.path);
        for module in modules {
            for_tests.insert(folder.join(&module));
            for_tests.insert(folder.join(module + ".rs"));
        }
    }
    sources.retain(|source| {
        let in_src = source.path.components().any(|part| part.as_os_str() == "src");
        in_src && !source.path.ancestors().any(|path| for_tests.contains(path))
    });
    Ok(sources)
}

/// Where the modules lie that a file declares.
fn folder_of_modules(path: &Path) -> PathBuf {
    let is_root = ["lib.rs", "main.rs", "mod.rs"].iter().any(|root| path.ends_with(root));
    if is_root { path.with_file_name("") } else { path.with_extension("") }
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                collect(&path, into)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
    Ok(())
}

fn parse(text: &str) -> Result<Vec<TokenTree>> {
    let stream: TokenStream = text.parse().map_err(|error| anyhow::anyhow!("not Rust: {error}"))?;
    Ok(stream.into_iter().collect())
}

/// The tokens without the items that are for tests only, and the names of those among
/// them that are modules in files of their own.
fn product(tokens: &[TokenTree]) -> (Vec<TokenTree>, Vec<String>) {
    let (mut kept, mut modules) = (vec![], vec![]);
    let mut rest = tokens;
    while let [first, others @ ..] = rest {
        if is_punct(first, '#') && others.first().is_some_and(is_cfg_test) {
            let end = others.iter().position(ends_item).map_or(others.len(), |end| end + 1);
            let item = &others[..end];
            if let [.., module, name, last] = item
                && ident(module).as_deref() == Some("mod")
                && is_punct(last, ';')
            {
                modules.extend(ident(name));
            }
            rest = &others[end..];
        } else {
            kept.push(first.clone());
            rest = others;
        }
    }
    (kept, modules)
}

fn is_cfg_test(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    let attribute = group.stream().to_string();
    attribute.starts_with("cfg") && attribute.contains("test") && !attribute.contains("not")
}

fn ends_item(token: &TokenTree) -> bool {
    is_punct(token, ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

/// Hands over the tokens of a file, and those within each pair of brackets.
pub(crate) fn for_each_level(tokens: &[TokenTree], see: &mut dyn FnMut(&[TokenTree])) {
    see(tokens);
    for token in tokens {
        if let TokenTree::Group(group) = token {
            for_each_level(&group.stream().into_iter().collect::<Vec<_>>(), see);
        }
    }
}

/// What stands directly under `root` in the paths of one level: `root::this`, each first
/// name of `root::{…}`, `*`; and `as`, where `root` gets another name.
pub(crate) fn names_after(level: &[TokenTree], root: &str) -> Vec<String> {
    let mut names = vec![];
    for (at, _) in level.iter().enumerate().filter(|(_, token)| ident(token).as_deref() == Some(root)) {
        match &level[at + 1..] {
            [TokenTree::Ident(next), ..] if *next == "as" => names.push("as".to_owned()),
            [one, two, name, ..] if is_punct(one, ':') && is_punct(two, ':') => match name {
                TokenTree::Group(group) => {
                    let list: Vec<TokenTree> = group.stream().into_iter().collect();
                    let entries = list.split(|token| is_punct(token, ','));
                    names.extend(entries.filter_map(|entry| entry.first()).map(ToString::to_string));
                }
                name => names.push(name.to_string()),
            },
            _ => {}
        }
    }
    names
}

/// The first item of a lib.rs that is neither a module nor a use. A module may stand in
/// the file only around generated code.
pub(crate) fn beyond_a_list(tokens: &[TokenTree]) -> Option<String> {
    let mut rest = tokens;
    while let [first, others @ ..] = rest {
        rest = match (first, ident(first).as_deref()) {
            (TokenTree::Group(group), _)
                if matches!(group.delimiter(), Delimiter::Bracket | Delimiter::Parenthesis) =>
            {
                others
            }
            (_, Some("pub")) => others,
            (token, None) if is_punct(token, '#') || is_punct(token, '!') => others,
            (_, Some("use")) => after(others, |token| is_punct(token, ';')),
            (_, Some("mod")) => match others {
                [_, TokenTree::Group(body), after @ ..] if is_an_include(body.stream()) => after,
                [_, end, after @ ..] if is_punct(end, ';') => after,
                _ => return Some(format!("{first} {}", others.first()?)),
            },
            _ => return Some(first.to_string()),
        };
    }
    None
}

fn is_an_include(body: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = body.into_iter().collect();
    let [name, mark, _, end] = tokens.as_slice() else { return false };
    ident(name).as_deref() == Some("include") && is_punct(mark, '!') && is_punct(end, ';')
}

fn after(tokens: &[TokenTree], end: impl Fn(&TokenTree) -> bool) -> &[TokenTree] {
    let next = tokens.iter().position(end).map_or(tokens.len(), |at| at + 1);
    &tokens[next..]
}

pub(crate) fn idents(level: &[TokenTree]) -> impl Iterator<Item = String> {
    level.iter().filter_map(ident)
}

pub(crate) fn ident(token: &TokenTree) -> Option<String> {
    if let TokenTree::Ident(ident) = token { Some(ident.to_string()) } else { None }
}

pub(crate) fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

#[test]
fn the_readers_of_source_see_what_they_should() -> Result<()> {
    let found = |text: &str| -> Result<Vec<String>> {
        let mut names = vec![];
        for_each_level(&product(&parse(text)?).0, &mut |level| names.extend(names_after(level, "eventlog")));
        Ok(names)
    };
    assert_eq!(found("use eventlog::{Batch, frame::Frame, Writer as W};")?, ["Batch", "frame", "Writer"]);
    assert_eq!(found("fn f() { select! { x = eventlog::Writer::open() => {} } }")?, ["Writer"]);
    assert_eq!(found("use eventlog::*; use eventlog as log;")?, ["*", "as"]);
    assert_eq!(found("// eventlog::Writer\nconst A: &str = \"eventlog::Writer\";")?, Vec::<String>::new());
    assert_eq!(found("#[cfg(test)] mod tests { use eventlog::Writer; }")?, Vec::<String>::new());
    assert_eq!(product(&parse("#[cfg(test)]\n#[path = \"x.rs\"] mod tests; struct A;")?).1, ["tests"]);
    assert_eq!(beyond_a_list(&parse("//! x\nmod a; #[cfg(x)] pub mod b; pub(crate) use a::{B, c};")?), None);
    assert_eq!(beyond_a_list(&parse("mod p { include!(\"p.rs\"); }")?), None);
    assert!(beyond_a_list(&parse("mod a; fn b() {}")?).is_some());
    assert!(beyond_a_list(&parse("mod p { fn a() {} }")?).is_some());
    Ok(())
}
