//! Rows of PostgreSQL as domain values, column by column. What cannot be one was not
//! written by a fold: the rows are damaged, and that is an error, never a guess.

use domain::event::{Kind, Permissions};
use domain::facts::Header;
use domain::{DialogId, MessageId, Sequence, Time, UserId};
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row as _, Type};

use super::super::columns::damaged;
use super::super::dialog::{About, Last};
use super::super::seat::Ground;
use super::super::{Error, MessageView, ReactionsView};
use crate::marks::{Bits, Marks, Removals, Run, Sparse, Views};
use crate::rows::{LastMessage, Standing, Totals, Touched, decode_pins};

/// The columns of a row, from left to right.
pub(super) struct Columns<'r> {
    row: &'r PgRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r PgRow) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn take<T: Decode<'r, Postgres> + Type<Postgres>>(&mut self) -> Result<T, Error> {
        self.next += 1;
        self.row.try_get(self.next - 1).map_err(|error| Error::Store(error.into()))
    }

    /// An aggregated list; an empty one is NULL.
    pub(super) fn list<T>(&mut self) -> Result<Vec<T>, Error>
    where
        T: for<'a> Decode<'a, Postgres> + Type<Postgres> + sqlx::postgres::PgHasArrayType,
    {
        Ok(self.take::<Option<Vec<T>>>()?.unwrap_or_default())
    }

    /// Without the next `columns`.
    pub(super) fn skip(&mut self, columns: usize) {
        self.next += columns;
    }

    pub(super) fn number(&mut self) -> Result<u64, Error> {
        Ok(self.take::<i64>()?.cast_unsigned())
    }

    pub(super) fn sequence(&mut self) -> Result<Sequence, Error> {
        self.number().map(Sequence)
    }

    pub(super) fn time(&mut self) -> Result<Time, Error> {
        self.number().map(Time)
    }

    pub(super) fn chunk(&mut self) -> Result<u32, Error> {
        chunk(self.take()?)
    }

    fn count(&mut self) -> Result<u32, Error> {
        u32::try_from(self.take::<i64>()?).map_err(|_| damaged("a count beyond all counts"))
    }

    pub(super) fn user(&mut self) -> Result<UserId, Error> {
        user(self.take()?)
    }

    pub(super) fn kind(&mut self) -> Result<Kind, Error> {
        let number = u64::try_from(self.take::<i16>()?).ok();
        number.and_then(Kind::from_number).ok_or_else(|| damaged("a dialog of no kind"))
    }

    fn permissions(&mut self) -> Result<Option<Permissions>, Error> {
        Ok(self.take::<Option<bool>>()?.map(|allow_preview| Permissions { allow_preview }))
    }

    pub(super) fn user_opt(&mut self) -> Result<Option<UserId>, Error> {
        self.take::<Option<i64>>()?.map(user).transpose()
    }

    pub(super) fn dialog(&mut self) -> Result<DialogId, Error> {
        dialog(self.take()?)
    }

    pub(super) fn dialog_opt(&mut self) -> Result<Option<DialogId>, Error> {
        self.take::<Option<&[u8]>>()?.map(dialog).transpose()
    }

    pub(super) fn message_id(&mut self) -> Result<MessageId, Error> {
        message_id(self.take()?)
    }

    /// No bits for NULL.
    pub(super) fn bits(&mut self) -> Result<Bits, Error> {
        bits(self.take::<Option<&[u8]>>()?.unwrap_or_default())
    }

    pub(super) fn marks(&mut self) -> Result<Marks, Error> {
        let [read_base, read_to] = [self.number()?, self.number()?];
        let [delivered_base, delivered_to] = [self.number()?, self.number()?];
        Ok(Marks {
            read: Run { base: read_base, to: read_to },
            delivered: Run { base: delivered_base, to: delivered_to },
            sparse: Sparse::decode(self.take()?)?,
        })
    }

    /// The columns of a seat; `None` if there is no such dialog.
    pub(super) fn ground(&mut self) -> Result<Option<Ground>, Error> {
        /// Of the dialog and of the standing, behind their first ones.
        const REST: [usize; 2] = [18, 11];
        let Some(dialog) = self.dialog_opt()? else {
            self.skip(REST[0] + 1 + REST[1] + 1);
            return Ok(None);
        };
        let mut header = Header {
            kind: self.kind()?,
            alive: self.take()?,
            owner: self.user()?,
            owner_present: self.take()?,
            opponent: self.user_opt()?,
            admins: admins(self.take()?)?,
            permissions: None,
            pins: vec![],
            head: self.sequence()?,
            cleared_to: self.sequence()?,
            occupants: self.count()?,
            last_sent: self.number()?,
        };
        let created_at = self.time()?;
        let last = LastMessage {
            sequence: self.sequence()?,
            sender: self.user_opt()?,
            read_by: self.count()?,
            delivered_by: self.count()?,
            counts_known: self.take()?,
        };
        header.permissions = self.permissions()?;
        let touched = Touched::decode(self.take()?)?;
        let standing = match self.take()? {
            Some(member) => Some(self.standing(member)?),
            None => {
                self.skip(REST[1]);
                None
            }
        };
        let removals = Removals::decode(self.take::<Option<&[u8]>>()?.unwrap_or_default())?;
        Ok(Some(Ground { dialog, header, last, created_at, touched, removals, standing }))
    }

    fn standing(&mut self, member: bool) -> Result<Standing, Error> {
        Ok(Standing {
            member,
            joined_at: self.time()?,
            from: self.sequence()?,
            cleared_to: self.sequence()?,
            hidden_at: self.take::<Option<i64>>()?.map(|sequence| Sequence(sequence.cast_unsigned())),
            blocked: self.take()?,
            notifications: self.take()?,
            marks: self.marks()?,
        })
    }

    /// What a list shows of a dialog, and its occupants.
    pub(super) fn about(&mut self) -> Result<(About, Vec<UserId>), Error> {
        let about = About {
            name: self.take()?,
            photo: self.take()?,
            description: self.take()?,
            extensions: self.take()?,
            permissions: self.permissions()?,
            updated_at: self.time()?,
            pins: decode_pins(self.take()?)?,
        };
        let occupants = self.list()?.into_iter().map(user).collect::<Result<_, _>>()?;
        Ok((about, occupants))
    }

    /// A message as a list shows it; `None` if there is none.
    pub(super) fn last(&mut self) -> Result<Option<Last>, Error> {
        let Some(id) = self.take::<Option<&[u8]>>()? else {
            self.skip(3);
            return Ok(None);
        };
        Ok(Some(Last {
            id: message_id(id)?,
            sender: self.user()?,
            text: self.take()?,
            date_sent: self.number()?,
        }))
    }

    /// A message of `dialog`, without receipts.
    pub(super) fn message(&mut self, dialog: DialogId) -> Result<MessageView, Error> {
        let sequence = self.sequence()?;
        Ok(MessageView {
            id: self.message_id()?,
            dialog,
            sequence,
            sender: self.user()?,
            recipient: self.user_opt()?,
            date_sent: self.number()?,
            created_at: self.time()?,
            updated_at: self.time()?,
            edited_at: self.take::<Option<i64>>()?.map(|at| Time(at.cast_unsigned())),
            text: self.take()?,
            attachments: self.take()?,
            custom: self.take()?,
            client_id: self.take()?,
            read_ids: vec![],
            delivered_ids: vec![],
            read: false,
            reactions: reactions(self.take()?, self.take()?)?,
            views: Views::decode(self.take::<Option<&[u8]>>()?.unwrap_or_default())?.of(sequence.0).into(),
        })
    }
}

/// The reactions to a message: JSON objects of totals and JSON lists of one's own.
pub(super) fn reactions(totals: Option<&str>, own: Option<&str>) -> Result<Option<ReactionsView>, Error> {
    if totals.is_none() {
        return Ok(None);
    }
    let own = serde_json::from_str(own.unwrap_or("[]")).map_err(|_| damaged("reactions that are no list"))?;
    Ok(ReactionsView::of(Totals::decode(totals)?, own))
}

pub(super) fn chunk(number: i64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| damaged("a chunk lies beyond every dialog"))
}

pub(super) fn user(number: i64) -> Result<UserId, Error> {
    UserId::new(number.cast_unsigned()).ok_or_else(|| damaged("a user without a number"))
}

fn dialog(bytes: &[u8]) -> Result<DialogId, Error> {
    let bytes = bytes.try_into().map_err(|_| damaged("a dialog id is no id"))?;
    DialogId::from_bytes(bytes).ok_or_else(|| damaged("a dialog id without a letter"))
}

pub(super) fn message_id(bytes: &[u8]) -> Result<MessageId, Error> {
    let bytes = bytes.try_into().map_err(|_| damaged("a message id is no id"))?;
    Ok(MessageId::from_bytes(bytes))
}

pub(super) fn bits(bytes: &[u8]) -> Result<Bits, Error> {
    Ok(Bits::decode(bytes)?)
}

/// User ids with commas between them.
fn admins(ids: &str) -> Result<Vec<UserId>, Error> {
    let ids = ids.split(',').filter(|id| !id.is_empty()).map(str::parse);
    ids.collect::<Result<_, _>>().map_err(|_| damaged("an admin without a number"))
}
