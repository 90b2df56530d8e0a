//! The load: a closed loop of connections against one server, in a process of its own.
//!
//! It is the ruler, so it must be faster than anything it measures: one thread, requests ready as bytes, one write and
//! one read a request.

mod paced;
mod plan;
mod poster;
mod tally;

use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::task::JoinSet;

use crate::http::{Answer, Connection, request};
use crate::output;
use paced::Pace;
pub(crate) use plan::{Call, Latency, Plan, Report, Seat, TEXT_CHARACTERS, Work};
use poster::Poster;
use tally::{Tally, Window};

/// The largest plan that is read.
const PLAN_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How much of a refused answer's body is shown.
const REFUSAL_BYTES: usize = 200;
/// How long answers may still come after the counted time.
const GRACE: Duration = Duration::from_secs(30);

/// Read a [`Plan`] from standard input, drive it, write a [`Report`] to standard output.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut text = String::new();
    std::io::stdin().take(PLAN_BYTES_MAX).read_to_string(&mut text).context("cannot read the plan")?;
    let plan: Plan = serde_json::from_str(&text).context("the plan is not one")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(drive(plan))?;
    output::line(&serde_json::to_string(&report)?)
}

/// Drive `plan` and say what came of it.
///
/// # Errors
///
/// The plan has nothing to ask, or no connection can be opened. What goes wrong later is counted.
pub(crate) async fn drive(plan: Plan) -> anyhow::Result<Report> {
    ensure!(plan.connections > 0, "a load needs a connection");
    let mut connections = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        connections.push(Connection::open(plan.address).await?);
    }
    let from = Instant::now() + Duration::from_millis(plan.warm_up_ms);
    let window = Window { from, to: from + Duration::from_millis(plan.measure_ms) };
    let tally = Arc::new(Mutex::new(Tally::new(window)?));
    let mut tasks = JoinSet::new();
    let once = matches!(plan.work, Work::Each { .. });
    match plan.work {
        Work::Post { seats, check_every, verify } => {
            ensure!(!seats.is_empty(), "nobody is to post");
            for (number, mut connection) in connections.into_iter().enumerate() {
                let poster =
                    Poster::new(&own(&seats, number, plan.connections), number, check_every, verify)?;
                let tally = Arc::clone(&tally);
                tasks.spawn(async move {
                    let end = poster.run(&mut connection, window, &tally).await;
                    broken(end, &tally);
                });
            }
        }
        Work::Paced { calls, per_second } => {
            ensure!(!calls.is_empty() && per_second > 0.0, "nothing is to be asked");
            let requests: Arc<[Vec<u8>]> = calls.iter().map(bytes).collect();
            let pace = Arc::new(Pace::new(per_second));
            for connection in connections {
                let (requests, pace, tally) = (Arc::clone(&requests), Arc::clone(&pace), Arc::clone(&tally));
                tasks.spawn(async move {
                    let end = pace.ask(connection, &requests, window, &tally).await;
                    broken(end, &tally);
                });
            }
        }
        Work::Again { calls } | Work::Each { calls } => {
            ensure!(!calls.is_empty(), "nothing is to be asked");
            let requests: Arc<[Vec<u8>]> = calls.iter().map(bytes).collect();
            let shared = Arc::new(AtomicUsize::new(0));
            for (number, connection) in connections.into_iter().enumerate() {
                let turns = match once {
                    true => Turns::Shared(Arc::clone(&shared)),
                    false => Turns::Own(number * requests.len() / plan.connections),
                };
                let (requests, tally) = (Arc::clone(&requests), Arc::clone(&tally));
                tasks.spawn(async move {
                    let end = ask(connection, &requests, turns, window, &tally).await;
                    broken(end, &tally);
                });
            }
        }
    }
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout_at((window.to + GRACE).into(), all).await.is_err() {
        lock(&tally).failed(|| format!("no answer within {GRACE:?} after the end"));
    }
    Ok(lock(&tally).report(once))
}

/// The seats of connection `number` of `connections`; where there are fewer seats, several share one.
fn own(seats: &[Seat], number: usize, connections: usize) -> Vec<&Seat> {
    let own: Vec<&Seat> = seats.iter().skip(number).step_by(connections).collect();
    if own.is_empty() { vec![&seats[number % seats.len()]] } else { own }
}

/// Which request is next.
#[derive(Debug)]
enum Turns {
    /// Round and round, from here.
    Own(usize),
    /// The next that no connection has taken, until there is none.
    Shared(Arc<AtomicUsize>),
}

impl Turns {
    fn next(&mut self, count: usize) -> Option<usize> {
        match self {
            Self::Own(place) => {
                let turn = *place % count;
                *place = turn + 1;
                Some(turn)
            }
            // Ordering: the number itself is all that is shared.
            Self::Shared(next) => Some(next.fetch_add(1, Ordering::Relaxed)).filter(|turn| *turn < count),
        }
    }
}

async fn ask(
    mut connection: Connection,
    requests: &[Vec<u8>],
    mut turns: Turns,
    window: Window,
    tally: &Mutex<Tally>,
) -> anyhow::Result<()> {
    let mut asked = Instant::now();
    while asked < window.to {
        let Some(turn) = turns.next(requests.len()) else { break };
        let answer = connection.call(&requests[turn]).await?;
        if (200..300).contains(&answer.status) {
            asked = lock(tally).answered(asked, answer.body.len());
        } else {
            lock(tally).failed(|| refusal(&answer));
            asked = Instant::now();
        }
    }
    Ok(())
}

fn bytes(call: &Call) -> Vec<u8> {
    request(&call.method, &call.path, &call.token, &call.body)
}

fn broken(end: anyhow::Result<()>, tally: &Mutex<Tally>) {
    if let Err(error) = end {
        lock(tally).failed(|| format!("{error:#}"));
    }
}

fn refusal(answer: &Answer<'_>) -> String {
    let shown = &answer.body[..answer.body.len().min(REFUSAL_BYTES)];
    format!("status {}: {}", answer.status, String::from_utf8_lossy(shown))
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
