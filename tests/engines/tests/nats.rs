//! What the tests of Hansard rely on: NATS servers that are what they are called, and that can be
//! killed, paused and cut off without losing what they have confirmed.

use std::time::Duration;

use async_nats::jetstream::{self, Context, stream};
use engines::{Nats, Profile, Proxy};
use futures::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

/// Longer than anything here takes; what hangs fails instead of hanging the tests.
const ENOUGH: Duration = Duration::from_secs(60);
/// In which a message gets through that can, and after which one that did not is taken for lost.
const MOMENT: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_cluster_keeps_what_it_confirmed_with_any_node_killed() {
    let nats = Nats::start(3, Profile::Durable).await;
    let jetstream = connect(&nats.url()).await;
    create(&jetstream, 3).await;
    for node in 0..3 {
        confirm(&jetstream).await;
        nats.kill(node);
        confirm(&jetstream).await;
        nats.restart(node);
        nats.wait_until_healthy().await;
    }
    assert!(messages(&jetstream).await >= 6, "all of them are there");
}

#[tokio::test]
async fn a_cluster_goes_on_while_a_node_is_paused() {
    let nats = Nats::start(3, Profile::Durable).await;
    let jetstream = connect(&nats.url()).await;
    create(&jetstream, 3).await;
    let leader = nats.leader().await.expect("a cluster has a leader");
    nats.pause(leader);
    let elsewhere = nats.urls()[(leader + 1) % 3].clone();
    confirm(&connect(&elsewhere).await).await;
    nats.wait_until_healthy().await;
    nats.resume(leader);
    nats.wait_until_healthy().await;
}

#[tokio::test]
async fn a_node_keeps_its_address_and_its_messages_over_a_restart() {
    let nats = Nats::start(1, Profile::Durable).await;
    let jetstream = connect(&nats.url()).await;
    create(&jetstream, 1).await;
    confirm(&jetstream).await;
    let before = nats.urls();
    nats.restart(0);
    nats.wait_until_healthy().await;
    assert_eq!(nats.urls(), before);
    assert_eq!(messages(&connect(&nats.url()).await).await, 1);
}

#[tokio::test]
async fn each_profile_is_what_it_says() {
    for (profile, always) in [(Profile::Durable, true), (Profile::Relaxed, false)] {
        let nats = Nats::start(1, profile).await;
        let told = get(&nats.monitor_urls()[0], "/varz").await;
        assert_eq!(told.contains("\"sync_always\": true"), always, "{told}");
    }
}

#[tokio::test]
async fn a_cut_lets_nothing_through_and_loses_nothing() {
    let nats = Nats::start(1, Profile::Durable).await;
    let proxy = Proxy::to(nats.address(0)).await;
    let behind = async_nats::connect(format!("nats://{}", proxy.address())).await.expect("it connects");
    let mut echo = behind.subscribe("echo").await.expect("it subscribes");
    behind.publish("echo", "before".into()).await.expect("it is sent");
    assert!(timeout(ENOUGH, echo.next()).await.is_ok(), "it gets through");
    proxy.cut();
    behind.publish("echo", "meanwhile".into()).await.expect("it is sent");
    assert!(timeout(MOMENT, echo.next()).await.is_err(), "a connection from before is cut");
    let connected = timeout(MOMENT, async_nats::connect(format!("nats://{}", proxy.address()))).await;
    assert!(connected.is_err(), "a new one leads nowhere: {connected:?}");
    async_nats::connect(nats.url()).await.expect("the server itself is there");
    proxy.mend();
    let arrived = timeout(ENOUGH, echo.next()).await.expect("it gets through again");
    assert_eq!(arrived.expect("it is the same connection").payload, "meanwhile");
}

#[tokio::test]
async fn a_proxy_passes_the_end_on() {
    let nats = Nats::start(1, Profile::Durable).await;
    let proxy = Proxy::to(nats.address(0)).await;
    let behind = async_nats::connect(format!("nats://{}", proxy.address())).await.expect("it connects");
    nats.kill(0);
    let state = async {
        while behind.connection_state() == async_nats::connection::State::Connected {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(ENOUGH, state).await.expect("it notices");
}

async fn connect(url: &str) -> Context {
    let urls = url.split(',').map(str::to_owned).collect::<Vec<_>>();
    jetstream::new(async_nats::connect(urls).await.expect("a client connects"))
}

async fn create(jetstream: &Context, num_replicas: usize) {
    let name = "kept".to_owned();
    let config =
        stream::Config { name, num_replicas, subjects: vec!["kept".to_owned()], ..Default::default() };
    jetstream.create_stream(config).await.expect("a stream can be created");
}

/// Publish until one is confirmed: while a leader is elected some are not.
async fn confirm(jetstream: &Context) {
    let confirmed = async {
        loop {
            let Ok(sent) = jetstream.publish("kept", "a message".into()).await else { continue };
            if matches!(timeout(MOMENT, sent).await, Ok(Ok(_))) {
                return;
            }
        }
    };
    timeout(ENOUGH, confirmed).await.expect("a message is confirmed");
}

async fn messages(jetstream: &Context) -> u64 {
    let mut stream = jetstream.get_stream("kept").await.expect("the stream is there");
    stream.info().await.expect("it can be asked").state.messages
}

async fn get(url: &str, path: &str) -> String {
    let address = url.strip_prefix("http://").expect("the URL is of HTTP");
    let mut connection = tokio::net::TcpStream::connect(address).await.expect("the server listens");
    connection.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.expect("it can be asked");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("it answers");
    answer
}
