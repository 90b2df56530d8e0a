//! What both stores promise, on each of them: files, and schemas of a real server.

mod checkpoints;
mod differing;
mod ground;
mod histories;
mod sweeping;
mod views;

use domain::Kind;
use domain::event::{Mark, Record};
use eventlog::Partition;

use crate::Applied;
use crate::testing::{Feeder, Step, Wish, World};

fn records(world: &mut World, steps: &[Step]) -> Vec<Record> {
    world.history(steps).into_iter().flatten().collect()
}

/// All `records` as one batch.
fn whole(partitions: u32, records: Vec<Record>) -> Vec<Applied> {
    Feeder::new(partitions).batch(records)
}

fn step(actor: u8, wish: Wish) -> Step {
    Step { actor, dialog: 0, pause_ms: 1, erased: false, wish }
}

/// A group of everybody and some messages in it.
fn history(messages: u16) -> Vec<Record> {
    let create = Wish::Create { kind: Kind::Group, users: 0x3f, admins: 0 };
    records(&mut World::default(), &[step(0, create), step(0, Wish::Burst(messages))])
}

/// A history with something in every table: of a group, and of a public dialog with one message.
fn rich() -> Vec<Record> {
    let react = Wish::React { message: 2, add: Some(0), remove: None };
    let group = [
        (0, Wish::Create { kind: Kind::Group, users: 0x3f, admins: 2 }),
        (0, Wish::Burst(12)),
        (1, Wish::MarkNamed(Mark::Read, vec![4, 8])),
        (2, Wish::Hide(vec![6])),
        (0, Wish::Remove(vec![10])),
        (3, react),
    ];
    let public = [
        (0, Wish::Create { kind: Kind::Public, users: 0x03, admins: 0 }),
        (0, Wish::Post { name: None, forged: false }),
        (1, Wish::MarkListed(Mark::Viewed, vec![(0, 0)])),
    ];
    let group = group.map(|(actor, wish)| step(actor, wish));
    let public = public.map(|(actor, wish)| Step { dialog: 1, ..step(actor, wish) });
    records(&mut World::default(), &[group.as_slice(), &public].concat())
}

const FIRST: Partition = Partition(0);
