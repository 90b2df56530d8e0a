//! Parameters that several endpoints know, as values that are good to be stored.

use domain::content::{Extensions, Text, Unfit};
use domain::event::Permissions;
use domain::{DialogId, Limits, UserId};
use serde_json::Value;

use crate::edge::Application;
use crate::path::Named;
use crate::{ApiError, Edge, Params};

/// 422 in the words that say what does not fit.
pub(crate) fn unfit(field: &'static str, unfit: Unfit) -> ApiError {
    ApiError::invalid(field, unfit.to_string())
}

/// A text of at most `characters_max` characters; an empty one is none.
pub(crate) fn text(
    params: &mut Params,
    name: &'static str,
    characters_max: usize,
) -> Result<Option<Text>, ApiError> {
    let raw = params.text(name)?.filter(|raw| !raw.is_empty());
    raw.map(|raw| Text::new(raw, characters_max)).transpose().map_err(|reason| unfit(name, reason))
}

/// The same, where nothing but blanks is not enough.
pub(crate) fn name(params: &mut Params, limits: &Limits) -> Result<Option<Text>, ApiError> {
    let name = text(params, "name", limits.name_characters_max)?;
    match name {
        Some(name) if name.as_str().trim().is_empty() => Err(unfit("name", Unfit::Blank)),
        name => Ok(name),
    }
}

/// What the client names as `chat_dialog_id`; blank is none.
pub(crate) fn dialog(params: &mut Params) -> Result<Option<Named<DialogId>>, ApiError> {
    let raw = params.text("chat_dialog_id")?;
    let raw = raw.map(|raw| raw.trim().to_owned()).filter(|raw| !raw.is_empty());
    Ok(raw.map(Named::from))
}

/// 422 for a dialog's id of another form in a body.
pub(crate) fn no_dialog_id() -> ApiError {
    ApiError::invalid("chat_dialog_id", "is not the id of a dialog")
}

/// A user's id; blank is none.
pub(crate) fn user(params: &mut Params, name: &'static str) -> Result<Option<UserId>, ApiError> {
    let raw = params.text(name)?.filter(|raw| !raw.trim().is_empty());
    raw.map(|raw| raw.trim().parse()).transpose().map_err(|_| no_user_id(name))
}

fn no_user_id(name: &'static str) -> ApiError {
    ApiError::invalid(name, "is not the id of a user")
}

/// 422 for the parameter of that name unless the user in it exists.
pub(crate) async fn exists(edge: &Edge, name: &'static str, user: UserId) -> Result<(), ApiError> {
    if edge.identity.missing(&[user]).await?.is_empty() { Ok(()) } else { Err(no_user_id(name)) }
}

/// 403 for a user who is not the caller, 404 for one whom there is not.
pub(crate) async fn own(edge: &Edge, caller: UserId, named: UserId) -> Result<(), ApiError> {
    if named == caller {
        return Ok(());
    }
    let missing = edge.identity.missing(&[named]).await?;
    Err(if missing.is_empty() { ApiError::NotPermitted } else { ApiError::NoSuchResource })
}

/// Extensions: none if they are not given, none inside if there are to be none any more.
///
/// Keys that the application does not allow are dropped; values become text, lists and
/// objects their JSON. In key order.
pub(crate) fn extensions(
    params: &mut Params,
    application: &Application,
    limits: &Limits,
) -> Result<Option<Option<Extensions>>, ApiError> {
    const NAME: &str = "extensions";
    if !params.given(NAME) {
        return Ok(None);
    }
    let Some(given) = params.object(NAME)? else { return Ok(Some(None)) };
    let bounded =
        |raw: String| Text::new(raw, limits.extension_characters_max).map_err(|reason| unfit(NAME, reason));
    let mut extensions = Extensions::new();
    for (key, value) in given.rest() {
        let value = match value {
            _ if !application.extension_keys.contains(&key) => continue,
            Value::Null => continue,
            Value::String(text) => text,
            other => other.to_string(),
        };
        extensions.push((bounded(key)?, bounded(value)?));
    }
    extensions.sort_unstable();
    Ok(Some((!extensions.is_empty()).then_some(extensions)))
}

/// Permissions, if anything is said about them.
pub(crate) fn permissions(params: &mut Params) -> Result<Option<Permissions>, ApiError> {
    let Some(mut given) = params.object("permissions")? else { return Ok(None) };
    Ok(given.flag("allow_preview")?.map(|allow_preview| Permissions { allow_preview }))
}

/// 422 unless all of `users` exist.
pub(crate) async fn exist(edge: &Edge, users: &[UserId]) -> Result<(), ApiError> {
    for users in users.chunks(identity::IDS_MAX) {
        if !edge.identity.missing(users).await?.is_empty() {
            return Err(ApiError::unknown_occupants());
        }
    }
    Ok(())
}
