//! How long a command takes to its writer and back, over a real NATS server and in process.
//!
//! `cargo run --release --package bus --example round_trip`. The writer decides at once and
//! writes nothing: what is measured is the bus alone. It proves nothing; it is for comparing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bus::leases::{Ground, Kind, Member, Settings as LeaseSettings, join};
use bus::nats::{Bus, Connection, Credentials, Settings};
use bus::{Capacity, Commands, Decided, Inbox, Position};
use domain::command::{Command, Decision, Request};
use domain::{CommandId, DialogId, UserId};
use engines::{Nats, Profile};
use tokio::task::JoinSet;

const COMMANDS: u64 = 20_000;

fn request(number: u64) -> Request {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Request {
        id: CommandId(id),
        dialog: DialogId::from_parts(1, number.to_be_bytes()),
        actor: UserId::new(number + 1).unwrap_or_else(|| unreachable!("a small number")),
        command: Command::DeleteForSelf,
    }
}

async fn write(inbox: Inbox) {
    loop {
        let jobs = inbox.take(512).await;
        if jobs.is_empty() {
            return;
        }
        for job in jobs {
            let position = Position { epoch: [7; 16], partition: 0, next: 1 };
            job.answer(Ok(Ok(Decided::new(Decision::default(), vec![], position))));
        }
    }
}

/// Ask with so many at a time, and print what it took.
#[expect(clippy::print_stdout, reason = "an example that is run to be read")]
async fn measure(name: &str, commands: &Commands, at_once: usize) {
    let (numbers, mut askers) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    let count = if at_once == 1 { COMMANDS / 10 } else { COMMANDS };
    let started = Instant::now();
    for _ in 0..at_once {
        let (commands, numbers) = (commands.clone(), Arc::clone(&numbers));
        askers.spawn(async move {
            let mut times = vec![];
            loop {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return times;
                }
                let started = Instant::now();
                if commands.ask(request(number)).await.is_ok() {
                    times.push(started.elapsed());
                }
            }
        });
    }
    let mut times: Vec<Duration> = askers.join_all().await.into_iter().flatten().collect();
    let took = started.elapsed();
    times.sort_unstable();
    let quantile = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    println!(
        "{name:10} {at_once:3} at once: {:8.0} commands/s, p50 {:?}, p99 {:?}, {} of {count} answered",
        times.len() as f64 / took.as_secs_f64(),
        quantile(50),
        quantile(99),
        times.len(),
    );
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let settings = Settings {
        urls: nats.urls(),
        namespace: "example".to_owned(),
        name: "round_trip".to_owned(),
        credentials: Credentials::None,
        root_certificates: None,
        connect_within: Duration::from_secs(10),
    };
    let here = Bus::new(Connection::open(&settings).await?, [7; 16], 1);
    let there = Bus::new(Connection::open(&settings).await?, [7; 16], 1);
    let mut tasks = JoinSet::new();
    let member = Member { id: [1; 16], name: "writer".to_owned() };
    let (mut leases, keeper) = join(Ground::memory(1), Kind::Writer, member, LeaseSettings::default());
    tasks.spawn(async move { keeper.run(std::future::pending()).await });
    let hold = leases.next().await.ok_or("no lease")?;
    let inbox = Inbox::new(Capacity { jobs: 4_096 });
    tasks.spawn({
        let inbox = inbox.clone();
        async move {
            write(inbox).await;
            Ok(())
        }
    });
    let router: bus::Router = Arc::new(|_| 0);
    let in_process = Commands::new(vec![inbox.clone()], Arc::clone(&router));
    tasks.spawn(async move { bus::nats::serve(&there, &hold, &inbox).await });
    let over_nats = Commands::over(here, Duration::from_secs(6), router);
    for at_once in [1, 64] {
        measure("in process", &in_process, at_once).await;
        measure("over NATS", &over_nats, at_once).await;
    }
    Ok(())
}
