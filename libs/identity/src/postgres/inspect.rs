//! Looking at the schema without opening it for use.

use std::time::Duration;

use sqlx::{ConnectOptions as _, Connection as _};

use super::copy::is_marked;
use super::schema::{self, Found, failed, schema_at};
use super::{address, options};
use crate::{Inspected, OpenError};

/// How long the whole look may take.
const LOOK_TIME_MAX: Duration = Duration::from_secs(5);

/// What the schema says of itself; `None` if there is none.
pub(crate) async fn inspect(url: &str) -> Result<Option<Inspected>, OpenError> {
    let options = options(url)?.options([("default_transaction_read_only", "on")]);
    let looking = async {
        let failed = |error: sqlx::Error| failed(&options, &error);
        let mut connection = options.connect().await.map_err(failed)?;
        let found = Found::look(&mut connection).await.map_err(failed)?;
        if found.has_tables && !found.has_migrations {
            return Err(OpenError::Foreign { path: schema_at(&options) });
        }
        if !found.has_migrations {
            return Ok(None);
        }
        if is_marked(&mut connection).await.map_err(failed)? {
            return Err(OpenError::Unfinished { path: schema_at(&options) });
        }
        let (format, users): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT coalesce(max(version), 0) FROM identity.migrations), (SELECT count(*) FROM identity.users)",
        )
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
        connection.close().await.map_err(failed)?;
        let (path, known) = (schema_at(&options), schema::newest());
        if format > known {
            return Err(OpenError::Newer { path, found: format, known });
        }
        Ok(Some(Inspected { path, format, known, users: u64::try_from(users).unwrap_or(0) }))
    };
    tokio::time::timeout(LOOK_TIME_MAX, looking).await.unwrap_or_else(|_| {
        let reason = format!("no answer within {LOOK_TIME_MAX:?}");
        Err(OpenError::Unavailable { address: address(&options), reason })
    })
}
