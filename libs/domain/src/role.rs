//! Who may do what in which dialog: the one table.

use crate::Kind;
use crate::refusal::Refusal;

/// What somebody is in a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Its creator, or who took over from him when he left.
    Owner,
    /// One of `admins_ids`.
    Admin,
    /// An occupant; in a broadcast, every other user of the application.
    Member,
    /// Not in it, or shut out of it.
    Outsider,
}

impl Role {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Outsider];
}

/// What somebody may want to do in a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// See that it exists, in a list or by id.
    See,
    /// Read its messages.
    ReadHistory,
    /// Write a message.
    Post,
    /// Mark messages as delivered or read, react to them.
    Mark,
    /// Change name, photo or description.
    Rename,
    /// Change extensions.
    SetExtensions,
    /// Change permissions.
    SetPermissions,
    /// Add others.
    AddOccupants,
    /// Take others out.
    RemoveOccupants,
    /// Take oneself out by naming oneself.
    RemoveSelf,
    /// Pin and unpin messages.
    Pin,
    /// Make and unmake admins.
    ManageAdmins,
    /// Delete one's own message for oneself.
    HideOwnMessage,
    /// Delete another's message for oneself.
    HideForeignMessage,
    /// Delete one's own message for everybody.
    RemoveOwnMessage,
    /// Delete another's message for everybody.
    RemoveForeignMessage,
    /// Delete the dialog for oneself: hide it, leave it or unsubscribe.
    DeleteForSelf,
    /// Delete the dialog for everybody.
    DeleteForAll,
    /// Clear the history for oneself.
    ClearForSelf,
    /// Clear the history for everybody.
    ClearForAll,
    /// Join by oneself.
    Subscribe,
    /// Turn one's own alerts on and off.
    SetNotifications,
    /// Block and unblock users.
    Block,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::See,
        Self::ReadHistory,
        Self::Post,
        Self::Mark,
        Self::Rename,
        Self::SetExtensions,
        Self::SetPermissions,
        Self::AddOccupants,
        Self::RemoveOccupants,
        Self::RemoveSelf,
        Self::Pin,
        Self::ManageAdmins,
        Self::HideOwnMessage,
        Self::HideForeignMessage,
        Self::RemoveOwnMessage,
        Self::RemoveForeignMessage,
        Self::DeleteForSelf,
        Self::DeleteForAll,
        Self::ClearForSelf,
        Self::ClearForAll,
        Self::Subscribe,
        Self::SetNotifications,
        Self::Block,
    ];
}

/// Who may: the roles in a row of the table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    Owner,
    Staff,
    Members,
    Anybody,
}

/// The table: for an action, who may do it in a private, group, public and broadcast dialog.
fn row(action: Action) -> [Who; 4] {
    use Who::{Anybody, Members, Nobody, Owner, Staff};
    match action {
        //                            private  group    public   broadcast
        Action::See => [Members, Members, Members, Members],
        Action::ReadHistory => [Members, Members, Members, Members],
        Action::Post => [Members, Members, Members, Staff],
        Action::Mark => [Members, Members, Members, Members],
        Action::Rename => [Nobody, Members, Staff, Staff],
        Action::SetExtensions => [Members, Staff, Staff, Staff],
        Action::SetPermissions => [Nobody, Staff, Staff, Staff],
        Action::AddOccupants => [Nobody, Members, Staff, Nobody],
        Action::RemoveOccupants => [Nobody, Staff, Staff, Nobody],
        Action::RemoveSelf => [Nobody, Members, Members, Nobody],
        Action::Pin => [Nobody, Staff, Staff, Staff],
        Action::ManageAdmins => [Nobody, Owner, Owner, Owner],
        Action::HideOwnMessage => [Members, Members, Members, Staff],
        Action::HideForeignMessage => [Members, Members, Members, Staff],
        Action::RemoveOwnMessage => [Members, Members, Members, Staff],
        Action::RemoveForeignMessage => [Nobody, Staff, Staff, Staff],
        Action::DeleteForSelf => [Members, Members, Members, Members],
        Action::DeleteForAll => [Owner, Owner, Owner, Owner],
        Action::ClearForSelf => [Members, Members, Members, Members],
        Action::ClearForAll => [Owner, Owner, Owner, Owner],
        Action::Subscribe => [Nobody, Nobody, Anybody, Nobody],
        Action::SetNotifications => [Members, Members, Members, Members],
        Action::Block => [Nobody, Nobody, Staff, Staff],
    }
}

/// Whether a `role` may do that `action` in a dialog of that `kind`.
///
/// Whoever is in a dialog learns that nobody joins that kind by himself, where he asks to.
/// An outsider learns of no dialog ([`Refusal::NoSuchDialog`]) but when he asks for the
/// history, where the API tells him that he may not; who is in it learns that he may not.
pub fn permit(role: Role, kind: Kind, action: Action) -> Result<(), Refusal> {
    let [private, group, public, broadcast] = row(action);
    let who = match kind {
        Kind::Private => private,
        Kind::Group => group,
        Kind::Public => public,
        Kind::Broadcast => broadcast,
    };
    let may = match role {
        Role::Owner => who != Who::Nobody,
        Role::Admin => matches!(who, Who::Staff | Who::Members | Who::Anybody),
        Role::Member => matches!(who, Who::Members | Who::Anybody),
        Role::Outsider => who == Who::Anybody,
    };
    match (may, role, action) {
        (true, _, _) => Ok(()),
        (false, Role::Outsider, Action::ReadHistory) => Err(Refusal::NotPermitted),
        (false, Role::Outsider, _) => Err(Refusal::NoSuchDialog),
        (false, _, Action::AddOccupants | Action::RemoveOccupants | Action::RemoveSelf)
            if kind == Kind::Private =>
        {
            Err(Refusal::OccupantsFixed)
        }
        (false, _, Action::Subscribe) => Err(Refusal::NotSubscribable),
        (false, _, _) => Err(Refusal::NotPermitted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    /// The whole table, written out: O owner, A admin, M member, x outsider; a letter
    /// stands where the action is allowed, `-` where it is refused (403, 422), `.` for 404.
    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for action in Action::ALL {
            let mut line = format!("{:<21}", format!("{action:?}"));
            for kind in [Kind::Private, Kind::Group, Kind::Public, Kind::Broadcast] {
                line.push(' ');
                for (role, letter) in Role::ALL.into_iter().zip("OAMx".chars()) {
                    line.push(match permit(role, kind, action) {
                        Ok(()) => letter,
                        Err(Refusal::NoSuchDialog) => '.',
                        Err(_) => '-',
                    });
                }
            }
            writeln!(table, "{line}").unwrap();
        }
        assert_eq!(table, TABLE, "\n{table}");
    }

    const TABLE: &str = "\
See                   OAM. OAM. OAM. OAM.
ReadHistory           OAM- OAM- OAM- OAM-
Post                  OAM. OAM. OAM. OA-.
Mark                  OAM. OAM. OAM. OAM.
Rename                ---. OAM. OA-. OA-.
SetExtensions         OAM. OA-. OA-. OA-.
SetPermissions        ---. OA-. OA-. OA-.
AddOccupants          ---. OAM. OA-. ---.
RemoveOccupants       ---. OA-. OA-. ---.
RemoveSelf            ---. OAM. OAM. ---.
Pin                   ---. OA-. OA-. OA-.
ManageAdmins          ---. O--. O--. O--.
HideOwnMessage        OAM. OAM. OAM. OA-.
HideForeignMessage    OAM. OAM. OAM. OA-.
RemoveOwnMessage      OAM. OAM. OAM. OA-.
RemoveForeignMessage  ---. OA-. OA-. OA-.
DeleteForSelf         OAM. OAM. OAM. OAM.
DeleteForAll          O--. O--. O--. O--.
ClearForSelf          OAM. OAM. OAM. OAM.
ClearForAll           O--. O--. O--. O--.
Subscribe             ---. ---. OAMx ---.
SetNotifications      OAM. OAM. OAM. OAM.
Block                 ---. ---. OA-. OA-.
";
}
