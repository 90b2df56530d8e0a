//! Users in the order of their numbers.

use super::Store;
use super::users::user;
use crate::store::sql;
use crate::{Error, User};

impl Store {
    /// Users above that number, at most `max`; deleted ones are none.
    pub(crate) async fn list_after(&self, id: u64, max: u32) -> Result<Vec<User>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM users WHERE id > ?1 AND deleted_at IS NULL ORDER BY id LIMIT ?2",
            )?;
            let mut rows = statement.query((sql(id), max))?;
            let mut users = Vec::new();
            while let Some(row) = rows.next()? {
                users.push(user(row)?);
            }
            Ok(users)
        })
        .await
    }
}
