//! Finding users in the embedded store: a query as one statement, and the terms that it goes by.
//!
//! Values are bound, never written into the statement; the names of columns come from enums. What an
//! index leads to costs what it leads to; everything else reads all users, and neither goes on for
//! more than [`STEPS_MAX`].

use domain::UserId;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Transaction, params_from_iter};

use super::Store;
use super::users::user;
use crate::find::{Condition, Hits, Moment, Query, Test, Text};
use crate::store::{number, sql};
use crate::terms::{Term, after, key, terms};
use crate::workers::Droppable;
use crate::{Error, User};

/// Steps of SQLite's machine that one query may take: a few seconds, and a look at more than a
/// million users.
const STEPS_MAX: i32 = 200_000_000;
/// Users whose missing terms are made at a time.
const BATCH: u32 = 500;
/// How often the steps are counted.
const STEPS_COUNTED: i32 = 1_000_000;

impl Store {
    /// Those whom `query` is about, and how many there are in all.
    pub(crate) async fn find_users(&self, query: Query) -> Result<Hits, Error> {
        // A long search holds up others of its kind, and nobody who is looked up by what he alone has.
        let workers = if query.is_exact() { &self.readers } else { &self.finder };
        workers.ask(Droppable::Yes, move |connection| bounded(connection, &query)).await?
    }
}

/// Finds within [`STEPS_MAX`]; [`Error::TooCostly`] beyond.
fn bounded(connection: &Connection, query: &Query) -> Result<Hits, Error> {
    let mut left = STEPS_MAX / STEPS_COUNTED;
    let is_over = move || {
        left -= 1;
        left <= 0
    };
    connection.progress_handler(STEPS_COUNTED, Some(is_over))?;
    let found = find(connection, query);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    found
}

fn find(connection: &Connection, query: &Query) -> Result<Hits, Error> {
    let Statement { text, values } = statement(query);
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => Error::TooCostly,
        _ => error.into(),
    };
    let mut statement = connection.prepare_cached(&text)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut hits = Hits { total: 0, users: vec![] };
    while let Some(row) = rows.next().map_err(failed)? {
        hits.total = number(row.get("total")?)?;
        if row.get::<_, Option<i64>>("id")?.is_some() {
            hits.users.push(user(row)?);
        }
    }
    Ok(hits)
}

/// Makes the terms of the user anew: with every change of him, and within it.
pub(super) fn note_terms(connection: &Connection, user: &User) -> Result<(), Error> {
    forget_terms(connection, user.id)?;
    let mut noting =
        connection.prepare_cached("INSERT INTO terms (field, key, user_id) VALUES (?1, ?2, ?3)")?;
    for (term, key) in terms(user) {
        noting.execute((term.number(), key, sql(user.id.get())))?;
    }
    Ok(())
}

/// The user is no longer found by any term.
pub(super) fn forget_terms(connection: &Connection, user: UserId) -> Result<(), Error> {
    connection.prepare_cached("DELETE FROM terms WHERE user_id = ?1")?.execute([sql(user.get())])?;
    Ok(())
}

/// Makes the terms of users whom an older version stored without, if there may be any. What is done of
/// it is done for good.
pub(super) fn note_missing_terms(connection: &mut Connection) -> Result<(), Error> {
    while super::in_transaction(connection, note_some_missing)? {}
    Ok(())
}

/// Whether there may be more.
fn note_some_missing(transaction: &Transaction<'_>) -> Result<bool, Error> {
    let last = transaction
        .prepare_cached("SELECT last FROM counters WHERE name = 'terms missing'")?
        .query_row([], |row| row.get::<_, i64>(0))
        .optional()?;
    let Some(last) = last else { return Ok(false) };
    let mut statement = transaction
        .prepare_cached("SELECT * FROM users WHERE id > ?1 AND deleted_at IS NULL ORDER BY id LIMIT ?2")?;
    let mut rows = statement.query((last, BATCH))?;
    let mut noted = None;
    while let Some(row) = rows.next()? {
        let user = user(row)?;
        note_terms(transaction, &user)?;
        noted = Some(user.id);
    }
    match noted {
        Some(noted) => transaction
            .prepare_cached("UPDATE counters SET last = ?1 WHERE name = 'terms missing'")?
            .execute([sql(noted.get())])?,
        None => transaction.execute("DELETE FROM counters WHERE name = 'terms missing'", [])?,
    };
    Ok(noted.is_some())
}

/// A statement as it grows, and the values for its places.
#[derive(Default)]
struct Statement {
    text: String,
    values: Vec<Value>,
}

fn statement(query: &Query) -> Statement {
    let mut statement = Statement::default();
    // Of whomever an index leads to it is only checked that he has not been deleted.
    let mut fits =
        vec![if query.is_led() { "+u.deleted_at IS NULL" } else { "u.deleted_at IS NULL" }.to_owned()];
    for condition in &query.conditions {
        fits.push(statement.condition(condition));
    }
    let fits = fits.join(" AND ");
    let (column, _) = query.by.column();
    let order = query.order.sql();
    let limit = statement.put(i64::from(query.limit));
    let skip = statement.put(sql(query.skip));
    // What is sorted is small: the rest of a user is read for those who are shown.
    statement.text = format!(
        "SELECT c.total, shown.* FROM (SELECT count(*) AS total FROM users u WHERE {fits}) c
         LEFT JOIN (SELECT u.id, u.{column} AS key FROM users u WHERE {fits}
             ORDER BY u.{column} {order} NULLS LAST, u.id {order} LIMIT {limit} OFFSET {skip}) p ON true
         LEFT JOIN users shown ON shown.id = p.id
         ORDER BY p.key {order} NULLS LAST, p.id {order}"
    );
    statement
}

impl Statement {
    /// The place of that value.
    fn put(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// The places of those values, as a list.
    fn list<T: Into<Value>>(&mut self, values: impl IntoIterator<Item = T>) -> String {
        let places = values.into_iter().map(|value| self.put(value)).collect::<Vec<_>>();
        format!("({})", places.join(", "))
    }

    fn condition(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::Id(test) => self.test("u.id", test, |id| *id),
            Condition::Text(text, test) => self.text(*text, test),
            Condition::AnyTag(tags) => {
                let found = self.found(Term::Tag, tags);
                format!("{found} AND {}", self.tagged(tags))
            }
            Condition::NoTag(tags) => format!("NOT {}", self.tagged(tags)),
            Condition::Begins(beginning) => {
                let field = self.put(i64::from(beginning.term.number()));
                let from = self.put(beginning.key.clone());
                let until = match after(&beginning.key) {
                    Some(after) => format!(" AND t.key < {}", self.put(after)),
                    None => String::new(),
                };
                format!(
                    "u.id IN (SELECT t.user_id FROM terms t WHERE t.field = {field} AND t.key >= {from}{until})"
                )
            }
            Condition::Moment(moment, test) => self.moment(*moment, test),
        }
    }

    fn text(&mut self, text: Text, test: &Test<String>) -> String {
        let column = format!("u.{}", text.column());
        let compared = self.test(&column, test, |value| text.compared(value));
        match (test, text.term()) {
            (Test::In(values), Some(term)) => format!("{} AND {compared}", self.found(term, values)),
            _ => compared,
        }
    }

    fn moment(&mut self, moment: Moment, test: &Test<i64>) -> String {
        self.test(&format!("u.{} / 1000", moment.column()), test, |seconds| *seconds)
    }

    /// He is among those whom these terms lead to.
    fn found(&mut self, term: Term, values: &[String]) -> String {
        let field = self.put(i64::from(term.number()));
        let keys = self.list(values.iter().map(|value| key(value)));
        format!("u.id IN (SELECT t.user_id FROM terms t WHERE t.field = {field} AND t.key IN {keys})")
    }

    /// He has one of these tags, letter by letter.
    fn tagged(&mut self, tags: &[String]) -> String {
        let among =
            |place| format!("instr(',' || coalesce(u.user_tags, '') || ',', ',' || {place} || ',') > 0");
        // A text with a comma is no tag.
        let tags = tags.iter().filter(|tag| !tag.contains(',') && !tag.is_empty());
        let any = tags.map(|tag| among(self.put(tag.clone()))).collect::<Vec<_>>();
        if any.is_empty() { "false".to_owned() } else { format!("({})", any.join(" OR ")) }
    }

    fn test<T, V: Into<Value>>(&mut self, column: &str, test: &Test<T>, value: impl Fn(&T) -> V) -> String {
        match test {
            Test::In(values) => format!("{column} IN {}", self.list(values.iter().map(value))),
            Test::NotIn(values) => {
                format!("({column} IN {}) IS NOT true", self.list(values.iter().map(value)))
            }
            Test::Below(bound) => format!("{column} < {}", self.put(value(bound))),
            Test::AtMost(bound) => format!("{column} <= {}", self.put(value(bound))),
            Test::Above(bound) => format!("{column} > {}", self.put(value(bound))),
            Test::AtLeast(bound) => format!("{column} >= {}", self.put(value(bound))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use crate::copy::Purpose;
    use crate::find::{By, Order, leading};

    /// What SQLite would do, step by step.
    async fn plan(store: &Store, condition: Option<Condition>, by: By) -> Vec<String> {
        let query = Query {
            conditions: condition.into_iter().collect(),
            by,
            order: Order::Descending,
            skip: 0,
            limit: 10,
        };
        let Statement { text, values } = statement(&query);
        let asking = move |connection: &mut Connection| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
            let steps = statement.query_map(params_from_iter(values), |row| row.get("detail")).unwrap();
            steps.collect::<rusqlite::Result<Vec<String>>>().unwrap()
        };
        store.finder.ask(Droppable::Yes, asking).await.unwrap()
    }

    #[tokio::test]
    async fn whom_an_index_leads_to_is_found_by_it() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("identity.db");
        let store = Store::open(&path, &Settings::default(), Purpose::Serve).unwrap();
        for condition in leading() {
            for by in [By::Id, By::Text(Text::FullName), By::Moment(Moment::CreatedAt)] {
                let steps = plan(&store, Some(condition.clone()), by).await;
                let reads_all = |step: &String| step.starts_with("SCAN u") || step.starts_with("SCAN t");
                assert!(!steps.iter().any(reads_all), "{condition:?}: {steps:#?}");
                let by_key =
                    |step: &String| step.starts_with("SEARCH u USING") && !step.contains("users_by_deletion");
                assert_eq!(steps.iter().filter(|step| by_key(step)).count(), 2, "{condition:?}: {steps:#?}");
            }
        }
        let all = plan(&store, None, By::Id).await;
        assert!(all.iter().any(|step| step.contains("USING COVERING INDEX users_by_deletion")), "{all:#?}");
    }
}
