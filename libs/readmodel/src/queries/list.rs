//! Somebody's dialogs, filtered and in order.
//!
//! All of them are visited for what filters and orders them, which is a few columns of two
//! rows: in the embedded store one by one, in PostgreSQL by the server, which hands over the
//! page alone. What a viewer has hidden may put a dialog elsewhere; only where he hid
//! something is that looked up. The whole of a dialog is read for the page alone.

use domain::event::Kind;
use domain::role::Action;
use domain::{DialogId, UserId};
use rusqlite::{Connection, Row, params};

use super::columns::{bytes, damaged, dialog_id, int, kind, number, number_opt, time, user, user_opt};
use super::dialog::{about, view};
use super::listing::Candidate;
use super::reader::{Reader, Rows};
use super::seat::Seat;
use super::{DialogPage, Error, Listing};
use crate::marks::Sparse;

const DATE: &str = "SELECT date_sent FROM messages WHERE dialog = ?1 AND sequence = ?2";
const IS_IN: &str = "SELECT 1 FROM standings WHERE dialog = ?1 AND user = ?2 AND member = 1";

/// What orders and filters dialogs; [`TEXTS`] besides where a condition looks at them.
const COLUMNS: &str = "d.dialog, d.kind, d.head, d.cleared_to, d.last_sent, d.created_at, d.updated_at,
    d.last_sequence, s.cleared_to, s.sparse";
const TEXTS: &str = ", d.owner, d.opponent, d.name, d.extensions";

/// The dialogs in his list that he is in.
const OF_MEMBER: &str = "FROM standings s INDEXED BY standings_of_user
    CROSS JOIN dialogs d ON d.dialog = s.dialog
    WHERE s.user = ?1 AND s.member = 1 AND d.alive = 1 AND NOT (d.kind = 3 AND s.hidden_at IS d.head)";
/// The broadcasts in his list.
const BROADCASTS: &str = "FROM dialogs d INDEXED BY broadcasts
    LEFT JOIN standings s ON s.dialog = d.dialog AND s.user = ?1
    WHERE d.kind = 1 AND d.alive = 1 AND s.hidden_at IS NULL AND s.blocked IS NOT 1";

const OPPONENTS: &str = "SELECT d.owner, d.opponent FROM standings s INDEXED BY standings_of_user
    CROSS JOIN dialogs d ON d.dialog = s.dialog
    WHERE s.user = ?1 AND s.member = 1 AND d.alive = 1 AND d.kind = 3";

/// What a server found for a listing, in which nothing hidden can matter, and where it can.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// How many fit of those in which the viewer has hidden nothing.
    pub(super) total: u64,
    /// Of these, in the listing's order and by what orders them, those that may be on the
    /// page: after [`Listed::left_out`], as many as it has and as there are odd ones.
    pub(super) plain: Vec<(u64, DialogId)>,
    /// All those in which he has, whether or not they fit.
    pub(super) odd: Vec<DialogId>,
}

impl Listed {
    /// How many of the plain ones were left out: so many that no odd one can bring one of
    /// them onto the page.
    pub(super) fn left_out(&self, listing: &Listing) -> u64 {
        listing.skip.saturating_sub(self.odd.len() as u64)
    }
}

/// The part of `viewer`'s list that is asked for.
pub(super) fn dialogs(reader: &Reader<'_>, viewer: UserId, listing: &Listing) -> Result<DialogPage, Error> {
    let (total, page) = found(reader, viewer, listing)?;
    let mut items = Vec::with_capacity(page.len());
    for dialog in page {
        if let Some(seat) = Seat::of(reader, viewer, dialog)? {
            items.push(view(reader, seat)?);
        }
    }
    Ok(DialogPage { total, items })
}

/// How many dialogs of `viewer`'s list fit.
pub(super) fn count(reader: &Reader<'_>, viewer: UserId, listing: &Listing) -> Result<u64, Error> {
    found(reader, viewer, listing).map(|(total, _)| total)
}

/// How many fit, and which are on the page.
fn found(reader: &Reader<'_>, viewer: UserId, listing: &Listing) -> Result<(u64, Vec<DialogId>), Error> {
    if let Some(named) = listing.named() {
        let fitting = one_by_one(reader, viewer, (listing, &named))?;
        return Ok((fitting.len() as u64, listing.page(fitting, 0)));
    }
    match reader.rows {
        Rows::File(connection) => {
            let fitting = visit(reader, connection, viewer, listing)?;
            Ok((fitting.len() as u64, listing.page(fitting, 0)))
        }
        Rows::Fetched(rows) => {
            let Some(listed) = rows.listed(listing) else { return Ok((0, vec![])) };
            let mut fitting = one_by_one(reader, viewer, (listing, &listed.odd))?;
            let total = listed.total + fitting.len() as u64;
            fitting.extend(&listed.plain);
            Ok((total, listing.page(fitting, listed.left_out(listing))))
        }
    }
}

/// Those of `dialogs` that are in his list and fit, by what orders them.
fn one_by_one(
    reader: &Reader<'_>,
    viewer: UserId,
    (listing, dialogs): (&Listing, &[DialogId]),
) -> Result<Vec<(u64, DialogId)>, Error> {
    let mut fitting = vec![];
    for dialog in dialogs {
        let seat = Seat::of(reader, viewer, *dialog)?;
        let Some(seat) = seat.filter(|seat| seat.permit(Action::See).is_ok() && !seat.hidden()) else {
            continue;
        };
        let about = about(reader, *dialog)?;
        let candidate = Candidate {
            dialog: *dialog,
            kind: seat.header.kind,
            opponent: seat.header.opponent_of(viewer),
            last_sent: date(reader, &seat)?,
            created_at: seat.created_at,
            updated_at: about.updated_at,
            name: about.name.as_deref(),
            extensions: about.extensions.as_deref(),
        };
        let among =
            |wanted: &super::Among| wanted.holds(|user| is_in(reader, (*dialog, candidate.kind), user));
        if listing.fits(&candidate, among)? {
            fitting.push(listing.key(&candidate));
        }
    }
    Ok(fitting)
}

/// All dialogs in his list that fit, by what orders them.
fn visit(
    reader: &Reader<'_>,
    connection: &Connection,
    viewer: UserId,
    listing: &Listing,
) -> Result<Vec<(u64, DialogId)>, Error> {
    let texts = listing.reads_texts();
    let mut fitting = vec![];
    for from in [OF_MEMBER, BROADCASTS] {
        let columns = if texts { TEXTS } else { "" };
        let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS}{columns} {from}"))?;
        let mut rows = statement.query([int(viewer.get())])?;
        while let Some(row) = rows.next()? {
            let mut candidate = candidate(reader, viewer, row)?;
            if texts {
                let (owner, opponent) = (user(row, 10)?, user_opt(row, 11)?);
                candidate.opponent = if owner == viewer { opponent } else { Some(owner) };
                candidate.name = text(row, 12)?;
                candidate.extensions = text(row, 13)?;
            }
            let place = (candidate.dialog, candidate.kind);
            let among = |wanted: &super::Among| wanted.holds(|user| is_in(reader, place, user));
            if listing.fits(&candidate, among)? {
                fitting.push(listing.key(&candidate));
            }
        }
    }
    Ok(fitting)
}

/// What [`COLUMNS`] say.
fn candidate<'r>(reader: &Reader<'_>, viewer: UserId, row: &'r Row<'_>) -> Result<Candidate<'r>, Error> {
    let dialog = dialog_id(row, 0)?;
    let (head, last_sent, last) = (number(row, 2)?, number(row, 4)?, number(row, 7)?);
    let floor = number(row, 3)?.max(number_opt(row, 8)?.unwrap_or_default());
    let last_sent = if last <= floor {
        None
    } else if Sparse::hides(bytes(row, 9)?) {
        let seat = Seat::of(reader, viewer, dialog)?.ok_or_else(|| damaged("a dialog without a seat"))?;
        date(reader, &seat)?
    } else if last == head {
        Some(last_sent)
    } else {
        date_of(reader, dialog, last)?
    };
    Ok(Candidate {
        dialog,
        kind: kind(row, 1)?,
        opponent: None,
        last_sent,
        created_at: time(row, 5)?,
        updated_at: time(row, 6)?,
        name: None,
        extensions: None,
    })
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<Option<&'r str>, Error> {
    row.get_ref(column)?.as_str_or_null().map_err(|_| damaged("a text that is none"))
}

/// The date of the newest message that the viewer sees.
fn date(reader: &Reader<'_>, seat: &Seat) -> Result<Option<u64>, Error> {
    let Some(newest) = seat.newest(reader)? else { return Ok(None) };
    if newest == seat.header.head {
        return Ok(Some(seat.header.last_sent));
    }
    date_of(reader, seat.dialog, newest.0)
}

fn date_of(reader: &Reader<'_>, dialog: DialogId, sequence: u64) -> Result<Option<u64>, Error> {
    let connection = match reader.rows {
        Rows::File(connection) => connection,
        Rows::Fetched(rows) => {
            return Ok(rows.last(dialog, domain::Sequence(sequence)).map(|last| last.date_sent));
        }
    };
    let mut statement = connection.prepare_cached(DATE)?;
    let mut rows = statement.query(params![dialog.as_bytes(), int(sequence)])?;
    let row = rows.next()?.ok_or_else(|| damaged("the newest message is not there"))?;
    number(row, 0).map(Some)
}

/// Whether the dialog names that user among its occupants.
fn is_in(reader: &Reader<'_>, (dialog, kind): (DialogId, Kind), user: UserId) -> Result<bool, Error> {
    match kind {
        Kind::Broadcast | Kind::Public => return Ok(false),
        Kind::Group | Kind::Private => {}
    }
    match reader.rows {
        Rows::File(connection) => {
            let mut statement = connection.prepare_cached(IS_IN)?;
            Ok(statement.exists(params![dialog.as_bytes(), int(user.get())])?)
        }
        Rows::Fetched(rows) => Ok(rows.occupants(dialog).contains(&user)),
    }
}

/// The opponents in `viewer`'s private dialogs.
pub(super) fn opponents(reader: &Reader<'_>, viewer: UserId) -> Result<Vec<UserId>, Error> {
    let connection = match reader.rows {
        Rows::File(connection) => connection,
        Rows::Fetched(rows) => return Ok(rows.opponents()),
    };
    let mut statement = connection.prepare_cached(OPPONENTS)?;
    let mut rows = statement.query([int(viewer.get())])?;
    let mut opponents = vec![];
    while let Some(row) = rows.next()? {
        let owner = user(row, 0)?;
        opponents.extend(if owner == viewer { user_opt(row, 1)? } else { Some(owner) });
    }
    Ok(opponents)
}
