//! `DELETE /chat/Message/{ids}`: delete messages for oneself, or with `force` for
//! everybody. Answers three lists, in which every name stands once, as it was written.

use std::collections::{BTreeMap, HashMap};

use axum::extract::State;
use axum::response::Response;
use domain::command::{Command, Request};
use domain::event::MessageRef;
use domain::{DialogId, MessageId};

use crate::edge::{CallKey, Caller, Done, Seen};
use crate::path::{Named, ids};
use crate::shown::{Deletion, End};
use crate::{ApiError, Edge, Params, Path, answer, asked};

/// Delete messages
///
/// For the caller alone, or with `force` for everybody.
#[utoipa::path(
    delete, path = "/chat/Message/{ids}", tag = "Messages", operation_id = "delete_messages",
    params(asked::MessagesPath, asked::Force, CallKey),
    responses((status = 200, description = "Three lists", body = Deletion), Caller, Params, Done),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    Path(segment): Path<String>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let force = params.flag("force")?.unwrap_or(false);
    let named = ids::<MessageId>(&segment, edge.limits.ids_per_call_max)?;
    let wanted = named.iter().filter_map(|named| named.id).collect();
    let mut dialogs: BTreeMap<DialogId, Vec<MessageRef>> = BTreeMap::new();
    for found in edge.queries.resolve(caller, wanted, None).await? {
        let message = MessageRef { sequence: found.sequence, id: found.id };
        dialogs.entry(found.dialog).or_default().push(message);
    }
    let request = |(dialog, messages): (&DialogId, &Vec<MessageRef>)| {
        let (command, kind): (fn(_) -> _, _) = if force {
            (Command::RemoveMessages, "remove messages")
        } else {
            (Command::HideMessages, "hide messages")
        };
        let (dialog, command) = (*dialog, command(messages.clone()));
        Request { id: key.command(&edge, caller, dialog, kind), dialog, actor: caller, command }
    };
    let outcomes = edge.ask_each(dialogs.iter().map(request).collect()).await;
    let mut seen = Seen::nothing();
    let mut ends = HashMap::new();
    for (messages, outcome) in dialogs.values().zip(outcomes) {
        match outcome {
            Ok(done) => {
                seen.add(&done);
                ends.extend(messages.iter().map(|message| (message.id, end(&done, message.id))));
            }
            Err(refused) => {
                let end = End::of(Err::<(), _>(refused))?;
                ends.extend(messages.iter().map(|message| (message.id, end)));
            }
        }
    }
    Ok(seen.on(answer::ok(&listed(named, &ends))))
}

/// How the deletion of one message of a dialog ended.
fn end(done: &Done, id: MessageId) -> End {
    if done.decided.denied.contains(&id) {
        End::Denied
    } else if done.decided.missing.contains(&id) {
        End::NotFound
    } else {
        End::Deleted
    }
}

fn listed(named: Vec<Named<MessageId>>, ends: &HashMap<MessageId, End>) -> Deletion {
    let mut deletion = Deletion::default();
    for Named { raw, id } in named {
        let end = id.and_then(|id| ends.get(&id)).copied().unwrap_or(End::NotFound);
        deletion.add(end, raw);
    }
    deletion
}
