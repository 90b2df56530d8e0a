//! The ceiling: the same HTTP and the same JSON, and nothing behind it.
//!
//! `POST` parses its JSON body, `GET` ignores its query; both answer a fixed JSON body. What a server of
//! this build could do on this machine, had it nothing to do.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use tokio::net::TcpListener;

/// The two answers.
#[derive(Debug, Clone)]
struct Bodies {
    post: Bytes,
    get: Bytes,
}

/// Serve until killed. The bodies have so many bytes.
pub(crate) fn run(listen: SocketAddr, post_bytes: usize, get_bytes: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener =
            TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        serve(listener, post_bytes, get_bytes).await
    })
}

/// Serve on `listener`.
pub(crate) async fn serve(listener: TcpListener, post_bytes: usize, get_bytes: usize) -> anyhow::Result<()> {
    let bodies = Bodies { post: body(post_bytes), get: body(get_bytes) };
    let router = Router::new().fallback(axum::routing::get(get).post(post)).with_state(bodies);
    // Like any server that answers small: without it the kernel waits for more to send.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router).await.context("the null server stopped")
}

async fn get(State(bodies): State<Bodies>) -> Response {
    answer(StatusCode::OK, bodies.get)
}

async fn post(State(bodies): State<Bodies>, body: Bytes) -> Response {
    match serde_json::from_slice::<serde_json::Value>(&body) {
        Ok(_) => answer(StatusCode::CREATED, bodies.post),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

fn answer(status: StatusCode, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A JSON text of that many bytes, at least 2.
fn body(bytes: usize) -> Bytes {
    let fill = "x".repeat(bytes.max(2) - 2);
    Bytes::from(format!("\"{fill}\""))
}
