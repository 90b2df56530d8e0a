//! `POST /chat/Dialog`: make a dialog, or take an existing private one back into the list.
//!
//! The private dialog of two users exists once: whoever asks for it gets that one, and what
//! he says of its extensions is added to them.

use axum::extract::State;
use axum::response::Response;
use domain::command::{Command, Create, Request};
use domain::content::{DialogContent, Extensions};
use domain::{DialogId, Kind, Limits, UserId};
use http::StatusCode;
use serde_json::{Map, Value};

use crate::edge::{CallKey, Caller, Done};
use crate::shown::DialogShown;
use crate::{ApiError, Edge, Params, asked, fields, written};

/// Make a dialog
///
/// The private dialog of two users exists once: whoever asks for it gets that one.
#[utoipa::path(
    post, path = "/chat/Dialog", tag = "Dialogs", operation_id = "create_dialog",
    params(CallKey), request_body = asked::NewDialog,
    responses((status = 201, description = "The dialog", body = DialogShown), Caller, Params, Done),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    mut params: Params,
) -> Result<Response, ApiError> {
    let (dialog, command, users) = match kind(&mut params)? {
        Kind::Private => open_private(&edge, caller, &mut params).await?,
        kind => create(&edge, (caller, &key), kind, &mut params)?,
    };
    fields::exist(&edge, &users).await?;
    let id = key.command(&edge, caller, dialog, "create dialog");
    let done = edge.ask(Request { id, dialog, actor: caller, command }).await?;
    let view = written::dialog(&edge, caller, dialog, &done).await?;
    written::answer(&edge, StatusCode::CREATED, &view, &done).await
}

fn kind(params: &mut Params) -> Result<Kind, ApiError> {
    let number = params.integer("type")?.ok_or_else(|| ApiError::missing("type"))?;
    let kind = u64::try_from(number).ok().and_then(Kind::from_number);
    kind.ok_or_else(|| ApiError::invalid("type", "must be 1, 2, 3 or 4"))
}

/// What is to be made, as what, and who has to exist for it.
type Wanted = (DialogId, Command, Vec<UserId>);

async fn open_private(edge: &Edge, caller: UserId, params: &mut Params) -> Result<Wanted, ApiError> {
    let occupants = occupants(params, &edge.limits)?.ok_or_else(ApiError::opponent_missing)?;
    let mut others = occupants.into_iter().filter(|occupant| *occupant != caller);
    let opponent = others.next().ok_or_else(ApiError::no_opponent)?;
    if others.next().is_some() {
        return Err(ApiError::too_many_opponents());
    }
    let description = fields::text(params, "description", edge.limits.description_characters_max)?;
    let given = fields::extensions(params, &edge.application, &edge.limits)?.flatten();
    let dialog = DialogId::private(&edge.private_dialog_key, caller, opponent);
    let extensions = match given {
        Some(given) if !has(edge, caller, dialog, &given).await? => Some(given),
        Some(_) | None => None,
    };
    let content = DialogContent { name: None, photo: None, description, extensions };
    Ok((dialog, Command::OpenPrivate { opponent, content }, vec![opponent]))
}

/// Whether the dialog has all of these already, so that asking again changes nothing: no
/// writer knows what a dialog's extensions are.
async fn has(
    edge: &Edge,
    caller: UserId,
    dialog: DialogId,
    extensions: &Extensions,
) -> Result<bool, ApiError> {
    let there = edge.queries.dialog(caller, dialog).await?.and_then(|view| view.extensions);
    let Some(there) = there else { return Ok(false) };
    let there: Map<String, Value> = serde_json::from_str(&there).map_err(ApiError::internal)?;
    let value = |key: &str| there.get(key).and_then(Value::as_str);
    Ok(extensions.iter().all(|(key, text)| value(key.as_str()) == Some(text.as_str())))
}

fn create(
    edge: &Edge,
    (caller, key): (UserId, &CallKey),
    kind: Kind,
    params: &mut Params,
) -> Result<Wanted, ApiError> {
    let limits = &edge.limits;
    let content = DialogContent {
        name: Some(fields::name(params, limits)?.ok_or_else(|| ApiError::missing("name"))?),
        photo: fields::text(params, "photo", limits.photo_characters_max)?,
        description: fields::text(params, "description", limits.description_characters_max)?,
        extensions: fields::extensions(params, &edge.application, limits)?.flatten(),
    };
    let occupants = match kind {
        // Everybody is in a broadcast: nobody needs to be named.
        Kind::Broadcast => vec![],
        Kind::Group => occupants(params, limits)?.ok_or_else(|| ApiError::missing("occupants_ids"))?,
        Kind::Public | Kind::Private => occupants(params, limits)?.unwrap_or_default(),
    };
    let admins = params.user_ids("admins_ids", limits.occupants_per_call_max)?.unwrap_or_default();
    let permissions = fields::permissions(params)?;
    let mut users = occupants.clone();
    users.extend(&admins);
    let dialog = key.dialog(edge, caller, edge.clock.now());
    Ok((dialog, Command::Create(Create { kind, occupants, admins, permissions, content }), users))
}

/// Who is to be in it; an empty list says as little as none.
fn occupants(params: &mut Params, limits: &Limits) -> Result<Option<Vec<UserId>>, ApiError> {
    let occupants = params.user_ids("occupants_ids", limits.occupants_per_call_max)?;
    Ok(occupants.filter(|occupants| !occupants.is_empty()))
}
