//! One dialog as somebody sees it.

use domain::event::{Kind, MessageRef, Permissions};
use domain::role::Action;
use domain::{DialogId, MessageId, Sequence, Time, UserId};
use rusqlite::params;

use super::columns::{bytes, damaged, int, message_id, number, permissions, time, user};
use super::reader::{Reader, Rows};
use super::receipts::receipts;
use super::seat::Seat;
use super::{DialogView, Error, LastView, Status};
use crate::rows::decode_pins;

const CONTENT: &str = "SELECT name, photo, description, extensions, allow_preview, updated_at, pins
    FROM dialogs WHERE dialog = ?1";
const OCCUPANTS: &str = "SELECT user FROM standings WHERE dialog = ?1 AND member = 1 ORDER BY user";
const LAST: &str = "SELECT id, sender, text, date_sent FROM messages WHERE dialog = ?1 AND sequence = ?2";

/// What people wrote about a dialog, and when it last changed.
#[derive(Debug, Clone, Default)]
pub(super) struct About {
    pub(super) permissions: Option<Permissions>,
    pub(super) name: Option<String>,
    pub(super) photo: Option<String>,
    pub(super) description: Option<String>,
    pub(super) extensions: Option<String>,
    pub(super) updated_at: Time,
    pub(super) pins: Vec<MessageRef>,
}

/// A message as a list of dialogs shows it.
#[derive(Debug, Clone)]
pub(super) struct Last {
    pub(super) id: MessageId,
    pub(super) sender: UserId,
    pub(super) text: Option<String>,
    pub(super) date_sent: u64,
}

/// The dialog of that id; `None` unless it is there and `viewer` may see it.
pub(super) fn dialog(reader: &Reader<'_>, viewer: UserId, id: DialogId) -> Result<Option<DialogView>, Error> {
    match Seat::of(reader, viewer, id)? {
        Some(seat) if seat.permit(Action::See).is_ok() => view(reader, seat).map(Some),
        Some(_) | None => Ok(None),
    }
}

/// The whole of what `seat` is the ground of.
pub(super) fn view(reader: &Reader<'_>, seat: Seat) -> Result<DialogView, Error> {
    let last = match seat.newest(reader)? {
        Some(sequence) => last_view(reader, &seat, sequence)?,
        None => None,
    };
    let (occupants, unread) = (occupants(reader, &seat)?, seat.unread(reader)?);
    let (role, hidden) = (seat.role(), seat.hidden());
    let about = about(reader, seat.dialog)?;
    Ok(DialogView {
        id: seat.dialog,
        kind: seat.header.kind,
        owner: seat.header.owner,
        opponent: seat.header.opponent_of(seat.viewer),
        permissions: about.permissions,
        name: about.name,
        photo: about.photo,
        description: about.description,
        extensions: about.extensions,
        occupants,
        occupants_count: seat.header.occupants,
        role,
        hidden,
        last,
        unread,
        pins: about.pins,
        created_at: seat.created_at,
        updated_at: about.updated_at,
        admins: seat.header.admins,
    })
}

/// What people wrote about it.
pub(super) fn about(reader: &Reader<'_>, dialog: DialogId) -> Result<About, Error> {
    let connection = match reader.rows {
        Rows::File(connection) => connection,
        Rows::Fetched(rows) => return Ok(rows.about(dialog)),
    };
    let mut statement = connection.prepare_cached(CONTENT)?;
    let mut rows = statement.query([dialog.as_bytes()])?;
    let row = rows.next()?.ok_or_else(|| damaged("a dialog is gone within a transaction"))?;
    Ok(About {
        name: row.get(0)?,
        photo: row.get(1)?,
        description: row.get(2)?,
        extensions: row.get(3)?,
        permissions: permissions(row, 4)?,
        updated_at: time(row, 5)?,
        pins: decode_pins(bytes(row, 6)?)?,
    })
}

fn occupants(reader: &Reader<'_>, seat: &Seat) -> Result<Vec<UserId>, Error> {
    match seat.header.kind {
        Kind::Broadcast | Kind::Public => return Ok(vec![]),
        Kind::Group | Kind::Private => {}
    }
    let connection = match reader.rows {
        Rows::File(connection) => connection,
        Rows::Fetched(rows) => return Ok(rows.occupants(seat.dialog)),
    };
    let mut statement = connection.prepare_cached(OCCUPANTS)?;
    let mut rows = statement.query([seat.dialog.as_bytes()])?;
    let mut occupants = vec![];
    while let Some(row) = rows.next()? {
        occupants.push(user(row, 0)?);
    }
    Ok(occupants)
}

fn last_view(reader: &Reader<'_>, seat: &Seat, sequence: Sequence) -> Result<Option<LastView>, Error> {
    let Some(last) = last(reader, seat.dialog, sequence)? else { return Ok(None) };
    let Last { id, sender, text, date_sent } = last;
    let status = match sender == seat.viewer {
        true => Some(status(reader, seat, sequence)?),
        false => None,
    };
    Ok(Some(LastView { sequence, id, sender, text, date_sent, status }))
}

/// `None` only if it has to be fetched first.
fn last(reader: &Reader<'_>, dialog: DialogId, sequence: Sequence) -> Result<Option<Last>, Error> {
    let connection = match reader.rows {
        Rows::File(connection) => connection,
        Rows::Fetched(rows) => return Ok(rows.last(dialog, sequence)),
    };
    let mut statement = connection.prepare_cached(LAST)?;
    let mut rows = statement.query(params![dialog.as_bytes(), int(sequence.0)])?;
    let row = rows.next()?.ok_or_else(|| damaged("the newest message is not there"))?;
    let (id, sender) = (message_id(row, 0)?, user(row, 1)?);
    Ok(Some(Last { id, sender, text: row.get(2)?, date_sent: number(row, 3)? }))
}

/// How far the viewer's own message got. The newest of all is counted in the header;
/// another one makes it necessary to visit the members.
fn status(reader: &Reader<'_>, seat: &Seat, sequence: Sequence) -> Result<Status, Error> {
    if !seat.header.kind.is_marked() {
        return Ok(Status::Sent);
    }
    let others = seat.header.occupants.saturating_sub(1);
    let (read, delivered) = if seat.last.sequence == sequence && seat.last.counts_known {
        (others > 0 && seat.last.read_by >= others, others > 0 && seat.last.delivered_by >= others)
    } else {
        let receipt = receipts(reader, seat, &[(sequence, seat.viewer)])?.pop();
        receipt.map_or((false, false), |receipt| (receipt.read, receipt.delivered))
    };
    Ok(match (read, delivered) {
        (true, _) => Status::Read,
        (false, true) => Status::Delivered,
        (false, false) => Status::Sent,
    })
}
