//! Names in paths. An id of another form names nothing: 404, like one that nobody has.

use utoipa::{IntoParams, IntoResponses};

use super::{CALLER, DIALOG, MESSAGE, PUBLIC_DIALOG, SESSION, USER};
use crate::document::{Responses, refusals};

/// One dialog.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DialogPath {
    /// The id of the dialog.
    #[param(example = json!(DIALOG))]
    id: String,
}

/// One public dialog.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct PublicDialogPath {
    /// The id of the dialog.
    #[param(example = json!(PUBLIC_DIALOG))]
    id: String,
}

/// One dialog or several.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DialogsPath {
    /// Ids of dialogs, separated by commas, at most 100.
    #[param(example = json!(DIALOG))]
    ids: String,
}

/// One message.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct MessagePath {
    /// The id of the message.
    #[param(example = json!(MESSAGE))]
    id: String,
}

/// One message or several.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct MessagesPath {
    /// Ids of messages, separated by commas, at most 100.
    #[param(example = json!(MESSAGE))]
    ids: String,
}

/// One user.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct UserPath {
    /// The id of the user.
    #[param(example = json!(USER))]
    id: u64,
}

/// One session.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct SessionPath {
    /// The number of the session.
    #[param(example = json!(SESSION))]
    id: u64,
}

/// Oneself.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OwnPath {
    /// The id of the caller.
    #[param(example = json!(CALLER))]
    id: u64,
}

/// One user, as the application calls him.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ExternalPath {
    /// His `external_id`.
    #[param(example = "u-17")]
    external_id: String,
}

/// A part of the document's page.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct PagePart {
    /// The name of the file.
    #[param(example = "start.js")]
    part: String,
}

impl IntoResponses for PagePart {
    fn responses() -> Responses {
        refusals([404])
    }
}

impl IntoResponses for DialogPath {
    fn responses() -> Responses {
        refusals([404])
    }
}

impl IntoResponses for PublicDialogPath {
    fn responses() -> Responses {
        refusals([404])
    }
}

impl IntoResponses for DialogsPath {
    fn responses() -> Responses {
        refusals([404])
    }
}

impl IntoResponses for MessagePath {
    fn responses() -> Responses {
        refusals([404])
    }
}

impl IntoResponses for MessagesPath {
    fn responses() -> Responses {
        refusals([404])
    }
}

impl IntoResponses for UserPath {
    fn responses() -> Responses {
        refusals([404])
    }
}

impl IntoResponses for SessionPath {
    fn responses() -> Responses {
        refusals([404])
    }
}

impl IntoResponses for OwnPath {
    fn responses() -> Responses {
        refusals([403, 404])
    }
}

impl IntoResponses for ExternalPath {
    fn responses() -> Responses {
        refusals([403, 404])
    }
}
