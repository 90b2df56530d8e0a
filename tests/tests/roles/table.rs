//! The table: who gets through with what, and the rule of `tests/rules.csv` that each cell proves.

use crate::action::Action;

/// One line of the table.
pub(crate) struct Line {
    pub(crate) action: Action,
    /// The number of the rule that the first cell proves, and how far it is to the next one's.
    rules: Option<(u32, u32)>,
    /// The cells by type: private, group, public, broadcast; within a type by role, in the order
    /// of [`ROLES`]. A role's own letter where it gets through; `=` where what it sends is taken
    /// but ignored; `-` for 403, `~` for 403 in the words on occupants, `.` for 404, `!` for 422;
    /// `_` for what this line does not try.
    cells: &'static str,
}

/// One attempt.
pub(crate) struct Cell {
    pub(crate) kind: u64,
    pub(crate) role: char,
    pub(crate) expected: char,
    pub(crate) rule: Option<String>,
}

/// The roles that a type of dialog knows: O owner, A admin, M member, x outsider. To a broadcast
/// nobody is an outsider.
const ROLES: [(u64, &str); 4] = [(3, "OMx"), (2, "OAMx"), (4, "OAMx"), (1, "OAM")];

/// Where cells prove rules, they do in the order of the cells.
pub(crate) const TABLE: &[Line] = &[
    plain(Action::See, "OM. OAM. OAM. OAM"),
    from(1, Action::ReadHistory, "OM- OAM- OAM- OAM"),
    from(15, Action::Post, "OM. OAM. OAM. OA-"),
    plain(Action::MarkAll, "OM. OAM. OAM. OAM"),
    plain(Action::MarkOne, "OM. OAM. OAM. OAM"),
    plain(Action::React, "OM. OAM. OAM. OAM"),
    plain(Action::ListReactions, "OM. OAM. OAM. OAM"),
    from(29, Action::Rename, "==. OAM. OA-. OA-"),
    from(43, Action::Extend, "OM. OA-. OA-. OA-"),
    from(57, Action::Permit, "--. OA-. OA-. OA-"),
    from(71, Action::Add, "~~. OAM. OA-. ---"),
    plain(Action::AddOneself, "__. ___. ___. ___"),
    from(85, Action::Expel, "~~. OA-. OA-. ---"),
    plain(Action::ExpelTheOwner, "~~. O--. O--. ---"),
    plain(Action::ExpelAnAdmin, "___ OA-. OA-. ---"),
    from(99, Action::Pin, "--. OA-. OA-. OA-"),
    from(113, Action::ManageAdmins, "--. O--. O--. O--"),
    from(127, Action::ManageAdminsByChange, "--. O--. O--. O--"),
    from(141, Action::HideOwn, "OM_ OAM_ OAM_ OA_"),
    from(151, Action::RemoveOwn, "OM_ OAM_ OAM_ OA_"),
    from(161, Action::HideForeign, "OM. OAM. OAM. OA-"),
    from(175, Action::RemoveForeign, "--. OA-. OA-. OA-"),
    plain(Action::EditOwn, "OM_ OAM_ OAM_ OA_"),
    plain(Action::EditForeign, "--. ---. ---. ---"),
    from(189, Action::DeleteForSelf, "OM. OAM. OAM. OAM"),
    from(203, Action::DeleteForAll, "O-. O--. O--. O--"),
    from(217, Action::ClearForSelf, "OM. OAM. OAM. OAM"),
    from(231, Action::ClearForAll, "O-. O--. O--. O--"),
    from(245, Action::TakeOneselfOut, "___ OAM_ ____ ___"),
    from(251, Action::TakeOneselfOut, "_~_ ____ ____ ___"),
    plain(Action::TakeOneselfOut, "~_. ___. OAM. ---"),
    from(248, Action::Unsubscribe, "___ ____ OAM_ ___"),
    plain(Action::Unsubscribe, "!!. OAM. ___= !!!"),
    plain(Action::Subscribe, "!!. !!!. OAMx !!!"),
    plain(Action::ListOccupants, "___ OAM. OAM. ___"),
    plain(Action::SetNotifications, "OM. OAM. OAM. OAM"),
    plain(Action::ShowNotifications, "OM. OAM. OAM. OAM"),
    by_three(252, Action::Block, "___ ____ OA-_ OA-"),
    plain(Action::Block, "--. ---. ___. ___"),
    by_three(253, Action::Unblock, "___ ____ OA-_ OA-"),
    plain(Action::Unblock, "___ ____ ___. ___"),
    by_three(254, Action::ListBlocked, "___ ____ OA-_ OA-"),
    plain(Action::ListBlocked, "___ ____ ___. ___"),
];

const fn plain(action: Action, cells: &'static str) -> Line {
    Line { action, rules: None, cells }
}

const fn from(first: u32, action: Action, cells: &'static str) -> Line {
    Line { action, rules: Some((first, 1)), cells }
}

/// The rules name the block, the unblock and the list of one role one after another.
const fn by_three(first: u32, action: Action, cells: &'static str) -> Line {
    Line { action, rules: Some((first, 3)), cells }
}

impl Cell {
    /// Whether whoever tries gets through with it.
    pub(crate) fn is_allowed(&self) -> bool {
        self.expected == self.role
    }
}

impl Line {
    /// What it tries: within a type first what is refused, which leaves everything as it was.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        let mut rules = self.rules;
        let mut next_rule = || {
            let (number, step) = rules?;
            rules = Some((number + step, step));
            Some(format!("R-ROLE-{number:03}"))
        };
        let mut cells = vec![];
        for ((kind, roles), of_kind) in ROLES.into_iter().zip(self.cells.split(' ')) {
            assert_eq!(roles.len(), of_kind.len(), "{:?} in type {kind}", self.action);
            for (role, expected) in roles.chars().zip(of_kind.chars()).filter(|(_, cell)| *cell != '_') {
                cells.push(Cell { kind, role, expected, rule: next_rule() });
            }
        }
        cells.sort_by_key(|cell| (cell.kind, cell.is_allowed()));
        cells
    }
}

#[test]
fn the_table_has_a_cell_for_each_rule() {
    let mut rules: Vec<String> = TABLE.iter().flat_map(Line::cells).filter_map(|cell| cell.rule).collect();
    rules.sort();
    let expected: Vec<String> = (1..=269).map(|number| format!("R-ROLE-{number:03}")).collect();
    assert_eq!(rules, expected);
}
