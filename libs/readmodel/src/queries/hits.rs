//! What a search asks of the rows: where somebody may read, which messages of few hold a
//! text, and what of the candidates for a hit he really sees.
//!
//! The first two are answers of bulk, in which his rights are put roughly: who is in a dialog
//! may read it, and everybody a broadcast. The last one asks each seat.

use std::sync::Arc;

use domain::event::Kind;
use domain::{DialogId, Sequence, Time, UserId};
use rusqlite::{Connection, Row, params};

use super::columns::{dialog_id, int, kind, sequence, time, user, user_opt};
use super::postgres::First;
use super::reader::Reader;
use super::{DialogView, Error, MessageView, Queries, Store, dialog, history};

/// A dialog that somebody may read, as far as a search cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reachable {
    pub(crate) dialog: DialogId,
    /// Its newest message.
    pub(crate) head: Sequence,
    /// He sees no message up to here.
    pub(crate) floor: Sequence,
    /// The other one of a private dialog.
    pub(crate) opponent: Option<UserId>,
    pub(crate) created_at: Time,
    /// Whether its name holds the text.
    pub(crate) named: bool,
}

/// Where a message is that holds the text, and its date.
pub(crate) type Holding = (DialogId, Sequence, u64);

/// The columns of a [`Reachable`]: of the dialog `d` and the standing `s`.
const COLUMNS: &str = "d.dialog, d.head, max(d.cleared_to, coalesce(s.cleared_to, 0)), d.kind, d.owner,
    d.opponent, d.created_at, coalesce(instr(d.name, ?2), 0) > 0";
const MEMBER: &str = "FROM standings s INDEXED BY standings_of_user
    CROSS JOIN dialogs d ON d.dialog = s.dialog
    WHERE s.user = ?1 AND s.member = 1 AND d.alive = 1 AND d.kind <> 1";
const BROADCASTS: &str = "FROM dialogs d INDEXED BY broadcasts
    LEFT JOIN standings s ON s.dialog = d.dialog AND s.user = ?1
    WHERE d.kind = 1 AND d.alive = 1";
const NAMED: &str = "FROM dialogs d LEFT JOIN standings s ON s.dialog = d.dialog AND s.user = ?1
    WHERE d.dialog = ?3 AND d.alive = 1 AND (s.member = 1 OR d.kind = 1)";
const HOLDING: &str = "SELECT sequence, date_sent FROM messages
    WHERE dialog = ?1 AND sequence > ?2 AND removed = 0 AND date_sent >= ?3 AND date_sent <= ?4
        AND instr(text, ?5) > 0";

impl Queries {
    /// Where `viewer` may read, of `dialogs` if they are given: at least what he sees, and
    /// whether its name holds `text`.
    pub(crate) async fn reachable(
        &self,
        viewer: UserId,
        text: String,
        dialogs: Option<Vec<DialogId>>,
    ) -> Result<Vec<Reachable>, Error> {
        match &self.store {
            Store::Embedded(pool, _) => {
                pool.run(move |connection| reachable(connection, viewer, &text, dialogs.as_deref())).await
            }
            Store::Postgres(server) => server.reachable(viewer, &text, dialogs.as_deref()).await,
        }
    }

    /// The messages above the floor of each dialog and sent within `dates` (both ends are in
    /// it) that hold `text`, in no order. All of these messages are read.
    pub(crate) async fn holding(
        &self,
        text: String,
        dates: (u64, u64),
        floors: Vec<(DialogId, Sequence)>,
    ) -> Result<Vec<Holding>, Error> {
        match &self.store {
            Store::Embedded(pool, _) => {
                pool.run(move |connection| holding(connection, &text, dates, &floors)).await
            }
            Store::Postgres(server) => server.holding(&text, dates, &floors).await,
        }
    }

    /// Those of `places` that `viewer` sees now.
    pub(crate) async fn found(
        &self,
        viewer: UserId,
        places: Vec<(DialogId, Vec<Sequence>)>,
    ) -> Result<Vec<MessageView>, Error> {
        let first = First::Seats(places.iter().map(|(dialog, _)| *dialog).collect());
        let question = move |reader: &Reader<'_>| {
            let mut found = vec![];
            for (dialog, sequences) in &places {
                found.extend(history::messages(reader, viewer, *dialog, sequences)?);
            }
            Ok(found)
        };
        self.ask(viewer, first, question).await
    }

    /// Those of `dialogs` that `viewer` is in and has not put out of his sight.
    pub(crate) async fn found_dialogs(
        &self,
        viewer: UserId,
        dialogs: Vec<DialogId>,
    ) -> Result<Vec<DialogView>, Error> {
        let dialogs = Arc::new(dialogs);
        let first = First::Dialogs(dialogs.to_vec());
        let question = move |reader: &Reader<'_>| {
            let mut found = vec![];
            for id in dialogs.iter() {
                found.extend(dialog::dialog(reader, viewer, *id)?.filter(|view| !view.hidden));
            }
            Ok(found)
        };
        self.ask(viewer, first, question).await
    }
}

/// The other one of a private dialog, for `viewer`.
pub(super) fn other(
    kind: Kind,
    viewer: UserId,
    (owner, opponent): (UserId, Option<UserId>),
) -> Option<UserId> {
    match kind {
        Kind::Private => {
            if owner == viewer {
                opponent
            } else {
                Some(owner)
            }
        }
        Kind::Broadcast | Kind::Group | Kind::Public => None,
    }
}

fn reachable(
    connection: &Connection,
    viewer: UserId,
    text: &str,
    dialogs: Option<&[DialogId]>,
) -> Result<Vec<Reachable>, Error> {
    let mut found = vec![];
    let viewer_number = int(viewer.get());
    for dialog in dialogs.into_iter().flatten() {
        let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} {NAMED}"))?;
        let mut rows = statement.query(params![viewer_number, text, dialog.as_bytes()])?;
        while let Some(row) = rows.next()? {
            found.push(one(row, viewer)?);
        }
    }
    for from in [MEMBER, BROADCASTS].into_iter().filter(|_| dialogs.is_none()) {
        let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} {from}"))?;
        let mut rows = statement.query(params![viewer_number, text])?;
        while let Some(row) = rows.next()? {
            found.push(one(row, viewer)?);
        }
    }
    Ok(found)
}

fn one(row: &Row<'_>, viewer: UserId) -> Result<Reachable, Error> {
    Ok(Reachable {
        dialog: dialog_id(row, 0)?,
        head: sequence(row, 1)?,
        floor: sequence(row, 2)?,
        opponent: other(kind(row, 3)?, viewer, (user(row, 4)?, user_opt(row, 5)?)),
        created_at: time(row, 6)?,
        named: row.get(7)?,
    })
}

fn holding(
    connection: &Connection,
    text: &str,
    (from, to): (u64, u64),
    floors: &[(DialogId, Sequence)],
) -> Result<Vec<Holding>, Error> {
    let mut found = vec![];
    let mut statement = connection.prepare_cached(HOLDING)?;
    for (dialog, floor) in floors {
        let mut rows =
            statement.query(params![dialog.as_bytes(), int(floor.0), date(from), date(to), text])?;
        while let Some(row) = rows.next()? {
            found.push((*dialog, sequence(row, 0)?, row.get::<_, i64>(1)?.cast_unsigned()));
        }
    }
    Ok(found)
}

/// A bound for dates: none lies beyond what a column can count up to.
pub(super) fn date(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
