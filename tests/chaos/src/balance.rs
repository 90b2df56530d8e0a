//! A small load balancer: connections go in turn to the gateways that call themselves ready.
//!
//! It passes bytes on and knows nothing of HTTP, except to answer 503 while no gateway can be had. It is
//! for one machine and for tests; a deployment takes the one that it has.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::member::answers;

/// How often gateways are asked whether they are ready.
const LOOK: Duration = Duration::from_millis(200);
const CONNECT_TIME_MAX: Duration = Duration::from_secs(1);
/// Connections at once; more wait in the listener's queue.
const CONNECTIONS_MAX: usize = 10_000;
const HEAD_BYTES_MAX: usize = 64 * 1024;
const NOBODY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

struct Gateways {
    all: Vec<SocketAddr>,
    ready: RwLock<Vec<SocketAddr>>,
    turn: AtomicUsize,
}

/// Pass connections on for ever.
///
/// # Errors
///
/// The listener fails.
pub async fn balance(listener: TcpListener, gateways: Vec<SocketAddr>) -> Result<()> {
    let gateways = Gateways { ready: RwLock::new(vec![]), all: gateways, turn: AtomicUsize::new(0) };
    let gateways = Arc::new(gateways);
    let mut tasks = JoinSet::new();
    tasks.spawn(watch(Arc::clone(&gateways)));
    loop {
        tokio::select! {
            accepted = listener.accept(), if tasks.len() < CONNECTIONS_MAX => match accepted {
                Ok((client, _)) => drop(tasks.spawn(serve(client, Arc::clone(&gateways)))),
                // Out of descriptors, or a client that has gone already.
                Err(_) => sleep(LOOK).await,
            },
            _ = tasks.join_next() => {}
        }
    }
}

/// Ask all of them again and again.
async fn watch(gateways: Arc<Gateways>) {
    loop {
        let mut ready = vec![];
        let mut asking = JoinSet::new();
        for &gateway in &gateways.all {
            asking.spawn(async move {
                answers(&format!("http://{gateway}/health/ready")).await.then_some(gateway)
            });
        }
        while let Some(answer) = asking.join_next().await {
            ready.extend(answer.ok().flatten());
        }
        *gateways.ready.write().unwrap_or_else(PoisonError::into_inner) = ready;
        sleep(LOOK).await;
    }
}

async fn serve(mut client: TcpStream, gateways: Arc<Gateways>) {
    for gateway in gateways.in_turn() {
        if let Ok(Ok(mut server)) = timeout(CONNECT_TIME_MAX, TcpStream::connect(gateway)).await {
            // Without it answers would only be slower.
            client.set_nodelay(true).ok();
            server.set_nodelay(true).ok();
            // A side that fails ends both; the client sees its connection close.
            copy_bidirectional(&mut client, &mut server).await.ok();
            return;
        }
    }
    refuse(client).await;
}

/// Say that nobody is there. The request's head is read first: closing on unread bytes would take the
/// answer away from the client.
async fn refuse(mut client: TcpStream) {
    let mut head = vec![0; HEAD_BYTES_MAX];
    if matches!(timeout(CONNECT_TIME_MAX, client.read(&mut head)).await, Ok(Ok(1..))) {
        client.write_all(NOBODY).await.ok();
        client.shutdown().await.ok();
    }
}

impl Gateways {
    /// Those that were ready when last asked, beginning with another one each time.
    fn in_turn(&self) -> Vec<SocketAddr> {
        let mut ready = self.ready.read().unwrap_or_else(PoisonError::into_inner).clone();
        if ready.is_empty() {
            return vec![];
        }
        ready.sort_unstable();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % ready.len();
        ready.rotate_left(turn);
        ready
    }
}
