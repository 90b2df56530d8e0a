//! A look at the write-ahead log before SQLite sees it.
//!
//! SQLite takes the first frame with a wrong checksum for the end that a crash has torn, and forgets what lies behind
//! it: one flipped byte would silently undo every commit after it. Torn can only be the last commit, since each was
//! synced before the next began. So two or more commits behind a wrong checksum are damage.

use std::{
    fs::File,
    io::{self, BufReader, ErrorKind, Read},
    path::Path,
};

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
const MAGIC_LITTLE_ENDIAN: u32 = 0x377F_0682;
const MAGIC_BIG_ENDIAN: u32 = 0x377F_0683;
const READ_BYTES: usize = 256 * 1024;

/// The running checksum of a write-ahead log, as SQLite's file format defines it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Checksum {
    big_endian: bool,
    sums: (u32, u32),
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        let number = if self.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        let (mut first, mut second) = self.sums;
        for pair in bytes.chunks_exact(8) {
            first = first.wrapping_add(number([pair[0], pair[1], pair[2], pair[3]])).wrapping_add(second);
            second = second.wrapping_add(number([pair[4], pair[5], pair[6], pair[7]])).wrapping_add(first);
        }
        self.sums = (first, second);
    }

    fn is(&self, stored: &[u8]) -> bool {
        stored[..4] == self.sums.0.to_be_bytes() && stored[4..8] == self.sums.1.to_be_bytes()
    }
}

/// The byte at which the write-ahead log is damaged (not merely torn by a crash), if it is.
pub(super) fn damage(wal: &Path) -> io::Result<Option<u64>> {
    let file = match File::open(wal) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut file = BufReader::with_capacity(READ_BYTES, file);
    let mut header = [0; HEADER_BYTES];
    if !fills(&mut file, &mut header)? {
        return Ok(None);
    }
    let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (magic, page) = (word(0), word(8) as usize);
    let mut sum = Checksum { big_endian: magic == MAGIC_BIG_ENDIAN, sums: (0, 0) };
    sum.add(&header[..24]);
    let is_sound = [MAGIC_LITTLE_ENDIAN, MAGIC_BIG_ENDIAN].contains(&magic) && sum.is(&header[24..]);
    if !is_sound || !(512..=65_536).contains(&page) {
        // The header is synced before the first frame follows it, and written within one sector.
        let mut more = [0; 1];
        return Ok(fills(&mut file, &mut more)?.then_some(0));
    }
    frames(&mut file, sum, &header[16..24], page)
}

/// Walk the frames: up to the first wrong one by checksum, behind it by the salts that mark this generation.
fn frames(file: &mut impl Read, mut sum: Checksum, salts: &[u8], page: usize) -> io::Result<Option<u64>> {
    let mut frame = vec![0; FRAME_HEADER_BYTES + page];
    let mut at = HEADER_BYTES as u64;
    let mut wrong = None;
    let mut commits_behind = 0;
    while fills(file, &mut frame)? {
        let (head, content) = frame.split_at(FRAME_HEADER_BYTES);
        let is_ours = head[8..16] == *salts;
        if wrong.is_none() {
            sum.add(&head[..8]);
            sum.add(content);
            if !is_ours || !sum.is(&head[16..]) {
                wrong = Some(at);
            }
        }
        if wrong.is_some() && is_ours && head[4..8] != [0; 4] {
            commits_behind += 1;
        }
        at += frame.len() as u64;
    }
    Ok(wrong.filter(|_| commits_behind >= 2))
}

/// Whether there was enough to fill the buffer.
fn fills(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
