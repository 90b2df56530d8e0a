//! A request's way through the roles, as a collector sees it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tests::{Answer, Chat, Setup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Longer than an exporter gathers spans.
const PATIENCE: Duration = Duration::from_secs(60);

type Kept = Arc<Mutex<Vec<u8>>>;

/// A collector: its address, and what it is sent.
async fn collector(serving: &mut JoinSet<()>) -> (String, Kept) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let kept = Kept::default();
    let keep = Arc::clone(&kept);
    serving.spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            take(connection, &keep).await;
        }
    });
    (format!("http://{address}"), kept)
}

async fn take(mut connection: TcpStream, kept: &Kept) {
    let (mut bytes, mut chunk) = (vec![], [0; 4_096]);
    while !is_whole(&bytes) {
        match connection.read(&mut chunk).await {
            Ok(read) if read > 0 => bytes.extend(&chunk[..read]),
            _ => return,
        }
    }
    kept.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    // An exporter that went away needs no answer.
    let _ = connection.write_all(answer).await;
}

fn is_whole(bytes: &[u8]) -> bool {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length: Option<usize> =
        text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    bytes.len() >= head + 4 + length.unwrap_or(0)
}

#[tokio::test]
async fn a_post_is_one_trace_from_the_request_to_the_rows() {
    for setup in [Setup::embedded(2), Setup::cluster(2)] {
        is_one_trace(setup).await;
    }
}

async fn is_one_trace(setup: Setup) {
    let mut serving = JoinSet::new();
    let (endpoint, kept) = collector(&mut serving).await;
    let mut chat = Chat::start(setup.with("telemetry.otlp_endpoint", endpoint)).await;
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.create_group("lobby", [&bob]).await;
    let body = json!({ "chat_dialog_id": dialog, "message": "a secret between friends" });
    let post = alice.request(Method::POST, "chat/Message").json(&body);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    Answer::to(post.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))).await.is(201);

    let id = u128::from_str_radix(trace, 16).expect("hex").to_be_bytes();
    let count = |wanted: &[u8]| {
        let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.windows(wanted.len()).filter(|window| *window == wanted).count()
    };
    // A request, its command, its frame, and its fold.
    let told = async {
        while count(&id) < 4 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, told).await.is_ok(), "{} spans", count(&id));
    assert_eq!(count(&id), 4);
    for name in ["request", "command", "append", "fold", "/chat/Message"] {
        assert!(count(name.as_bytes()) > 0, "{name}");
    }
    assert_eq!(count(b"a secret between friends"), 0);
    assert_eq!(chat.stop().await.code, Some(0));
}
