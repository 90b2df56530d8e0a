//! A log in memory that can be read or not, writers for it, and projectors over either
//! store.

mod flaky;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bus::leases::{Ground, Kind as Share, Member, Settings, join};
use bus::{Progress, Reached, Stopped};
use bytes::Bytes;
use domain::content::{Content, DialogContent, MessageContent};
use domain::event::{Event, Kind, MessageRef, Record, Stream};
use domain::{ApplicationId, CommandId, DialogId, MessageId, Sequence, Time, UserId};
use engines::{Database, Postgres};
use eventlog::memory::MemoryLog;
use eventlog::{Epoch, Log, Partition, Spec, Writer, partition_of};
use projector::{IndexParts, Parts};
use readmodel::search::Place;
use readmodel::{FactSource, Store, postgres, sqlite};
use runtime::{Clock, Tasks};

pub(crate) use flaky::{FlakyLog, Weather};

/// Long enough that no test ever waits for it.
const AMPLE: Duration = Duration::from_secs(60);

/// Where the rows of a world are.
pub(crate) enum Home {
    File(tempfile::TempDir),
    Server(Box<Postgres>, Box<Database>),
}

impl Home {
    pub(crate) fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    pub(crate) async fn server() -> Self {
        let server = Postgres::start().await;
        let database = server.database().await;
        Self::Server(Box::new(server), Box::new(database))
    }

    pub(crate) fn postgres(&self) -> &Postgres {
        match self {
            Self::Server(server, _) => server,
            Self::File(_) => panic!("a file is no server"),
        }
    }

    async fn pool(&self) -> postgres::Pool {
        let Self::Server(_, database) = self else { panic!("a file has no pool") };
        postgres::connect(&postgres::Settings::new(database.url())).await.unwrap()
    }

    fn path(folder: &tempfile::TempDir) -> std::path::PathBuf {
        folder.path().join(sqlite::file_name())
    }

    async fn store(&self) -> Store {
        match self {
            Self::File(folder) => sqlite::Store::open_or_create(&Self::path(folder)).unwrap().into(),
            Self::Server(..) => postgres::Store::new(self.pool().await).into(),
        }
    }

    async fn facts(&self) -> FactSource {
        match self {
            Self::File(folder) => sqlite::FactSource::open(&Self::path(folder)).unwrap().into(),
            Self::Server(..) => postgres::FactSource::new(self.pool().await).into(),
        }
    }
}

/// A log, who writes it, and where it is folded to.
pub(crate) struct World {
    pub(crate) log: Arc<FlakyLog>,
    pub(crate) memory: Arc<MemoryLog>,
    pub(crate) home: Home,
    writers: Vec<Writer>,
    heads: HashMap<DialogId, u64>,
    minted: u64,
}

/// A projector under way, and what it tells.
pub(crate) struct Projector {
    pub(crate) progress: Progress,
    pub(crate) tasks: Tasks,
    /// Its own, so that it can be killed.
    pub(crate) runtime: Killed,
}

/// A runtime that ends with all its tasks, wherever they are.
pub(crate) struct Killed(Option<tokio::runtime::Runtime>);

impl Drop for Killed {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Killed {
    fn handle(&self) -> tokio::runtime::Handle {
        self.0.as_ref().unwrap().handle().clone()
    }
}

fn runtime() -> Killed {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    Killed(Some(runtime.unwrap()))
}

impl World {
    pub(crate) async fn new(partitions: u32, home: Home) -> Self {
        let opened = record(0, Stream::Application(application()), opened(partitions));
        let opened = (0..partitions).map(|_| wire::encode(&opened).into()).collect();
        let spec = Spec { epoch: Epoch([1; 16]), time_ms: 0, opened };
        let memory = Arc::new(MemoryLog::create(&spec).unwrap());
        let log = Arc::new(FlakyLog::new(Arc::clone(&memory) as Arc<dyn Log>));
        let mut writers = vec![];
        for partition in (0..partitions).map(Partition) {
            let started =
                record(u64::from(partition.0), Stream::Application(application()), Event::WriterStarted);
            let below = Arc::clone(&memory) as Arc<dyn Log>;
            writers.push(Writer::open(below, partition, 0, wire::encode(&started).into()).await.unwrap());
        }
        Self { log, memory, home, writers, heads: HashMap::new(), minted: 1_000 }
    }

    /// The `n`th dialog of a partition.
    pub(crate) fn dialog(&self, partition: u32, n: u8) -> DialogId {
        let partitions = self.writers.len() as u32;
        let ids = (0..=u64::MAX).map(|salt| {
            let mut rest = salt.to_be_bytes();
            rest[0] = 0xaa;
            DialogId::from_parts(7, rest)
        });
        let mut here = ids.filter(|id| partition_of(&Stream::Dialog(*id).key(), partitions).0 == partition);
        here.nth(usize::from(n)).unwrap()
    }

    /// Append one frame of these events of one dialog.
    pub(crate) async fn append(&mut self, partition: u32, events: Vec<(DialogId, Event)>) {
        let encode = |(dialog, event)| {
            self.minted += 1;
            Bytes::from(wire::encode(&record(self.minted, Stream::Dialog(dialog), event)))
        };
        let events = events.into_iter().map(encode).collect();
        self.append_bytes(partition, events).await;
    }

    pub(crate) async fn append_bytes(&mut self, partition: u32, events: Vec<Bytes>) {
        self.writers[partition as usize].append(0, events).await.unwrap();
    }

    /// A dialog, new or not, and that many messages more, a frame each.
    pub(crate) async fn chat(&mut self, partition: u32, messages: u64) {
        let dialog = self.dialog(partition, 0);
        if !self.heads.contains_key(&dialog) {
            self.append(partition, vec![(dialog, created())]).await;
        }
        for _ in 0..messages {
            let head = self.heads.entry(dialog).or_default();
            *head += 1;
            let posted = posted(*head);
            self.append(partition, vec![(dialog, posted)]).await;
        }
    }

    /// How many messages there are in the dialog of a partition.
    pub(crate) fn posted(&self, partition: u32) -> u64 {
        self.heads.get(&self.dialog(partition, 0)).copied().unwrap_or(0)
    }

    pub(crate) async fn tail(&self, partition: u32) -> u64 {
        self.memory.tail(Partition(partition)).await.unwrap().next.0
    }

    /// One that folds everything.
    pub(crate) async fn projector(&self) -> Projector {
        let progress = Progress::new(self.writers.len() as u32);
        let (tasks, parts) = (Tasks::new(), self.parts(&progress).await);
        let (stop, runtime) = (tasks.stop(), runtime());
        let handle = runtime.handle();
        tasks.spawn_thread("projector", move || handle.block_on(projector::run(parts, stop)));
        Projector { progress, tasks, runtime }
    }

    /// One that folds what it comes to hold.
    pub(crate) async fn sharing(&self, ground: &Ground, number: u8) -> Projector {
        let progress = Progress::new(self.writers.len() as u32);
        let (tasks, parts) = (Tasks::new(), self.parts(&progress).await);
        let member = Member { id: [number; 16], name: format!("projector {number}") };
        let (leases, keeper) = join(ground.clone(), Share::Projector, member, Settings::default());
        let (stop, runtime) = (tasks.stop(), runtime());
        let entered = runtime.handle();
        let _entered = entered.enter();
        tasks.spawn("leases", async move { Ok(keeper.run(stop.stopped()).await?) });
        tasks.spawn("projector", projector::share(parts, leases));
        Projector { progress, tasks, runtime }
    }

    async fn parts(&self, progress: &Progress) -> Parts {
        Parts {
            log: Arc::clone(&self.log) as Arc<dyn Log>,
            store: self.home.store().await,
            progress: progress.clone(),
            clock: Clock::system(),
        }
    }

    /// Where the search index is.
    pub(crate) fn index_place(&self) -> Place {
        match &self.home {
            Home::File(folder) => Place::in_folder(folder.path()),
            Home::Server(_, database) => Place::Schema(postgres::Settings::new(database.url())),
        }
    }

    /// Who folds it, where that projector folds the rows.
    pub(crate) fn indexer(&self, projector: &Projector) {
        let parts = IndexParts {
            log: Arc::clone(&self.log) as Arc<dyn Log>,
            place: self.index_place(),
            progress: projector.progress.clone(),
        };
        let (stop, handle) = (projector.tasks.stop(), projector.runtime.handle());
        projector.tasks.spawn_thread("search index", move || handle.block_on(projector::index(parts, stop)));
    }

    /// How far the search index has come with a partition.
    pub(crate) async fn indexed(&self, partition: u32) -> u64 {
        let Ok(Some(mut snapshot)) = self.index_place().snapshot().await else { return 0 };
        let stored = snapshot.checkpoints().await.unwrap();
        let found = stored.into_iter().find(|(found, _)| found.0 == partition);
        found.map_or(0, |(_, checkpoint)| checkpoint.next.0)
    }

    /// Wait until the search index has everything.
    pub(crate) async fn all_indexed(&self) {
        for partition in 0..self.writers.len() as u32 {
            let tail = self.tail(partition).await;
            until(&format!("partition {partition} is indexed to {tail}"), async || {
                self.indexed(partition).await == tail
            })
            .await;
        }
    }

    /// Where the rows of a partition are.
    pub(crate) async fn stored(&self, partition: u32) -> u64 {
        let stored = self.home.facts().await.checkpoints().await.unwrap();
        let found = stored.into_iter().find(|(found, _)| found.0 == partition);
        found.map_or(0, |(_, checkpoint)| checkpoint.next.0)
    }

    /// Wait until the rows of every partition are where the log ends, by their own word.
    pub(crate) async fn all_folded(&self) {
        for partition in 0..self.writers.len() as u32 {
            let tail = self.tail(partition).await;
            until(&format!("partition {partition} is folded to {tail}"), async || {
                self.stored(partition).await == tail
            })
            .await;
        }
    }

    /// Throw the rows away, wherever they are.
    pub(crate) async fn forget_rows(&self) {
        match &self.home {
            Home::File(folder) => sqlite::discard(&Home::path(folder)).unwrap(),
            Home::Server(..) => self.forget().await,
        }
    }

    /// Take all rows out of the database, as a restored one may lack the newest.
    pub(crate) async fn forget(&self) {
        let pool = self.home.pool().await;
        let schema = pool.schema().to_owned();
        let tables = "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables
            WHERE schemaname = $1 AND tablename <> 'read_model'";
        let tables: String =
            sqlx::query_scalar(tables).bind(schema).fetch_one(pool.connections()).await.unwrap();
        let truncate = sqlx::AssertSqlSafe(format!("TRUNCATE {tables}"));
        sqlx::raw_sql(truncate).execute(pool.connections()).await.unwrap();
    }

    /// The newest message that the rows know in the dialog of a partition.
    pub(crate) async fn head(&self, partition: u32) -> u64 {
        let key = domain::facts::Key::Header(self.dialog(partition, 0));
        let (facts, _) = self.home.facts().await.facts(Partition(partition), &[key]).await.unwrap();
        match facts.get(&key) {
            Some(domain::facts::Fact::Header(header)) => header.head.0,
            _ => 0,
        }
    }
}

impl Projector {
    /// Wait until it says that a partition is folded up to there.
    pub(crate) async fn reaches(&self, partition: u32, next: u64) {
        let wanted = Reached { next, folding: true };
        let what = format!("partition {partition} reaches {next}; failure: {:?}", self.tasks.failure());
        until(&what, async || self.progress.reached(partition) == wanted).await;
    }

    /// Wait until it says that a partition is not folded.
    pub(crate) async fn rests(&self, partition: u32) {
        until(&format!("partition {partition} rests"), async || !self.progress.reached(partition).folding)
            .await;
    }

    /// Wait until it says at what event a partition stopped.
    pub(crate) async fn stops(&self, partition: u32) -> Stopped {
        until(&format!("partition {partition} stops"), async || self.progress.stopped(partition).is_some())
            .await;
        assert!(!self.progress.reached(partition).folding);
        self.progress.stopped(partition).unwrap()
    }

    pub(crate) async fn stop(self) {
        self.tasks.shutdown(AMPLE).await.unwrap();
        assert_eq!(self.tasks.failure(), None);
    }
}

/// Wait for a condition.
pub(crate) async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(AMPLE, waiting).await.is_ok(), "not so in time: {what}");
}

fn application() -> ApplicationId {
    ApplicationId::new(1).unwrap()
}

fn user() -> UserId {
    UserId::new(1).unwrap()
}

/// The id of the event with that number.
pub(crate) fn event_id(number: u64) -> [u8; 16] {
    u128::from(number).to_be_bytes()
}

pub(crate) fn record(number: u64, stream: Stream, event: Event) -> Record {
    Record {
        id: event_id(number),
        command: CommandId(event_id(number)),
        application: application(),
        stream,
        actor: Some(user()),
        at: Time(0),
        event,
    }
}

fn opened(partitions: u32) -> Event {
    Event::LogOpened {
        partitions,
        partition_hash: eventlog::PARTITION_HASH.to_owned(),
        private_dialog_key: [0; 32],
    }
}

pub(crate) fn created() -> Event {
    Event::DialogCreated {
        kind: Kind::Group,
        owner: user(),
        occupants: vec![user()],
        admins: vec![],
        permissions: None,
        content: Content::Known(DialogContent::default()),
    }
}

pub(crate) fn posted(sequence: u64) -> Event {
    Event::MessagePosted {
        message: MessageRef {
            sequence: Sequence(sequence),
            id: MessageId::from_parts(7, sequence.to_be_bytes()),
        },
        recipient: None,
        date_sent: 0,
        send_to_chat: false,
        markable: false,
        silent: false,
        content: Content::Known(MessageContent::default()),
    }
}
