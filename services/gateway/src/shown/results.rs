//! What a search has found, as clients see it: the three lists under `results`, and beside it
//! once more, as some clients look for them there.

use axum::response::Response;
use http::StatusCode;
use readmodel::queries::{DialogView, MessageView};

use super::dialog::{DialogShown, Displays};
use super::message::list;
use crate::answer;
use crate::edge::Application;

/// 200 with dialogs and messages; users are never searched for.
pub(crate) fn results(
    dialogs: &[DialogView],
    messages: &[MessageView],
    (application, displays): (&Application, &Displays),
) -> Response {
    let shown: Vec<_> =
        dialogs.iter().map(|dialog| DialogShown::new(dialog, application, displays)).collect();
    match serde_json::to_vec(&shown).and_then(|dialogs| Ok((dialogs, list(messages)?))) {
        Ok((dialogs, messages)) => answer::text_of_json(StatusCode::OK, written(&dialogs, &messages)),
        Err(cause) => answer::broken(cause),
    }
}

fn written(dialogs: &[u8], messages: &[u8]) -> Vec<u8> {
    let lists = [b"\"dialogs\":", dialogs, b",\"messages\":", messages, b",\"users\":[]"].concat();
    [b"{\"results\":{".as_slice(), &lists, b"},", &lists, b"}"].concat()
}
