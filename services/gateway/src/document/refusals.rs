//! Why a call gets no 2xx, said once for all endpoints: one reusable response a status, and the
//! three shapes of an error's body.
//!
//! What an extractor fails with is documented at the extractor, so that an endpoint names
//! what it takes and the document knows the statuses.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses, ToSchema};

use crate::Params;
use crate::edge::{CallKey, Caller, Done, LogPosition, Session};

/// Responses of an operation, by status.
pub(crate) type Responses = BTreeMap<String, RefOr<Response>>;

/// Status, name and meaning of every refusal.
const REFUSALS: [(u16, &str, &str); 13] = [
    (400, "Malformed", "The bytes are no request: broken JSON, text that is not UTF-8, a malformed header."),
    (401, "Unauthenticated", "No token, no valid session, or wrong credentials."),
    (403, "Forbidden", "The session is not a user's, or he may not do that."),
    (404, "NotFound", "There is no such thing, or the caller may not know of it."),
    (413, "BodyTooLarge", "The body is longer than 1 MB, or what it would store is too large."),
    (414, "AddressTooLong", "Path and query are longer than 16 KB."),
    (415, "UnsupportedMedia", "The body is neither JSON nor a form."),
    (422, "Invalid", "A parameter cannot be accepted, or the call as a whole."),
    (429, "TooManyRequests", "Over the rate of the session or of the client's address."),
    (431, "HeadersTooLarge", "The headers together are longer than 32 KB."),
    (500, "InternalError", "The server's fault. Its log has the cause under the answer's X-Request-Id."),
    (503, "Unavailable", "Not now; or, without Retry-After, not in this deployment."),
    (507, "StorageFull", "There is no room to write to."),
];

/// Statuses after which it is worth asking again, and when the answer says so.
const WAITS: [u16; 3] = [429, 503, 507];
/// Where the body's schema is.
const ERRORS: &str = "Errors";

/// What every answer but 2xx holds, in one of three shapes. Clients match some of the texts.
#[derive(ToSchema)]
#[schema(examples(
    json!({ "errors": ["Token is required"] }),
    json!({ "errors": { "base": ["Required session does not exist"] } }),
    json!({ "errors": { "login": ["has already been taken."] } }),
))]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Errors {
    errors: Reasons,
}

/// Why: texts, texts under `base`, or texts for each parameter.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum Reasons {
    /// About the call.
    Texts(Vec<String>),
    /// About the call; and by parameter, what is to be read after its name.
    Named(BTreeMap<String, Vec<String>>),
}

/// References to the refusals of these statuses.
pub(crate) fn refusals<const N: usize>(statuses: [u16; N]) -> Responses {
    let known = |status| REFUSALS.iter().find(|(known, ..)| *known == status);
    let reference =
        |(status, name, _): &(u16, &str, _)| (status.to_string(), Ref::from_response_name(*name).into());
    statuses.into_iter().filter_map(known).map(reference).collect()
}

/// All of them, by name.
pub(super) fn components() -> BTreeMap<String, RefOr<Response>> {
    REFUSALS
        .iter()
        .map(|(status, name, meaning)| ((*name).to_owned(), response(*status, meaning).into()))
        .collect()
}

fn response(status: u16, meaning: &str) -> Response {
    let body = Content::builder().schema(Some(Ref::from_schema_name(ERRORS))).build();
    let response = ResponseBuilder::new().description(meaning).content("application/json", body);
    if !WAITS.contains(&status) {
        return response.build();
    }
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build();
    let header = HeaderBuilder::new()
        .schema(Some(seconds))
        .description(Some("Seconds after which it is worth asking again."))
        .build();
    response.header("Retry-After", header).build()
}

impl IntoParams for CallKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let key = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(128));
        vec![header(
            "Idempotency-Key",
            "The client's own name of this call, which makes it safe to repeat.",
            key,
        )]
    }
}

impl IntoParams for LogPosition {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let word = ObjectBuilder::new().schema_type(Type::String);
        vec![header("Min-Log-Position", "A `Log-Position` that the answer has to know.", word)]
    }
}

fn header(name: &str, meaning: &str, schema: ObjectBuilder) -> Parameter {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header);
    parameter.description(Some(meaning)).schema(Some(schema)).build()
}

impl IntoResponses for Session {
    fn responses() -> Responses {
        refusals([401, 503, 507])
    }
}

impl IntoResponses for Caller {
    fn responses() -> Responses {
        refusals([400, 401, 403, 422, 503, 507])
    }
}

impl IntoResponses for Params {
    fn responses() -> Responses {
        refusals([400, 413, 415, 422])
    }
}

impl IntoResponses for CallKey {
    fn responses() -> Responses {
        refusals([400])
    }
}

impl IntoResponses for Done {
    fn responses() -> Responses {
        refusals([403, 404, 413, 422, 503, 507])
    }
}
