//! Any history, from any number of partitions to any other, stopped wherever it may be: the same bytes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use domain::event::{Event, Record, Stream};
use domain::{ApplicationId, CommandId, DialogId, Time, UserId};
use eventlog::memory::MemoryLog;
use eventlog::{
    AppendError, BoxFuture, Epoch, Frame, Log, Offset, Partition, ReadError, ReadLimit, Tail, Writer,
    partition_of,
};
use proptest::prelude::*;
use runtime::Ids;

use super::log::copy;
use super::streams::{Streams, check};
use crate::stores::spec_with;

const KEY: [u8; 32] = [7; 32];

fn application() -> ApplicationId {
    ApplicationId::new(7).unwrap()
}

fn new_log(partitions: u32, key: [u8; 32]) -> MemoryLog {
    MemoryLog::create(&spec_with(partitions, application(), (key, Time(1_000)), &Ids::system())).unwrap()
}

/// One command: how many events it had, in which dialog, and how long after the one before.
#[derive(Debug, Clone)]
struct Command {
    dialog: u8,
    events: usize,
    later_ms: u64,
    /// Whether its frame is appended with it.
    ends_frame: bool,
}

fn command() -> impl Strategy<Value = Command> {
    (0..6_u8, 1..5_usize, 0..3_u64, any::<bool>())
        .prop_map(|(dialog, events, later_ms, ends_frame)| Command { dialog, events, later_ms, ends_frame })
}

async fn history(partitions: u32, commands: &[Command]) -> Arc<dyn Log> {
    let (log, ids) = (Arc::new(new_log(partitions, KEY)) as Arc<dyn Log>, Ids::system());
    let mut writers = vec![];
    for partition in (0..partitions).map(Partition) {
        let started = format!("{partition}");
        let started = record(
            Stream::Application(application()),
            CommandId(ids.random()),
            Event::WriterStarted,
            started,
        );
        let writer = Writer::open(Arc::clone(&log), partition, 1_000, started).await.unwrap();
        writers.push((writer, vec![]));
    }
    let mut now = 1_000;
    for command in commands {
        let dialog = DialogId::from_bytes([0xa0 + command.dialog; 12]).unwrap();
        let stream = Stream::Dialog(dialog);
        let (writer, waiting) = &mut writers[partition_of(&stream.key(), partitions).0 as usize];
        now += command.later_ms;
        let id = CommandId(ids.random());
        for n in 0..command.events {
            waiting.push(record(stream, id, Event::DialogHidden, format!("{n}")));
        }
        if command.ends_frame {
            writer.append(now, std::mem::take(waiting)).await.unwrap();
        }
    }
    for (writer, waiting) in writers.iter_mut().filter(|(_, waiting)| !waiting.is_empty()) {
        writer.append(now, std::mem::take(waiting)).await.unwrap();
    }
    log
}

/// An event, with a field of a later version, which decoding and encoding again would lose.
fn record(stream: Stream, command: CommandId, event: Event, unknown: String) -> Bytes {
    let record = Record {
        id: Ids::system().event_id(Time(1_000)),
        command,
        application: application(),
        stream,
        actor: UserId::new(1),
        at: Time(1_000),
        event,
    };
    let mut bytes = wire::encode(&record);
    bytes.extend([0xfa, 0x7f, u8::try_from(unknown.len()).unwrap()]);
    bytes.extend(unknown.into_bytes());
    bytes.into()
}

async fn frames(log: &Arc<dyn Log>) -> Vec<Frame> {
    let mut frames = vec![];
    for partition in (0..log.partitions()).map(Partition) {
        let mut from = Offset(0);
        loop {
            let read = log.read(partition, from, ReadLimit::default()).await.unwrap();
            let Some(last) = read.last() else { break };
            from = last.next();
            frames.extend(read);
        }
    }
    frames
}

/// What happened in each dialog, as bytes.
async fn dialogs(log: &Arc<dyn Log>) -> HashMap<Vec<u8>, Vec<Bytes>> {
    let mut dialogs = HashMap::<_, Vec<_>>::new();
    for event in frames(log).await.iter().flat_map(Frame::events) {
        let envelope = wire::open(event).unwrap();
        if let Stream::Dialog(_) = envelope.stream {
            dialogs.entry(envelope.stream.key()).or_default().push(event.clone());
        }
    }
    dialogs
}

/// A log whose process ends at some append: that one lands or not, and none after it.
struct Stopping {
    below: Arc<dyn Log>,
    appends_left: AtomicUsize,
    last_lands: bool,
}

impl Log for Stopping {
    fn epoch(&self) -> Epoch {
        self.below.epoch()
    }

    fn partitions(&self) -> u32 {
        self.below.partitions()
    }

    fn append<'a>(&'a self, frame: &'a Frame) -> BoxFuture<'a, Result<(), AppendError>> {
        Box::pin(async move {
            let left = self.appends_left.load(Relaxed);
            self.appends_left.store(left.saturating_sub(1), Relaxed);
            if left > 1 || (left == 1 && self.last_lands) {
                self.below.append(frame).await?;
            }
            if left > 1 { Ok(()) } else { Err(AppendError::Unavailable("the process has ended".to_owned())) }
        })
    }

    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Frame>, ReadError>> {
        self.below.read(partition, from, limit)
    }

    fn read_back(
        &self,
        partition: Partition,
        before: Offset,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Frame>, ReadError>> {
        self.below.read_back(partition, before, limit)
    }

    fn tail(&self, partition: Partition) -> BoxFuture<'_, Result<Tail, ReadError>> {
        self.below.tail(partition)
    }

    fn watch(&self, partition: Partition) -> Result<tokio::sync::watch::Receiver<Offset>, ReadError> {
        self.below.watch(partition)
    }
}

async fn copied(source: &Arc<dyn Log>, target: &Arc<dyn Log>) -> anyhow::Result<Streams> {
    copy(source, target, &Ids::system(), &mut |_, _| ()).await
}

async fn check_copy(source: &Arc<dyn Log>, target: &Arc<dyn Log>) {
    assert_eq!(dialogs(target).await, dialogs(source).await);
    let of_commands = |frames: Vec<Frame>| {
        let mut frames_of = HashMap::<CommandId, usize>::new();
        for frame in frames {
            let commands = frame.events().iter().map(|event| wire::open(event).unwrap().command);
            for command in commands.collect::<std::collections::HashSet<_>>() {
                *frames_of.entry(command).or_default() += 1;
            }
        }
        frames_of
    };
    let of_commands = of_commands(frames(target).await);
    let opened = target.partitions() as usize;
    let whole = of_commands.values().filter(|frames| **frames == 1).count();
    assert!(of_commands.len() - whole <= 1, "the events of a command are in one frame");
    assert!(of_commands.values().all(|frames| *frames == 1 || *frames == opened), "but for the opening");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_history_is_the_same_in_any_number_of_partitions_wherever_it_stopped(
        commands in proptest::collection::vec(command(), 0..40),
        partitions in (1..5_u32, 1..5_u32),
        stops in proptest::collection::vec((0..12_usize, any::<bool>()), 0..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let source = history(partitions.0, &commands).await;
            let target: Arc<dyn Log> = Arc::new(new_log(partitions.1, KEY));
            for (appends, last_lands) in stops {
                let below = Arc::clone(&target);
                let stopping = Stopping { below, appends_left: AtomicUsize::new(appends), last_lands };
                // Whether it comes to the end before it is stopped does not matter.
                let _ended = copied(&source, &(Arc::new(stopping) as Arc<dyn Log>)).await;
            }
            let streams = copied(&source, &target).await.unwrap();
            check_copy(&source, &target).await;
            check(&streams, &target, &mut |_, _| ()).await.unwrap();
            let events = commands.iter().map(|command| command.events as u64).sum::<u64>();
            prop_assert_eq!(streams.events(), events);
            prop_assert_ne!(source.epoch(), target.epoch());
            // Once more, and on into a third.
            prop_assert_eq!(&copied(&source, &target).await.unwrap(), &streams);
            check_copy(&source, &target).await;
            let back: Arc<dyn Log> = Arc::new(new_log(partitions.0, KEY));
            prop_assert_eq!(&copied(&target, &back).await.unwrap(), &streams);
            check_copy(&source, &back).await;
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn what_is_no_copy_is_left_alone() {
    let commands = [Command { dialog: 1, events: 2, later_ms: 1, ends_frame: true }];
    let [one, other] = [history(2, &commands).await, history(2, &commands).await];
    let target: Arc<dyn Log> = Arc::new(new_log(2, [8; 32]));
    let refused = copied(&one, &target).await.unwrap_err().to_string();
    assert!(refused.contains("another one and no copy of this"), "{refused}");
    let refused = copied(&one, &other).await.unwrap_err().to_string();
    assert!(refused.contains("holds other events"), "{refused}");
    let empty = history(2, &[]).await;
    let refused = copied(&empty, &one).await.unwrap_err().to_string();
    assert!(refused.contains("has events that the log copied from has not"), "{refused}");
}

#[tokio::test]
async fn what_differs_is_found() {
    let commands = [Command { dialog: 1, events: 3, later_ms: 1, ends_frame: true }];
    let [one, other] = [history(2, &commands).await, history(2, &commands).await];
    let target: Arc<dyn Log> = Arc::new(new_log(1, KEY));
    let streams = copied(&one, &target).await.unwrap();
    check(&streams, &target, &mut |_, _| ()).await.unwrap();
    let differing = check(&streams, &other, &mut |_, _| ()).await.unwrap_err().to_string();
    assert_eq!(differing, "1 of 1 streams differ from the log that was copied");
    let fewer = check(&streams, &history(2, &[]).await, &mut |_, _| ()).await.unwrap_err().to_string();
    assert_eq!(fewer, "the copy has 0 events and not 3");
}
