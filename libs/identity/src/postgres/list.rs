//! Users in the order of their numbers.

use super::Store;
use super::users::user;
use crate::store::sql;
use crate::{Error, User};

impl Store {
    /// Users above that number, at most `max`; deleted ones are none.
    pub(crate) async fn list_after(&self, id: u64, max: u32) -> Result<Vec<User>, Error> {
        let reading = sqlx::query(
            "SELECT * FROM identity.users WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2",
        )
        .bind(sql(id))
        .bind(i64::from(max))
        .fetch_all(&self.pool);
        self.run(reading).await?.iter().map(user).collect()
    }
}
