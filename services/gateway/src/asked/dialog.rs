//! What is said of dialogs.

use utoipa::{IntoParams, ToSchema};

use super::{Filter, Flag, MESSAGE, USER, Values};

/// A dialog to be.
#[derive(ToSchema)]
#[schema(examples(
    json!({ "type": 2, "name": "Lobby", "occupants_ids": [USER] }),
    json!({ "type": 3, "occupants_ids": [USER] }),
    json!({ "type": 4, "name": "Town square", "description": "For everybody" }),
))]
pub(crate) struct NewDialog {
    /// 1 broadcast, 2 group, 3 private, 4 public.
    #[schema(rename = "type", minimum = 1, maximum = 4)]
    kind: u8,
    /// Needed for all but private dialogs.
    name: Option<String>,
    /// Where its picture is.
    photo: Option<String>,
    description: Option<String>,
    /// Who is to be in it beside the caller: a list, or one text with commas. One other user
    /// for a private dialog, at least one for a group.
    occupants_ids: Option<Vec<u64>>,
    /// Which of them are to have admin rights.
    admins_ids: Option<Vec<u64>>,
    /// Values of the application's extension keys; others are dropped.
    #[schema(value_type = Option<Object>)]
    extensions: Option<()>,
    permissions: Option<Permissions>,
}

/// What others may do with a dialog.
#[derive(ToSchema)]
pub(crate) struct Permissions {
    /// Whether those who are not in it may read its newest messages.
    allow_preview: Option<Flag>,
}

/// What is to change of a dialog. What is not there stays as it is.
#[derive(ToSchema)]
#[schema(examples(json!({
    "name": "Lobby", "description": "Come in", "push_all": { "pinned_messages_ids": [MESSAGE] }
})))]
pub(crate) struct DialogChange {
    name: Option<String>,
    /// Where its picture is; empty for none.
    photo: Option<String>,
    /// Empty for none.
    description: Option<String>,
    /// All of them, or `null` for none.
    #[schema(value_type = Option<Object>)]
    extensions: Option<()>,
    permissions: Option<Permissions>,
    push_all: Option<Added>,
    pull_all: Option<Removed>,
}

/// What is added to a dialog's lists.
#[derive(ToSchema)]
pub(crate) struct Added {
    occupants_ids: Option<Vec<u64>>,
    admins_ids: Option<Vec<u64>>,
    pinned_messages_ids: Option<Vec<String>>,
}

/// What is taken out of a dialog's lists.
#[derive(ToSchema)]
pub(crate) struct Removed {
    occupants_ids: Option<Vec<u64>>,
    admins_ids: Option<Vec<u64>>,
    pinned_messages_ids: Option<Vec<String>>,
}

/// Who gets admin rights, and who loses them.
#[derive(ToSchema)]
#[schema(examples(json!({ "push_all": { "admins_ids": [USER] } })))]
pub(crate) struct AdminsChange {
    push_all: Option<Admins>,
    pull_all: Option<Admins>,
}

/// Users with admin rights.
#[derive(ToSchema)]
pub(crate) struct Admins {
    admins_ids: Vec<u64>,
}

/// Whether the caller wants to be alerted.
#[derive(ToSchema)]
#[schema(examples(json!({ "enabled": 0 })))]
pub(crate) struct NotificationsChange {
    enabled: Flag,
}

/// Nothing needs to be said.
#[derive(ToSchema)]
#[schema(examples(json!({})))]
pub(crate) struct Subscription {}

/// For whom something is deleted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Force {
    /// `1`: for everybody, for whom that is permitted; otherwise for the caller alone.
    #[param(inline)]
    force: Option<Flag>,
}

/// Which dialogs, in which order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DialogFilters {
    /// By id.
    #[param(rename = "_id", style = DeepObject, explode)]
    id: Option<Filter>,
    /// By type: 1 broadcast, 2 group, 3 private, 4 public.
    #[param(rename = "type", style = DeepObject, explode)]
    kind: Option<Filter>,
    /// By name as the caller sees it.
    #[param(style = DeepObject, explode)]
    name: Option<Filter>,
    /// By occupants: `in`, `nin`, `ne` and `all` only.
    #[param(style = DeepObject, explode)]
    occupants_ids: Option<Filter>,
    /// By the date of the last message.
    #[param(style = DeepObject, explode)]
    last_message_date_sent: Option<Filter>,
    /// By the date of creation.
    #[param(style = DeepObject, explode)]
    created_at: Option<Filter>,
    /// By the date of the last change.
    #[param(style = DeepObject, explode)]
    updated_at: Option<Filter>,
    /// By the value of an extension.
    #[param(style = DeepObject, explode)]
    extensions: Option<Values>,
    /// Smallest first: `last_message_date_sent`, `updated_at` or `created_at`.
    sort_asc: Option<String>,
    /// Largest first; `last_message_date_sent` if nothing is said.
    #[param(example = "updated_at")]
    sort_desc: Option<String>,
    /// `1`: only how many there are.
    #[param(inline)]
    count: Option<Flag>,
}
