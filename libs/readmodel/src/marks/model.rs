//! The arithmetic against sets of sequences, over random histories across chunk borders.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use domain::Sequence;
use domain::event::{Mark, Range};
use proptest::prelude::*;

use super::*;

/// What happens to one user's view of a dialog. Places are fractions of the head, so that
/// they always name something.
#[derive(Debug, Clone)]
enum Step {
    Post(u64),
    PostOwn,
    Mark(Mark, f64, u64),
    MarkNext(Mark, u64),
    MarkAll(Mark),
    Hide(f64),
    Remove(Vec<f64>),
    Clear,
    ClearForAll,
    Rejoin,
}

fn step() -> impl Strategy<Value = Step> {
    let mark = || prop_oneof![Just(Mark::Read), Just(Mark::Delivered)];
    prop_oneof![
        4 => (1..3_000_u64).prop_map(Step::Post),
        4 => (1..4_u64).prop_map(Step::Post),
        2 => Just(Step::PostOwn),
        6 => (mark(), 0.0..1.0, 1..4_u64).prop_map(|(mark, at, len)| Step::Mark(mark, at, len)),
        2 => (mark(), 0.0..1.0, 1..5_000_u64).prop_map(|(mark, at, len)| Step::Mark(mark, at, len)),
        4 => (mark(), 1..3_000_u64).prop_map(|(mark, len)| Step::MarkNext(mark, len)),
        1 => mark().prop_map(Step::MarkAll),
        4 => (0.0..1.0).prop_map(Step::Hide),
        3 => prop::collection::vec(0.0..1.0, 1..5).prop_map(Step::Remove),
        1 => Just(Step::Clear),
        1 => Just(Step::ClearForAll),
        1 => Just(Step::Rejoin),
    ]
}

/// Sets of sequences.
#[derive(Default)]
struct Model {
    read: BTreeSet<u64>,
    delivered: BTreeSet<u64>,
    hidden: BTreeSet<u64>,
    removed: BTreeSet<u64>,
}

/// The rows as a store keeps them: dead ones stay.
#[derive(Default)]
struct Store {
    marks: Marks,
    chunks: BTreeMap<u32, Chunk>,
    removed: BTreeMap<u32, Bits>,
    removals: Removals,
    from: u64,
    bounds: Bounds,
}

impl Store {
    /// Loads what the step names, changes it and writes back what is said to have changed.
    fn change<T>(
        &mut self,
        named: impl IntoIterator<Item = u32>,
        change: impl FnOnce(&mut Marks, Bounds, &mut Rows<'_>) -> T,
    ) -> T
    where
        T: Clone + IntoIterator<Item = u32>,
    {
        let mut chunks: BTreeMap<_, _> =
            named.into_iter().filter_map(|chunk| Some((chunk, self.chunks.get(&chunk)?.clone()))).collect();
        let mut rows = Rows { chunks: &mut chunks, removed: &self.removed };
        let changed = change(&mut self.marks, self.bounds, &mut rows);
        for chunk in changed.clone() {
            self.chunks.insert(chunk, chunks[&chunk].clone());
        }
        changed
    }

    fn mark(&mut self, mark: Mark, first: u64, last: u64) {
        let range = Range { first: Sequence(first), last: Sequence(last) };
        let named = Marks::chunks_of(range);
        let changed = self.change(named.clone(), |marks, bounds, rows| marks.mark(mark, range, bounds, rows));
        assert!(changed.iter().all(|chunk| named.contains(chunk)), "only what it names");
    }

    fn mark_all(&mut self, mark: Mark) {
        let range = Range { first: Sequence(self.bounds.floor + 1), last: Sequence(self.bounds.head) };
        let changed = self.change([], |marks, bounds, rows| marks.mark(mark, range, bounds, rows));
        assert_eq!(changed, Vec::<u32>::new(), "marking all writes the standing alone");
    }

    fn view(&self) -> View<'_> {
        let Bounds { floor, head, .. } = self.bounds;
        View { floor, to: head, head, removals: &self.removals, marks: &self.marks }
    }

    fn load(&self, chunk: u32, want: Want) -> Result<Loaded, Infallible> {
        let removed = self.removed.get(&chunk).filter(|_| want.removed).cloned().unwrap_or_default();
        let own = self.chunks.get(&chunk).filter(|_| want.own).cloned().unwrap_or_default();
        Ok(Loaded { removed, own })
    }
}

fn place(head: u64, at: f64) -> u64 {
    ((head as f64 * at) as u64 + 1).min(head)
}

fn apply(step: &Step, model: &mut Model, store: &mut Store) {
    let head = store.bounds.head;
    match step {
        Step::Post(count) => store.bounds.head += count,
        Step::PostOwn => {
            store.bounds.head += 1;
            mark(Mark::Read, head + 1, head + 1, model, store);
        }
        _ if head == 0 => {}
        Step::Mark(which, at, len) => {
            let first = place(head, *at);
            mark(*which, first, (first + len - 1).min(head), model, store);
        }
        Step::MarkNext(which, len) => {
            let first = store.marks.read.to.max(store.bounds.floor) + 1;
            if first <= head {
                mark(*which, first, (first + len - 1).min(head), model, store);
            }
        }
        Step::MarkAll(which) => {
            model.read.extend(
                (*which == Mark::Read).then_some(store.bounds.floor + 1..=head).into_iter().flatten(),
            );
            model.delivered.extend(store.bounds.floor + 1..=head);
            store.mark_all(*which);
        }
        Step::Hide(at) => {
            let sequence = place(head, *at);
            model.hidden.insert(sequence);
            store.change([chunk_of(sequence)], |marks, _, rows| marks.hide(sequence, rows));
        }
        Step::Remove(at) => {
            for sequence in at.iter().map(|at| place(head, *at)) {
                model.removed.insert(sequence);
                let bits = store.removed.entry(chunk_of(sequence)).or_default();
                bits.insert(bit_of(sequence));
                store.removals.set(chunk_of(sequence), bits.count());
            }
        }
        Step::Clear => (store.bounds.floor, store.from) = (head, head),
        Step::ClearForAll => {
            (store.bounds.floor, store.bounds.cleared_to, store.from) = (head, head, head);
        }
        Step::Rejoin => {
            let removed = std::mem::take(&mut model.removed);
            *model = Model { removed, ..Model::default() };
            store.marks = Marks::joining_at(head);
            (store.bounds.floor, store.from) = (store.bounds.cleared_to, head);
        }
    }
}

fn mark(mark: Mark, first: u64, last: u64, model: &mut Model, store: &mut Store) {
    if mark == Mark::Read {
        model.read.extend(first..=last);
    }
    model.delivered.extend(first..=last);
    store.mark(mark, first, last);
}

/// A page: what share of what is there to skip, how many to show, and between which shares of
/// the history.
type Asked = (f64, usize, (f64, f64));

fn check(model: &Model, store: &Store, (skip, limit, within): Asked) -> Result<(), TestCaseError> {
    let Bounds { floor, head, cleared_to } = store.bounds;
    let gone = |s: &u64| model.removed.contains(s) || model.hidden.contains(s);
    let unseen = |s: &u64| !gone(s) && !model.read.contains(s);
    let view = store.view();

    let mut loads = 0;
    let counted = unread(&view, store.from, &mut |chunk, want| {
        loads += 1;
        store.load(chunk, want)
    });
    prop_assert_eq!(counted, Ok((floor.max(store.from) + 1..=head).filter(unseen).count() as u64));
    let entries = store.marks.sparse.entries();
    let stale = entries.iter().filter(|entry| entry.removed != store.removals.of(entry.chunk)).count();
    prop_assert!(loads <= stale + 1, "{} loads for {} stale chunks", loads, stale);

    let mut load = |chunk, want| store.load(chunk, want);
    let visible: Vec<u64> = (floor + 1..=head).filter(|s| !gone(s)).collect();
    prop_assert_eq!(view.count(&mut load), Ok(visible.len() as u64));
    prop_assert_eq!(view.newest(&mut load), Ok(visible.last().copied()));

    let (first, last) = (place(head, within.0), place(head, within.1));
    let view = view.within(first, last);
    let visible: Vec<u64> = visible.into_iter().filter(|s| (first..=last).contains(s)).collect();
    prop_assert_eq!(view.count(&mut load), Ok(visible.len() as u64), "{} to {}", first, last);
    prop_assert_eq!(view.sees(last, &mut load), Ok(visible.contains(&last)));
    prop_assert_eq!(view.sees(last + 1, &mut load), Ok(false));
    let skip = (visible.len() as f64 * skip) as usize;
    let expected: Vec<u64> = visible.iter().copied().skip(skip).take(limit).collect();
    prop_assert_eq!(view.page(Order::OldestFirst, skip as u64, limit, &mut load), Ok(expected));
    let expected: Vec<u64> = visible.iter().rev().copied().skip(skip).take(limit).collect();
    prop_assert_eq!(view.page(Order::NewestFirst, skip as u64, limit, &mut load), Ok(expected));

    for sequence in cleared_to + 1..=head {
        let row = store.chunks.get(&chunk_of(sequence));
        let read = store.marks.has(Mark::Read, sequence, row);
        prop_assert_eq!(read, model.read.contains(&sequence), "read {}", sequence);
        let delivered = store.marks.has(Mark::Delivered, sequence, row);
        prop_assert_eq!(delivered, model.delivered.contains(&sequence), "delivered {}", sequence);
    }
    prop_assert_eq!(Sparse::decode(&store.marks.sparse.encode()), Ok(store.marks.sparse.clone()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn counts_and_bits_are_sets(
        steps in prop::collection::vec(step(), 1..40),
        page in (0.0..1.1, 1..60_usize, (0.0..1.0, 0.0..1.0)),
    ) {
        let (mut model, mut store) = (Model::default(), Store::default());
        for (index, step) in steps.iter().enumerate() {
            apply(step, &mut model, &mut store);
            if index % 4 == 3 {
                check(&model, &store, page)?;
            }
        }
        check(&model, &store, page)?;
    }
}

#[test]
fn reading_everything_leaves_nothing_behind() {
    let mut store = Store { bounds: Bounds { head: 20_000, ..Bounds::default() }, ..Store::default() };
    for sequence in (2..20_000).step_by(777) {
        store.mark(Mark::Read, sequence, sequence);
    }
    assert!(store.marks.sparse.entries().len() > 1);
    store.mark_all(Mark::Read);
    assert_eq!(store.marks, Marks { read: Run { base: 0, to: 20_000 }, ..store.marks.clone() });
    assert!(store.marks.sparse.is_empty());
}

#[test]
fn what_was_read_before_clearing_stays_read() {
    let mut store = Store { bounds: Bounds { head: 20, ..Bounds::default() }, ..Store::default() };
    store.mark(Mark::Read, 1, 10);
    (store.bounds.floor, store.from, store.bounds.head) = (20, 20, 5_000);
    store.mark_all(Mark::Read);
    let read = |sequence| store.marks.has(Mark::Read, sequence, None);
    assert_eq!([1, 10, 11, 20, 21, 5_000].map(read), [true, true, false, false, true, true]);
}
