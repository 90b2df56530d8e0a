//! Writing sessions' uses: a task takes all that wait, a batch a transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio::sync::{Mutex, Notify};

use super::Store;
use super::link::Link;
use crate::Error;
use crate::session::Use;
use crate::store::sql;
use crate::waiting::WaitingUses;

/// Uses in one transaction.
const BATCH_MAX: usize = 1_000;
/// When what could not be written is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The uses that wait, and the one way from here into the table.
pub(super) struct WriteBack {
    pool: PgPool,
    link: Arc<Link>,
    waiting: WaitingUses,
    told: Notify,
    /// Held while uses that wait no more are not in the table yet.
    writing: Mutex<()>,
}

impl WriteBack {
    /// None waits yet.
    pub(super) fn new(pool: PgPool, link: Arc<Link>) -> Self {
        let (waiting, told, writing) = (WaitingUses::default(), Notify::new(), Mutex::new(()));
        Self { pool, link, waiting, told, writing }
    }

    /// Writes whatever waits, for ever.
    pub(super) async fn keep_writing(self: Arc<Self>) {
        loop {
            self.told.notified().await;
            while let Err(error) = self.write_waiting().await {
                tracing::debug!(error = %error, "sessions' uses could not be written and wait on");
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
    }

    /// Writes all that wait; what cannot be written waits on.
    async fn write_waiting(&self) -> Result<(), Error> {
        let _alone = self.writing.lock().await;
        let mut uses = Taken { waiting: &self.waiting, uses: self.waiting.take() };
        while !uses.uses.is_empty() {
            let batch = &uses.uses[..uses.uses.len().min(BATCH_MAX)];
            let writing = async {
                let mut transaction = self.pool.begin().await?;
                write(&mut transaction, batch).await?;
                transaction.commit().await
            };
            self.link.run(writing).await?;
            let written = batch.len();
            uses.uses.drain(..written);
        }
        Ok(())
    }
}

/// Uses that have been taken: those that are left when this is dropped wait again, also if their
/// writer was given up.
struct Taken<'a> {
    waiting: &'a WaitingUses,
    uses: Vec<Use>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.waiting.add_all(std::mem::take(&mut self.uses));
    }
}

impl Store {
    /// Has the use written soon, without waiting for it. If that fails it is tried again.
    pub(crate) fn note_use(&self, used: Use) {
        self.uses.waiting.add(used);
        if self.uses.waiting.claim_schedule() {
            self.uses.told.notify_one();
        }
    }

    /// Writes `uses` and all that wait; on the disk when this answers.
    pub(crate) async fn write_uses(&self, uses: Vec<Use>) -> Result<(), Error> {
        self.uses.waiting.add_all(uses);
        self.uses.write_waiting().await
    }
}

/// Notes the uses, each session's once, by number; a session that has been ended stays so. Rows are
/// locked in one order by all who write several, so that nobody waits for each other.
async fn write(connection: &mut PgConnection, uses: &[Use]) -> sqlx::Result<()> {
    let sessions = uses.iter().map(|used| sql(used.session.get())).collect::<Vec<_>>();
    let used_at = uses.iter().map(|used| sql(used.used_at.0)).collect::<Vec<_>>();
    let expires_at = uses.iter().map(|used| sql(used.expires_at.0)).collect::<Vec<_>>();
    let written: Vec<i64> = sqlx::query_scalar(
        "WITH used AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS used (id, at, until)),
             held AS (SELECT id FROM identity.sessions WHERE id = ANY ($1) ORDER BY id FOR UPDATE)
         UPDATE identity.sessions session
         SET used_at = greatest(session.used_at, used.at), expires_at = greatest(session.expires_at, used.until)
         FROM used JOIN held USING (id) WHERE session.id = used.id AND NOT session.is_ended RETURNING session.id",
    )
    .bind(&sessions)
    .bind(&used_at)
    .bind(&expires_at)
    .fetch_all(&mut *connection)
    .await?;
    let written = written.into_iter().collect::<std::collections::HashSet<_>>();
    let mut requests = HashMap::<i64, i64>::new();
    for used in uses.iter().filter(|used| written.contains(&sql(used.session.get()))) {
        if let Some(user) = used.user {
            let newest = requests.entry(sql(user.get())).or_default();
            *newest = (*newest).max(sql(used.used_at.0));
        }
    }
    let (users, at): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
    sqlx::query(
        "WITH used AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS used (id, at)),
             held AS (SELECT id FROM identity.users WHERE id = ANY ($1) ORDER BY id FOR UPDATE)
         UPDATE identity.users client SET last_request_at = greatest(coalesce(client.last_request_at, 0), used.at)
         FROM used JOIN held USING (id) WHERE client.id = used.id AND client.deleted_at IS NULL",
    )
    .bind(&users)
    .bind(&at)
    .execute(connection)
    .await?;
    Ok(())
}
