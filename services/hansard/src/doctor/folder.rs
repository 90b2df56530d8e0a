//! The data folder: is it there, ours, writable, with room, and who has it?

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use runtime::DataFolder;
use runtime::data_folder::{Holder, holder};
use rustix::fs::{Access, access, statvfs};

use super::finding::Findings;
use crate::administration;
use crate::stores::IDENTITY_FILE;

pub(super) const PART: &str = "data folder";

/// Bytes free below which it is time to act, and below which writes may be refused any moment.
const FREE_LITTLE: u64 = 1024 * 1024 * 1024;
const FREE_NONE: u64 = 64 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;

/// What there is to say, and whether there is a folder to look into.
pub(super) fn look(path: &Path) -> (Findings, bool) {
    let mut findings = Findings::of(PART);
    if let Err(error) = DataFolder::find(path) {
        findings.fail_with(&error.into());
        return (findings, false);
    }
    findings.ok(format!("{} is a data folder of this version", path.display()));
    owner(path, &mut findings);
    rights(path, &mut findings);
    space(path, &mut findings);
    held(path, &mut findings);
    (findings, true)
}

/// Files of others in it, as after a command that was run as root.
fn owner(path: &Path, findings: &mut Findings) {
    let Ok(folder) = path.metadata() else { return };
    let names = [IDENTITY_FILE, "log.db", "application.toml", "hansard.lock"].map(str::to_owned);
    let foreign = names
        .into_iter()
        .filter(|name| path.join(name).metadata().is_ok_and(|file| file.uid() != folder.uid()));
    let foreign: Vec<_> = foreign.collect();
    if !foreign.is_empty() {
        findings.fail(
            format!(
                "{} in it belongs to another user than the folder (user {}): a server of that user cannot write it",
                foreign.join(", "),
                folder.uid()
            ),
            format!("chown -R {}:{} {}", folder.uid(), folder.gid(), path.display()),
        );
    }
    let me = rustix::process::geteuid().as_raw();
    if me != 0 && me != folder.uid() {
        findings.warn(
            format!("it belongs to user {}, and this command runs as user {me}: it does not see all that the server sees", folder.uid()),
            "run this command as the user of the server",
        );
    }
}

fn rights(path: &Path, findings: &mut Findings) {
    if let Err(error) = access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        findings.fail(
            format!("it cannot be written: {error}"),
            "give the server's user the folder (chown), and mount its disk for writing",
        );
    }
    let Ok(folder) = path.metadata() else { return };
    if folder.mode() & 0o077 != 0 {
        findings.warn(
            format!("others on this machine can look into it (its mode is {:o})", folder.mode() & 0o777),
            format!("chmod 700 {}", path.display()),
        );
    }
}

fn space(path: &Path, findings: &mut Findings) {
    let free = match statvfs(path) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            return findings
                .warn(format!("how much room its disk has cannot be seen: {error}"), "check the disk");
        }
    };
    let said = format!("its disk has {} MiB of room", free / MIB);
    let todo = "make room: what is written is refused (507, 503) when there is none, and nothing is lost";
    match free {
        0..FREE_NONE => findings.fail(said, todo),
        FREE_NONE..FREE_LITTLE => findings.warn(said, todo),
        _ => findings.ok(said),
    }
}

fn held(path: &Path, findings: &mut Findings) {
    let listens = administration::is_listening(path);
    match (holder(path), listens) {
        (Holder::Process(number), true) => {
            let number = number.map_or_else(String::new, |number| format!(" (process {number})"));
            findings.ok(format!("a server has it{number} and takes the operator's commands"));
        }
        (Holder::Unknown, true) => findings.ok("a server has it and takes the operator's commands"),
        (Holder::Process(number), false) => {
            let number = number.map_or_else(|| "a process".to_owned(), |number| format!("process {number}"));
            findings.warn(
                format!("{number} has it and takes no commands: a server that is starting or ending, or another command"),
                "wait a moment and look again; if it stays so, look at that process",
            );
        }
        (Holder::Nobody, _) => findings.ok("no process has it"),
        (Holder::Unknown, false) => {
            findings.ok("no server listens in it; this system does not tell who has it")
        }
    }
}
