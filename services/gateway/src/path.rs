//! Paths: the many spellings of one address, and the ids in them.
//!
//! The official clients write `.json` after every path and sometimes leave the last
//! segment empty; documentation writes `chat/dialog` for `chat/Dialog`. Routes know
//! the plain form only.

use std::collections::HashSet;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use http::uri::PathAndQuery;

use crate::ApiError;

const SUFFIX: &str = ".json";
/// The one route that ends so by itself.
const DOCUMENT: &str = "/openapi.json";

/// A name that a client gave for something, and what it names if it has an id's form.
///
/// An id of another form is no error of the call: it names nothing, like an id of the
/// right form that nobody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    /// What the client wrote, without surrounding blanks; answers repeat it.
    pub raw: String,
    /// The id, if it is one.
    pub id: Option<T>,
}

impl<T: FromStr> From<String> for Named<T> {
    fn from(raw: String) -> Self {
        let id = raw.parse().ok();
        Self { raw, id }
    }
}

/// The names in a path segment such as `{id1},{id2}`, each once, in the order given.
///
/// More than `max` are refused: 422 for `ids`. At least one is there, or nothing is
/// found: 404.
pub fn ids<T: FromStr>(segment: &str, max: usize) -> Result<Vec<Named<T>>, ApiError> {
    let mut seen = HashSet::new();
    let mut ids = Vec::new();
    for raw in segment.split(',').map(str::trim).filter(|raw| !raw.is_empty()) {
        if !seen.insert(raw) {
            continue;
        }
        if ids.len() == max {
            return Err(ApiError::too_many("ids", max));
        }
        ids.push(Named::from(raw.to_owned()));
    }
    if ids.is_empty() { Err(ApiError::NoSuchResource) } else { Ok(ids) }
}

/// The one variable segment of a route, percent-decoded and parsed.
///
/// A segment that does not parse answers as its error does: for ids, 404. Take
/// `Path<String>` and [`ids`] where the route allows several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    T: FromStr<Err: Into<ApiError>> + Send,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // The one way to fail is a segment that is no UTF-8: it names nothing.
        let segment = axum::extract::Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::NoSuchResource)?;
        segment.parse().map(Self).map_err(Into::into)
    }
}

/// Bring an address to the form that routes are written in: no `.json` at the end, no
/// empty segment at either end, `Dialog` and `Message` after `chat` spelled so.
///
/// Query and everything else stay as they are.
pub(crate) fn normalise(uri: &mut Uri) {
    let Some(path) = plain(uri.path()) else { return };
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    // A shortened valid path is a valid path; were it not, the old one finds no route.
    let Ok(target) = PathAndQuery::from_maybe_shared(bytes::Bytes::from(target)) else { return };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(target);
    if let Ok(changed) = Uri::from_parts(parts) {
        *uri = changed;
    }
}

/// The plain form of a path, or none if it is plain already.
fn plain(path: &str) -> Option<String> {
    if path == DOCUMENT {
        return None;
    }
    let trimmed = path.trim_end_matches('/');
    let trimmed = trimmed.strip_suffix(SUFFIX).unwrap_or(trimmed).trim_matches('/');
    let spelled = spell(trimmed);
    let same = path.strip_prefix('/').is_some_and(|rest| rest == trimmed);
    match spelled {
        None if same => None,
        None => Some(format!("/{trimmed}")),
        Some(spelled) => Some(spelled),
    }
}

/// `/chat/Dialog…` or `/chat/Message…` for any other spelling of it.
fn spell(trimmed: &str) -> Option<String> {
    let rest = trimmed.strip_prefix("chat/")?;
    let (segment, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let spelling = ["Dialog", "Message"].into_iter().find(|name| name.eq_ignore_ascii_case(segment))?;
    (spelling != segment).then(|| format!("/chat/{spelling}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::MessageId;
    use proptest::prelude::*;

    fn normalised(uri: &str) -> String {
        let mut uri: Uri = uri.parse().unwrap();
        normalise(&mut uri);
        uri.to_string()
    }

    #[test]
    fn every_spelling_is_one_address() {
        for (given, plain) in [
            ("/", "/"),
            ("/.json", "/"),
            ("/session.json", "/session"),
            ("/session/", "/session"),
            ("/openapi.json", "/openapi.json"),
            ("//session//", "/session"),
            ("/chat/Dialog", "/chat/Dialog"),
            ("/chat/dialog", "/chat/Dialog"),
            ("/chat/DIALOG/5c/subscribe", "/chat/Dialog/5c/subscribe"),
            ("/chat/message/unread.json", "/chat/Message/unread"),
            ("/chat/Message.json", "/chat/Message"),
            ("/chat/Message/.json", "/chat/Message"),
            ("/chat/Message/.json/", "/chat/Message"),
            ("/chat/Message/a,b.json?force=1", "/chat/Message/a,b?force=1"),
            ("/chat/dialog.json?", "/chat/Dialog?"),
            ("/chat/Dialog?name=x.json", "/chat/Dialog?name=x.json"),
            ("/chat/dialogs", "/chat/dialogs"),
            ("/users/dialog", "/users/dialog"),
            ("http://chat.example/chat/dialog.json?a=b", "http://chat.example/chat/Dialog?a=b"),
        ] {
            assert_eq!(normalised(given), plain, "{given}");
            assert_eq!(normalised(plain), plain, "{given} twice");
        }
    }

    #[test]
    fn ids_in_a_path_are_a_bounded_list() {
        let good = "5c094c0ce588ce6856f87422";
        let named = ids::<MessageId>(&format!("{good}, _,,{good} ,_"), 2).unwrap();
        assert_eq!(
            named,
            [Named { raw: good.to_owned(), id: good.parse().ok() }, Named { raw: "_".to_owned(), id: None },]
        );
        assert!(matches!(ids::<MessageId>("a,b,c", 2), Err(ApiError::Invalid(_))));
        assert!(matches!(ids::<MessageId>(" ,,", 2), Err(ApiError::NoSuchResource)));
    }

    proptest! {
        #[test]
        fn any_address_has_one_plain_form(path in "(/|chat|dialog|Message|\\.json|[a-z%2,_.]{0,3}){0,8}") {
            if let Ok(uri) = format!("/{path}?{path}").parse::<Uri>() {
                let query = uri.query().map(str::to_owned);
                let mut once = uri;
                normalise(&mut once);
                prop_assert_eq!(once.query().map(str::to_owned), query);
                prop_assert!(once.path().starts_with('/'));
            }
        }
    }
}
