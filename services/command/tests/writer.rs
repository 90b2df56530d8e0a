//! The writer over a log in memory: what it promises to those who ask.
#![expect(clippy::disallowed_methods, reason = "the tests are what waits for these tasks")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::{Answer, Capacity, Commands, Inbox, Progress, Reached, Unanswered};
use bytes::Bytes;
use command::{Loaded, Parts, Rows, Settings, run};
use domain::command::{Command, Create, Post, Request, Rules};
use domain::content::{DialogContent, MessageContent};
use domain::event::{Event, Record, Stream};
use domain::facts::{Fact, Key, evolve};
use domain::{ApplicationId, CommandId, DialogId, Kind, MessageId, Refusal, Time, UserId};
use eventlog::faulty::{Fault, FaultyLog};
use eventlog::memory::MemoryLog;
use eventlog::{Epoch, Log, Offset, Partition, ReadLimit, Spec, Writer};
use runtime::{Clock, Ids, Tasks};

/// A read model that folds facts when it is told to, and knows what was asked of it.
#[derive(Clone, Default)]
struct Fold(Arc<Mutex<(HashMap<Key, Fact>, u64)>>, Arc<Mutex<Vec<Key>>>);

impl Rows for Fold {
    async fn load(&mut self, keys: &[Key]) -> anyhow::Result<Loaded> {
        self.1.lock().unwrap().extend(keys);
        let (facts, checkpoint) = &*self.0.lock().unwrap();
        let facts = keys.iter().filter_map(|key| Some((*key, facts.get(key)?.clone()))).collect();
        Ok(Loaded { facts, checkpoint: *checkpoint })
    }
}

struct World {
    log: Arc<FaultyLog>,
    memory: Arc<MemoryLog>,
    rows: Fold,
    progress: Progress,
    commands: Commands,
    tasks: Tasks,
}

const P: Partition = Partition(0);

fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

fn settings() -> Settings {
    Settings {
        application: ApplicationId::new(1).unwrap(),
        rules: Rules::default(),
        facts_max: 2,
        recent_max: 100,
        lag_max: 1_000,
    }
}

impl World {
    fn new() -> Self {
        let opened = Record {
            id: [0; 16],
            command: CommandId([0; 16]),
            application: settings().application,
            stream: Stream::Application(settings().application),
            actor: None,
            at: Time(0),
            event: Event::LogOpened {
                partitions: 1,
                partition_hash: eventlog::PARTITION_HASH.to_owned(),
                private_dialog_key: [0; 32],
            },
        };
        let spec = Spec { epoch: Epoch([1; 16]), time_ms: 0, opened: vec![wire::encode(&opened).into()] };
        let memory = Arc::new(MemoryLog::create(&spec).unwrap());
        let log = Arc::new(FaultyLog::new(Arc::clone(&memory) as Arc<dyn Log>));
        let progress = Progress::new(1);
        progress.report(0, Reached { next: 0, folding: true });
        let mut world = Self {
            log,
            memory,
            rows: Fold::default(),
            progress,
            commands: Commands::new(vec![], Arc::new(|_| 0)),
            tasks: Tasks::new(),
        };
        world.start_writer();
        world
    }

    /// A writer in place of the one before.
    fn start_writer(&mut self) {
        let inbox = Inbox::new(Capacity { jobs: 1_000 });
        self.commands = Commands::new(vec![inbox.clone()], Arc::new(|_| 0));
        self.tasks = Tasks::new();
        let parts = Parts {
            log: Arc::clone(&self.log) as Arc<dyn Log>,
            partition: P,
            inbox,
            rows: self.rows.clone(),
            progress: self.progress.clone(),
            clock: Clock::manual(Time(1_000_000)).0,
            ids: Ids::seeded(1),
            settings: settings(),
        };
        self.tasks.spawn("writer", run(parts, self.tasks.stop()));
    }

    async fn stop_writer(&self) {
        self.tasks.shutdown(Duration::from_secs(60)).await.unwrap();
        assert_eq!(self.tasks.failure().map(|failure| failure.reason), None);
    }

    async fn ask(&self, id: u8, actor: u64, command: Command) -> Result<Answer, Unanswered> {
        let dialog = DialogId::from_parts(7, [0xaa; 8]);
        let id = CommandId([id; 16]);
        self.commands.ask(Request { id, dialog, actor: user(actor), command }).await
    }

    async fn create(&self) {
        let create = Create {
            kind: Kind::Group,
            occupants: vec![user(2)],
            admins: vec![],
            permissions: None,
            content: DialogContent::default(),
        };
        self.ask(250, 1, Command::Create(create)).await.unwrap().unwrap();
    }

    async fn post(&self, id: u8, actor: u64) -> Result<Answer, Unanswered> {
        self.ask(id, actor, post(id)).await
    }

    async fn events(&self) -> Vec<Event> {
        let frames = self.memory.read(P, Offset(0), ReadLimit::default()).await.unwrap();
        frames
            .iter()
            .flat_map(|frame| frame.events().to_vec())
            .map(|event| wire::decode(&event).unwrap().event)
            .collect()
    }

    async fn posted(&self) -> usize {
        self.events().await.iter().filter(|event| matches!(event, Event::MessagePosted { .. })).count()
    }

    /// Fold everything that is in the log.
    async fn fold(&self) {
        let frames = self.memory.read(P, Offset(0), ReadLimit::default()).await.unwrap();
        let (mut facts, mut next) = (HashMap::new(), 0);
        for (offset, event) in frames.iter().flat_map(|frame| frame.numbered()) {
            let record = wire::decode(event).unwrap();
            if let Stream::Dialog(dialog) = record.stream {
                let changed = evolve(&facts, dialog, record.actor, &record.event);
                facts.extend(changed);
            }
            next = offset.0 + 1;
        }
        *self.rows.0.lock().unwrap() = (facts, next);
        self.progress.report(0, Reached { next, folding: true });
    }
}

fn post(id: u8) -> Command {
    Command::Post(Post {
        id: MessageId::from_parts(0, [id; 8]),
        id_is_clients: false,
        opens: None,
        content: MessageContent::default(),
        send_to_chat: false,
        markable: false,
        silent: false,
    })
}

#[tokio::test]
async fn commands_that_wait_together_are_one_frame() {
    let world = World::new();
    world.create().await;
    let before = world.memory.tail(P).await.unwrap();
    let answers = futures::future::join_all((0..50).map(|id| world.post(id, 1))).await;
    let sequences: Vec<_> =
        answers.into_iter().map(|answer| answer.unwrap().unwrap().message.unwrap().sequence.0).collect();
    assert_eq!(sequences, (1..=50).collect::<Vec<_>>());
    let frames = world.memory.read(P, before.next, ReadLimit::default()).await.unwrap();
    assert!(frames.len() <= 3, "{} frames for 50 commands", frames.len());
}

#[tokio::test]
async fn a_repeated_command_appends_nothing() {
    let mut world = World::new();
    world.create().await;
    let (one, other) = tokio::join!(world.post(1, 1), world.post(1, 1));
    assert_eq!(one.unwrap().unwrap().message, other.unwrap().unwrap().message);
    world.post(1, 1).await.unwrap().unwrap();
    assert_eq!(world.posted().await, 1);

    world.stop_writer().await;
    world.start_writer();
    let again = world.post(1, 1).await.unwrap().unwrap();
    assert_eq!((again.message.unwrap().sequence.0, again.records.len()), (1, 0));
    assert_eq!(world.posted().await, 1, "the new writer has read the last commands back");
}

#[tokio::test]
async fn a_stranger_gets_no_answer_repeated() {
    let world = World::new();
    world.create().await;
    world.post(1, 1).await.unwrap().unwrap();
    assert_eq!(world.post(1, 3).await.unwrap().unwrap_err(), Refusal::NoSuchDialog);
}

#[tokio::test]
async fn who_left_is_told_so_again() {
    let world = World::new();
    world.create().await;
    for _ in 0..2 {
        assert!(world.ask(9, 2, Command::DeleteForSelf).await.unwrap().is_ok());
    }
    assert_eq!(world.ask(10, 2, Command::DeleteForSelf).await.unwrap().unwrap_err(), Refusal::NoSuchDialog);
}

#[tokio::test(start_paused = true)]
async fn a_frame_of_unknown_fate_is_found_out() {
    for fault in [Fault::LandsUnknown, Fault::LostUnknown, Fault::LandsLate] {
        let world = World::new();
        world.create().await;
        world.log.inject(&[fault]);
        let answer = world.post(1, 1).await.unwrap().unwrap();
        assert_eq!(answer.message.unwrap().sequence.0, 1);
        assert_eq!(world.posted().await, 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_lost_its_office_takes_over_and_does_nothing_twice() {
    let world = World::new();
    world.create().await;
    world.log.inject(&[Fault::LandsUnknown; 1]);
    world.log.inject(&[Fault::LostUnknown; 20]);
    let (one, other) = tokio::join!(world.post(1, 1), world.post(2, 1));
    for answer in [one, other].into_iter().flatten() {
        answer.unwrap();
    }
    for id in [1, 2] {
        world.post(id, 1).await.unwrap().unwrap();
    }
    assert_eq!(world.posted().await, 2);
}

#[tokio::test]
async fn without_space_nothing_happens_and_later_it_does() {
    let world = World::new();
    world.create().await;
    world.log.inject(&[Fault::Full]);
    assert_eq!(world.post(1, 1).await.unwrap_err(), Unanswered::Full);
    assert_eq!(world.posted().await, 0);
    let answer = world.post(1, 1).await.unwrap().unwrap();
    assert_eq!(answer.message.unwrap().sequence.0, 1, "what was staged was forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_takeover_without_space_waits_for_it() {
    let mut world = World::new();
    world.create().await;
    world.stop_writer().await;
    world.log.inject(&[Fault::Full; 2]);
    world.start_writer();
    assert_eq!(world.post(1, 1).await.unwrap_err(), Unanswered::Full);
    let answer = loop {
        if let Ok(answer) = world.post(1, 1).await {
            break answer.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(answer.message.unwrap().sequence.0, 1);
    world.stop_writer().await;
}

#[tokio::test(start_paused = true)]
async fn a_fenced_writer_answers_nothing() {
    let world = World::new();
    world.create().await;
    let started = Bytes::from_static(b"another writer");
    let log = Arc::clone(&world.log) as Arc<dyn Log>;
    Writer::open(log, P, 0, started).await.unwrap();
    let refused = world.post(1, 1).await.unwrap_err();
    assert!(matches!(refused, Unanswered::Unavailable | Unanswered::Busy { .. }), "{refused:?}");
    assert!(world.tasks.failure().is_some());
    let tail = world.memory.tail(P).await.unwrap();
    assert_eq!(tail.term, 2, "nothing after the other writer's first event");
}

#[tokio::test]
async fn writes_are_refused_while_nobody_folds() {
    let world = World::new();
    world.create().await;
    world.progress.report(0, Reached { next: 0, folding: false });
    assert!(matches!(world.post(1, 1).await, Err(Unanswered::Busy { .. })));
    world.progress.report(0, Reached { next: 0, folding: true });
    assert!(world.post(1, 1).await.unwrap().is_ok());
}

#[tokio::test]
async fn writes_are_refused_while_the_rows_are_too_far_behind() {
    let world = World::new();
    world.create().await;
    let mut outcomes = vec![];
    for round in 0..12 {
        let posts = (0..100_u8).map(|id| {
            let id = CommandId([id, round, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
            let dialog = DialogId::from_parts(7, [0xaa; 8]);
            world.commands.ask(Request { id, dialog, actor: user(1), command: post(0) })
        });
        outcomes.extend(futures::future::join_all(posts).await);
    }
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!((900..1_200).contains(&accepted), "{accepted} accepted with a lag of 1,000 allowed");
    assert!(matches!(outcomes.last(), Some(Err(Unanswered::Busy { .. }))));
    world.fold().await;
    assert!(world.post(1, 1).await.unwrap().is_ok());
}

#[tokio::test]
async fn facts_are_forgotten_once_the_rows_have_them_and_loaded_again() {
    let world = World::new();
    world.create().await;
    for id in 1..=20 {
        assert_eq!(world.post(id, 1).await.unwrap().unwrap().message.unwrap().sequence.0, u64::from(id));
        if id % 3 == 0 {
            world.fold().await;
        }
    }
}

#[tokio::test]
async fn rows_that_went_back_are_caught_up_with_from_the_log() {
    let world = World::new();
    world.create().await;
    world.fold().await;
    let old = world.rows.0.lock().unwrap().clone();
    world.post(1, 1).await.unwrap().unwrap();
    world.fold().await;
    world.post(2, 1).await.unwrap().unwrap();
    // A restored copy: the second user has to be loaded from it, and its message 1 is missing.
    *world.rows.0.lock().unwrap() = old;
    assert_eq!(world.post(3, 2).await.unwrap().unwrap().message.unwrap().sequence.0, 3);
}

/// The rows show a transaction a moment before anybody is told of it.
#[tokio::test]
async fn progress_that_is_told_late_costs_no_office() {
    let mut world = World::new();
    world.create().await;
    world.stop_writer().await;
    world.fold().await;
    world.progress.report(0, Reached { next: 1, folding: true });
    world.start_writer();
    // The second time nothing has to be loaded, and progress is all that is heard.
    for _ in 0..2 {
        assert_eq!(world.post(1, 3).await.unwrap().unwrap_err(), Refusal::NoSuchDialog);
    }
    world.post(2, 1).await.unwrap().unwrap();
    assert_eq!(world.memory.tail(P).await.unwrap().term, 2, "nothing was taken over a third time");
}

#[tokio::test]
async fn refusals_alone_do_not_fill_the_memory() {
    let world = World::new();
    world.create().await;
    world.fold().await;
    for stranger in [3, 4, 5, 6, 3] {
        assert_eq!(world.post(1, stranger).await.unwrap().unwrap_err(), Refusal::NoSuchDialog);
    }
    let asked = world.rows.1.lock().unwrap().clone();
    let standing = Key::Standing(DialogId::from_parts(7, [0xaa; 8]), user(3));
    assert_eq!(asked.iter().filter(|key| **key == standing).count(), 2, "it was forgotten in between");
}

/// The last try of a frame arrives just before the takeover that is to find out about it.
#[tokio::test(start_paused = true)]
async fn a_frame_that_arrives_during_the_takeover_ends_nothing() {
    let world = World::new();
    world.create().await;
    world.log.inject(&[Fault::LostUnknown; 5]);
    world.log.inject(&[Fault::LandsLate]);
    let answer = world.post(1, 1).await.unwrap().unwrap();
    assert_eq!(answer.message.unwrap().sequence.0, 1);
    assert_eq!((world.posted().await, world.tasks.failure()), (1, None));
}

#[tokio::test]
async fn what_was_accepted_is_decided_before_the_end() {
    let world = World::new();
    world.create().await;
    let posts: Vec<_> = (0..20)
        .map(|id| {
            let commands = world.commands.clone();
            let dialog = DialogId::from_parts(7, [0xaa; 8]);
            tokio::spawn(async move {
                commands
                    .ask(Request { id: CommandId([id; 16]), dialog, actor: user(1), command: post(id) })
                    .await
            })
        })
        .collect();
    tokio::task::yield_now().await;
    world.stop_writer().await;
    let answered = futures::future::join_all(posts).await;
    let done = answered.iter().filter(|answer| matches!(answer, Ok(Ok(Ok(_))))).count();
    assert_eq!(done, world.posted().await, "every message in the log was acknowledged");
}
