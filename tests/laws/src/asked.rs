//! A request's parameters, read as the gateway reads them.

use axum::body::Body;
use axum::extract::FromRequest as _;
use futures::FutureExt as _;
use gateway::Params;
use http::{HeaderValue, Method, Request, StatusCode, header};

/// What was read, or the status of the refusal.
pub(crate) type Read = Result<Params, StatusCode>;

/// The parameters of a GET with that query, which must be good to stand in an address.
pub(crate) fn of_query(query: &str) -> Read {
    of_request(Method::GET, query, "", b"")
}

/// The parameters of a request with a query and a body of that type; an empty type is none.
pub(crate) fn of_request(method: Method, query: &str, kind: &str, body: &[u8]) -> Read {
    let request = Request::builder().method(method).uri(format!("/?{query}"));
    let mut request = request.body(Body::from(body.to_vec())).expect("the query can stand in an address");
    if !kind.is_empty() {
        let kind = HeaderValue::from_str(kind).expect("the type can stand in a header");
        request.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    let read = Params::from_request(request, &()).now_or_never().expect("a body in memory is there at once");
    read.map_err(|error| {
        let status = error.status();
        assert!(status.is_client_error(), "a client's bytes are no fault of the server: {status}");
        status
    })
}
