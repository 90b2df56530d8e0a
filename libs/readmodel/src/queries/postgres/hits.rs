//! What a search asks of PostgreSQL in bulk.

use domain::{DialogId, Sequence, UserId};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, query};

use super::super::Error;
use super::super::hits::{Holding, Reachable, date, other};
use super::columns::Columns;
use super::fault::Fault;
use super::fetch::{int, rows};
use super::{Server, gone, statements};

type Statement<'q> = Query<'q, Postgres, PgArguments>;

impl Server {
    pub(in super::super) async fn reachable(
        &self,
        viewer: UserId,
        text: &str,
        dialogs: Option<&[DialogId]>,
    ) -> Result<Vec<Reachable>, Error> {
        let ids =
            dialogs.map(|dialogs| dialogs.iter().map(|id| id.as_bytes().as_slice()).collect::<Vec<_>>());
        let statement = || match &ids {
            Some(ids) => {
                query(statements::REACHABLE_NAMED).bind(int(viewer.get())).bind(text).bind(ids.clone())
            }
            None => query(statements::REACHABLE).bind(int(viewer.get())).bind(text),
        };
        let found = self.plain(statement).await?;
        found.iter().map(|row| one(row, viewer)).collect()
    }

    pub(in super::super) async fn holding(
        &self,
        text: &str,
        (from, to): (u64, u64),
        floors: &[(DialogId, Sequence)],
    ) -> Result<Vec<Holding>, Error> {
        let dialogs: Vec<_> = floors.iter().map(|(dialog, _)| dialog.as_bytes().as_slice()).collect();
        let sequences: Vec<_> = floors.iter().map(|(_, floor)| int(floor.0)).collect();
        let statement = || {
            let floors = query(statements::HOLDING).bind(dialogs.clone()).bind(sequences.clone());
            floors.bind(text).bind(date(from)).bind(date(to))
        };
        let found = self.plain(statement).await?;
        let holding = |row: &PgRow| {
            let mut columns = Columns::of(row);
            Ok((columns.dialog()?, columns.sequence()?, columns.number()?))
        };
        found.iter().map(holding).collect()
    }

    /// The rows of one statement by itself, which may be asked twice.
    async fn plain<'q>(&self, statement: impl Fn() -> Statement<'q>) -> Result<Vec<PgRow>, Error> {
        let place = self.pool.place().await?;
        let asked = async {
            loop {
                let (mut connection, new) = place.connection().await.map_err(|fault| gone(&place, &fault))?;
                match rows(&mut connection, statement()).await {
                    Ok(found) => {
                        place.give_back(connection);
                        return Ok(found);
                    }
                    Err(Fault::Answer(error)) => {
                        place.give_back(connection);
                        return Err(error);
                    }
                    Err(Fault::Gone(_) | Fault::Switched(_)) if !new => place.forget(),
                    Err(Fault::Switched(error)) => return Err(Error::Store(error.into())),
                    Err(fault @ (Fault::Gone(_) | Fault::Silent)) => return Err(gone(&place, &fault)),
                }
            }
        };
        place.while_up(asked).await?
    }
}

fn one(row: &PgRow, viewer: UserId) -> Result<Reachable, Error> {
    let mut columns = Columns::of(row);
    let (dialog, head, floor) = (columns.dialog()?, columns.sequence()?, columns.sequence()?);
    let (kind, owner, opponent) = (columns.kind()?, columns.user()?, columns.user_opt()?);
    Ok(Reachable {
        dialog,
        head,
        floor,
        opponent: other(kind, viewer, (owner, opponent)),
        created_at: columns.time()?,
        named: columns.take()?,
    })
}
