//! The contract as tests, for every backend: [`order`], [`fencing`], [`unknown_outcomes`], [`damage`] and [`limits`].
//!
//! A backend's tests make a [`Subject`] and call each of the five. They panic with what was broken. What belongs to
//! one backend only (its locks, its crashes) is tested beside it.

#![expect(clippy::unwrap_used, reason = "these are tests: a panic is how they fail")]

mod damage;
mod fencing;
mod limits;
mod order;
mod unknown;

use std::sync::Arc;

use bytes::Bytes;

pub use self::{damage::damage, fencing::fencing, limits::limits, order::order, unknown::unknown_outcomes};
use crate::{
    ids::{Epoch, Offset, Partition, Position},
    log::{BoxFuture, Log, Spec},
    reader::Reader,
    writer::Writer,
};

/// A log under test.
pub trait Subject: Send + Sync {
    /// The log itself.
    fn log(&self) -> Arc<dyn Log>;

    /// Damage what is stored; `false` if that cannot be done to this backend, and the test is then left out.
    fn damage(&self, damage: Damage) -> BoxFuture<'_, bool>;

    /// Take away (or give back) the space to append; `false` if that cannot be done.
    fn set_full(&self, full: bool) -> BoxFuture<'_, bool>;
}

/// What happens to a stored partition.
#[derive(Clone, Copy, Debug)]
pub enum Damage {
    /// One bit of the frame that contains the offset is flipped.
    Flip(Partition, Offset),
    /// Every frame that ends after the offset is gone, as if an older copy had been restored.
    Truncate(Partition, Offset),
    /// Every frame that ends at or before the offset is gone, as retention would have it.
    Trim(Partition, Offset),
}

/// Makes an empty log to test.
pub type Make<'a> = &'a (dyn Fn(&Spec) -> BoxFuture<'static, Box<dyn Subject>> + Sync);

const P0: Partition = Partition(0);

/// A log of so many partitions.
fn spec(partitions: u32) -> Spec {
    let opened = (0..partitions).map(|partition| event(format!("opened {partition}"))).collect();
    Spec { epoch: Epoch(*b"conformance-test"), time_ms: 1_000, opened }
}

fn event(text: impl Into<String>) -> Bytes {
    Bytes::from(text.into())
}

fn events(texts: &[&str]) -> Vec<Bytes> {
    texts.iter().map(|text| event(*text)).collect()
}

async fn writer(log: &Arc<dyn Log>, partition: Partition, name: &str) -> Writer {
    Writer::open(Arc::clone(log), partition, 1_000, event(format!("started {name}"))).await.unwrap()
}

fn at(log: &Arc<dyn Log>, partition: Partition, offset: u64) -> Position {
    Position { epoch: log.epoch(), partition, offset: Offset(offset) }
}

async fn reader(log: &Arc<dyn Log>, partition: Partition, offset: u64) -> Reader {
    Reader::open(Arc::clone(log), at(log, partition, offset), None).await.unwrap()
}

/// Every event of a partition as text, checked for density on the way.
async fn everything(log: &Arc<dyn Log>, partition: Partition) -> Vec<String> {
    let mut reader = reader(log, partition, 0).await;
    let mut texts = Vec::new();
    while let Some(frame) = reader.try_next().await.unwrap() {
        assert_eq!(frame.first(), Offset(texts.len() as u64));
        texts.extend(frame.events().iter().map(|event| String::from_utf8(event.to_vec()).unwrap()));
    }
    texts
}
