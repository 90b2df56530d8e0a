//! The API as a document: OpenAPI 3.1, made of the routes themselves, and a page to read it.
//!
//! A route gets into the router and into the document by the same line (`routes!`), so none can
//! be without description. What holds for all operations is added here; what one takes and
//! answers stands at its handler.

mod page;
mod refusals;

use axum::Router;
use bytes::Bytes;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{self, PathItem, RefOr};

use crate::{asked, endpoints};

pub(crate) use refusals::{Errors, Responses, refusals};

/// Of a user or of the application's own.
const TOKEN: &str = "CB-Token";
/// For those who have no session yet.
const AUTH_KEY: &str = "CB-AuthKey";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
/// What any call can be answered: this is the front's doing.
const ANY_CALL: [u16; 5] = [413, 414, 431, 500, 503];
/// Operations that are not limited by a rate.
const UNLIMITED: [&str; 2] = ["Operating", "Document"];

#[derive(OpenApi)]
#[openapi(
    info(title = "Hansard", description = include_str!("introduction.md"), license(identifier = "Apache-2.0")),
    servers((url = "/", description = "Where this document is")),
    components(schemas(refusals::Errors, asked::Filter, asked::TimeFilter, asked::UserFilter, asked::Values)),
    tags(
        (name = "Sessions", description = "Who asks"),
        (name = "Users", description = "Who may ask"),
        (name = "Dialogs", description = "Conversations: 1 broadcast, 2 group, 3 private, 4 public"),
        (name = "Messages", description = "What is said in them"),
        (name = "Operating", description = "How the process is"),
        (name = "Document", description = "This"),
    ),
)]
struct Frame;

/// Where the document and its page are; to be merged into the routes of the API. The document
/// is made when this is called.
///
/// # Errors
///
/// A document that refuses to be written.
pub fn documenting() -> anyhow::Result<Router> {
    let text = document().to_json()?;
    let (router, _) = page::table().split_for_parts();
    Ok(router.with_state(Bytes::from(text)))
}

/// Everything that is served, described.
pub(crate) fn document() -> openapi::OpenApi {
    let mut document = Frame::openapi();
    document.merge(endpoints::table().into_openapi());
    document.merge(endpoints::observing_table().into_openapi());
    document.merge(page::table().into_openapi());
    let components = document.components.get_or_insert_default();
    components.responses.extend(refusals::components());
    for (name, description) in [
        (TOKEN, "The token of a session: `POST /session`."),
        (AUTH_KEY, "The application's auth key, for signing up without a session."),
    ] {
        let key = ApiKey::Header(ApiKeyValue::with_description(name, description));
        components.add_security_scheme(name, SecurityScheme::ApiKey(key));
    }
    document.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(TOKEN, [])]);
    document.paths.paths.values_mut().flat_map(operations).for_each(complete);
    document
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.post, &mut path.put, &mut path.delete].into_iter().flatten()
}

/// What holds for every operation: what the front answers, and that a body may be a form.
fn complete(operation: &mut Operation) {
    let limited = !operation.tags.iter().flatten().any(|tag| UNLIMITED.contains(&tag.as_str()));
    let mut answers = refusals(ANY_CALL);
    if limited {
        answers.extend(refusals([429]));
    }
    for (status, refusal) in answers {
        operation.responses.responses.entry(status).or_insert(refusal);
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body
        && let Some(json) = body.content.get(JSON).cloned()
    {
        body.content.insert(FORM.to_owned(), json);
    }
}

#[cfg(test)]
mod tests;
