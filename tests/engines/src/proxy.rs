//! A way to a server that can be cut, as a network can.
//!
//! A cut loses nothing and tells nobody: connections stay open, nothing gets through in either
//! direction, new ones are taken and lead nowhere. Once mended, what was sent meanwhile arrives.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

const BUFFER: usize = 64 * 1024;

/// Passes connections on to one address; it and they end when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    cut: watch::Sender<bool>,
    _task: JoinSet<()>,
}

impl Proxy {
    /// Listen on a free port for connections to `server`.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let (cut, watched) = watch::channel(false);
        let mut task = JoinSet::new();
        task.spawn(accept(listener, server, watched));
        Self { address, cut, _task: task }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on nothing gets through.
    pub fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// From now on everything gets through again.
    pub fn mend(&self) {
        self.cut.send_replace(false);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, cut: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                connections.spawn(connect(client, server, cut.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(client: TcpStream, server: SocketAddr, mut cut: watch::Receiver<bool>) {
    if mended(&mut cut).await.is_none() {
        return;
    }
    // Without a server the client sees its connection close.
    let Ok(server) = TcpStream::connect(server).await else { return };
    for connection in [&client, &server] {
        // Without it small messages would only be slower.
        drop(connection.set_nodelay(true));
    }
    let (client_reads, client_writes) = client.into_split();
    let (server_reads, server_writes) = server.into_split();
    let to_server = pass(client_reads, server_writes, cut.clone());
    let to_client = pass(server_reads, client_writes, cut);
    tokio::join!(to_server, to_client);
}

/// Pass bytes on until one side ends; the other is then told.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut cut: watch::Receiver<bool>) {
    let mut bytes = vec![0; BUFFER];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if mended(&mut cut).await.is_none() || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
    // The end, too, arrives only through a way that is open.
    if mended(&mut cut).await.is_some() {
        drop(to.shutdown().await);
    }
}

/// Wait while the way is cut; nothing if the proxy is gone.
async fn mended(cut: &mut watch::Receiver<bool>) -> Option<()> {
    cut.wait_for(|cut| !cut).await.ok()?;
    Some(())
}
