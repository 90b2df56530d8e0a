//! Progress between processes.

use std::time::Duration;

use bus::nats::{Bus, follow, tell};
use bus::{Position, Progress, Reached, Stopped, Visibility};
use engines::{Nats, Profile};
use tokio::task::{AbortHandle, JoinSet};

use crate::support::{bus, in_time, settings, until};

const PATIENCE: Duration = Duration::from_secs(30);

fn at(next: u64) -> Position {
    Position { epoch: [7; 16], partition: 1, next }
}

/// Two processes: one tells, the other follows.
async fn pair(tasks: &mut JoinSet<()>, nats: &Nats) -> (Progress, Progress, AbortHandle) {
    let (told, followed) = (Progress::new(2), Progress::new(2));
    let (here, there) = (bus(nats.urls(), 2).await, bus(nats.urls(), 2).await);
    let (telling, following) = (told.clone(), followed.clone());
    let teller = tasks.spawn(async move { tell(&here, &telling).await });
    tasks.spawn(async move { follow(&there, &following).await });
    (told, followed, teller)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_reports_the_other_sees() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let mut tasks = JoinSet::new();
    let (told, followed, teller) = pair(&mut tasks, &nats).await;
    told.report(1, Reached { next: 5, folding: true });
    assert_eq!(in_time(followed.wait(at(5), PATIENCE)).await, Visibility::Visible);
    assert_eq!(followed.reached(1), Reached { next: 5, folding: true });
    assert_eq!(followed.reached(0), Reached { next: 0, folding: false }, "of that nobody speaks");
    let stopped = Stopped { offset: 5, event_id: Some([3; 16]), reason: "unknown event type".to_owned() };
    told.stop_at(1, stopped.clone());
    until(|| followed.stopped(1) == Some(stopped.clone())).await;
    assert!(!followed.reached(1).folding);
    told.report(1, Reached { next: 9, folding: true });
    until(|| followed.reached(1) == Reached { next: 9, folding: true }).await;
    teller.abort();
    until(|| followed.reached(1) == Reached { next: 9, folding: false }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_goes_on_when_nats_is_back() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let mut tasks = JoinSet::new();
    let (told, followed, _) = pair(&mut tasks, &nats).await;
    told.report(1, Reached { next: 5, folding: true });
    in_time(followed.wait(at(5), PATIENCE)).await;
    nats.kill(0);
    until(|| !followed.reached(1).folding).await;
    told.report(1, Reached { next: 6, folding: true });
    nats.restart(0);
    assert_eq!(in_time(followed.wait(at(6), PATIENCE)).await, Visibility::Visible);
    until(|| followed.reached(1).folding).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_logs_processes_are_not_heard() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let mut tasks = JoinSet::new();
    let (told, followed, _) = pair(&mut tasks, &nats).await;
    let connection = bus::nats::Connection::open(&settings(nats.urls())).await.unwrap();
    let (other, others) = (Bus::new(connection, [8; 16], 2), Progress::new(2));
    others.report(1, Reached { next: 1_000, folding: true });
    tasks.spawn(async move { tell(&other, &others).await });
    told.report(1, Reached { next: 5, folding: true });
    in_time(followed.wait(at(5), PATIENCE)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(followed.reached(1).next, 5);
}
