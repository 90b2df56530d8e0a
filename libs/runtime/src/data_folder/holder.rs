//! Who holds a data folder, told without touching its lock: to try it would take it from a server that is
//! just starting.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::LOCK;

/// Where Linux lists who holds which lock.
const LOCKS: &str = "/proc/locks";

/// Who holds a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// No process.
    Nobody,
    /// A process; its number, if the system tells it here.
    Process(Option<u32>),
    /// This system does not tell.
    Unknown,
}

/// Who holds the folder at `path` now.
pub fn holder(path: &Path) -> Holder {
    let inode = match fs::metadata(path.join(LOCK)) {
        Ok(lock) => lock.ino(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Holder::Nobody,
        Err(_) => return Holder::Unknown,
    };
    match fs::read_to_string(LOCKS) {
        Ok(locks) => among(&locks, inode),
        Err(_) => Holder::Unknown,
    }
}

/// Lines such as `1: FLOCK  ADVISORY  WRITE 4711 fe:00:10011250 0 EOF`: the kind, the process, the file's
/// device and inode. Only the inode counts, as some file systems have devices of their own for each file.
fn among(locks: &str, inode: u64) -> Holder {
    for line in locks.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, process, file, ..] = words.as_slice() else { continue };
        if file.rsplit(':').next().and_then(|inode| inode.parse::<u64>().ok()) == Some(inode) {
            // Processes of another container have no number here.
            return Holder::Process(process.parse().ok().filter(|process| *process > 0));
        }
    }
    Holder::Nobody
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataFolder;

    #[test]
    fn a_lock_is_found_by_its_file() {
        let locks = "1: POSIX  ADVISORY  READ 12 fe:00:77 128 128\n\
                     2: FLOCK  ADVISORY  WRITE 4711 fe:00:77 0 EOF\n\
                     3: -> FLOCK  ADVISORY  WRITE 4712 fe:00:88 0 EOF\n\
                     4: FLOCK  ADVISORY  WRITE -1 00:2a:99 0 EOF\n";
        assert_eq!(among(locks, 77), Holder::Process(Some(4711)));
        assert_eq!(among(locks, 88), Holder::Nobody, "who waits for it does not hold it");
        assert_eq!(among(locks, 99), Holder::Process(None));
        assert_eq!(among("", 77), Holder::Nobody);
    }

    #[test]
    fn a_folder_is_held_as_long_as_it_is_open() {
        let temporary = tempfile::tempdir().unwrap();
        assert_eq!(holder(temporary.path()), Holder::Nobody);
        let folder = DataFolder::open(temporary.path()).unwrap();
        let held = holder(temporary.path());
        assert!(held != Holder::Nobody, "{held:?}");
        drop(folder);
        assert_ne!(holder(temporary.path()), Holder::Process(Some(std::process::id())));
    }
}
