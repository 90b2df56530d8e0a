//! The memory backend keeps the contract.

#![expect(clippy::unwrap_used, reason = "these are tests: a panic is how they fail")]

use std::sync::Arc;

use eventlog::{
    BoxFuture, Log, Spec,
    conformance::{self, Damage, Subject},
    memory::MemoryLog,
};

struct Memory(Arc<MemoryLog>);

impl Subject for Memory {
    fn log(&self) -> Arc<dyn Log> {
        Arc::clone(&self.0) as _
    }

    fn damage(&self, damage: Damage) -> BoxFuture<'_, bool> {
        match damage {
            Damage::Flip(partition, offset) => self.0.flip(partition, offset),
            Damage::Truncate(partition, offset) => self.0.truncate(partition, offset),
            Damage::Trim(partition, offset) => self.0.trim(partition, offset),
        }
        Box::pin(std::future::ready(true))
    }

    fn set_full(&self, full: bool) -> BoxFuture<'_, bool> {
        self.0.set_full(full);
        Box::pin(std::future::ready(true))
    }
}

fn make(spec: &Spec) -> BoxFuture<'static, Box<dyn Subject>> {
    let subject = Memory(Arc::new(MemoryLog::create(spec).unwrap()));
    Box::pin(std::future::ready(Box::new(subject) as Box<dyn Subject>))
}

#[tokio::test(start_paused = true)]
async fn order() {
    conformance::order(&make).await;
}

#[tokio::test(start_paused = true)]
async fn fencing() {
    conformance::fencing(&make).await;
}

#[tokio::test(start_paused = true)]
async fn unknown_outcomes() {
    conformance::unknown_outcomes(&make).await;
}

#[tokio::test(start_paused = true)]
async fn damage() {
    conformance::damage(&make).await;
}

#[tokio::test(start_paused = true)]
async fn limits() {
    conformance::limits(&make).await;
}
