//! The machine that a figure depends on: its cores, its kernel, its disk, and what a process of it uses.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;

use crate::table::{Table, count, median};

const FSYNC_ROUNDS: usize = 400;
const FSYNC_BYTES: usize = 4_096;

/// Write cores, kernel, memory, load and the disk's fsync in `folder` into `table`. Gives the fsync's microseconds.
///
/// # Errors
///
/// The disk refuses to be written.
pub(crate) fn describe(table: &mut Table, folder: &Path) -> anyhow::Result<f64> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    table.fact("cores", format!("{cores}, {}", line_of("/proc/cpuinfo", "model name")));
    table.fact("memory", line_of("/proc/meminfo", "MemTotal"));
    table.fact("kernel", fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim());
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    table.fact("load average at the start", load.split(' ').take(3).collect::<Vec<_>>().join(" "));
    let fsync = fsync_micros(folder)?;
    table.fact("fdatasync of 4 KiB, median", format!("{} µs", count(fsync)));
    Ok(fsync)
}

/// The median time of appending [`FSYNC_BYTES`] and forcing them to the disk.
fn fsync_micros(folder: &Path) -> anyhow::Result<f64> {
    let path = folder.join("fsync");
    let mut file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let block = [7; FSYNC_BYTES];
    let mut taken = Vec::with_capacity(FSYNC_ROUNDS);
    for _ in 0..FSYNC_ROUNDS {
        let start = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        taken.push(start.elapsed().as_secs_f64() * 1e6);
    }
    fs::remove_file(&path)?;
    Ok(median(taken))
}

/// Resident memory of a process: what it is now and what it was at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// MiB now.
    pub(crate) now: f64,
    /// MiB at most since its start.
    pub(crate) peak: f64,
}

/// The resident memory of process `pid`; 0 where the system does not tell.
pub(crate) fn memory(pid: u32) -> Memory {
    let status = format!("/proc/{pid}/status");
    let mib = |name| {
        let line = line_of(&status, name);
        line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0
    };
    Memory { now: mib("VmRSS"), peak: mib("VmHWM") }
}

/// What stands behind the colon in the first line that begins with `name`.
fn line_of(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map_or(String::new(), |(_, value)| value.trim().to_owned())
}

/// The bytes of all files in `folder` whose names begin with `prefix`.
pub(crate) fn bytes_of(folder: &Path, prefix: &str) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

/// Copy the files of `from` into the new folder `to`; there are no folders in it. They are on the disk then, so that
/// nothing measured later waits for them.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir(to).with_context(|| format!("cannot make {}", to.display()))?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))
            .with_context(|| format!("cannot copy {}", entry.path().display()))?;
    }
    settle(to)
}

/// Force all files of `folder` to the disk.
pub(crate) fn settle(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        File::open(entry?.path())?.sync_all()?;
    }
    Ok(())
}
