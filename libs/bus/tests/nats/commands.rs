//! Commands and their answers while nothing is wrong with NATS.

use std::sync::Arc;
use std::time::Duration;

use bus::{Decided, Position, Unanswered};
use domain::event::{Event, MessageRef, Record, Stream};
use domain::{ApplicationId, MessageId, Refusal, Sequence, Time};
use engines::{Nats, Profile};
use tokio::task::JoinSet;

use crate::support::{SharedLog, bus, commands, hold, in_time, inbox, next_of, request, start_writer, write};

const PATIENCE: Duration = Duration::from_secs(20);

fn decided() -> Decided {
    let asked = request(1);
    let record = Record {
        id: [9; 16],
        command: asked.id,
        application: ApplicationId::new(1).unwrap(),
        stream: Stream::Dialog(asked.dialog),
        actor: Some(asked.actor),
        at: Time(1_000),
        event: Event::DialogHidden,
    };
    let id = MessageId::from_parts(1, [3; 8]);
    Decided {
        position: Position { epoch: [7; 16], partition: 0, next: 12 },
        records: vec![record].into(),
        message: Some(MessageRef { sequence: Sequence(5), id }),
        denied: vec![id],
        missing: vec![MessageId::from_parts(2, [4; 8])],
    }
}

/// What a writer answers is what arrives, whatever it is.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_arrives_as_it_was_given() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let (bus, mut tasks) = (bus(nats.urls(), 1).await, JoinSet::new());
    let commands = commands(&bus, PATIENCE);
    let (inbox, hold) = (inbox(), hold(&mut tasks).await);
    let busy = Unanswered::Busy { retry_after: Duration::from_millis(1_234) };
    let replies = [
        Ok(Ok(decided())),
        Ok(Err(Refusal::NotPermitted)),
        Ok(Err(Refusal::TooManyOccupants(7))),
        Err(busy),
        Err(Unanswered::Full),
        Err(Unanswered::Unavailable),
    ];
    let writer = async {
        for reply in &replies {
            let mut jobs = inbox.take(1).await;
            let job = jobs.pop().unwrap();
            assert_eq!(job.trace.as_deref(), Some("00-abc-def-01"));
            job.answer(reply.clone());
        }
    };
    let asker = async {
        for (number, reply) in (0..).zip(&replies) {
            let asked = commands.ask_traced(request(number), Some("00-abc-def-01".to_owned()));
            assert_eq!(format!("{:?}", in_time(asked).await), format!("{reply:?}"));
        }
        inbox.close();
    };
    let (served, (), ()) = tokio::join!(bus::nats::serve(&bus, &hold, &inbox), writer, asker);
    served.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_waits_for_a_writer_but_not_for_ever() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let (bus, mut tasks, log) = (bus(nats.urls(), 1).await, JoinSet::new(), SharedLog::default());
    let impatient = commands(&bus, Duration::from_millis(300));
    assert_eq!(in_time(impatient.ask(request(1))).await.unwrap_err(), Unanswered::Unavailable);
    let patient = commands(&bus, PATIENCE);
    let (answer, ()) = tokio::join!(in_time(patient.ask(request(2))), start_writer(&mut tasks, &bus, &log));
    assert_eq!(next_of(answer), 1, "nobody decided the first");
}

/// A writer that goes away with commands in its hands says so; they are asked again.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_dropped_is_asked_again() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let (bus, mut tasks, log) = (bus(nats.urls(), 1).await, JoinSet::new(), SharedLog::default());
    let commands = commands(&bus, PATIENCE);
    let (inbox, hold) = (inbox(), hold(&mut tasks).await);
    let writer = async {
        drop(inbox.take(1).await);
        write(inbox.clone(), Arc::clone(&log)).await;
    };
    let asker = async {
        assert_eq!(next_of(in_time(commands.ask(request(1))).await), 1);
        inbox.close();
    };
    let (served, (), ()) = tokio::join!(bus::nats::serve(&bus, &hold, &inbox), writer, asker);
    served.unwrap();
}

/// Only decisions come from a writer that has lost its lease: what it believes of its
/// queue and its rows is of no interest to anybody.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_hold_the_lease_refuses_nothing() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let (bus, mut tasks, log) = (bus(nats.urls(), 1).await, JoinSet::new(), SharedLog::default());
    let stale = inbox();
    let mut keeper = JoinSet::new();
    let hold = hold(&mut keeper).await;
    let (bus_of_stale, queue) = (bus.clone(), stale.clone());
    let asked = {
        let commands = commands(&bus, PATIENCE);
        async move { commands.ask(request(1)).await }
    };
    tasks.spawn(async move { bus::nats::serve(&bus_of_stale, &hold, &queue).await.unwrap() });
    let outcome = async {
        let mut jobs = stale.take(1).await;
        // Its keeper is dead: it is heard by nobody any more.
        keeper.shutdown().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        jobs.pop().unwrap().answer(Err(Unanswered::Full));
        start_writer(&mut tasks, &bus, &log).await;
    };
    let (answer, ()) = tokio::join!(in_time(asked), outcome);
    assert_eq!(next_of(answer), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_command_disturbs_nobody() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let (bus, mut tasks, log) = (bus(nats.urls(), 1).await, JoinSet::new(), SharedLog::default());
    start_writer(&mut tasks, &bus, &log).await;
    let stranger = async_nats::connect(nats.url()).await.unwrap();
    let subject = format!("test.bus.{}.command.0", "07".repeat(16));
    for bytes in [&b""[..], b"\xff\xff", &[8; 300_000]] {
        in_time(async {
            // Until the writer listens.
            while stranger.request(subject.clone(), bytes.to_vec().into()).await.is_err() {}
        })
        .await;
        stranger.publish(subject.clone(), bytes.to_vec().into()).await.unwrap();
    }
    assert_eq!(next_of(in_time(commands(&bus, PATIENCE).ask(request(1))).await), 1);
}
