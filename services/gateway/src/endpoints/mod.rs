//! The endpoints, one file each: what a call asks for, what is done, what it answers.
//!
//! None of them decides who may do what: that is the writers'. They know what a call
//! looks like.

mod block_user;
mod change_admins;
mod change_dialog;
mod change_user;
mod clear_history;
mod count_unread;
mod create_dialog;
mod delete_dialogs;
mod delete_messages;
mod delete_user;
mod end_session;
mod find_users;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod list_blocked;
mod list_dialogs;
mod list_messages;
mod list_occupants;
mod list_reactions;
mod list_users;
mod login;
mod look_up_user;
mod observe;
mod open_session;
mod post_message;
mod react;
mod reset_password;
mod search;
mod send_system_message;
mod set_notifications;
mod show_notifications;
mod show_session;
mod show_user;
mod sign_in;
mod sign_up;
mod subscribe;
#[cfg(test)]
mod tests;
mod update_messages;

use axum::Router;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Edge;
use crate::edge::pass;
pub(crate) use observe::table as observing_table;
pub use observe::{Observed, RenderMetrics, observing};

/// Every route of the API; to be put behind a [`Front`](crate::Front).
pub fn router(edge: Edge) -> Router {
    let (api, _) = table().split_for_parts();
    api.route_layer(from_fn_with_state(edge.clone(), pass)).with_state(edge)
}

/// The routes, and what they are: `routes!` takes method, path and description from the
/// handler, so that none is without.
pub(crate) fn table() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(open_session::handle, show_session::handle, end_session::own))
        .routes(routes!(end_session::others))
        .routes(routes!(end_session::named))
        .routes(routes!(login::log_in, login::log_out))
        .routes(routes!(sign_up::handle, list_users::handle, change_user::own, delete_user::own))
        .routes(routes!(show_user::handle, change_user::named, delete_user::named))
        .routes(routes!(look_up_user::by_external_id, delete_user::known_elsewhere))
        .routes(routes!(reset_password::finish))
        .routes(routes!(reset_password::ask, reset_password::ask_by_query))
        .routes(routes!(find_users::handle))
        .routes(routes!(list_users::by_full_name))
        .routes(routes!(list_users::by_tags))
        .routes(routes!(look_up_user::by_login))
        .routes(routes!(look_up_user::by_email))
        .routes(routes!(look_up_user::by_phone))
        .routes(routes!(look_up_user::by_facebook_id))
        .routes(routes!(look_up_user::by_twitter_id))
        .routes(routes!(create_dialog::handle, list_dialogs::handle))
        .routes(routes!(change_dialog::handle, delete_dialogs::handle))
        .routes(routes!(list_occupants::handle))
        .routes(routes!(clear_history::handle))
        .routes(routes!(subscribe::subscribe, subscribe::unsubscribe))
        .routes(routes!(change_admins::handle))
        .routes(routes!(set_notifications::handle, show_notifications::handle))
        .routes(routes!(block_user::block, block_user::unblock, list_blocked::handle))
        .routes(routes!(post_message::handle, list_messages::handle, update_messages::all))
        .routes(routes!(count_unread::handle))
        .routes(routes!(send_system_message::handle))
        .routes(routes!(react::handle, list_reactions::handle))
        .routes(routes!(search::handle))
        .routes(routes!(update_messages::named, delete_messages::handle))
}
