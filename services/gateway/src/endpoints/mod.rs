//! The endpoints, one file each: what a call asks for, what is done, what it answers.
//!
//! None of them decides who may do what: that is the writers'. They know what a call
//! looks like.

mod block_user;
mod change_admins;
mod change_dialog;
mod clear_history;
mod count_unread;
mod create_dialog;
mod delete_dialogs;
mod delete_messages;
mod end_session;
mod list_blocked;
mod list_dialogs;
mod list_messages;
mod list_occupants;
mod list_reactions;
mod observe;
mod open_session;
mod post_message;
mod react;
mod search;
mod send_system_message;
mod set_notifications;
mod show_notifications;
mod show_session;
mod show_user;
mod sign_up;
mod subscribe;
#[cfg(test)]
mod tests;
mod update_messages;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post, put};

use crate::Edge;
use crate::edge::pass;
pub use observe::{Observed, RenderMetrics, observing};

/// Every route of the API; to be put behind a [`Front`](crate::Front).
pub fn router(edge: Edge) -> Router {
    let api = Router::new()
        .route("/session", post(open_session::handle).get(show_session::handle).delete(end_session::handle))
        .route("/users", post(sign_up::handle))
        .route("/users/{id}", get(show_user::handle))
        .route("/chat/Dialog", post(create_dialog::handle).get(list_dialogs::handle))
        .route("/chat/Dialog/{ids}", put(change_dialog::handle).delete(delete_dialogs::handle))
        .route("/chat/Dialog/{id}/occupants", get(list_occupants::handle))
        .route("/chat/Dialog/clearHistory/{id}", delete(clear_history::handle))
        .route("/chat/Dialog/{id}/subscribe", post(subscribe::subscribe).delete(subscribe::unsubscribe))
        .route("/chat/Dialog/{id}/admins", put(change_admins::handle))
        .route(
            "/chat/Dialog/{id}/notifications",
            put(set_notifications::handle).get(show_notifications::handle),
        )
        .route(
            "/chat/Dialog/{id}/block",
            post(block_user::block).delete(block_user::unblock).get(list_blocked::handle),
        )
        .route(
            "/chat/Message",
            post(post_message::handle).get(list_messages::handle).put(update_messages::all),
        )
        .route("/chat/Message/unread", get(count_unread::handle))
        .route("/chat/Message/system", post(send_system_message::handle))
        .route("/chat/Message/{id}/reactions", put(react::handle).get(list_reactions::handle))
        .route("/chat/search", get(search::handle))
        .route("/chat/Message/{ids}", put(update_messages::named).delete(delete_messages::handle))
        .route_layer(from_fn_with_state(edge.clone(), pass));
    api.with_state(edge)
}
