//! What is said of users.

use utoipa::{IntoParams, IntoResponses, ToSchema};

use super::USER;
use crate::document::{Responses, refusals};

/// Somebody who signs up.
#[derive(ToSchema)]
#[schema(as = SignUp, examples(json!({
    "user": { "login": "alice", "password": "wonderland", "full_name": "Alice", "tag_list": ["rabbit-holes"] }
})))]
pub(crate) struct SigningUp {
    user: NewUser,
}

/// A user to be: `password`, and `login` or `email`.
#[derive(ToSchema)]
pub(crate) struct NewUser {
    /// 3 to 70 characters; nobody else's.
    login: Option<String>,
    /// An address; nobody else's.
    email: Option<String>,
    /// At least 8 characters.
    password: String,
    full_name: Option<String>,
    phone: Option<String>,
    website: Option<String>,
    /// The user's id elsewhere: a number or a text.
    external_user_id: Option<String>,
    /// The same, always a text; nobody else's.
    external_id: Option<String>,
    facebook_id: Option<String>,
    twitter_id: Option<String>,
    /// The id of a file.
    blob_id: Option<u64>,
    /// Anything the application wants to keep with the user.
    custom_data: Option<String>,
    /// Where his picture is.
    avatar: Option<String>,
    /// At most 5 tags: a list, or one text with commas.
    tag_list: Option<Vec<String>>,
    /// Minutes from UTC.
    timezone: Option<i32>,
}

/// Whom it is about.
#[derive(ToSchema)]
#[schema(examples(json!({ "user_id": USER })))]
pub(crate) struct UserNamed {
    /// The id of a user, also as text.
    user_id: u64,
}

/// Whom it is about, for methods whose parameters stand in the query.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UserQuery {
    /// The id of a user.
    #[param(example = json!(USER))]
    user_id: u64,
}

/// Somebody who changes himself.
#[derive(ToSchema)]
#[schema(as = UserChange, examples(json!({ "user": { "full_name": "Alice Liddell", "avatar": "https://example.org/alice.png" } })))]
pub(crate) struct ChangingUser {
    user: ChangedUser,
}

/// What is to change of a user; an empty text unsets a field.
#[derive(ToSchema)]
pub(crate) struct ChangedUser {
    /// 3 to 70 characters; nobody else's.
    login: Option<String>,
    /// An address; nobody else's.
    email: Option<String>,
    /// A new one, of at least 8 characters.
    password: Option<String>,
    /// The one so far, needed for a new one.
    old_password: Option<String>,
    full_name: Option<String>,
    phone: Option<String>,
    website: Option<String>,
    /// The user's id elsewhere: a number or a text.
    external_user_id: Option<String>,
    /// The same, always a text.
    external_id: Option<String>,
    facebook_id: Option<String>,
    twitter_id: Option<String>,
    /// The id of a file.
    blob_id: Option<u64>,
    /// Anything the application wants to keep with the user.
    custom_data: Option<String>,
    /// Where his picture is.
    avatar: Option<String>,
    /// At most 5 tags, all of them anew: a list, or one text with commas.
    tag_list: Option<Vec<String>>,
    /// Minutes from UTC.
    timezone: Option<i32>,
}

impl IntoResponses for ChangingUser {
    fn responses() -> Responses {
        // One who has been deleted meanwhile.
        refusals([404])
    }
}

/// Somebody who has forgotten his password.
#[derive(ToSchema)]
#[schema(as = Reset, examples(json!({ "email": "alice@example.org" })))]
pub(crate) struct Forgetful {
    /// His address.
    email: String,
}

/// The same, for the method whose parameters stand in the query.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ForgetfulQuery {
    /// His address.
    #[param(example = "alice@example.org")]
    email: String,
}

/// A new password for whoever has the token of a mail.
#[derive(ToSchema)]
#[schema(examples(json!({ "reset_token": "0123456789abcdef0123456789abcdef01234567", "password": "looking-glass" })))]
pub(crate) struct NewPassword {
    /// From the mail.
    reset_token: String,
    /// At least 8 characters.
    password: String,
}

impl IntoResponses for NewPassword {
    fn responses() -> Responses {
        refusals([422, 503, 507])
    }
}
