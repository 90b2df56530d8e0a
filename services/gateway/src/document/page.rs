//! Where the document is, and a page that shows it and can try a call: Swagger UI, built in.
//! It needs nothing from anywhere else, and its policy lets it load nothing.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::Config;

use crate::asked::PagePart;
use crate::{ApiError, Path, answer};

const PAGE: &str = include_str!("page.html");
const START: &str = include_str!("start.js");
/// What of Swagger UI the page uses.
const PARTS: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];
/// Its styles are written by its scripts, and its icons are `data:` addresses.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The parts change with the program only; a browser asks again after an hour.
const KEPT: &str = "max-age=3600";

/// The routes, and what they are; the state is the document as text.
pub(super) fn table() -> OpenApiRouter<Bytes> {
    OpenApiRouter::new().routes(routes!(show_document)).routes(routes!(show_page)).routes(routes!(show_part))
}

/// This document
///
/// It is made from the routes that the server has.
#[utoipa::path(
    get, path = "/openapi.json", tag = "Document", operation_id = "show_document",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = inline(serde_json::Value), content_type = "application/json"))
)]
async fn show_document(State(document): State<Bytes>) -> Response {
    answer::text_of_json(StatusCode::OK, document)
}

/// This document as a page
///
/// Calls can be tried from it: enter a token under *Authorize*.
#[utoipa::path(
    get, path = "/docs", tag = "Document", operation_id = "show_page",
    security(()),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
async fn show_page() -> Response {
    part("text/html; charset=utf-8", PAGE)
}

/// A part of the page
#[utoipa::path(
    get, path = "/docs/{part}", tag = "Document", operation_id = "show_page_part",
    params(PagePart),
    security(()),
    responses((status = 200, description = "A script, a style or an icon", content(
        (String = "text/css"), (String = "text/javascript"), (String = "image/png")
    )), PagePart)
)]
async fn show_part(Path(name): Path<String>) -> Result<Response, ApiError> {
    if name == "start.js" {
        return Ok(part("text/javascript; charset=utf-8", START));
    }
    if !PARTS.contains(&name.as_str()) {
        return Err(ApiError::NoSuchResource);
    }
    let found = utoipa_swagger_ui::serve(&name, Arc::new(Config::default()));
    let file = found.map_err(|cause| ApiError::internal(anyhow::anyhow!("{cause}")))?;
    let file = file.ok_or(ApiError::NoSuchResource)?;
    let mut response = part(&file.content_type, file.bytes.into_owned());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT));
    if file.gzpipped {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn part(kind: &str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(kind) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
