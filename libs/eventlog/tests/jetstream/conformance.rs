//! The conformance suite on one server.

use std::sync::Arc;

use engines::{Nats, Profile};
use eventlog::{
    BoxFuture, JetStreamSettings, Spec,
    conformance::{self, Subject},
};

use crate::world::{self, Streams};

/// Makes logs on these servers.
pub(crate) fn makes(nats: &Arc<Nats>) -> impl Fn(&Spec) -> BoxFuture<'static, Box<dyn Subject>> + Sync {
    let nats = Arc::clone(nats);
    move |spec: &Spec| make(world::settings(&nats), spec.clone())
}

fn make(settings: JetStreamSettings, spec: Spec) -> BoxFuture<'static, Box<dyn Subject>> {
    Box::pin(async move { Box::new(Streams::create(settings, &spec).await) as Box<dyn Subject> })
}

async fn one() -> Arc<Nats> {
    Arc::new(Nats::start(1, Profile::Durable).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order() {
    conformance::order(&makes(&one().await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fencing() {
    conformance::fencing(&makes(&one().await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_outcomes() {
    conformance::unknown_outcomes(&makes(&one().await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage() {
    conformance::damage(&makes(&one().await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits() {
    conformance::limits(&makes(&one().await)).await;
}
