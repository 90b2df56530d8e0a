//! What a writer knows beyond the read model's rows.
//!
//! Facts are the rows, loaded by key, overlaid by what this writer has appended or read
//! since. Rows and overlay together are a fold of the whole log, exactly, for any history
//! and any eviction (invariant 5), because of two rules: a fact changed by an event stays
//! until the rows have that event, and rows older than rows seen before are refused.

use std::collections::HashMap;

use domain::facts::{Fact, Facts, Key};

/// The rows went back: somebody restored an older read model. Everything has to be read
/// again from there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the read model went back from offset {seen} to {now}")]
pub(crate) struct WentBack {
    /// The checkpoint seen before.
    pub(crate) seen: u64,
    /// The checkpoint now.
    pub(crate) now: u64,
}

#[derive(Debug)]
struct Held {
    /// `None`: it is known that there is no such fact.
    fact: Option<Fact>,
    /// The offset after the event that changed it last; 0 for what came from the rows.
    changed: u64,
}

/// Facts by key: loaded, changed, and forgotten once the rows have them.
#[derive(Debug)]
pub(crate) struct Overlay {
    held: HashMap<Key, Held>,
    checkpoint: u64,
    facts_max: usize,
}

impl Overlay {
    /// Nothing known. Above `facts_max` facts, those that the rows have are forgotten.
    pub(crate) fn new(facts_max: usize) -> Self {
        Self { held: HashMap::new(), checkpoint: 0, facts_max }
    }

    /// Those of `keys` that have to be loaded, each once.
    pub(crate) fn missing(&self, keys: impl IntoIterator<Item = Key>) -> Vec<Key> {
        let mut missing: Vec<_> = keys.into_iter().filter(|key| !self.held.contains_key(key)).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Take in the rows of `keys` as they are at `checkpoint`.
    pub(crate) fn load(
        &mut self,
        keys: Vec<Key>,
        mut rows: HashMap<Key, Fact>,
        checkpoint: u64,
    ) -> Result<(), WentBack> {
        self.advance(checkpoint)?;
        for key in keys {
            let fact = rows.remove(&key);
            self.held.entry(key).or_insert(Held { fact, changed: 0 });
        }
        Ok(())
    }

    /// The rows were seen at `checkpoint`.
    fn advance(&mut self, checkpoint: u64) -> Result<(), WentBack> {
        if checkpoint < self.checkpoint {
            return Err(WentBack { seen: self.checkpoint, now: checkpoint });
        }
        self.checkpoint = checkpoint;
        Ok(())
    }

    /// Somebody says that the rows have everything before `checkpoint`. He may be late: the
    /// rows themselves may have shown more by then.
    pub(crate) fn has_reached(&mut self, checkpoint: u64) {
        self.checkpoint = self.checkpoint.max(checkpoint);
    }

    /// Take in what events before the offset `next` made of facts.
    pub(crate) fn change(&mut self, facts: impl IntoIterator<Item = (Key, Fact)>, next: u64) {
        for (key, fact) in facts {
            self.held.insert(key, Held { fact: Some(fact), changed: next });
        }
    }

    /// Forget what the rows have, if there is too much.
    pub(crate) fn evict(&mut self) {
        if self.held.len() > self.facts_max {
            let checkpoint = self.checkpoint;
            self.held.retain(|_, held| held.changed > checkpoint);
        }
    }

    /// How many facts are held.
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }
}

impl Facts for Overlay {
    fn get(&self, key: &Key) -> Option<&Fact> {
        self.held.get(key).and_then(|held| held.fact.as_ref())
    }
}

/// An overlay and what the commands of one frame, not yet in the log, make of it.
#[derive(Debug)]
pub(crate) struct Staged<'a> {
    overlay: &'a Overlay,
    changed: HashMap<Key, Fact>,
}

impl<'a> Staged<'a> {
    /// Nothing changed yet.
    pub(crate) fn new(overlay: &'a Overlay) -> Self {
        Self { overlay, changed: HashMap::new() }
    }

    /// Take in what an event makes of facts.
    pub(crate) fn change(&mut self, facts: Vec<(Key, Fact)>) {
        self.changed.extend(facts);
    }

    /// What changed, once it is in the log.
    pub(crate) fn into_changed(self) -> HashMap<Key, Fact> {
        self.changed
    }
}

impl Facts for Staged<'_> {
    fn get(&self, key: &Key) -> Option<&Fact> {
        self.changed.get(key).or_else(|| self.overlay.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::command::{Change, Command, Create, Post, React, Request, Rules};
    use domain::content::{DialogContent, MessageContent, Text};
    use domain::event::{Event, MessageRef};
    use domain::facts::{evolve, keys_of};
    use domain::{CommandId, DialogId, Kind, MessageId, Sequence, Time, UserId};
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Ask(Ask),
        Fold { share: u8 },
        Evict,
    }

    #[derive(Debug, Clone)]
    struct Ask {
        dialog: u8,
        actor: u64,
        what: u8,
        other: u64,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let ask = (0..3u8, 1..5u64, 0..20u8, 1..5u64)
            .prop_map(|(dialog, actor, what, other)| Step::Ask(Ask { dialog, actor, what, other }));
        let step = prop_oneof![8 => ask, 2 => (0..=4u8).prop_map(|share| Step::Fold { share }), 1 => Just(Step::Evict)];
        proptest::collection::vec(step, 1..80)
    }

    /// What is asked for in a dialog whose messages are those of `facts`.
    fn request(facts: &HashMap<Key, Fact>, ask: &Ask) -> Request {
        let Ask { dialog, actor, what, other } = *ask;
        let user = |n| UserId::new(n).unwrap();
        let id = MessageId::from_parts(0, [dialog, what, u8::try_from(other).unwrap(), 0, 0, 0, 0, 0]);
        let stream = DialogId::from_parts(7, [dialog; 8]);
        let there = facts.message(Key::Message(stream, Sequence(other))).map(|message| message.id);
        let message = MessageRef { sequence: Sequence(other), id: there.unwrap_or(id) };
        let kind = Some(Text::stored(["a", "b"][usize::try_from(other % 2).unwrap()].to_owned()));
        let command = match what {
            0 => Command::Create(Create {
                kind: [Kind::Broadcast, Kind::Group, Kind::Public][usize::from(dialog)],
                occupants: vec![user(other)],
                admins: vec![],
                permissions: None,
                content: DialogContent::default(),
            }),
            1 => Command::Change(Change { add: vec![user(other)], ..Change::default() }),
            2 => Command::Change(Change { remove: vec![user(other)], ..Change::default() }),
            3 => Command::DeleteForSelf,
            4 if other == 4 => Command::DeleteForAll,
            4 if other == 3 => Command::ClearForAll,
            5 => Command::RemoveMessages(vec![message]),
            6 => Command::Change(Change { add_admins: vec![user(other)], ..Change::default() }),
            7 => Command::Change(Change { remove_admins: vec![user(other)], ..Change::default() }),
            8 => Command::Change(Change { pin: vec![message], ..Change::default() }),
            9 => Command::Change(Change { unpin: vec![message], ..Change::default() }),
            10 => Command::Block(user(other)),
            11 => Command::Unblock(user(other)),
            12 => Command::Subscribe,
            13 => Command::SetNotifications(other < 3),
            14 => Command::React(React { message, add: kind, remove: None }),
            15 => Command::React(React { message, add: None, remove: kind }),
            _ => Command::Post(Post {
                id,
                id_is_clients: true,
                opens: None,
                content: MessageContent::default(),
                send_to_chat: false,
                markable: false,
                silent: false,
            }),
        };
        Request { id: CommandId([0; 16]), dialog: stream, actor: user(actor), command }
    }

    /// A log, the fold of all of it, and the fold of a part of it: the rows.
    #[derive(Default)]
    struct World {
        log: Vec<(DialogId, Option<UserId>, Event)>,
        whole: HashMap<Key, Fact>,
        rows: HashMap<Key, Fact>,
        checkpoint: usize,
    }

    impl World {
        fn append(&mut self, dialog: DialogId, actor: UserId, event: Event) {
            let changed = evolve(&self.whole, dialog, Some(actor), &event);
            self.whole.extend(changed);
            self.log.push((dialog, Some(actor), event));
        }

        fn fold(&mut self, to: usize) {
            for (dialog, actor, event) in &self.log[self.checkpoint..to] {
                let changed = evolve(&self.rows, *dialog, *actor, event);
                self.rows.extend(changed);
            }
            self.checkpoint = to;
        }

        fn load(&self, keys: &[Key]) -> HashMap<Key, Fact> {
            keys.iter().filter_map(|key| Some((*key, self.rows.get(key)?.clone()))).collect()
        }
    }

    proptest! {
        /// Invariant 5: rows + overlay = a fold of the whole log, for any history,
        /// checkpoint and eviction.
        #[test]
        fn rows_and_overlay_are_a_fold_of_the_whole_log(steps in steps()) {
            let mut world = World::default();
            let mut overlay = Overlay::new(4);
            for step in steps {
                match step {
                    Step::Fold { share } => {
                        let behind = world.log.len() - world.checkpoint;
                        world.fold(world.checkpoint + behind * usize::from(share) / 4);
                    }
                    Step::Evict => {
                        overlay.has_reached(world.checkpoint as u64);
                        overlay.evict();
                    }
                    Step::Ask(ask) => {
                        let request = request(&world.whole, &ask);
                        let missing = overlay.missing(request.keys());
                        let rows = world.load(&missing);
                        overlay.load(missing, rows, world.checkpoint as u64).unwrap();
                        for key in request.keys() {
                            prop_assert_eq!(overlay.get(&key), world.whole.get(&key), "{:?}", key);
                        }
                        let decision = domain::decide(&request, &overlay, &Rules::default(), Time(0));
                        let events = decision.map(|decision| decision.events).unwrap_or_default();
                        for event in events {
                            let changed = evolve(&overlay, request.dialog, Some(request.actor), &event);
                            world.append(request.dialog, request.actor, event);
                            overlay.change(changed, world.log.len() as u64);
                        }
                    }
                }
            }
        }

        /// Taking over: the tail of the log over the rows is a fold of the whole log.
        #[test]
        fn a_takeover_reads_the_tail_over_the_rows(steps in steps(), at in 0..100usize) {
            let mut world = World::default();
            for step in steps {
                let Step::Ask(ask) = step else { continue };
                let request = request(&world.whole, &ask);
                let decision = domain::decide(&request, &world.whole, &Rules::default(), Time(0));
                for event in decision.map(|decision| decision.events).unwrap_or_default() {
                    world.append(request.dialog, request.actor, event);
                }
            }
            world.fold(at.min(world.log.len()));
            let mut overlay = Overlay::new(1000);
            let tail = world.log[world.checkpoint..].to_vec();
            let mut touched = vec![];
            for (n, (dialog, actor, event)) in tail.iter().enumerate() {
                let keys = keys_of(*dialog, *actor, event);
                let missing = overlay.missing(keys.iter().copied());
                let rows = world.load(&missing);
                overlay.load(missing, rows, world.checkpoint as u64).unwrap();
                let changed = evolve(&overlay, *dialog, *actor, event);
                overlay.change(changed, (world.checkpoint + n + 1) as u64);
                touched.extend(keys);
            }
            for key in touched {
                prop_assert_eq!(overlay.get(&key), world.whole.get(&key), "{:?}", key);
            }
        }
    }

    #[test]
    fn rows_that_went_back_are_refused() {
        let mut overlay = Overlay::new(10);
        overlay.load(vec![], HashMap::new(), 5).unwrap();
        assert_eq!(overlay.load(vec![], HashMap::new(), 4), Err(WentBack { seen: 5, now: 4 }));
    }
}
