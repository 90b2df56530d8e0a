//! Where a test's read models stand: in a folder, or in a database.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use engines::{Database, Postgres};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Runtime;

use crate::fold::{Rows, Wanted};
use crate::postgres::{self, Pool, Settings};
use crate::store::{FactSource, Store};
use crate::{Difference, sqlite};

/// A store to test, and the runtime that its connections belong to.
pub(super) struct Ground {
    runtime: Runtime,
    database: Option<Database>,
    cases: AtomicU32,
}

/// Some read models by name, of one case of one test.
pub(super) enum Case {
    Files(tempfile::TempDir),
    Schemas { url: String, prefix: String, pools: HashMap<String, Pool> },
}

fn grounds() -> [Ground; 2] {
    let ground = |with_database: bool| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let database =
            with_database.then(|| runtime.block_on(async { Postgres::shared().await.database().await }));
        Ground { runtime, database, cases: AtomicU32::new(0) }
    };
    [ground(false), ground(true)]
}

impl Ground {
    fn case(&self) -> Case {
        let number = self.cases.fetch_add(1, Ordering::Relaxed);
        match &self.database {
            None => Case::Files(tempfile::tempdir().unwrap()),
            Some(database) => Case::Schemas {
                url: database.url().to_owned(),
                prefix: format!("case_{number}"),
                pools: HashMap::new(),
            },
        }
    }
}

/// Runs a test on each store.
pub(super) fn on_both(test: impl AsyncFn(&mut Case)) {
    for ground in grounds() {
        ground.runtime.block_on(test(&mut ground.case()));
    }
}

/// Runs a property on each store, with as many cases as are said for each.
pub(super) fn property<S: Strategy>(
    cases: [u32; 2],
    strategy: &S,
    test: impl AsyncFn(&mut Case, S::Value) -> Result<(), TestCaseError>,
) {
    for (ground, cases) in grounds().into_iter().zip(cases) {
        let config = Config { cases, max_shrink_iters: 400, failure_persistence: None, ..Config::default() };
        let tested = TestRunner::new(config)
            .run(strategy, |value| ground.runtime.block_on(test(&mut ground.case(), value)));
        if let Err(failure) = tested {
            panic!("{}: {failure}", if ground.database.is_some() { "PostgreSQL" } else { "SQLite" });
        }
    }
}

impl Case {
    /// A writer of the read model of that name, which is made if it is not there.
    pub(super) async fn store(&mut self, name: &str) -> Store {
        match self {
            Self::Files(folder) => {
                let store = sqlite::Store::open_or_create(&folder.path().join(name)).unwrap();
                // These files need not outlive the machine.
                store.connection().pragma_update(None, "synchronous", "OFF").unwrap();
                store.into()
            }
            Self::Schemas { .. } => postgres::Store::new(self.pool(name).await).into(),
        }
    }

    /// Begins again without any read model.
    pub(super) async fn again(&mut self) {
        match self {
            Self::Files(folder) => *folder = tempfile::tempdir().unwrap(),
            Self::Schemas { prefix, pools, .. } => {
                prefix.push('x');
                pools.clear();
            }
        }
    }

    async fn pool(&mut self, name: &str) -> Pool {
        let Self::Schemas { url, prefix, pools } = self else { panic!("files have no pool") };
        if !pools.contains_key(name) {
            let schema = format!("{prefix}_{name}");
            let settings = Settings { schema, connections_max: 1, ..Settings::new(url.as_str()) };
            pools.insert(name.to_owned(), postgres::connect(&settings).await.unwrap());
        }
        pools[name].clone()
    }

    pub(super) async fn facts(&mut self, name: &str) -> FactSource {
        match self {
            Self::Files(folder) => sqlite::FactSource::open(&folder.path().join(name)).unwrap().into(),
            Self::Schemas { .. } => postgres::FactSource::new(self.pool(name).await).into(),
        }
    }

    /// The first rows in which two read models differ.
    pub(super) async fn first_differences(&mut self, names: [&str; 2], most: usize) -> Vec<Difference> {
        match self {
            Self::Files(folder) => {
                let [one, other] = names.map(|name| folder.path().join(name));
                sqlite::Snapshot::take(&one).unwrap().compare(&other, most).unwrap()
            }
            Self::Schemas { .. } => {
                let [one, other] = [self.pool(names[0]).await, self.pool(names[1]).await];
                let mut snapshot = postgres::Snapshot::take(&one).await.unwrap();
                let mut fresh = other.unlimited().await.unwrap();
                let differences = snapshot.compare_with(&mut fresh, most).await.unwrap();
                snapshot.release().await.unwrap();
                differences
            }
        }
    }

    /// The rows in which two read models differ, for people.
    pub(super) async fn differences(&mut self, one: &str, other: &str) -> Vec<String> {
        let differences = self.first_differences([one, other], 20).await;
        differences.iter().map(ToString::to_string).collect()
    }

    /// Runs a statement, one for each store, on the read model of that name.
    pub(super) async fn run(&mut self, name: &str, [sqlite, postgres]: [&str; 2]) {
        match self {
            Self::Files(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join(name)).unwrap();
                connection.execute_batch(sqlite).unwrap();
            }
            Self::Schemas { .. } => {
                let mut connection = self.pool(name).await.unlimited().await.unwrap();
                let statement = sqlx::AssertSqlSafe(postgres.to_owned());
                sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
            }
        }
    }

    /// How many rows a table has.
    pub(super) async fn count(&mut self, name: &str, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        match self {
            Self::Files(folder) => {
                let connection = rusqlite::Connection::open(folder.path().join(name)).unwrap();
                connection.query_row(&sql, [], |row| row.get(0)).unwrap()
            }
            Self::Schemas { .. } => {
                let mut connection = self.pool(name).await.unlimited().await.unwrap();
                let select = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
                select.fetch_one(&mut connection).await.unwrap()
            }
        }
    }
}

/// Loads rows as a fold would.
pub(super) async fn load(store: &mut Store, wanted: &Wanted, rows: &mut Rows) {
    match store {
        Store::Embedded(store) => store.load(wanted, rows).unwrap(),
        Store::Postgres(store) => store.load(wanted, rows).await.unwrap(),
    }
}
