//! The readers inside the endpoints, for laws that hold whatever a stranger sends. Compiled with the feature
//! `fuzzing` only; it reads nothing of its own.

use domain::Limits;
use domain::content::MessageContent;
use identity::find::Condition;
use readmodel::queries::{DialogCondition, MessageTest, Test};

use super::{find_users, list_dialogs, list_messages, post_message};
use crate::{ApiError, Params};

/// What the filters of `GET /chat/Message` ask of a message.
pub fn message_tests(params: &mut Params, limits: &Limits) -> Result<Vec<MessageTest>, ApiError> {
    list_messages::tests(params, limits)
}

/// What the filters of `GET /chat/Dialog` ask of a dialog, and apart from that what they ask of its name.
pub fn dialog_conditions(
    params: &mut Params,
    extension_keys: &[String],
    limits: &Limits,
) -> Result<(Vec<DialogCondition>, Vec<Test<String>>), ApiError> {
    list_dialogs::conditions(params, extension_keys, limits)
}

/// What the filters of `GET /users/v2` ask of a user.
pub fn user_conditions(params: &mut Params, limits: &Limits) -> Result<Vec<Condition>, ApiError> {
    find_users::conditions(params, limits.ids_per_call_max)
}

/// What `POST /chat/Message` stores of a message.
pub fn message_content(params: Params, limits: &Limits) -> Result<MessageContent, ApiError> {
    post_message::content(params, limits, None)
}
