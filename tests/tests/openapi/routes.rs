//! Routes that are made without a description, as the source of the gateway has them.

use std::path::{Path, PathBuf};

const MADE: &str = ".route(";

/// File and path of each, tests left out.
pub(crate) fn bare() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services/gateway/src");
    let (mut folders, mut found) = (vec![root.clone()], vec![]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the source is there") {
            let path = entry.expect("the source can be read").path();
            let is_test = path.file_stem().is_some_and(|name| name == "tests" || name == "testing");
            if path.is_dir() && !is_test {
                folders.push(path);
            } else if path.is_file() && !is_test && path.extension().is_some_and(|ending| ending == "rs") {
                found.extend(in_file(&root, &path));
            }
        }
    }
    found
}

fn in_file(root: &Path, path: &PathBuf) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).expect("the source can be read");
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let name = path.strip_prefix(root).expect("it is in there").display().to_string();
    let arguments = product.split(MADE).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
    arguments.map(|path| (name.clone(), path.split('"').next().unwrap_or_default().to_owned())).collect()
}
