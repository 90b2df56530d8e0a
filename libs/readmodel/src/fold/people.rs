//! Folds of the events about who is in a dialog, and what he is in it.

use std::collections::BTreeMap;

use domain::event::Kind;
use domain::{Sequence, UserId};

use super::rows::DialogRows;
use super::{Cause, Error};
use crate::marks::Marks;
use crate::rows::Standing;

/// Whether what somebody has seen outlives his leaving: where views are counted, so that he
/// counts once.
fn outlives(kind: Kind) -> bool {
    match kind {
        Kind::Public => true,
        Kind::Broadcast | Kind::Group | Kind::Private => false,
    }
}

impl DialogRows {
    /// The actor's standing, to be changed. He may have none in a broadcast.
    pub(super) fn stand(&mut self, by: Cause) -> Result<&mut Standing, Error> {
        Ok(self.standing_of(by, by.actor()?))
    }

    fn standing_of(&mut self, by: Cause, user: UserId) -> &mut Standing {
        let rows = self.standings.entry(user).or_default();
        rows.dirty = true;
        rows.row.get_or_insert_with(|| Standing::nothing(by.at))
    }

    pub(super) fn added(&mut self, by: Cause, users: &[UserId]) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        let (head, kind) = (row.head, row.kind);
        row.occupants = row.occupants.saturating_add(u32::try_from(users.len()).unwrap_or(u32::MAX));
        row.owner_present |= users.contains(&row.owner);
        row.updated_at = by.at;
        self.row_dirty = true;
        for user in users {
            // What he saw when he was here before is seen; all else begins anew.
            let before = self.standings.get_mut(user).and_then(|rows| rows.row.take());
            match before {
                Some(Standing { blocked, marks, .. }) if outlives(kind) && !marks.is_empty() => {
                    let nothing = Standing::nothing(by.at);
                    *self.standing_of(by, *user) =
                        Standing { member: true, from: head, blocked, marks, ..nothing };
                }
                before => {
                    let blocked = before.is_some_and(|before| before.blocked);
                    self.join(by, *user, head).blocked = blocked;
                }
            }
        }
        Ok(())
    }

    /// Gives `user` a fresh standing, whatever he had.
    pub(super) fn join(&mut self, by: Cause, user: UserId, head: Sequence) -> &mut Standing {
        let rows = self.standings.entry(user).or_default();
        rows.chunks = BTreeMap::new();
        rows.chunks_dirty.clear();
        rows.dirty = true;
        let marks = Marks::joining_at(head.0);
        rows.row.insert(Standing { member: true, from: head, marks, ..Standing::nothing(by.at) })
    }

    pub(super) fn parted(&mut self, by: Cause, users: &[UserId]) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        row.occupants = row.occupants.saturating_sub(u32::try_from(users.len()).unwrap_or(u32::MAX));
        row.owner_present &= !users.contains(&row.owner);
        row.admins.retain(|admin| !users.contains(admin));
        row.updated_at = by.at;
        let kind = row.kind;
        self.row_dirty = true;
        for user in users {
            self.part(*user, kind);
        }
        Ok(())
    }

    /// Takes from `user` what ends with his leaving.
    fn part(&mut self, user: UserId, kind: Kind) {
        let before = self.has_last(user);
        self.recount_last(before, None);
        let rows = self.standings.entry(user).or_default();
        rows.dirty = true;
        let left = rows.row.take().map(|row| Standing {
            blocked: row.blocked,
            marks: if outlives(kind) { row.marks } else { Marks::default() },
            ..Standing::nothing(row.joined_at)
        });
        rows.row = left.filter(|row| !row.says_nothing());
        if rows.row.as_ref().is_none_or(|row| row.marks.is_empty()) {
            rows.chunks = BTreeMap::new();
            rows.chunks_dirty.clear();
        }
    }

    pub(super) fn blocked(&mut self, by: Cause, user: UserId) -> Result<(), Error> {
        let member = self.standing(user).is_some_and(|standing| standing.member);
        let row = self.header(by.dialog)?;
        row.occupants = row.occupants.saturating_sub(u32::from(member));
        row.owner_present &= !(member && row.owner == user);
        row.admins.retain(|admin| *admin != user);
        row.updated_at = by.at;
        let kind = row.kind;
        self.row_dirty = true;
        if member {
            self.part(user, kind);
        }
        let standing = self.standing_of(by, user);
        (standing.blocked, standing.hidden_at, standing.notifications) = (true, None, true);
        Ok(())
    }

    pub(super) fn unblocked(&mut self, by: Cause, user: UserId) -> Result<(), Error> {
        self.header(by.dialog)?;
        self.standing_of(by, user).blocked = false;
        if let Some(rows) = self.standings.get_mut(&user) {
            rows.row = rows.row.take().filter(|row| !row.says_nothing());
        }
        Ok(())
    }

    pub(super) fn admins_added(&mut self, by: Cause, users: &[UserId]) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        row.admins.extend(users);
        row.updated_at = by.at;
        self.row_dirty = true;
        Ok(())
    }

    pub(super) fn admins_removed(&mut self, by: Cause, users: &[UserId]) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        row.admins.retain(|admin| !users.contains(admin));
        row.updated_at = by.at;
        self.row_dirty = true;
        Ok(())
    }

    pub(super) fn notified(&mut self, by: Cause, enabled: bool) -> Result<(), Error> {
        self.header(by.dialog)?;
        self.stand(by)?.notifications = enabled;
        Ok(())
    }
}
