//! How fast a log on JetStream is on this machine: one server with `sync_interval: always`, frames of 16 KiB, one append at
//! a time on each of 8 partitions; then reading it all.
//!
//! `cargo run --release -p eventlog --example jetstream [nodes] [seconds]`. It measures and decides nothing: figures of one run are only
//! good against each other.

#![expect(clippy::print_stdout, reason = "it is a program that prints")]

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use engines::{Nats, Profile};
use eventlog::{
    Durability, Epoch, JetStreamLog, JetStreamSettings, Log, Offset, Partition, Position, ReadLimit, Reader,
    Spec, Writer,
};
use tokio::task::JoinSet;

const PARTITIONS: u32 = 8;
const EVENT_BYTES: usize = 250;
const EVENTS_A_FRAME: usize = 64;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let nodes = arguments.next().map_or(Ok(1), |nodes| nodes.parse())?;
    let time = Duration::from_secs(arguments.next().map_or(Ok(10), |seconds| seconds.parse())?);
    let nats = Nats::start(nodes, Profile::Durable).await;
    let settings = JetStreamSettings {
        urls: nats.urls(),
        replicas: nodes,
        bytes_max: 400 * 1024 * 1024,
        durability: Durability::Seen,
        monitor_urls: nats.monitor_urls(),
        ..JetStreamSettings::default()
    };
    let opened = vec![Bytes::from_static(b"opened"); PARTITIONS as usize];
    JetStreamLog::init(&settings, &Spec { epoch: Epoch([1; 16]), time_ms: 0, opened }).await?;
    let log = Arc::new(JetStreamLog::open(&settings, None).await?);
    let (frames, wait) = append(&log, time).await?;
    let seconds = time.as_secs_f64();
    let each = wait.as_secs_f64() * 1_000.0 / frames as f64;
    println!("{nodes} node(s), P = {PARTITIONS}, {EVENTS_A_FRAME} events of {EVENT_BYTES} bytes a frame");
    println!(
        "append: {:.0} frames/s, {:.0} events/s, {each:.2} ms a frame",
        frames as f64 / seconds,
        frames as f64 * EVENTS_A_FRAME as f64 / seconds
    );
    let fresh = Arc::new(JetStreamLog::open(&settings, None).await?);
    for together in [1, PARTITIONS] {
        let start = Instant::now();
        let events = read(&fresh, together).await?;
        println!(
            "read, {together} partition(s) at once: {:.0} events/s",
            events as f64 / start.elapsed().as_secs_f64()
        );
    }
    seek(&settings).await?;
    Ok(())
}

/// Append for that long on all partitions: the frames, and the time that their writers waited together.
async fn append(log: &Arc<JetStreamLog>, time: Duration) -> Result<(u64, Duration), Failure> {
    let mut writers = JoinSet::<Result<(u64, Duration), Failure>>::new();
    for partition in (0..PARTITIONS).map(Partition) {
        let log: Arc<dyn Log> = Arc::clone(log) as _;
        let event = Bytes::from(vec![b'x'; EVENT_BYTES]);
        writers.spawn(async move {
            let mut writer = Writer::open(log, partition, 0, Bytes::from_static(b"started")).await?;
            let (start, mut frames) = (Instant::now(), 0);
            while start.elapsed() < time {
                writer.append(0, vec![event.clone(); EVENTS_A_FRAME]).await?;
                frames += 1;
            }
            Ok((frames, start.elapsed()))
        });
    }
    let (mut frames, mut wait) = (0, Duration::ZERO);
    for written in writers.join_all().await {
        let (more, waited) = written?;
        frames += more;
        wait += waited;
    }
    Ok((frames, wait))
}

/// Read all partitions, so many side by side: the events.
async fn read(log: &Arc<JetStreamLog>, together: u32) -> Result<u64, Failure> {
    let mut events = 0;
    let all: Vec<u32> = (0..PARTITIONS).collect();
    for some in all.chunks(together as usize) {
        let mut readers = JoinSet::<Result<u64, Failure>>::new();
        for partition in some.iter().copied().map(Partition) {
            let log: Arc<dyn Log> = Arc::clone(log) as _;
            readers.spawn(async move {
                let from = Position { epoch: log.epoch(), partition, offset: Offset(0) };
                let mut reader = Reader::open(log, from, None).await?;
                let mut events = 0;
                loop {
                    let frames = reader.next_batch(1_024).await?;
                    if frames.is_empty() {
                        return Ok(events);
                    }
                    events += frames.iter().map(|frame| frame.count() as u64).sum::<u64>();
                }
            });
        }
        for read in readers.join_all().await {
            events += read?;
        }
    }
    Ok(events)
}

/// Look up offsets that this process knows nothing of.
async fn seek(settings: &JetStreamSettings) -> Result<(), Failure> {
    const LOOKS: u64 = 200;
    let log = JetStreamLog::open(settings, None).await?;
    let end = log.tail(Partition(0)).await?.next.0;
    let start = Instant::now();
    for look in 0..LOOKS {
        let from = Offset(end * (look * 7_919 % LOOKS) / LOOKS);
        log.read(Partition(0), from, ReadLimit::frames(1)).await?;
    }
    println!("seek: {:.2} ms an offset among {end}", start.elapsed().as_secs_f64() * 1_000.0 / LOOKS as f64);
    Ok(())
}
