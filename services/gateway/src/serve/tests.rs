//! What comes over sockets: well-behaved, slow, greedy and broken clients.
//!
//! A limit of time is short here and waited for; nothing is measured.

use std::fs;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::{get, post};
use runtime::Tasks;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;
use crate::{ApiError, Entrance, ForwardedBy, Limits, Params, Proxies, answer, testing};

const GET: &str = "GET /chat/Message HTTP/1.1\r\nHost: h\r\n\r\n";
/// Asked to, the server ends the connection after its answer.
const LAST: &str = "GET /chat/Message HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
/// Longer than anything here takes.
const AMPLE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(100);
/// More than all buffers between server and client hold.
const LARGE: usize = 64 * 1024 * 1024;

fn router() -> Router {
    Router::new()
        .route("/chat/Message", get(async || answer::empty()))
        // Refuses without looking at the body, as for want of a session.
        .route("/chat/Message", post(async || ApiError::TokenRequired))
        .route("/chat/Dialog", post(async |_: Params| answer::empty()))
        .route("/large", get(async || answer::ok(&"x".repeat(LARGE))))
}

fn limits() -> ConnectionLimits {
    ConnectionLimits {
        connections_max: 10,
        each_address_max: 0,
        head_time_max: AMPLE,
        write_time_max: AMPLE,
        drain_time_max: Duration::from_secs(1),
    }
}

/// A server; it ends when this is dropped.
struct Served {
    address: SocketAddr,
    _tasks: Tasks,
}

impl Served {
    async fn with(limits: ConnectionLimits, front: Front, tls: Option<Tls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = Tasks::new();
        tasks.spawn("server", serve((listener, tls), front, limits, tasks.stop()));
        Self { address, _tasks: tasks }
    }

    async fn limited(limits: ConnectionLimits) -> Self {
        Self::with(limits, testing::front(router()), None).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// All that comes back for `written` until the server closes.
    async fn answered(&self, written: &[u8]) -> String {
        let mut stream = self.connect().await;
        // It may be closed before all is written.
        let _ = stream.write_all(written).await;
        to_the_end(stream).await
    }
}

/// What comes until the server closes, also if it does so rudely.
async fn to_the_end(mut stream: impl AsyncRead + Unpin) -> String {
    let mut answer = vec![];
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_last_answer_is_sent_although_more_was_read_ahead() {
    const POST: &str = "POST /chat/Message HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n{";
    let served = Served::limited(ConnectionLimits { connections_max: 1, ..limits() }).await;
    for (written, statuses) in [
        (format!("{POST}{GET}"), vec!["401"]),
        (format!("{GET}{POST}{GET}"), vec!["200", "401"]),
        (format!("{GET}\u{1}\u{2}\r\n\r\n"), vec!["200", "400"]),
        ("\u{1}\u{2}\r\n\r\n".to_owned(), vec!["400"]),
    ] {
        let answer = served.answered(written.as_bytes()).await;
        let found: Vec<_> = answer.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert_eq!(found, statuses, "{written:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_not_waited_for() {
    let served = Served::limited(ConnectionLimits { head_time_max: SHORT, ..limits() }).await;
    for written in ["", "GET /chat/Message HTTP/1.1\r\nHost: h\r\n", "G"] {
        assert_eq!(served.answered(written.as_bytes()).await, "", "{written:?}");
    }
    // Nor is a next one on a kept connection.
    assert!(served.answered(GET.as_bytes()).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_body_that_never_ends_takes_no_longer_than_a_request_may() {
    let limits_of_requests = Limits { request_time_max: SHORT, ..Limits::default() };
    let front = Front::new(router(), limits_of_requests, Arc::new(|| "made-here".to_owned()));
    let served = Served::with(limits(), front, None).await;
    for length in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        let written = format!("POST /chat/Dialog HTTP/1.1\r\nHost: h\r\n{length}\r\n\r\n");
        let answer = served.answered(written.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.ends_with(r#"{"errors":["Service temporarily unavailable"]}"#), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_never_reads_gives_its_place_to_the_next() {
    let limits = ConnectionLimits { connections_max: 1, write_time_max: SHORT, ..limits() };
    let served = Served::limited(limits).await;
    let mut stuck = served.connect().await;
    stuck.write_all(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    assert!(served.answered(LAST.as_bytes()).await.starts_with("HTTP/1.1 200"));
    drop(stuck);
}

#[tokio::test]
async fn an_address_has_its_connections_and_a_proxy_any_number() {
    let greedy = ConnectionLimits { each_address_max: 1, ..limits() };
    let served = Served::limited(greedy).await;
    let mut first = served.connect().await;
    first.write_all(GET.as_bytes()).await.unwrap();
    first.read_u8().await.unwrap();
    assert_eq!(served.answered(LAST.as_bytes()).await, "", "closed without a word");
    drop(first);
    // It is seen in a moment that it has gone.
    while !served.answered(LAST.as_bytes()).await.starts_with("HTTP/1.1 200") {}

    let proxies = Proxies::new(vec!["127.0.0.0/8".parse().unwrap()], ForwardedBy::XForwardedFor);
    let front = testing::front(router()).entered(Entrance { proxies, is_encrypted: false });
    let served = Served::with(greedy, front, None).await;
    let _first = served.connect().await;
    assert!(served.answered(LAST.as_bytes()).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn too_large_a_head_is_refused_in_words_as_long_as_it_can_be_read() {
    let served = Served::limited(limits()).await;
    let large = |bytes: usize| format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(bytes));
    let answer = served.answered(format!("{}{LAST}", large(40 * 1024)).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(answer.contains(r#"{"errors":["The request headers are too large"]}"#), "{answer}");
    let many = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: x\r\n".repeat(101));
    for unread in [large(200 * 1024), many] {
        let answer = served.answered(unread.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

/// A pair for `localhost` in files of its own, and the certificate.
fn pair(folder: &TempDir) -> (TlsFiles, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files =
        TlsFiles { certificate: folder.path().join("certificate.pem"), key: folder.path().join("key.pem") };
    fs::write(&files.certificate, made.cert.pem()).unwrap();
    fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    (files, made.cert.der().clone())
}

#[tokio::test]
async fn a_connection_is_encrypted_and_says_that_all_are_to_be() {
    let folder = TempDir::new().unwrap();
    let (files, certificate) = pair(&folder);
    let front = testing::front(router()).entered(Entrance { is_encrypted: true, ..Entrance::default() });
    let tls = Tls::open(files.clone(), AMPLE).unwrap();
    let served = Served::with(limits(), front, Some(tls)).await;

    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, served.connect().await).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    stream.write_all(LAST.as_bytes()).await.unwrap();
    let answer = to_the_end(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");

    let impatient = Tls::open(files, SHORT).unwrap();
    let served = Served::with(limits(), testing::front(router()), Some(impatient)).await;
    for plain in [GET, "", "nonsense"] {
        let mut stream = served.connect().await;
        let _ = stream.write_all(plain.as_bytes()).await;
        let mut answer = vec![];
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP"), "nothing is said in the clear");
    }
}
