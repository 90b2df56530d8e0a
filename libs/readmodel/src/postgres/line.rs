//! One connection for one user of it, made again when it broke.
//!
//! A pool would ask the server whether the connection still works each time that it is
//! given back; here the next statement finds out.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use super::connect::Pool;
use crate::Error;

/// How much longer than the server works on a statement to wait for its answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// The connection, unless it broke or is in use.
#[derive(Debug)]
pub(super) struct Line {
    pool: Pool,
    kept: Option<PgConnection>,
}

impl Line {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool, kept: None }
    }

    /// The connection. Whoever takes it and is given up drops it, in whatever state it is.
    pub(super) async fn take(&mut self) -> Result<PgConnection, Error> {
        match self.kept.take() {
            Some(connection) => Ok(connection),
            None => self.pool.dedicated().await,
        }
    }

    /// Whether `outcome` may be due to a connection that broke while nobody used it, so that
    /// another one, which was not there before, may do better.
    pub(super) fn is_worth_another<T>(&self, kept: bool, outcome: &Result<T, Error>) -> bool {
        kept && self.kept.is_none() && matches!(outcome, Err(Error::Unavailable(_)))
    }

    /// Whether there is a connection that was used before.
    pub(super) fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Gives the connection back after `outcome`. Whether it can be used further.
    pub(super) fn keep<T>(&mut self, connection: PgConnection, outcome: &Result<T, Error>) {
        match outcome {
            Ok(_) | Err(Error::Moved { .. } | Error::Fold { .. } | Error::Damaged(_)) => {
                self.kept = Some(connection);
            }
            // Nothing was lost if it could have been used again.
            Err(Error::Full(_) | Error::Unavailable(_) | Error::Store(_)) => {}
        }
    }

    /// Waits for an answer a little longer than a server that works takes for a statement, so
    /// that one that has silently gone is noticed.
    pub(super) async fn within<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let patience = self.pool.statement_max() + ANSWER_MAX;
        match tokio::time::timeout(patience, answer).await {
            Ok(outcome) => outcome,
            Err(elapsed) => Err(Error::Unavailable(elapsed.into())),
        }
    }

    pub(super) async fn close(mut self) {
        if let Some(connection) = self.kept.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "a connection to the read model ended by itself");
        }
    }
}
