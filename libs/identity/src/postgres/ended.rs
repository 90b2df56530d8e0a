//! Sessions that another process has ended or switched, and users whom it has changed: forgotten here
//! within a second.
//!
//! Each such end has a number, dense and visible in order (the counter's row is locked until the commit), so
//! that reading on from the last number seen misses nothing. A gap, or a counter that has gone back,
//! says that something was missed: then nothing in memory counts. There is no message to get lost;
//! who has not read lately enough does not trust its memory ([`super::link`]) and asks the rows.

use std::sync::Arc;
use std::time::Duration;

use domain::UserId;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::time::Instant;

use super::link::Link;
use super::users::get;
use crate::Error;
use crate::memory::{Memory, Stale};
use crate::session::TokenHash;
use crate::store::{damaged, sql, user_id};

/// How often ended sessions are read.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long one answer may take: then the server is known not to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);
/// How long a connection may take to come about.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);
/// Ends in one answer; the rest comes with the next at once.
const ENDS_MAX: i64 = 1_000;

/// The place up to which ends have been read, and the memory that they concern.
pub(super) struct Feed {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    seen: Option<i64>,
    memory: Arc<Memory>,
}

impl Feed {
    /// Nothing has been read yet.
    pub(super) fn new(options: PgConnectOptions, memory: Arc<Memory>) -> Self {
        Self { options, connection: None, seen: None, memory }
    }

    /// Reads on to the end, and tells `link` how fresh the memory is now. After a failure, which is
    /// told in words for an operator, the next turn connects anew.
    pub(super) async fn turn(&mut self, link: &Link) -> Result<(), String> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => bounded(CONNECT_TIME_MAX, self.options.connect()).await?,
        };
        loop {
            let asked = Instant::now();
            let seen = self.seen.unwrap_or(i64::MAX);
            let answer = sqlx::query(
                "SELECT counter.last, ended.number, ended.token_hash, ended.user_id
                 FROM identity.counters counter
                 LEFT JOIN identity.ended ON ended.number > $1
                 WHERE counter.name = 'ended' ORDER BY ended.number LIMIT $2",
            )
            .bind(seen)
            .bind(ENDS_MAX)
            .fetch_all(&mut connection);
            let rows = bounded(ANSWER_TIME_MAX, answer).await?;
            let (last, ends) = ends(&rows).map_err(|error| error.to_string())?;
            let news = News::of(self.seen, last, ends);
            match news.ended {
                Ended::These(stale) => self.memory.forget(&stale),
                Ended::Unknown => self.memory.forget_all(),
            }
            self.seen = Some(news.seen);
            if news.seen == last {
                link.heard(asked);
                break;
            }
        }
        self.connection = Some(connection);
        Ok(())
    }
}

/// Reads ended sessions for ever, at once again when somebody suspects that the server is gone.
pub(super) async fn listen(mut feed: Feed, link: Arc<Link>) {
    loop {
        match feed.turn(&link).await {
            Ok(()) => link.up(),
            Err(reason) => link.away(&reason),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = link.suspected() => {}
        }
    }
}

async fn bounded<T>(time_max: Duration, work: impl Future<Output = sqlx::Result<T>>) -> Result<T, String> {
    match tokio::time::timeout(time_max, work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {time_max:?}")),
    }
}

/// One token or one user to forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Token(TokenHash),
    User(UserId),
}

/// The counter, and the ends above the number asked for.
fn ends(rows: &[PgRow]) -> Result<(i64, Vec<(i64, End)>), Error> {
    let first = rows.first().ok_or_else(|| damaged("there is no counter of ended sessions"))?;
    let mut ends = Vec::new();
    for row in rows {
        let Some(number) = get::<Option<i64>>(row, "number")? else { continue };
        let end = match get::<Option<i64>>(row, "user_id")? {
            Some(user) => End::User(user_id(user)?),
            None => End::Token(TokenHash(get(row, "token_hash")?)),
        };
        ends.push((number, end));
    }
    Ok((get(first, "last")?, ends))
}

/// Tells all processes what of their memory is out of date. The counter's row stays locked until the
/// commit, so that this comes last.
pub(super) async fn announce(connection: &mut PgConnection, stale: &Stale) -> sqlx::Result<()> {
    // A user's row has a token that is nobody's.
    let nobodys = TokenHash([0; 32]);
    let tokens = stale.tokens.iter().map(|token| (token, None));
    let users = stale.users.iter().map(|user| (&nobodys, Some(sql(user.get()))));
    let (tokens, users): (Vec<_>, Vec<_>) = tokens.chain(users).map(|(token, user)| (token.0, user)).unzip();
    if tokens.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "WITH counter AS (
             UPDATE identity.counters SET last = last + cardinality($1::bytea[]) WHERE name = 'ended' RETURNING last)
         INSERT INTO identity.ended (number, token_hash, user_id)
         SELECT counter.last - cardinality($1::bytea[]) + stale.place, stale.token, stale.client
         FROM counter, unnest($1::bytea[], $2::bigint[]) WITH ORDINALITY AS stale (token, client, place)",
    )
    .bind(&tokens)
    .bind(&users)
    .execute(connection)
    .await?;
    Ok(())
}

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
struct News {
    ended: Ended,
    /// Up to which number ends have been read now.
    seen: i64,
}

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// Those tokens and users.
    These(Stale),
    /// Some, and nobody knows which.
    Unknown,
}

impl News {
    /// `last` is the counter; `ends` are those above `seen`, in order, perhaps not all.
    fn of(seen: Option<i64>, last: i64, ends: Vec<(i64, End)>) -> Self {
        let unknown = Self { ended: Ended::Unknown, seen: last };
        let Some(seen) = seen else { return unknown };
        let is_dense = (seen + 1..).zip(&ends).all(|(expected, (number, _))| expected == *number);
        let newest = ends.last().map_or(seen, |(number, _)| *number);
        // Old ends are removed; and a restored database may know fewer than there were.
        let is_missing_some = ends.is_empty() && seen != last;
        if !is_dense || is_missing_some || newest > last {
            return unknown;
        }
        let mut stale = Stale::default();
        for (_, end) in ends {
            match end {
                End::Token(token) => stale.tokens.push(token),
                End::User(user) => stale.users.push(user),
            }
        }
        Self { ended: Ended::These(stale), seen: newest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_noticed() {
        let token = |n: i64| TokenHash([u8::try_from(n).unwrap(); 32]);
        let ends = |numbers: &[i64]| numbers.iter().map(|n| (*n, End::Token(token(*n)))).collect::<Vec<_>>();
        let these = |numbers: &[i64], seen| News {
            ended: Ended::These(Stale { tokens: numbers.iter().map(|n| token(*n)).collect(), users: vec![] }),
            seen,
        };
        let unknown = |seen| News { ended: Ended::Unknown, seen };
        for (seen, last, above, expected) in [
            (None, 5, &[][..], unknown(5)),
            (Some(5), 5, &[], these(&[], 5)),
            (Some(5), 7, &[6, 7], these(&[6, 7], 7)),
            (Some(5), 9, &[6, 7], these(&[6, 7], 7)),
            (Some(5), 7, &[7], unknown(7)),
            (Some(5), 9, &[6, 8], unknown(9)),
            (Some(5), 7, &[], unknown(7)),
            (Some(5), 3, &[], unknown(3)),
        ] {
            assert_eq!(News::of(seen, last, ends(above)), expected, "{seen:?} {last} {above:?}");
        }
    }
}
