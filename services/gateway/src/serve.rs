//! The listening side: connections in, each served by the [`Front`], and an orderly end.
//!
//! Every connection has a place, a time by which its request's head has to be there, and
//! no more than a few kilobytes of buffer, so that slow or idle clients cost little.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use runtime::Stop;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use crate::Front;

/// Bytes of a request's head and of what is read ahead of it; more is refused, 431 without a
/// body, and the connection closed.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// How long to wait after the system refused to accept, as it does when files run out.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Connections at once; more wait in the system's queue.
    pub connections_max: usize,
    /// The longest time for the head of a request, the wait for the next one on a kept
    /// connection included.
    pub head_time_max: Duration,
    /// How long requests under way may take once it is time to stop.
    pub drain_time_max: Duration,
}

/// Accept and serve connections until `stop`; then accept no more, let requests under way
/// finish, and return.
pub async fn serve(
    listener: TcpListener,
    front: Front,
    limits: ConnectionLimits,
    stop: Stop,
) -> anyhow::Result<()> {
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = stop.stopped() => break,
        };
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        // Without `pipeline_flush`: it keeps back the last answer before a close when more
        // was read ahead, so that refusals of malformed or unfinished requests get lost.
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time_max)
            .max_buf_size(BUFFER_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(front.facing(peer)));
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended badly");
            }
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.drain_time_max, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests still under way when the time to finish them was over were cut off");
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> anyhow::Result<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    metrics::counter!("http_connections_total").increment(1);
    Ok((stream, peer.ip().to_canonical(), place))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::{get, post};
    use runtime::Tasks;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::{ApiError, answer, testing};

    fn router() -> Router {
        Router::new()
            .route("/chat/Message", get(async || answer::empty()))
            // Refuses without looking at the body, as for want of a session.
            .route("/chat/Message", post(async || ApiError::TokenRequired))
    }

    /// All that comes back for `written` until the server closes.
    async fn answered(written: &[u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = ConnectionLimits {
            connections_max: 1,
            head_time_max: Duration::from_secs(60),
            drain_time_max: Duration::from_secs(1),
        };
        let tasks = Tasks::new();
        tasks.spawn("server", serve(listener, testing::front(router()), limits, tasks.stop()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(written).await.unwrap();
        let mut answer = vec![];
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn a_last_answer_is_sent_although_more_was_read_ahead() {
        const GET: &str = "GET /chat/Message HTTP/1.1\r\nHost: h\r\n\r\n";
        const POST: &str = "POST /chat/Message HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n{";
        for (written, statuses) in [
            (format!("{POST}{GET}"), vec!["401"]),
            (format!("{GET}{POST}{GET}"), vec!["200", "401"]),
            (format!("{GET}\u{1}\u{2}\r\n\r\n"), vec!["200", "400"]),
            ("\u{1}\u{2}\r\n\r\n".to_owned(), vec!["400"]),
        ] {
            let answer = answered(written.as_bytes()).await;
            let found: Vec<_> = answer.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
            assert_eq!(found, statuses, "{written:?}: {answer:?}");
        }
    }
}
