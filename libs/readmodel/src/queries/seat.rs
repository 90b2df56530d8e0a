//! What a viewer is to a dialog: read in one step, and the ground of each answer that
//! depends on who asks.

use domain::event::{Kind, Mark};
use domain::facts::{Header, Standing as StandingFact};
use domain::role::{Action, Role, permit};
use domain::{DialogId, Refusal, Sequence, Time, UserId};
use rusqlite::{Connection, Row, params};

use super::Error;
use super::bitmaps::Bitmaps;
use super::columns::{
    admins, bytes, dialog_id, int, kind, number, number_opt, permissions, sequence, small, time, user,
    user_opt,
};
use super::reader::{Reader, Recount, Recounts, Rows};
use crate::marks::{Entry, Marks, Removals, Run, Sparse, View, Want, bit_of, chunk_of, unread};
use crate::rows::{LastMessage, Standing, Touched};

/// A dialog, but for what people wrote, and what one user is and has in it.
pub(super) struct Seat {
    pub(super) dialog: DialogId,
    pub(super) viewer: UserId,
    /// As a decision sees it, but for the pins.
    pub(super) header: Header,
    pub(super) last: LastMessage,
    pub(super) created_at: Time,
    /// When its messages were last read.
    pub(super) touched: Touched,
    pub(super) marks: Marks,
    standing: Option<StandingFact>,
    from: u64,
    /// He sees no message up to here.
    pub(super) floor: u64,
    removals: Removals,
    /// When the standing began, and after which message unread counts.
    pub(super) began: (u64, u64),
    /// Counts in `marks` that are not those of the row.
    pub(super) corrected: Vec<Recount>,
}

/// What the rows say of one dialog and one user in it.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    pub(super) dialog: DialogId,
    pub(super) header: Header,
    pub(super) last: LastMessage,
    pub(super) created_at: Time,
    pub(super) touched: Touched,
    pub(super) removals: Removals,
    pub(super) standing: Option<Standing>,
}

/// The columns of a seat: of the dialog `d`, the standing `s` and the removals `r`.
const COLUMNS: &str = "d.dialog, d.kind, d.alive, d.owner, d.owner_present, d.opponent, d.admins, d.head,
    d.cleared_to, d.occupants, d.last_sent, d.created_at, d.last_sequence, d.last_sender, d.last_read_by,
    d.last_delivered_by, d.last_counts_known, s.member, s.hidden_at, s.from_sequence, s.cleared_to,
    s.read_base, s.read_to, s.delivered_base, s.delivered_to, s.sparse, s.joined_at, r.counts, s.blocked,
    s.notifications, d.allow_preview, d.touched";

/// One dialog, whether or not the user has a standing in it.
const OF_DIALOG: &str = "FROM dialogs d
    LEFT JOIN standings s ON s.dialog = d.dialog AND s.user = ?2
    LEFT JOIN removals r ON r.dialog = d.dialog
    WHERE d.dialog = ?1";

impl Seat {
    /// The dialog of that id as `viewer` has it; `None` if there is none, or none any more.
    pub(super) fn of(reader: &Reader<'_>, viewer: UserId, dialog: DialogId) -> Result<Option<Self>, Error> {
        let ground = match reader.rows {
            Rows::File(connection) => of_dialog(connection, viewer, dialog)?,
            Rows::Fetched(rows) => rows.ground(dialog),
        };
        let ground = ground.filter(|ground| ground.header.alive);
        Ok(ground.map(|ground| Self::new(ground, viewer, reader.recounts)))
    }

    fn new(ground: Ground, viewer: UserId, recounts: &Recounts) -> Self {
        let Ground { dialog, header, last, created_at, touched, removals, standing } = ground;
        let cleared_to = header.cleared_to.0;
        let mut seat = Self {
            dialog,
            viewer,
            header,
            last,
            created_at,
            touched,
            marks: Marks::default(),
            standing: None,
            from: 0,
            floor: cleared_to,
            removals,
            began: (0, 0),
            corrected: vec![],
        };
        if let Some(standing) = standing {
            seat.standing = Some(standing.fact());
            seat.from = standing.from.0;
            seat.floor = standing.cleared_to.0.max(cleared_to);
            seat.marks = standing.marks;
            seat.began = (standing.joined_at.0, seat.from);
            recounts.correct(&mut seat);
        }
        seat
    }

    pub(super) fn role(&self) -> Role {
        self.header.role(self.viewer, self.standing.as_ref())
    }

    /// Whether the viewer may do that here.
    pub(super) fn permit(&self, action: Action) -> Result<(), Refusal> {
        permit(self.role(), self.header.kind, action)
    }

    /// Whether somebody who is not in the dialog may look at its newest messages: it says so,
    /// and he was not shut out.
    pub(super) fn is_open_to_view(&self) -> bool {
        let allowed = self.header.permissions.is_some_and(|permissions| permissions.allow_preview);
        let shut_out = self.standing.is_some_and(|standing| standing.blocked);
        allowed && !shut_out && self.header.kind != Kind::Private
    }

    /// Whether the dialog is out of the viewer's sight.
    pub(super) fn hidden(&self) -> bool {
        self.standing.is_some_and(|standing| standing.hides(self.header.kind, self.header.head))
    }

    /// Whether the viewer wants to be alerted, as he does unless he has said no.
    pub(super) fn notifications(&self) -> bool {
        self.standing.unwrap_or_default().notifications
    }

    pub(super) fn bitmaps<'c>(&'c self, reader: &'c Reader<'c>) -> Bitmaps<'c> {
        Bitmaps::new(reader, self)
    }

    pub(super) fn view(&self) -> View<'_> {
        let (floor, head) = (self.floor, self.header.head.0);
        View { floor, to: head, head, removals: &self.removals, marks: &self.marks }
    }

    /// How many messages the viewer has not read; 0 where reading is not tracked and in
    /// what he has put out of his sight.
    pub(super) fn unread(&self, reader: &Reader<'_>) -> Result<u64, Error> {
        let tracked = self.header.kind.is_marked() && self.role() != Role::Outsider && !self.hidden();
        if !tracked {
            return Ok(0);
        }
        let mut bitmaps = self.bitmaps(reader);
        unread(&self.view(), self.from, &mut |chunk, want| bitmaps.load(chunk, want))
    }

    /// The newest message that the viewer sees.
    pub(super) fn newest(&self, reader: &Reader<'_>) -> Result<Option<Sequence>, Error> {
        let last = self.last.sequence.0;
        if last <= self.floor {
            return Ok(None);
        }
        if self.marks.sparse.get(chunk_of(last)).is_none_or(|entry| entry.hidden == 0) {
            return Ok(Some(self.last.sequence));
        }
        let mut bitmaps = self.bitmaps(reader);
        Ok(self.view().newest(&mut |chunk, want| bitmaps.load(chunk, want))?.map(Sequence))
    }

    /// Whether those counts were written before a later removal, and there is something to
    /// correct.
    pub(super) fn is_stale(&self, entry: &Entry) -> bool {
        (entry.seen > 0 || entry.hidden > 0) && entry.removed != self.removals.of(entry.chunk)
    }

    /// Whether the message at `sequence` is removed.
    pub(super) fn removed(&self, sequence: u64, bitmaps: &mut Bitmaps<'_>) -> Result<bool, Error> {
        let chunk = chunk_of(sequence);
        if self.removals.of(chunk) == 0 {
            return Ok(false);
        }
        let own = self.marks.sparse.get(chunk).is_some();
        Ok(bitmaps.get(chunk, Want { removed: true, own })?.removed.contains(bit_of(sequence)))
    }

    /// Whether the viewer has that mark on `sequence`.
    pub(super) fn has(&self, mark: Mark, sequence: u64, bitmaps: &mut Bitmaps<'_>) -> Result<bool, Error> {
        let chunk = chunk_of(sequence);
        if self.marks.has(mark, sequence, None) || self.marks.sparse.get(chunk).is_none() {
            return Ok(self.marks.has(mark, sequence, None));
        }
        let removed = self.removals.of(chunk) > 0;
        let bits = bitmaps.get(chunk, Want { removed, own: true })?;
        Ok(self.marks.has(mark, sequence, Some(&bits.own)))
    }

    /// Whether everybody's marks are looked at here: a dialog in which they are tracked,
    /// and of at most `receipts_max` occupants.
    pub(super) fn names_readers(&self, receipts_max: usize) -> bool {
        match self.header.kind {
            Kind::Group | Kind::Private => self.header.occupants as usize <= receipts_max,
            Kind::Broadcast | Kind::Public => false,
        }
    }
}

fn of_dialog(connection: &Connection, viewer: UserId, dialog: DialogId) -> Result<Option<Ground>, Error> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} {OF_DIALOG}"))?;
    let mut rows = statement.query(params![dialog.as_bytes(), int(viewer.get())])?;
    rows.next()?.map(ground).transpose()
}

fn ground(row: &Row<'_>) -> Result<Ground, Error> {
    let header = Header {
        kind: kind(row, 1)?,
        alive: row.get(2)?,
        owner: user(row, 3)?,
        owner_present: row.get(4)?,
        opponent: user_opt(row, 5)?,
        admins: admins(row, 6)?,
        permissions: permissions(row, 30)?,
        pins: vec![],
        head: sequence(row, 7)?,
        cleared_to: sequence(row, 8)?,
        occupants: small(row, 9)?,
        last_sent: number(row, 10)?,
    };
    let last = LastMessage {
        sequence: sequence(row, 12)?,
        sender: user_opt(row, 13)?,
        read_by: small(row, 14)?,
        delivered_by: small(row, 15)?,
        counts_known: row.get(16)?,
    };
    let standing = match row.get::<_, Option<bool>>(17)? {
        Some(member) => Some(Standing {
            member,
            hidden_at: number_opt(row, 18)?.map(Sequence),
            from: sequence(row, 19)?,
            cleared_to: sequence(row, 20)?,
            marks: marks(row, 21)?,
            joined_at: time(row, 26)?,
            blocked: row.get(28)?,
            notifications: row.get(29)?,
        }),
        None => None,
    };
    let removals = Removals::decode(bytes(row, 27)?)?;
    let touched = Touched::decode(bytes(row, 31)?)?;
    let (dialog, created_at) = (dialog_id(row, 0)?, time(row, 11)?);
    Ok(Ground { dialog, header, last, created_at, touched, removals, standing })
}

/// A standing's marks, from five columns beginning with that one.
pub(super) fn marks(row: &Row<'_>, first: usize) -> Result<Marks, Error> {
    Ok(Marks {
        read: Run { base: number(row, first)?, to: number(row, first + 1)? },
        delivered: Run { base: number(row, first + 2)?, to: number(row, first + 3)? },
        sparse: Sparse::decode(bytes(row, first + 4)?)?,
    })
}
