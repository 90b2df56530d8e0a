//! What the tests share: connections, commands, and a writer that knows no rules.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::leases::{Ground, Hold, Kind, Member, Settings as LeaseSettings, join};
use bus::nats::{Bus, Connection, Credentials, Settings};
use bus::{Answer, Capacity, Commands, Decided, Inbox, Position, Unanswered};
use domain::command::{Command, Decision, Request};
use domain::{CommandId, DialogId, UserId};
use tokio::task::JoinSet;

/// Longer than anything here takes; what takes longer hangs.
const HANGS_AFTER: Duration = Duration::from_secs(60);

pub(crate) fn settings(urls: Vec<String>) -> Settings {
    Settings {
        urls,
        namespace: "test".to_owned(),
        name: "test".to_owned(),
        credentials: Credentials::None,
        root_certificates: None,
        connect_within: Duration::from_secs(20),
    }
}

pub(crate) async fn bus(urls: Vec<String>, partitions: u32) -> Bus {
    Bus::new(Connection::open(&settings(urls)).await.unwrap(), [7; 16], partitions)
}

pub(crate) fn commands(bus: &Bus, answer_within: Duration) -> Commands {
    Commands::over(bus.clone(), answer_within, Arc::new(|_| 0))
}

pub(crate) fn request(number: u64) -> Request {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Request {
        id: CommandId(id),
        dialog: DialogId::from_parts(1, number.to_be_bytes()),
        actor: UserId::new(number + 1).unwrap(),
        command: Command::DeleteForSelf,
    }
}

pub(crate) async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANGS_AFTER, what).await.expect("it hangs")
}

/// Wait until `condition` holds.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    in_time(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// What has been decided, by all writers: each command once.
#[derive(Debug, Default)]
pub(crate) struct Log {
    decided: HashMap<CommandId, u64>,
    /// How often a command arrived at a writer.
    pub(crate) arrived: usize,
}

impl Log {
    pub(crate) fn decided(&self) -> usize {
        self.decided.len()
    }

    pub(crate) fn decide(&mut self, request: &Request) -> Answer {
        let next = self.decided.len() as u64 + 1;
        let next = *self.decided.entry(request.id).or_insert(next);
        self.arrived += 1;
        Ok(Decided::new(Decision::default(), vec![], Position { epoch: [7; 16], partition: 0, next }))
    }
}

pub(crate) type SharedLog = Arc<Mutex<Log>>;

/// Decide what comes until the queue is closed.
pub(crate) async fn write(inbox: Inbox, log: SharedLog) {
    loop {
        let jobs = inbox.take(512).await;
        if jobs.is_empty() {
            return;
        }
        for job in jobs {
            let answer = log.lock().unwrap().decide(&job.request);
            job.answer(Ok(answer));
        }
    }
}

pub(crate) fn inbox() -> Inbox {
    Inbox::new(Capacity { jobs: 8_192 })
}

/// A lease that nobody else wants.
pub(crate) async fn hold(tasks: &mut JoinSet<()>) -> Hold {
    let member = Member { id: [1; 16], name: "writer".to_owned() };
    let (mut leases, keeper) = join(Ground::memory(1), Kind::Writer, member, LeaseSettings::default());
    tasks.spawn(async move { keeper.run(std::future::pending()).await.unwrap() });
    let hold = leases.next().await.unwrap();
    // For as long as the test goes on.
    tasks.spawn(async move {
        let _leases = leases;
        std::future::pending::<()>().await;
    });
    hold
}

/// A partition's writer in the background, for as long as `tasks` lives.
pub(crate) async fn start_writer(tasks: &mut JoinSet<()>, bus: &Bus, log: &SharedLog) {
    let (inbox, hold, bus) = (inbox(), hold(tasks).await, bus.clone());
    tasks.spawn(write(inbox.clone(), Arc::clone(log)));
    tasks.spawn(async move { bus::nats::serve(&bus, &hold, &inbox).await.unwrap() });
}

pub(crate) fn next_of(answer: Result<Answer, Unanswered>) -> u64 {
    answer.unwrap().unwrap().position.next
}
