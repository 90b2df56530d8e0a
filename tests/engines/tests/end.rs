//! No server outlives who started it.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use engines::{Nats, Postgres, Profile};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Longer than anything here takes; what hangs fails instead of hanging the tests.
const ENOUGH: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

#[tokio::test]
async fn servers_end_with_a_process_that_is_killed() {
    let (mut owner, addresses) = start().await;
    owner.kill().await.expect("it can be killed");
    for address in addresses {
        gone(address).await;
    }
}

#[tokio::test]
async fn servers_end_with_a_process_that_ends() {
    let (mut owner, addresses) = start().await;
    drop(owner.stdin.take());
    let ended = timeout(ENOUGH, owner.wait()).await.expect("it ends in time");
    assert!(ended.expect("it can be waited for").success());
    for address in addresses {
        assert!(TcpStream::connect(address).is_err(), "{address} is gone when its owner is");
    }
}

#[tokio::test]
async fn servers_end_when_they_are_dropped_even_paused() {
    let (nats, postgres) = tokio::join!(Nats::start(1, Profile::Durable), Postgres::start());
    let addresses = [nats.address(0), postgres.address()];
    nats.pause(0);
    postgres.pause();
    drop((nats, postgres));
    for address in addresses {
        assert!(TcpStream::connect(address).is_err(), "{address} is gone");
    }
}

/// A process with engines, and where these are.
async fn start() -> (Child, Vec<SocketAddr>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engines"));
    let mut owner = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    let mut told = BufReader::new(owner.stdout.take().expect("its output is piped")).lines();
    let mut named = HashMap::new();
    while named.len() < 3 {
        let line = timeout(ENOUGH, told.next_line()).await.expect("it starts in time");
        let line = line.expect("it can be read").expect("it says where its engines are");
        let (name, url) = line.split_once('=').expect("a line is a name and a URL");
        named.insert(name.to_owned(), address_in(url).expect("a URL names an address"));
    }
    (owner, named.into_values().collect())
}

/// The address in `scheme://[user@]address[/path]`.
fn address_in(url: &str) -> Option<SocketAddr> {
    let (_, rest) = url.split_once("://")?;
    rest.split('/').next()?.split('@').next_back()?.parse().ok()
}

async fn gone(address: SocketAddr) {
    let gone = async {
        while TcpStream::connect(address).is_ok() {
            sleep(LOOK).await;
        }
    };
    timeout(ENOUGH, gone).await.unwrap_or_else(|_| panic!("{address} is still there"));
}
