//! What a log is not opened on: nodes that acknowledge before they sync, that nobody looked at, or that are too old.

use engines::{Nats, Profile};
use eventlog::{Durability, JetStreamError, JetStreamLog, JetStreamSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

use crate::world::{settings, spec};

async fn seen(nats: &Nats) -> JetStreamSettings {
    let monitor_urls = nats.monitor_urls();
    JetStreamSettings { durability: Durability::Seen, monitor_urls, ..settings(nats) }
}

async fn opening(settings: &JetStreamSettings) -> Result<(), JetStreamError> {
    JetStreamLog::open(settings, None).await.map(drop)
}

/// A NATS server's front door: greets with this version, and answers HTTP with this body.
async fn pretend(greeting: &str) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let greeting = greeting.to_owned();
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut guests = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let greeting = greeting.clone();
            guests.spawn(async move {
                drop(stream.write_all(greeting.as_bytes()).await);
                let mut said = [0; 1_024];
                while let Ok(length @ 1..) = stream.read(&mut said).await {
                    if said[..length].windows(4).any(|word| word == b"PING") {
                        drop(stream.write_all(b"PONG\r\n").await);
                    }
                    if said[..length].starts_with(b"GET ") {
                        return;
                    }
                }
            });
        }
    });
    (address, task)
}

fn info(version: &str, max_payload: usize) -> String {
    format!(
        "INFO {{\"server_id\":\"X\",\"server_name\":\"old\",\"version\":\"{version}\",\"go\":\"go\",\"host\":\"127.0.0.1\",\
         \"port\":4222,\"headers\":true,\"max_payload\":{max_payload},\"proto\":1,\"jetstream\":true}}\r\n"
    )
}

#[tokio::test]
async fn durable_nodes_are_recognised() {
    let nats = Nats::start(3, Profile::Durable).await;
    let mut settings = seen(&nats).await;
    JetStreamLog::init(&settings, &spec(2)).await.unwrap();
    opening(&settings).await.unwrap();
    // All nodes must be named to make a log, and as many to open it as can always speak for a majority.
    let urls = std::mem::take(&mut settings.monitor_urls);
    for (named, made, opened) in [(2, false, true), (1, false, false), (0, false, false)] {
        settings.monitor_urls = urls[..named].to_vec();
        let error = JetStreamLog::init(&settings, &spec(2)).await.err();
        assert_eq!(error.is_none(), made, "{named}: {error:?}");
        let error = opening(&settings).await.err();
        assert_eq!(error.is_none(), opened, "{named}: {error:?}");
        assert!(matches!(error, None | Some(JetStreamError::DurabilityUnseen { .. })));
    }
    settings.monitor_urls = urls;
    nats.kill(1);
    opening(&settings).await.unwrap();
    let error = JetStreamLog::init(&settings, &spec(2)).await.err().unwrap().to_string();
    assert!(error.contains(&settings.monitor_urls[1]) && error.contains("log.monitor_urls"), "{error}");
}

#[tokio::test]
async fn nodes_that_sync_now_and_then_are_refused_by_name() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let mut settings = seen(&nats).await;
    for outcome in
        [JetStreamLog::init(&settings, &spec(1)).await.map(drop), { opening(&settings).await.map(drop) }]
    {
        let error = outcome.unwrap_err();
        // Nothing was made, so that there is nothing to open.
        if !matches!(error, JetStreamError::Missing { .. }) {
            assert!(matches!(&error, JetStreamError::NotDurable { .. }), "{error}");
            let text = error.to_string();
            assert!(
                text.contains("it syncs every 120 s") && text.contains("sync_interval: always"),
                "{text}"
            );
            assert!(text.contains(&settings.monitor_urls[0]), "{text}");
        }
    }
    for durability in [Durability::Relaxed, Durability::Attested] {
        settings.durability = durability;
        settings.monitor_urls.clear();
        JetStreamLog::init(&settings, &spec(1)).await.unwrap();
        opening(&settings).await.unwrap();
    }
    settings.durability = Durability::Seen;
    let error = opening(&settings).await.unwrap_err().to_string();
    assert!(error.contains("log.monitor_urls is empty") && error.contains("\"attested\""), "{error}");
    settings.monitor_urls = nats.monitor_urls();
    assert!(matches!(opening(&settings).await, Err(JetStreamError::NotDurable { .. })));
}

#[tokio::test]
async fn an_address_that_is_no_monitor_is_said_to_be_none() {
    let nats = Nats::start(1, Profile::Durable).await;
    let mut settings = seen(&nats).await;
    let (other, _task) = pretend("HTTP/1.0 200 OK\r\n\r\n<html>").await;
    for (url, why) in [
        (format!("http://{other}"), "no NATS monitoring address"),
        ("https://127.0.0.1:1".to_owned(), "only http:// addresses"),
        ("http://127.0.0.1:1".to_owned(), "refused"),
    ] {
        settings.monitor_urls = vec![url.clone()];
        let error = JetStreamLog::init(&settings, &spec(1)).await.err().unwrap().to_string();
        assert!(error.contains(&url) && error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn old_servers_and_small_payloads_are_refused() {
    for (greeting, why) in [
        (info("2.9.10", 1_048_576), "version 2.9.10, which is older than 2.14.1"),
        (info("2.14.0", 1_048_576), "version 2.14.0"),
        (info("2.15.1", 65_536), "max_payload"),
    ] {
        let (address, _task) = pretend(&greeting).await;
        let settings = JetStreamSettings {
            urls: vec![format!("nats://{address}")],
            durability: Durability::Relaxed,
            ..JetStreamSettings::default()
        };
        let error = opening(&settings).await.unwrap_err().to_string();
        assert!(error.contains("NATS server old") && error.contains(why), "{error}");
        let error = JetStreamLog::init(&settings, &spec(1)).await.err().unwrap().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn servers_that_do_not_answer_are_named_without_their_passwords() {
    let settings = JetStreamSettings {
        urls: vec!["nats://user:secret@127.0.0.1:1".to_owned()],
        ..JetStreamSettings::default()
    };
    let error = opening(&settings).await.unwrap_err();
    assert!(matches!(error, JetStreamError::Unreachable { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("nats://127.0.0.1:1") && !text.contains("secret"), "{text}");
}
