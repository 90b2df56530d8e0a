//! The listening side: connections in, each served by the [`Front`], and an orderly end.
//!
//! Every connection has a place, of which an address has only some, a time by which its
//! request's head has to be there and one in which it has to take something of an answer,
//! and no more than a few kilobytes of buffer, so that slow or idle clients cost little.

mod seats;
#[cfg(test)]
mod tests;
mod tls;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use runtime::Stop;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::task::TaskTracker;

use crate::Front;
use crate::front::bucket;
use seats::Seats;
pub use tls::{Tls, TlsFiles};

/// Bytes of a request's head and of what is read ahead of it; when a head has not ended by then it is
/// refused, 431 without a body, and the connection closed.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// How long to wait after the system refused to accept, as it does when files run out.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Connections at once; more wait in the system's queue.
    pub connections_max: usize,
    /// Of them from one address that is no proxy of ours; more are closed. 0 is no limit.
    pub each_address_max: usize,
    /// The longest time for the head of a request, the wait for the next one on a kept
    /// connection included.
    pub head_time_max: Duration,
    /// How long a client may take nothing of what is written to it.
    pub write_time_max: Duration,
    /// How long requests under way may take once it is time to stop.
    pub drain_time_max: Duration,
}

/// Accept and serve connections, encrypted if there is something to do it with, until `stop`; then accept no more, let requests under way
/// finish, and return.
pub async fn serve(
    (listener, tls): (TcpListener, Option<Tls>),
    front: Front,
    limits: ConnectionLimits,
    stop: Stop,
) -> anyhow::Result<()> {
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let seats = Seats::new(limits.each_address_max);
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
        // Many come through a proxy.
        let seat = (!front.trusts(peer)).then(|| seats.take(bucket(peer)));
        if matches!(seat, Some(None)) {
            metrics::counter!("http_connections_refused_total").increment(1);
            continue;
        }
        let (tls, front, watcher) = (tls.clone(), front.facing(peer), graceful.watcher());
        connections.spawn(async move {
            match tls {
                None => talk(stream, front, limits, watcher).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => talk(stream, front, limits, watcher).await,
                    Err(error) => tracing::debug!(%error, "a connection was not encrypted"),
                },
            }
            drop((place, seat));
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.drain_time_max, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests still under way when the time to finish them was over were cut off");
    }
    Ok(())
}

/// Answer what comes over one connection until it ends.
async fn talk<S>(stream: S, front: Front, limits: ConnectionLimits, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(limits.write_time_max));
    let stream: Pin<Box<TimeoutWriter<S>>> = Box::pin(stream);
    // Without `pipeline_flush`: it keeps back the last answer before a close when more
    // was read ahead, so that refusals of malformed or unfinished requests get lost.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time_max)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(front));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended badly");
    }
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
