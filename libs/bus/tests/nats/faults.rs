//! Commands when NATS, or the way to it, goes away in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bus::Unanswered;
use bus::leases::{Ground, Kind, Member, Settings, join};
use bus::nats::{Connection, Error};
use engines::{Nats, Profile, Proxy};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::{
    SharedLog, bus, commands, hold, in_time, inbox, next_of, request, settings, start_writer, until, write,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// The command is decided, and its answer never arrives: it is asked again under the same
/// id and gets the same answer, and it happened once.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_is_given_again() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let proxy = Proxy::to(nats.address(0)).await;
    let writers = bus(nats.urls(), 1).await;
    let askers = bus(vec![format!("nats://{}", proxy.address())], 1).await;
    let (mut tasks, log) = (JoinSet::new(), SharedLog::default());
    let (inbox, hold) = (inbox(), hold(&mut tasks).await);
    let commands = commands(&askers, PATIENCE);
    let writer = async {
        let mut jobs = inbox.take(1).await;
        let job = jobs.pop().unwrap();
        proxy.cut();
        let answer = log.lock().unwrap().decide(&job.request);
        job.answer(Ok(answer));
        // Until the asker's connection counts as dead, and with it what was on its way.
        until(|| !askers.connection().is_connected()).await;
        proxy.mend();
        write(inbox.clone(), Arc::clone(&log)).await;
    };
    let asker = async {
        let answer = in_time(commands.ask(request(1))).await;
        // NATS may have been away for long enough to be given up; a client would ask again.
        let answer = match answer {
            Err(Unanswered::Unavailable) => {
                in_time(askers.connection().connected()).await;
                in_time(commands.ask(request(1))).await
            }
            other => other,
        };
        assert_eq!(next_of(answer), 1);
        inbox.close();
    };
    let (served, (), ()) = tokio::join!(bus::nats::serve(&writers, &hold, &inbox), writer, asker);
    served.unwrap();
    let log = log.lock().unwrap();
    assert_eq!(log.decided(), 1);
    assert!(log.arrived > 1, "it was asked again");
}

/// While NATS is known to be gone commands are refused at once; when it is back they pass.
#[tokio::test(flavor = "multi_thread")]
async fn without_nats_nobody_waits() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let (bus, mut tasks, log) = (bus(nats.urls(), 1).await, JoinSet::new(), SharedLog::default());
    start_writer(&mut tasks, &bus, &log).await;
    // Whoever waited for that long would hang.
    let commands = commands(&bus, Duration::from_secs(600));
    assert_eq!(next_of(in_time(commands.ask(request(1))).await), 1);
    nats.kill(0);
    until(|| bus.connection().is_gone()).await;
    assert_eq!(in_time(commands.ask(request(2))).await.unwrap_err(), Unanswered::Unavailable);
    nats.restart(0);
    in_time(bus.connection().connected()).await;
    assert!(next_of(in_time(commands.ask(request(3))).await) > 1);
}

/// A command under way when NATS goes is given up as unknown, once NATS counts as gone.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_when_nats_goes_is_told_soon() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let (bus, mut tasks) = (bus(nats.urls(), 1).await, JoinSet::new());
    let (inbox, hold) = (inbox(), hold(&mut tasks).await);
    let commands = commands(&bus, Duration::from_secs(600));
    let killer = async {
        let jobs = inbox.take(1).await;
        nats.kill(0);
        jobs
    };
    tokio::select! {
        served = bus::nats::serve(&bus, &hold, &inbox) => panic!("{served:?}"),
        (answer, _) = async { tokio::join!(in_time(commands.ask(request(1))), killer) } => {
            assert_eq!(answer.unwrap_err(), Unanswered::Unavailable);
        }
    }
}

/// A writer that is to leave while NATS is away does leave.
#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_without_nats_does_not_hang() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let (bus, mut tasks, log) = (bus(nats.urls(), 1).await, JoinSet::new(), SharedLog::default());
    let (inbox, hold) = (inbox(), hold(&mut tasks).await);
    let commands = commands(&bus, PATIENCE);
    tasks.spawn(write(inbox.clone(), Arc::clone(&log)));
    let leaving = async {
        assert_eq!(next_of(in_time(commands.ask(request(1))).await), 1);
        nats.kill(0);
        until(|| bus.connection().is_gone()).await;
        inbox.close();
    };
    let both = async { tokio::join!(bus::nats::serve(&bus, &hold, &inbox), leaving) };
    let (served, ()) = in_time(Box::pin(both)).await;
    served.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_named() {
    let mut settings = settings(vec!["nats://127.0.0.1:1".to_owned()]);
    settings.connect_within = Duration::from_millis(400);
    let error = in_time(Connection::open(&settings)).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    settings.namespace = "a.b".to_owned();
    let error = in_time(Connection::open(&settings)).await.unwrap_err();
    assert!(matches!(error, Error::Settings(_)), "{error:?}");
}

/// More requests than may wait for a writer that is busy elsewhere: some are dropped, and
/// in the end all are answered, each once.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_consumer_loses_nothing_in_the_end() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let (writers, askers) = (bus(nats.urls(), 1).await, bus(nats.urls(), 1).await);
    let (mut tasks, log) = (JoinSet::new(), SharedLog::default());
    let (inbox, hold) = (inbox(), hold(&mut tasks).await);
    let mut serving = Box::pin(bus::nats::serve(&writers, &hold, &inbox));
    // Until it listens; then it does not run.
    let _ = tokio::time::timeout(Duration::from_secs(1), &mut serving).await;
    let mut asked = JoinSet::new();
    for number in 0..6_000 {
        let commands = commands(&askers, PATIENCE);
        asked.spawn(async move { commands.ask(request(number)).await.unwrap().unwrap() });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    tasks.spawn(write(inbox.clone(), Arc::clone(&log)));
    tokio::select! {
        served = serving => panic!("{served:?}"),
        answers = in_time(asked.join_all()) => assert_eq!(answers.len(), 6_000),
    }
    assert_eq!(log.lock().unwrap().decided(), 6_000);
}

/// A writer's process, as it shares in the partitions: serve while held, then hand over.
async fn process(bus: bus::nats::Bus, number: u8, log: SharedLog, mut stop: watch::Receiver<bool>) {
    let member = Member { id: [number; 16], name: format!("writer-{number}") };
    let (mut leases, keeper) = join(Ground::nats(bus.clone(), 1), Kind::Writer, member, Settings::default());
    let owner = async {
        while let Some(hold) = leases.next().await {
            let inbox = inbox();
            let writing = write(inbox.clone(), Arc::clone(&log));
            let serving = async {
                bus::nats::serve(&bus, &hold, &inbox).await.unwrap();
                inbox.close();
            };
            tokio::join!(writing, serving);
            hold.release().await;
        }
    };
    let stopped = async { drop(stop.wait_for(|stop| *stop).await) };
    let (kept, ()) = tokio::join!(keeper.run(stopped), owner);
    kept.unwrap();
}

/// Writers come and go in order, and not one command is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_handover_refuses_nobody() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let (mut tasks, log) = (JoinSet::new(), SharedLog::default());
    let askers = bus(nats.urls(), 1).await;
    let numbers = Arc::new(AtomicU64::new(0));
    let (stop_asking, asking) = watch::channel(false);
    let mut asked = JoinSet::new();
    for _ in 0..8 {
        let (commands, numbers, stop) = (commands(&askers, PATIENCE), Arc::clone(&numbers), asking.clone());
        asked.spawn(async move {
            while !*stop.borrow() {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                commands.ask(request(number)).await.unwrap().unwrap();
            }
        });
    }
    let mut before: Option<watch::Sender<bool>> = None;
    for number in 1..5 {
        let (stop, stopped) = watch::channel(false);
        tasks.spawn(process(bus(nats.urls(), 1).await, number, Arc::clone(&log), stopped));
        tokio::time::sleep(Duration::from_millis(400)).await;
        if let Some(before) = before.replace(stop) {
            before.send_replace(true);
        }
        let decided = log.lock().unwrap().decided();
        until(|| log.lock().unwrap().decided() > decided + 100).await;
    }
    stop_asking.send_replace(true);
    in_time(asked.join_all()).await;
    assert_eq!(log.lock().unwrap().decided() as u64, numbers.load(Ordering::Relaxed));
}
