//! What readers of PostgreSQL get when it is slow, gone, back, behind or another schema.

use std::time::Duration;

use domain::content::{Content, DialogContent};
use domain::event::{Event, Kind, Record, Stream};
use domain::role::Role;
use domain::{ApplicationId, CommandId, DialogId, Time};
use eventlog::{Offset, Partition};
use tokio::time::{sleep, timeout};

use super::super::{Error, Queries, Settings};
use super::user;
use crate::postgres::{self, Fresh, Store};
use crate::testing::Feeder;

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// One dialog on a server of its own.
struct Read {
    server: engines::Postgres,
    place: postgres::Settings,
    feeder: Feeder,
    queries: Queries,
    _database: engines::Database,
}

impl Read {
    async fn new(settings: Settings) -> Self {
        let server = engines::Postgres::start().await;
        let database = server.database().await;
        let place = postgres::Settings::new(database.url());
        let queries = Queries::postgres(&place, settings, 1_000).unwrap();
        let mut read = Self { server, place, feeder: Feeder::new(1), queries, _database: database };
        read.store().await.apply(&read.feeder.batch([created()])).await.unwrap();
        read.flush().await;
        read
    }

    /// A commit that waits for the disk, and so for all before it: a crash takes none of them.
    async fn flush(&self) {
        let pool = postgres::connect(&self.place).await.unwrap();
        let sql = "SET synchronous_commit = on; CREATE SCHEMA flushed";
        sqlx::raw_sql(sql).execute(pool.connections()).await.unwrap();
        pool.close().await;
    }

    async fn store(&self) -> Store {
        Store::new(postgres::connect(&self.place).await.unwrap())
    }

    async fn role(&self) -> Result<Option<(Kind, Role)>, Error> {
        self.queries.role(user(1), dialog()).await
    }

    /// Asks until there is an answer.
    async fn role_at_last(&self) -> Option<(Kind, Role)> {
        let asked = async {
            loop {
                match self.role().await {
                    Ok(role) => return role,
                    Err(error) => assert!(matches!(error, Error::Unavailable), "{error:?}"),
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, asked).await.unwrap()
    }

    /// Whether there is an answer without waiting for anything.
    async fn is_refused_at_once(&self) -> bool {
        let asked = timeout(Duration::ZERO, self.role()).await;
        matches!(asked, Ok(Err(Error::Unavailable)))
    }
}

const TWO: Settings = Settings { threads: 2, queue_max: 1 };

fn dialog() -> DialogId {
    DialogId::from_parts(u32::MAX, [7; 8])
}

fn created() -> Record {
    let event = Event::DialogCreated {
        kind: Kind::Group,
        owner: user(1),
        occupants: vec![user(1), user(2)],
        admins: vec![],
        permissions: None,
        content: Content::Known(DialogContent::default()),
    };
    record(event)
}

fn record(event: Event) -> Record {
    Record {
        id: [0; 16],
        command: CommandId([0; 16]),
        application: ApplicationId::new(1).unwrap(),
        stream: Stream::Dialog(dialog()),
        actor: Some(user(1)),
        at: Time(1_700_000_000_000),
        event,
    }
}

#[tokio::test]
async fn a_server_that_restarted_meanwhile_is_no_fault() {
    let read = Read::new(TWO).await;
    assert!(read.role().await.unwrap().is_some());
    read.server.restart().await;
    assert_eq!(read.role().await.unwrap(), Some((Kind::Group, Role::Owner)));
    assert_eq!(read.queries.checkpoints().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_gone_is_found_out_once_and_found_again() {
    let read = Read::new(TWO).await;
    assert!(read.role().await.unwrap().is_some());
    read.server.stop_immediately();
    assert!(matches!(read.role().await, Err(Error::Unavailable)));
    assert!(read.is_refused_at_once().await);
    assert!(matches!(read.queries.checkpoints().await, Err(Error::Unavailable)));
    read.server.restart().await;
    assert!(read.role_at_last().await.is_some());
}

#[tokio::test]
async fn nobody_waits_longer_than_the_first_for_a_server_that_hangs() {
    let read = Read::new(TWO).await;
    let warm = tokio::join!(read.role(), read.role());
    assert!(warm.0.is_ok() && warm.1.is_ok());
    read.server.pause();
    // Two ask, one waits for a connection, and there is no room for the last.
    let all = tokio::join!(biased; read.role(), read.role(), read.role(), read.role());
    assert!(matches!(all.3, Err(Error::Busy)));
    for asked in [all.0, all.1, all.2] {
        assert!(matches!(asked, Err(Error::Unavailable)));
    }
    assert!(read.is_refused_at_once().await);
    assert_eq!(read.queries.waiting(), 0);
    read.server.resume();
    assert!(read.role_at_last().await.is_some());
}

#[tokio::test]
async fn rows_behind_what_was_shown_are_not_shown() {
    let mut read = Read::new(TWO).await;
    assert!(read.role().await.unwrap().is_some());
    read.queries.at_least(Partition(0), Offset(2));
    assert!(matches!(read.role().await, Err(Error::Behind)));
    assert!(matches!(read.queries.dialogs_count(user(1), vec![]).await, Err(Error::Behind)));
    assert!(matches!(read.queries.checkpoints().await, Err(Error::Behind)));
    let left = record(Event::OccupantsRemoved { users: vec![user(2)] });
    let batch = read.feeder.batch([left]);
    read.store().await.apply(&batch).await.unwrap();
    assert!(read.role().await.unwrap().is_some());
    assert_eq!(read.queries.dialogs_count(user(1), vec![]).await.unwrap(), 1);
}

#[tokio::test]
async fn readers_go_on_over_a_schema_that_took_the_place_of_another() {
    let read = Read::new(TWO).await;
    let ask = async || {
        assert_eq!(read.queries.dialogs_count(user(2), vec![]).await.unwrap(), 1);
        assert_eq!(read.queries.role(user(2), dialog()).await.unwrap().unwrap().1, Role::Member);
    };
    ask().await;
    let pool = postgres::connect(&read.place).await.unwrap();
    for _ in 0..2 {
        let mut fresh = Fresh::make(&pool).await.unwrap();
        fresh.apply(&Feeder::new(1).batch([created()])).await.unwrap();
        fresh.switch().await.unwrap();
        ask().await;
    }
}
