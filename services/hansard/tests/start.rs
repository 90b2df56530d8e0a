//! A start that takes long: what the process says meanwhile, and that it can be stopped.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use readmodel::sqlite::{self, Store};
use rusqlite::Connection;

/// Longer than any answer here takes.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

fn serve(data: &Path, address: SocketAddr) -> Child {
    Command::new(env!("CARGO_BIN_EXE_hansard"))
        .args(["serve", "--listen", &address.to_string(), "--data"])
        .arg(data)
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn terminate(mut server: Child) -> Option<i32> {
    let kill = Command::new("kill").args(["-s", "TERM", &server.id().to_string()]).status();
    assert!(kill.unwrap().success());
    server.wait().unwrap().code()
}

/// The answer to a request, as soon as somebody listens.
fn get(server: &mut Child, address: SocketAddr, path: &str) -> String {
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(_) => assert_eq!(server.try_wait().unwrap(), None, "it does not listen and has ended"),
        }
    };
    stream.set_read_timeout(Some(ANSWER_TIME_MAX)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_is_not_ready_and_can_be_stopped_before_it_has_caught_up() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut server = serve(&data, address);
    assert!(get(&mut server, address, "/health/live").starts_with("HTTP/1.1 200"));
    // It listens before it has made its stores.
    while !get(&mut server, address, "/health/ready").starts_with("HTTP/1.1 200") {
        std::thread::sleep(LOOK_EVERY);
    }
    assert_eq!(terminate(server), Some(0));

    // Read models that have everything before them, and that nobody can write.
    let rows = data.join(sqlite::file_name());
    sqlite::discard(&rows).unwrap();
    drop(Store::open_or_create(&rows).unwrap());
    let held = Connection::open(&rows).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();

    let mut server = serve(&data, address);
    let ready = get(&mut server, address, "/health/ready");
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains(r#"{"ready":false"#), "{ready}");
    assert!(get(&mut server, address, "/chat/Dialog").starts_with("HTTP/1.1 503"));
    assert_eq!(terminate(server), Some(0));
}
