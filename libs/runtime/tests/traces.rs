//! What a collector gets: the spans of all threads and processes as one trace. A program of its own, with one
//! test, because what it installs is there for good.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use runtime::telemetry::{LogFormat, Traces, init_traced};
use runtime::trace;

/// A collector that keeps what it was sent.
fn collector(kept: Arc<Mutex<Vec<u8>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            let mut bytes = vec![];
            let mut chunk = [0; 4096];
            loop {
                let read = connection.read(&mut chunk).expect("a request");
                bytes.extend(&chunk[..read]);
                let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
                let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
                let length =
                    text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                if bytes.len() >= head + 4 + length.unwrap_or(0) {
                    assert!(text.starts_with("post /v1/traces "), "{text}");
                    break;
                }
            }
            kept.lock().expect("the requests").extend(bytes);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            connection.write_all(answer).expect("an answer");
        }
    });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_of_one_way_are_one_trace_and_none_come_to_be_without_a_collector() {
    // Nobody listens yet.
    let span = tracing::trace_span!(target: trace::TARGET, "request");
    assert!(span.is_disabled() && trace::parent(&span).is_none());
    assert!(Traces::to("collector:4318").is_err());

    let kept = Arc::<Mutex<Vec<u8>>>::default();
    let endpoint = collector(Arc::clone(&kept));
    let traces = Traces::to(&endpoint).expect("an address");
    init_traced(LogFormat::Json, "info", &traces).expect("no log before");
    let request = tracing::trace_span!(target: trace::TARGET, "request");
    let parent = trace::parent(&request).expect("it is exported");
    assert!(parent.starts_with("00-") && parent.len() == 55, "{parent}");
    // As in another process, which has nothing but the text.
    let append = tracing::trace_span!(target: trace::TARGET, "append", partition = 3);
    trace::adopt(&append, Some(&parent));
    trace::adopt(&append, Some("nonsense"));
    trace::adopt(&append, None);
    let of_append = trace::parent(&append).expect("it is exported");
    assert_eq!(of_append[3..35], parent[3..35], "one trace");
    assert_ne!(of_append[36..52], parent[36..52], "another span");
    drop((append, request));
    tokio::task::spawn_blocking(move || drop(traces)).await.expect("the end");

    let kept = kept.lock().expect("the requests");
    let holds = |wanted: &[u8]| kept.windows(wanted.len()).filter(|window| *window == wanted).count();
    let id = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
    };
    assert_eq!(holds(&id(&parent[3..35])), 2, "both spans name the trace");
    assert_eq!(holds(&id(&parent[36..52])), 2, "a span, and the parent of the other");
    for word in ["request", "append", "partition", "hansard"] {
        assert!(holds(word.as_bytes()) > 0, "{word}");
    }
}
