//! What is said of messages.

use utoipa::{IntoParams, ToSchema};

use super::{DIALOG, Filter, Flag, USER};

/// A message to be. Any other parameter is kept with it and shown again.
#[derive(ToSchema)]
#[schema(examples(
    json!({ "chat_dialog_id": DIALOG, "message": "Hello", "mood": "good" }),
    json!({ "recipient_id": USER, "message": "Hello", "attachments": [{ "type": "image", "url": "https://example.com/a.png" }] }),
))]
pub(crate) struct NewMessage {
    /// The client's own name of the message, which makes it safe to send twice: 24 hex digits, or
    /// another text of at most 255 characters.
    #[schema(rename = "_id")]
    id: Option<String>,
    /// The dialog that it is for.
    chat_dialog_id: Option<String>,
    /// The user that it is for, where no dialog is named: the private dialog with him is made if
    /// there is none.
    recipient_id: Option<u64>,
    /// The text. It may be missing where there are attachments or other parameters.
    message: Option<String>,
    /// Files and other things beside the text.
    #[schema(value_type = Option<Vec<Object>>)]
    attachments: Option<Vec<()>>,
    /// Whether connected clients are told.
    send_to_chat: Option<Flag>,
    /// Whether clients may mark it as received and read.
    markable: Option<Flag>,
    /// Whether nobody is to be alerted of it.
    silent: Option<Flag>,
}

/// What is to become of messages: at least one of `message`, `read` and `delivered`.
#[derive(ToSchema)]
#[schema(examples(json!({ "chat_dialog_id": DIALOG, "message": "Hello again" })))]
pub(crate) struct MessageChange {
    /// The dialog that they are in.
    chat_dialog_id: Option<String>,
    /// The new text. Only the author may change it.
    message: Option<String>,
    /// `1`: the caller has read them.
    read: Option<Flag>,
    /// `1`: the caller has received them.
    delivered: Option<Flag>,
}

/// A mark on all messages of a dialog.
#[derive(ToSchema)]
#[schema(examples(json!({ "chat_dialog_id": DIALOG, "read": 1 })))]
pub(crate) struct MessagesMark {
    /// The dialog.
    chat_dialog_id: String,
    /// `1`: the caller has read everything.
    read: Option<Flag>,
    /// `1`: the caller has received everything.
    delivered: Option<Flag>,
}

/// A reaction to put on a message, one to take back, or both.
#[derive(ToSchema)]
#[schema(examples(json!({ "add": "\u{1f44d}" })))]
pub(crate) struct ReactionChange {
    /// Any text of at most 64 bytes.
    add: Option<String>,
    /// The same.
    remove: Option<String>,
}

/// Something to tell a user's connected clients. Any other parameter goes with it.
#[derive(ToSchema)]
#[schema(examples(json!({ "recipientId": USER, "type": "typing" })))]
pub(crate) struct SystemSignal {
    /// Whom to tell.
    #[schema(rename = "recipientId")]
    recipient: u64,
}

/// Where to look for the message.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Within {
    /// Its dialog. Of several messages of one name, the one in it counts, else the oldest.
    chat_dialog_id: Option<String>,
}

/// Which part of which dialog's history, and how.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// The dialog.
    #[param(example = json!(DIALOG))]
    chat_dialog_id: String,
    /// `1`: the newest 20 messages, for those who are not in it, where its permissions allow that.
    #[param(inline)]
    preview: Option<Flag>,
    /// `0`: what is listed stays unread.
    #[param(inline)]
    mark_as_read: Option<Flag>,
    /// By id.
    #[param(rename = "_id", style = DeepObject, explode)]
    id: Option<Filter>,
    /// By text.
    #[param(style = DeepObject, explode)]
    message: Option<Filter>,
    /// By author.
    #[param(style = DeepObject, explode)]
    sender_id: Option<Filter>,
    /// By the user whom it is for.
    #[param(style = DeepObject, explode)]
    recipient_id: Option<Filter>,
    /// By the type of an attachment.
    #[param(rename = "attachments.type", style = DeepObject, explode)]
    attachments_type: Option<Filter>,
    /// By date.
    #[param(style = DeepObject, explode)]
    date_sent: Option<Filter>,
    /// By the date of creation.
    #[param(style = DeepObject, explode)]
    created_at: Option<Filter>,
    /// By the date of the last change.
    #[param(style = DeepObject, explode)]
    updated_at: Option<Filter>,
    /// Smallest first: `date_sent`, `created_at`, `updated_at` or `_id`; `date_sent` if nothing is said.
    sort_asc: Option<String>,
    /// Largest first.
    #[param(example = "date_sent")]
    sort_desc: Option<String>,
    /// `1`: only how many there are.
    #[param(inline)]
    count: Option<Flag>,
}

/// Of which dialogs.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UnreadQuery {
    /// Ids with commas between them, at most 100; all of the caller's dialogs if nothing is said.
    #[param(example = json!(DIALOG))]
    chat_dialog_ids: Option<String>,
}

/// What to look for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// What stands in a message's text or a dialog's name: at least 5 characters.
    #[param(example = "hello")]
    search_text: String,
    /// Ids of at most 10 dialogs, with commas between them.
    #[param(example = json!(DIALOG))]
    chat_dialog_ids: Option<String>,
    /// The newest date of a message; needs `end_date`.
    start_date: Option<String>,
    /// The oldest date of a message, at most 3 months from `start_date`.
    end_date: Option<String>,
    /// The most hits of each kind, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
}
