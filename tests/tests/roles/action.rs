//! What can be tried in a dialog, each by the one call that the action is named after.

/// Something that a person may try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    See,
    ReadHistory,
    Post,
    MarkAll,
    MarkOne,
    React,
    ListReactions,
    Rename,
    Extend,
    Permit,
    Add,
    AddOneself,
    Expel,
    ExpelTheOwner,
    ExpelAnAdmin,
    TakeOneselfOut,
    Pin,
    ManageAdmins,
    ManageAdminsByChange,
    HideOwn,
    HideForeign,
    RemoveOwn,
    RemoveForeign,
    EditOwn,
    EditForeign,
    DeleteForSelf,
    DeleteForAll,
    ClearForSelf,
    ClearForAll,
    Subscribe,
    Unsubscribe,
    ListOccupants,
    SetNotifications,
    ShowNotifications,
    Block,
    Unblock,
    ListBlocked,
}

impl Action {
    /// Whether it is tried on a message of whoever tries.
    pub(crate) fn is_on_ones_own(self) -> bool {
        matches!(self, Self::HideOwn | Self::RemoveOwn | Self::EditOwn)
    }

    /// Whether it matters whose message it is tried on.
    pub(crate) fn is_on_a_message(self) -> bool {
        self.is_on_ones_own()
            || matches!(
                self,
                Self::MarkAll
                    | Self::MarkOne
                    | Self::Pin
                    | Self::HideForeign
                    | Self::RemoveForeign
                    | Self::EditForeign
            )
    }

    /// Whether the next one can try it where it has just been done.
    pub(crate) fn is_repeatable(self) -> bool {
        matches!(
            self,
            Self::See
                | Self::ReadHistory
                | Self::Post
                | Self::React
                | Self::ListReactions
                | Self::Rename
                | Self::Extend
                | Self::Subscribe
                | Self::ListOccupants
                | Self::ShowNotifications
                | Self::ListBlocked
        )
    }

    /// Whether somebody is blocked beforehand.
    pub(crate) fn is_on_somebody_blocked(self) -> bool {
        matches!(self, Self::Unblock | Self::ListBlocked)
    }
}
