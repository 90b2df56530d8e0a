//! The listening side: connections in, each served by the [`Front`], and an orderly end.
//!
//! Every connection has a place, a time by which its request's head has to be there, and
//! no more than a few kilobytes of buffer, so that slow or idle clients cost little.

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

/// Bytes of a request's head and of what is read ahead of it; more is refused by closing.
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
        let (stream, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time_max)
            .max_buf_size(BUFFER_BYTES_MAX)
            .pipeline_flush(true)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(front.clone()));
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
) -> anyhow::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    metrics::counter!("http_connections_total").increment(1);
    Ok((stream, place))
}
