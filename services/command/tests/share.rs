//! Writers of several processes over real servers: NATS carries the commands, JetStream is
//! the log, and nothing is written twice or refused on the way from one to another.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::leases::{Ground, Kind as Share, Member, Settings as LeaseSettings, holders, join};
use bus::nats::{Bus, Connection, Credentials, Settings as BusSettings};
use bus::{Answer, Capacity, Commands, Progress, Reached, Unanswered};
use bytes::Bytes;
use command::{Loaded, Rows, Settings, Shared, share};
use domain::command::{Command, Create, Post, Request, Rules};
use domain::content::{DialogContent, MessageContent};
use domain::event::{Event, Record, Stream};
use domain::facts::{Fact, Key, evolve};
use domain::{ApplicationId, CommandId, DialogId, Kind, MessageId, Time, UserId};
use engines::{Nats, Profile};
use eventlog::{
    Durability, Epoch, JetStreamLog, JetStreamSettings, Log, Offset, Partition, Position, Reader, Spec,
    Writer,
};
use runtime::{Clock, Ids, Tasks};

const PARTITIONS: u32 = 2;
/// Long enough that no test ever waits for it.
const AMPLE: Duration = Duration::from_secs(60);

/// Rows that follow the log by themselves.
#[derive(Clone, Default)]
struct Fold(Arc<Mutex<Folded>>);

/// Facts, and the next offset of each partition.
type Folded = (HashMap<Key, Fact>, HashMap<u32, u64>);

struct FoldOf(Fold, Partition);

impl Rows for FoldOf {
    async fn load(&mut self, keys: &[Key]) -> anyhow::Result<Loaded> {
        let (facts, checkpoints) = &*self.0.0.lock().unwrap();
        let facts = keys.iter().filter_map(|key| Some((*key, facts.get(key)?.clone()))).collect();
        Ok(Loaded { facts, checkpoint: checkpoints.get(&self.1.0).copied().unwrap_or(0) })
    }
}

struct World {
    nats: Nats,
    rows: Fold,
    progress: Progress,
    folding: Tasks,
}

/// A process of writers.
struct Process {
    tasks: Tasks,
}

impl Process {
    async fn stop(self) {
        self.tasks.shutdown(AMPLE).await.unwrap();
        assert_eq!(self.tasks.failure(), None);
    }
}

impl World {
    async fn new() -> Self {
        let nats = Nats::start(1, Profile::Relaxed).await;
        let event = Event::LogOpened {
            partitions: PARTITIONS,
            partition_hash: eventlog::PARTITION_HASH.to_owned(),
            private_dialog_key: [0; 32],
        };
        let opened: Bytes = wire::encode(&record(event)).into();
        let opened = (0..PARTITIONS).map(|_| opened.clone()).collect();
        let spec = Spec { epoch: Epoch([1; 16]), time_ms: 0, opened };
        JetStreamLog::init(&log_settings(&nats), &spec).await.unwrap();
        let progress = Progress::new(PARTITIONS);
        let world = Self { nats, rows: Fold::default(), progress, folding: Tasks::new() };
        for partition in (0..PARTITIONS).map(Partition) {
            let (log, rows, progress) = (world.log().await, world.rows.clone(), world.progress.clone());
            world.folding.spawn("fold", fold(log, partition, rows, progress));
        }
        world
    }

    /// A connection to the log of its own.
    async fn log(&self) -> Arc<dyn Log> {
        Arc::new(JetStreamLog::open(&log_settings(&self.nats), None).await.unwrap())
    }

    async fn bus(&self) -> Bus {
        let settings = BusSettings {
            urls: self.nats.urls(),
            namespace: "test".to_owned(),
            name: "test".to_owned(),
            credentials: Credentials::None,
            root_certificates: None,
            connect_within: AMPLE,
        };
        Bus::new(Connection::open(&settings).await.unwrap(), [1; 16], PARTITIONS)
    }

    async fn commands(&self) -> Commands {
        Commands::over(
            self.bus().await,
            AMPLE,
            Arc::new(|dialog| u32::from(dialog.as_bytes()[11]) % PARTITIONS),
        )
    }

    async fn process(&self, ground: &Ground, number: u8) -> Process {
        let tasks = Tasks::new();
        let member = Member { id: [number; 16], name: format!("writers {number}") };
        let (leases, keeper) = join(ground.clone(), Share::Writer, member, LeaseSettings::default());
        let rows = self.rows.clone();
        let shared = Shared {
            log: self.log().await,
            bus: self.bus().await,
            rows: move |partition| FoldOf(rows.clone(), partition),
            progress: self.progress.clone(),
            clock: Clock::system(),
            ids: Ids::seeded(u64::from(number)),
            capacity: Capacity { jobs: 4_096 },
            settings: settings(),
        };
        let stop = tasks.stop();
        tasks.spawn("leases", async move { Ok(keeper.run(stop.stopped()).await?) });
        tasks.spawn("writers", share(shared, leases));
        Process { tasks }
    }

    /// Every message of the log, as (partition, sequence, name).
    async fn posted(&self) -> Vec<(u32, u64, MessageId)> {
        let log = self.log().await;
        let mut posted = vec![];
        for partition in (0..PARTITIONS).map(Partition) {
            let from = Position { epoch: log.epoch(), partition, offset: Offset(0) };
            let mut reader = Reader::open(Arc::clone(&log), from, None).await.unwrap();
            while let Some(frame) = reader.try_next().await.unwrap() {
                for event in frame.events() {
                    if let Event::MessagePosted { message, .. } = wire::decode(event).unwrap().event {
                        posted.push((partition.0, message.sequence.0, message.id));
                    }
                }
            }
        }
        posted
    }
}

async fn fold(log: Arc<dyn Log>, partition: Partition, rows: Fold, progress: Progress) -> anyhow::Result<()> {
    let from = Position { epoch: log.epoch(), partition, offset: Offset(0) };
    let mut reader = Reader::open(log, from, None).await?;
    loop {
        let frame = reader.next().await?;
        let mut all = rows.0.lock().unwrap();
        for event in frame.events() {
            // What cannot be read is for a real projector to stop at.
            let Ok(record) = wire::decode(event) else { continue };
            if let Stream::Dialog(dialog) = record.stream {
                let changed = evolve(&all.0, dialog, record.actor, &record.event);
                all.0.extend(changed);
            }
        }
        all.1.insert(partition.0, frame.next().0);
        drop(all);
        progress.report(partition.0, Reached { next: frame.next().0, folding: true });
    }
}

fn log_settings(nats: &Nats) -> JetStreamSettings {
    JetStreamSettings {
        urls: nats.urls(),
        replicas: 1,
        durability: Durability::Relaxed,
        ..JetStreamSettings::default()
    }
}

fn settings() -> Settings {
    Settings {
        application: ApplicationId::new(1).unwrap(),
        rules: Rules::default(),
        facts_max: 1_000,
        recent_max: 10_000,
        lag_max: 50_000,
    }
}

fn record(event: Event) -> Record {
    Record {
        id: [0; 16],
        command: CommandId([0; 16]),
        application: settings().application,
        stream: Stream::Application(settings().application),
        actor: None,
        at: Time(0),
        event,
    }
}

fn dialog(n: u64) -> DialogId {
    DialogId::from_parts(7, [0xaa, 0, 0, 0, 0, 0, 0, u8::try_from(n % 8).unwrap()])
}

fn request(number: u64, command: Command) -> Request {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Request { id: CommandId(id), dialog: dialog(number), actor: UserId::new(1).unwrap(), command }
}

async fn create(commands: &Commands, number: u64) -> Result<Answer, Unanswered> {
    let create = Create {
        kind: Kind::Group,
        occupants: vec![],
        admins: vec![],
        permissions: None,
        content: DialogContent::default(),
    };
    commands.ask(request(number, Command::Create(create))).await
}

async fn create_all(commands: &Commands) {
    for number in 0..8 {
        create(commands, number).await.unwrap().unwrap();
    }
}

fn name(number: u64) -> MessageId {
    MessageId::from_parts(7, number.to_be_bytes())
}

async fn post(commands: &Commands, number: u64) -> Result<Answer, Unanswered> {
    let post = Post {
        id: name(number),
        id_is_clients: false,
        opens: None,
        content: MessageContent::default(),
        send_to_chat: false,
        markable: false,
        silent: false,
    };
    commands.ask(request(number, Command::Post(post))).await
}

/// All of them at once; each has to be decided.
async fn post_all(commands: &Commands, numbers: std::ops::Range<u64>) -> Vec<(u64, u64)> {
    let posts = numbers.map(async |number| {
        let decided = post(commands, number).await.unwrap().unwrap();
        (number, decided.message.unwrap().sequence.0)
    });
    futures::future::join_all(posts).await
}

/// Everything answered is in the log once, at the place that was answered, and nothing else.
async fn is_what_was_answered(world: &World, answered: &[(u64, u64)]) {
    let mut found: Vec<_> =
        world.posted().await.into_iter().map(|(_, sequence, id)| (id, sequence)).collect();
    let mut expected: Vec<_> = answered.iter().map(|(number, sequence)| (name(*number), *sequence)).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_both_believe_they_hold_a_partition_never_both_succeed() {
    let world = World::new().await;
    // Each has a ground of its own, where nobody else is: both hold everything, and both
    // get every command.
    let both = [
        world.process(&Ground::memory(PARTITIONS), 1).await,
        world.process(&Ground::memory(PARTITIONS), 2).await,
    ];
    let commands = world.commands().await;
    create_all(&commands).await;
    let mut answered = vec![];
    for round in 1..=30 {
        answered.extend(post_all(&commands, round * 100..round * 100 + 20).await);
    }
    is_what_was_answered(&world, &answered).await;
    for process in both {
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_refused_while_processes_come_and_go() {
    let world = World::new().await;
    let ground = Ground::nats(world.bus().await, 1);
    let mut old = world.process(&ground, 1).await;
    let commands = world.commands().await;
    create_all(&commands).await;
    let mut answered = vec![];
    let mut next = 1_000;
    for newcomer in 2..=4 {
        let new = world.process(&ground, newcomer).await;
        let watched = ground.clone();
        let sharing =
            tokio::task::JoinSet::from_iter([async move { while shares(&watched).await != [1, 1] {} }]);
        tokio::pin!(sharing);
        while sharing.try_join_next().is_none() {
            answered.extend(post_all(&commands, next..next + 20).await);
            next += 20;
        }
        let ended = old.stop();
        let (more, ()) = tokio::join!(post_all(&commands, next..next + 200), ended);
        answered.extend(more);
        next += 200;
        old = new;
    }
    is_what_was_answered(&world, &answered).await;
    old.stop().await;
}

async fn shares(ground: &Ground) -> Vec<usize> {
    let holders = holders(ground, Share::Writer, Duration::from_secs(1)).await.unwrap();
    holders.into_iter().map(|holder| holder.holdings.len()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_nobody_can_read_stops_the_writing_of_its_partition_only() {
    let world = World::new().await;
    let (log, poison) = (world.log().await, Bytes::from_static(b"from the future"));
    Writer::open(log, Partition(0), 0, poison).await.unwrap();
    let ground = Ground::memory(PARTITIONS);
    let process = world.process(&ground, 1).await;
    let commands = world.commands().await;
    for number in 0..4 {
        let answer = create(&commands, number).await;
        let busy = matches!(answer, Err(Unanswered::Busy { .. }));
        assert_eq!(busy, number % 2 == 0, "{number}: {answer:?}");
    }
    let holders = holders(&ground, Share::Writer, Duration::from_secs(1)).await.unwrap();
    let stopped: Vec<_> =
        holders[0].holdings.iter().filter_map(|holding| holding.standing.stopped.clone()).collect();
    assert_eq!(stopped.iter().map(|stopped| stopped.offset).collect::<Vec<_>>(), [1]);
    process.stop().await;
}
