//! Sessions that another process has ended: forgotten here within a second.
//!
//! Each end has a number, dense and visible in order (the counter's row is locked until the commit), so
//! that reading on from the last number seen misses nothing. A gap, or a counter that has gone back,
//! says that something was missed: then nothing in memory counts. There is no message to get lost;
//! who has not read lately enough does not trust its memory ([`super::link`]) and asks the rows.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{ConnectOptions as _, PgConnection, Row as _};
use tokio::time::Instant;

use super::link::Link;
use crate::session::{LiveSessions, TokenHash};

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
    live: Arc<LiveSessions>,
}

impl Feed {
    /// Nothing has been read yet.
    pub(super) fn new(options: PgConnectOptions, live: Arc<LiveSessions>) -> Self {
        Self { options, connection: None, seen: None, live }
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
                "SELECT counter.last, ended.number, ended.token_hash
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
                Ended::These(tokens) => tokens.iter().for_each(|token| self.live.forget(token)),
                Ended::Unknown => self.live.forget_all(),
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

/// The counter, and the ends above the number asked for.
fn ends(rows: &[PgRow]) -> sqlx::Result<(i64, Vec<(i64, TokenHash)>)> {
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let mut ends = Vec::new();
    for row in rows {
        if let Some(number) = row.try_get::<Option<i64>, _>("number")? {
            ends.push((number, TokenHash(row.try_get("token_hash")?)));
        }
    }
    Ok((first.try_get("last")?, ends))
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
    /// Those tokens are dead.
    These(Vec<TokenHash>),
    /// Some are dead, and nobody knows which.
    Unknown,
}

impl News {
    /// `last` is the counter; `ends` are those above `seen`, in order, perhaps not all.
    fn of(seen: Option<i64>, last: i64, ends: Vec<(i64, TokenHash)>) -> Self {
        let unknown = Self { ended: Ended::Unknown, seen: last };
        let Some(seen) = seen else { return unknown };
        let is_dense = (seen + 1..).zip(&ends).all(|(expected, (number, _))| expected == *number);
        let newest = ends.last().map_or(seen, |(number, _)| *number);
        // Old ends are removed; and a restored database may know fewer than there were.
        let is_missing_some = ends.is_empty() && seen != last;
        if !is_dense || is_missing_some || newest > last {
            return unknown;
        }
        Self { ended: Ended::These(ends.into_iter().map(|(_, token)| token).collect()), seen: newest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_noticed() {
        let token = |n: i64| TokenHash([u8::try_from(n).unwrap(); 32]);
        let ends = |numbers: &[i64]| numbers.iter().map(|n| (*n, token(*n))).collect::<Vec<_>>();
        let these = |numbers: &[i64], seen| News {
            ended: Ended::These(numbers.iter().map(|n| token(*n)).collect()),
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
