//! Encrypted connections: whoever knows the root is served, also after the certificate was
//! exchanged under a running server, and a broken new one changes nothing.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tests::{Server, Setup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const TAKEN: &str = "took the certificate that is in the files now";
const REFUSED: &str = "the new certificate is of no use";
const ASKED: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Writes a new pair for `localhost`; its certificate, which is its own root.
fn write_pair(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a pair can be made");
    fs::write(folder.join("certificate.pem"), made.cert.pem()).expect("it can be written");
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("it can be written");
    made.cert.der().clone()
}

async fn connect(server: &Server, root: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).expect("it is a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("there are protocols")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(server.address()).await?).await
}

/// The head of the answer to a request on a kept connection.
async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(ASKED).await.expect("the server reads");
    let mut answer = vec![];
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("the server answers"));
    }
    let head = String::from_utf8(answer).expect("a head is text").to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.and_then(|length| length.parse().ok()).expect("a body has a length");
    stream.read_exact(&mut vec![0; length]).await.expect("the body comes");
    head
}

/// Wait for the line that says so for the `count`th time.
async fn said(server: &Server, words: &str, count: usize) {
    // The lines are read from the first on.
    let found = Cell::new(0);
    let line = server.stderr().find(|line| {
        found.set(found.get() + usize::from(line.contains(words)));
        (found.get() == count).then_some(())
    });
    line.await.expect("the server goes on");
}

#[tokio::test]
async fn a_certificate_is_exchanged_while_the_server_serves() {
    let folder = TempDir::new().expect("a folder");
    let first = write_pair(folder.path());
    let in_folder = |name: &str| folder.path().join(name).display().to_string();
    let setup = Setup::embedded(1)
        .with("tls.certificate_file", in_folder("certificate.pem"))
        .with("tls.key_file", in_folder("key.pem"));
    let server = Server::start(&folder.path().join("data"), &setup).await.expect("the server serves");
    let mut kept = connect(&server, &first).await.expect("the root is known");
    let head = ask(&mut kept).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("strict-transport-security: max-age=31536000"), "{head}");

    let second = write_pair(folder.path());
    server.hang_up();
    said(&server, TAKEN, 1).await;
    let mut fresh = connect(&server, &second).await.expect("the new root is known");
    assert!(ask(&mut fresh).await.starts_with("http/1.1 200"));
    connect(&server, &first).await.expect_err("the old root is of no use any more");
    assert!(ask(&mut kept).await.starts_with("http/1.1 200"), "a connection that was there goes on");

    fs::write(folder.path().join("key.pem"), "xyzzy").expect("it can be written");
    server.hang_up();
    said(&server, REFUSED, 1).await;
    connect(&server, &second).await.expect("the old pair stays");

    // Nobody tells the server: it looks by itself.
    let third = write_pair(folder.path());
    said(&server, TAKEN, 2).await;
    connect(&server, &third).await.expect("the newest root is known");

    let ended = server.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("xyzzy"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_is_refused_at_the_start() {
    let folder = TempDir::new().expect("a folder");
    write_pair(folder.path());
    let other = TempDir::new().expect("a folder");
    write_pair(other.path());
    let setup = Setup::embedded(1)
        .with("tls.certificate_file", folder.path().join("certificate.pem").display())
        .with("tls.key_file", other.path().join("key.pem").display());
    let ended = Server::start(&folder.path().join("data"), &setup).await.expect_err("it does not serve");
    assert!(ended.stderr.contains("is not the key of that certificate"), "{}", ended.stderr);
}
