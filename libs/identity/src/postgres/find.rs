//! Finding users in PostgreSQL: a query as one statement, and the terms that it goes by.
//!
//! Values are bound, never written into the statement; the names of columns come from enums. What an
//! index leads to costs what it leads to; everything else reads all users, and neither goes on for
//! longer than any statement may.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgArguments;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Row as _};
use tokio::time::timeout;

use super::users::{get, user};
use super::{ACQUIRE_TIME_MAX, Store, failures};
use crate::find::{Condition, Hits, Moment, Query, Test, Text};
use crate::store::{number, sql};
use crate::terms::{Term, after, key, terms};
use crate::{Error, User};

/// Users whose terms are made at a time.
const BATCH: i64 = 500;
/// How long a batch may take.
const BATCH_TIME_MAX: Duration = Duration::from_secs(60);

impl Store {
    /// Those whom `query` is about, and how many there are in all.
    pub(crate) async fn find_users(&self, query: Query) -> Result<Hits, Error> {
        // Nobody waits for a place behind a server that is known not to answer.
        let place = self.link.run(async {
            let waiting = timeout(ACQUIRE_TIME_MAX, Arc::clone(&self.finding).acquire_owned());
            waiting.await.ok().and_then(Result::ok).ok_or(sqlx::Error::PoolTimedOut)
        });
        let place = place.await?;
        let is_exact = query.is_exact();
        let pool = self.pool.clone();
        // Once asked the server goes on, also when nobody waits any more: so long the place is taken.
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends with its statement, and says so to whoever waits"
        )]
        let asked = tokio::spawn(async move {
            let _place = place;
            let Statement { text, values } = statement(&query);
            let asking = values.into_iter().fold(
                // There are too many of them to be kept prepared.
                sqlx::query(AssertSqlSafe(text)).persistent(false),
                |asking, value| value.bind(asking),
            );
            asking.fetch_all(&pool).await
        });
        let found = self.run(async {
            match asked.await.map_err(|_| sqlx::Error::WorkerCrashed)? {
                Ok(rows) => Ok(Some(rows)),
                Err(error) if failures::is_too_slow(&error) && !is_exact => Ok(None),
                Err(error) => Err(error),
            }
        });
        let rows = found.await?.ok_or(Error::TooCostly)?;
        let mut hits = Hits { total: 0, users: Vec::with_capacity(rows.len()) };
        for row in &rows {
            hits.total = number(get(row, "total")?)?;
            if get::<Option<i64>>(row, "id")?.is_some() {
                hits.users.push(user(row)?);
            }
        }
        Ok(hits)
    }
}

/// Makes the terms of the users anew: with every change of one, and within it.
pub(super) async fn note_terms(connection: &mut PgConnection, users: &[User]) -> sqlx::Result<()> {
    let ids = users.iter().map(|user| sql(user.id.get())).collect::<Vec<_>>();
    forget_terms(connection, &ids).await?;
    let (mut fields, mut keys, mut owners) = (vec![], vec![], vec![]);
    for user in users {
        for (term, key) in terms(user) {
            fields.push(term.number());
            keys.push(key);
            owners.push(sql(user.id.get()));
        }
    }
    sqlx::query(
        "INSERT INTO identity.terms (field, key, user_id)
         SELECT * FROM unnest($1::smallint[], $2::text[], $3::bigint[])",
    )
    .bind(fields)
    .bind(keys)
    .bind(owners)
    .execute(connection)
    .await?;
    Ok(())
}

/// The users are no longer found by any term.
pub(super) async fn forget_terms(connection: &mut PgConnection, users: &[i64]) -> sqlx::Result<()> {
    let forgetting = sqlx::query("DELETE FROM identity.terms WHERE user_id = ANY ($1)").bind(users);
    forgetting.execute(connection).await.map(|_| ())
}

/// Makes the terms of those users who have none, because an older version stored them: all of them when
/// this answers, but for whom one stores meanwhile. Several processes may do so at once.
pub(super) async fn note_missing_terms(connection: &mut PgConnection) -> sqlx::Result<()> {
    let newest = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM identity.users");
    let newest: i64 = newest.fetch_one(&mut *connection).await?;
    let mut last = 0_i64;
    loop {
        let noting = timeout(BATCH_TIME_MAX, note_some_missing(connection, last, newest)).await;
        let Some(noted) = noting.map_err(|_| sqlx::Error::Io(ErrorKind::TimedOut.into()))?? else { break };
        last = noted;
    }
    let noted = sqlx::query("UPDATE identity.counters SET last = $1 WHERE name = 'terms' AND last < $1");
    noted.bind(newest).execute(connection).await.map(|_| ())
}

/// The same of a batch of those after `last`, and who was the last of them; none: there were no more.
async fn note_some_missing(
    connection: &mut PgConnection,
    last: i64,
    newest: i64,
) -> sqlx::Result<Option<i64>> {
    let mut transaction = connection.begin().await?;
    // Locked, so that nobody changes them before their terms are there.
    let rows = sqlx::query(
        "SELECT * FROM identity.users u
             WHERE u.id > greatest($1, (SELECT c.last FROM identity.counters c WHERE c.name = 'terms'))
                 AND u.id <= $2 AND u.deleted_at IS NULL
                 AND NOT EXISTS (SELECT FROM identity.terms t WHERE t.user_id = u.id)
             ORDER BY u.id LIMIT $3 FOR UPDATE OF u",
    );
    let rows = rows.bind(last).bind(newest).bind(BATCH).fetch_all(&mut *transaction).await?;
    let users = rows.iter().map(user).collect::<Result<Vec<_>, _>>();
    let users = users.map_err(|error| sqlx::Error::Decode(error.into()))?;
    note_terms(&mut transaction, &users).await?;
    transaction.commit().await?;
    rows.last().map(|row| row.try_get("id")).transpose()
}

/// A value of a statement.
enum Value {
    Number(i64),
    Numbers(Vec<i64>),
    Text(String),
    Texts(Vec<String>),
}

type Asking<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

impl Value {
    fn bind(self, asking: Asking<'_>) -> Asking<'_> {
        match self {
            Self::Number(number) => asking.bind(number),
            Self::Numbers(numbers) => asking.bind(numbers),
            Self::Text(text) => asking.bind(text),
            Self::Texts(texts) => asking.bind(texts),
        }
    }
}

/// A statement as it grows, and the values for its places.
#[derive(Default)]
struct Statement {
    text: String,
    values: Vec<Value>,
}

fn statement(query: &Query) -> Statement {
    let mut statement = Statement::default();
    let mut fits = vec!["u.deleted_at IS NULL".to_owned()];
    for condition in &query.conditions {
        fits.push(statement.condition(condition));
    }
    let fits = fits.join(" AND ");
    let (column, is_text) = query.by.column();
    let key = if is_text { format!("{column} COLLATE \"C\"") } else { column.to_owned() };
    let order = query.order.sql();
    let limit = statement.put(Value::Number(query.limit.into()));
    let skip = statement.put(Value::Number(sql(query.skip)));
    // What is sorted is small: the rest of a user is read for those who are shown.
    statement.text = format!(
        "SELECT c.total, shown.* FROM (SELECT count(*) AS total FROM identity.users u WHERE {fits}) c
         LEFT JOIN (SELECT u.id, u.{key} AS key FROM identity.users u WHERE {fits}
             ORDER BY u.{key} {order} NULLS LAST, u.id {order} LIMIT {limit} OFFSET {skip}) p ON true
         LEFT JOIN identity.users shown ON shown.id = p.id
         ORDER BY p.key {order} NULLS LAST, p.id {order}"
    );
    statement
}

impl Statement {
    /// The place of that value.
    fn put(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn condition(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::Id(test) => self.number("u.id", test),
            Condition::Text(text, test) => self.text(*text, test),
            Condition::AnyTag(tags) => format!("{} AND {}", self.found(Term::Tag, tags), self.tagged(tags)),
            Condition::NoTag(tags) => format!("NOT {}", self.tagged(tags)),
            Condition::Begins(beginning) => {
                let field = self.put(Value::Number(beginning.term.number().into()));
                let from = self.put(Value::Text(beginning.key.clone()));
                let until = match after(&beginning.key) {
                    Some(after) => format!(" AND t.key < {}", self.put(Value::Text(after))),
                    None => String::new(),
                };
                led_to(&format!("t.field = {field} AND t.key >= {from}{until}"))
            }
            Condition::Moment(moment, test) => self.moment(*moment, test),
        }
    }

    fn text(&mut self, text: Text, test: &Test<String>) -> String {
        let column = format!("u.{}", text.column());
        let one = |value: &String| Value::Text(text.compared(value));
        let many =
            |values: &[String]| Value::Texts(values.iter().map(|value| text.compared(value)).collect());
        let ordered = format!("{column} COLLATE \"C\"");
        match test {
            Test::In(values) => {
                let compared = format!("{column} = ANY ({})", self.put(many(values)));
                match text.term() {
                    Some(term) => format!("{} AND {compared}", self.found(term, values)),
                    None => compared,
                }
            }
            Test::NotIn(values) => format!("({column} = ANY ({})) IS NOT true", self.put(many(values))),
            Test::Below(bound) => format!("{ordered} < {}", self.put(one(bound))),
            Test::AtMost(bound) => format!("{ordered} <= {}", self.put(one(bound))),
            Test::Above(bound) => format!("{ordered} > {}", self.put(one(bound))),
            Test::AtLeast(bound) => format!("{ordered} >= {}", self.put(one(bound))),
        }
    }

    fn moment(&mut self, moment: Moment, test: &Test<i64>) -> String {
        self.number(&format!("u.{} / 1000", moment.column()), test)
    }

    fn number(&mut self, column: &str, test: &Test<i64>) -> String {
        match test {
            Test::In(values) => format!("{column} = ANY ({})", self.put(Value::Numbers(values.clone()))),
            Test::NotIn(values) => {
                format!("({column} = ANY ({})) IS NOT true", self.put(Value::Numbers(values.clone())))
            }
            Test::Below(bound) => format!("{column} < {}", self.put(Value::Number(*bound))),
            Test::AtMost(bound) => format!("{column} <= {}", self.put(Value::Number(*bound))),
            Test::Above(bound) => format!("{column} > {}", self.put(Value::Number(*bound))),
            Test::AtLeast(bound) => format!("{column} >= {}", self.put(Value::Number(*bound))),
        }
    }

    /// He is among those whom these terms lead to.
    fn found(&mut self, term: Term, values: &[String]) -> String {
        let field = self.put(Value::Number(term.number().into()));
        let keys = self.put(Value::Texts(values.iter().map(|value| key(value)).collect()));
        led_to(&format!("t.field = {field} AND t.key = ANY ({keys})"))
    }

    /// He has one of these tags, letter by letter.
    fn tagged(&mut self, tags: &[String]) -> String {
        let tags = self.put(Value::Texts(tags.to_vec()));
        format!("(string_to_array(coalesce(u.user_tags, ''), ',') && {tags})")
    }
}

/// He is among those to whom these terms lead: first they, then he. As a list, so that no plan reads
/// all users to compare them with it.
fn led_to(terms: &str) -> String {
    format!("u.id = ANY (ARRAY(SELECT t.user_id FROM identity.terms t WHERE {terms}))")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use engines::Postgres as Server;

    use super::*;
    use crate::Settings;
    use crate::copy::Purpose;
    use crate::find::{By, Order, leading};
    use crate::memory::Memory;

    /// Enough of them that no plan reads all for want of anything better.
    const USERS: &str = "
        INSERT INTO identity.users (id, login, login_key, email, email_key, full_name, created_at, updated_at)
        SELECT n, 'user' || n, 'user' || n, n || '@x.com', n || '@x.com', 'Name ' || n, n, n
        FROM generate_series(1, 20000) n;
        INSERT INTO identity.terms (field, key, user_id)
        SELECT field, 'user' || n, n FROM generate_series(1, 20000) n, generate_series(1, 9) field;
        ANALYZE identity.users; ANALYZE identity.terms";

    async fn plan(store: &Store, condition: Condition, by: By) -> String {
        let query = Query { conditions: vec![condition], by, order: Order::Descending, skip: 0, limit: 10 };
        let Statement { text, values } = statement(&query);
        let text = format!("EXPLAIN {text}");
        let asking = sqlx::query(AssertSqlSafe(text)).persistent(false);
        let asking = values.into_iter().fold(asking, |asking, value| value.bind(asking));
        let steps = asking.fetch_all(&store.pool).await.unwrap();
        steps.iter().map(|row| row.get::<String, _>(0) + "\n").collect()
    }

    #[tokio::test]
    async fn whom_an_index_leads_to_is_found_by_it() {
        let database = Server::shared().await.database().await;
        let settings = Settings::default();
        let memory = Arc::new(Memory::new(&settings));
        let store = Store::open(database.url(), &settings, memory, Purpose::Serve).await.unwrap();
        sqlx::raw_sql(USERS).execute(&store.pool).await.unwrap();
        for condition in leading() {
            for by in [By::Id, By::Text(Text::FullName), By::Moment(Moment::CreatedAt)] {
                let plan = plan(&store, condition.clone(), by).await;
                assert!(!plan.contains("Seq Scan"), "{condition:?}\n{plan}");
            }
        }
    }
}
