//! `POST /chat/Dialog`: make a dialog, or take an existing private one back into the list.
//!
//! The private dialog of two users exists once: whoever asks for it gets that one.

use axum::extract::State;
use axum::response::Response;
use domain::command::{Command, Create, Request};
use domain::content::DialogContent;
use domain::{DialogId, Kind, Limits, UserId};
use readmodel::queries::DialogView;

use crate::edge::{CallKey, Caller, Done, RETRY_AFTER_LAG};
use crate::shown::{DialogShown, displays};
use crate::{ApiError, Edge, Params, answer, fields, folded};

pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    mut params: Params,
) -> Result<Response, ApiError> {
    let (dialog, command, users) = match kind(&mut params)? {
        Kind::Private => open_private(&edge, caller, &mut params)?,
        kind => create(&edge, (caller, &key), kind, &mut params)?,
    };
    fields::exist(&edge, &users).await?;
    let id = key.command(&edge, caller, dialog, "create dialog");
    let done = edge.ask(Request { id, dialog, actor: caller, command }).await?;
    let view = view(&edge, caller, dialog, &done).await?;
    let displays = displays(&edge, std::slice::from_ref(&view)).await?;
    Ok(done.seen().on(answer::created(&DialogShown::new(&view, &edge.application, &displays))))
}

async fn view(edge: &Edge, caller: UserId, dialog: DialogId, done: &Done) -> Result<DialogView, ApiError> {
    if done.visible {
        let view = edge.queries.dialog(caller, dialog).await?;
        return view.ok_or(ApiError::NoSuchResource);
    }
    match folded::dialog(&done.decided.records) {
        Some(made) => Ok(made),
        // It was there before: only what was done to it just now cannot be seen.
        None => {
            let view = edge.queries.dialog(caller, dialog).await?;
            view.ok_or(ApiError::Unavailable(RETRY_AFTER_LAG))
        }
    }
}

fn kind(params: &mut Params) -> Result<Kind, ApiError> {
    let number = params.integer("type")?.ok_or_else(|| ApiError::missing("type"))?;
    let kind = u64::try_from(number).ok().and_then(Kind::from_number);
    kind.ok_or_else(|| ApiError::invalid("type", "must be 1, 2, 3 or 4"))
}

/// What is to be made, as what, and who has to exist for it.
type Wanted = (DialogId, Command, Vec<UserId>);

fn open_private(edge: &Edge, caller: UserId, params: &mut Params) -> Result<Wanted, ApiError> {
    let occupants = occupants(params, &edge.limits)?.ok_or_else(ApiError::opponent_missing)?;
    let mut others = occupants.into_iter().filter(|occupant| *occupant != caller);
    let opponent = others.next().ok_or_else(ApiError::no_opponent)?;
    if others.next().is_some() {
        return Err(ApiError::too_many_opponents());
    }
    let content = DialogContent {
        name: None,
        photo: None,
        description: fields::text(params, "description", edge.limits.description_characters_max)?,
        extensions: fields::extensions(params, &edge.application, &edge.limits)?.flatten(),
    };
    let dialog = DialogId::private(&edge.private_dialog_key, caller, opponent);
    Ok((dialog, Command::OpenPrivate { opponent, content }, vec![opponent]))
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
