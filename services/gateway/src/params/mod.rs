//! The parameters of a request as one tree, whatever they came in.
//!
//! Query string, form body and JSON body mean the same; the body wins over the query,
//! name by name. Readers take what they read out of the tree, so what is left at the
//! end is what nobody asked for: custom parameters, or filters.

mod filter;
mod form;
mod moment;
mod page;
mod read;
mod rule;
mod source;
#[cfg(test)]
mod tests;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{ApiError, Visit};

pub use filter::Filters;
pub use page::{Direction, NumberedPage, PAGE_ITEMS_MAX, Page, Sort};
pub use rule::{Kind, Rule};

/// A request's parameters, or those inside one of them.
///
/// As an extractor it fails with 400 for what is no JSON, form or UTF-8, 413 for a
/// body above the limit of the router, 415 for other kinds of body, and 422 for a NUL
/// anywhere or for a name used both as a value and as a list or object.
///
/// Of a name given twice the last counts, in JSON as in a form. Values from forms and
/// queries are texts; the readers take numbers, flags and lists in every spelling.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params(Map<String, Value>);

impl Params {
    /// The parameters that are there as a tree already.
    pub fn new(tree: Map<String, Value>) -> Self {
        Self(tree)
    }

    /// All of it as it came, but for what was taken out.
    pub(crate) fn tree(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Is there anything of this name, be it `null` or empty?
    pub fn given(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Is what is there of this name an object, as `name[key]=…` makes one?
    pub fn is_object(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Value::is_object)
    }

    /// What no reader has taken, in the order it came.
    pub fn rest(self) -> Map<String, Value> {
        self.0
    }
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let query = source::query(request.uri().query().unwrap_or_default())?;
        let kind = source::Kind::of(request.method(), request.headers());
        let visit = request.extensions().get::<Visit>().cloned();
        let body = Bytes::from_request(request, state).await.map_err(source::unreadable)?;
        if let Some(visit) = visit {
            visit.read_body();
        }
        let mut tree = source::body(kind, &body)?;
        if tree.is_empty() {
            return Ok(Self(query));
        }
        for (name, value) in query {
            tree.entry(name).or_insert(value);
        }
        Ok(Self(tree))
    }
}
