//! How much a user has not read.

use super::{Bits, Chunk, Marks, View, bit_of, chunk_of, first_of, last_of};

/// The bits of one chunk, as far as they were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// What is removed for everybody.
    pub removed: Bits,
    /// The user's own bits.
    pub own: Chunk,
}

/// How many living messages the user has neither read nor hidden, of those after `from`
/// and after what `view` lets him see. His own count as read: the fold marks them so.
///
/// `load` is asked for the bits of a chunk only where the counts do not answer: a chunk
/// that is counted in part, or one where a message was removed after the last mark. It is
/// told which of the two rows is needed; the other may be left empty.
pub fn unread<E>(
    view: &View<'_>,
    from: u64,
    load: &mut impl FnMut(u32, Want) -> Result<Loaded, E>,
) -> Result<u64, E> {
    let Marks { read, .. } = view.marks;
    let low = view.floor.max(from);
    let mut total = 0;
    // Below the run and above it; below there is nothing unless history came into sight.
    let parts = if read.is_empty() {
        [(low, view.head), (0, 0)]
    } else {
        [(low, read.base.min(view.head)), (low.max(read.to), view.head)]
    };
    for (after, to) in parts {
        if after >= to {
            continue;
        }
        for chunk in chunk_of(after + 1)..=chunk_of(to) {
            let (first, last) = (first_of(chunk).max(after + 1), last_of(chunk).min(to));
            total += (last - first + 1) - u64::from(not_unread(view, chunk, (first, last), load)?);
        }
    }
    Ok(total)
}

/// How many of `first..=last` of that chunk are removed, read or hidden.
fn not_unread<E>(
    view: &View<'_>,
    chunk: u32,
    (first, last): (u64, u64),
    load: &mut impl FnMut(u32, Want) -> Result<Loaded, E>,
) -> Result<u32, E> {
    let removed = view.removals.of(chunk);
    let entry = view.marks.sparse.get(chunk).filter(|entry| entry.seen > 0);
    // Nothing lies above the head, so only the ends of a part cut a chunk.
    let whole = first == first_of(chunk) && (last == last_of(chunk) || last == view.head);
    match entry {
        None if whole || removed == 0 => Ok(removed),
        Some(entry) if whole && entry.removed == removed => Ok(removed + entry.seen),
        None | Some(_) => {
            let bits = load(chunk, Want { removed: removed > 0, own: entry.is_some() })?;
            let own = if entry.is_some() { bits.own.read.or(&bits.own.hidden) } else { Bits::EMPTY };
            Ok(own.or(&bits.removed).count_within(bit_of(first), bit_of(last)))
        }
    }
}

/// Which rows of a chunk are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// The dialog's removed messages.
    pub removed: bool,
    /// The user's own bits.
    pub own: bool,
}
