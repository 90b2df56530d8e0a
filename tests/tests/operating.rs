//! The operator's side: the first start, the commands beside a running server, health and
//! figures.

use std::fs;

use serde_json::{Value, json};
use tests::{Answer, Api, Chat, Engines, Server, Setup, each_topology, operator, shell};

/// The first start prints three lines, and pasting them signs a user up, opens a session and
/// creates a dialog.
#[tokio::test]
async fn the_first_lines_work_when_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data, &Setup::embedded(1)).await.unwrap();
    let printed = server.stdout().find(|line| line.contains("/chat/Dialog").then_some(())).await;
    assert!(printed.is_some());
    let said = server.stdout().text();
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("curl ")).collect();
    assert_eq!(lines.len(), 3, "{said}");
    let pasted = shell(&lines.join("\n")).await.well();
    let answers: Vec<Value> =
        serde_json::Deserializer::from_str(&pasted.stdout).into_iter().map(Result::unwrap).collect();
    let [user, dialog] = answers.as_slice() else { panic!("{pasted:?}") };
    assert_eq!(user["user"]["login"], "alice");
    assert_eq!((&dialog["type"], &dialog["user_id"]), (&json!(4), &user["user"]["id"]));

    // The application is kept, and is greeted once.
    assert!(server.stderr().text().lines().all(|line| !line.contains("auth_key")));
    assert_eq!(server.stop().await.code, Some(0));
    let kept = fs::read_to_string(data.join("application.toml")).unwrap();
    let server = Server::start(&data, &Setup::embedded(1)).await.unwrap();
    assert_eq!(fs::read_to_string(data.join("application.toml")).unwrap(), kept);
    let ended = server.stop().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn the_log_is_read_beside_a_running_server() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_group("read", [&bob]).await;
        let other = alice.create_private(&bob).await;
        alice.post_each(&dialog, ["one", "two"]).await;
        alice.post(&other, "three").await;
        bob.list(&dialog).await;

        let types = |lines: &[Value]| -> Vec<String> {
            lines.iter().map(|line| line["type"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let of_dialog = chat.log(&["--dialog", &dialog]).await;
        assert_eq!(
            types(&of_dialog),
            ["dialog.created", "message.posted", "message.posted", "messages.marked"]
        );
        assert!(of_dialog.iter().all(|line| line["stream"] == json!({ "kind": "dialog", "id": dialog })));
        assert_eq!(of_dialog[0]["actor"], alice.id());
        assert_eq!(of_dialog[3]["actor"], bob.id());
        assert!(!format!("{of_dialog:?}").contains("two"), "texts are shown only if asked for");
        let shown = chat.log(&["--dialog", &dialog, "--content"]).await;
        assert!(format!("{shown:?}").contains("two"));

        assert_eq!(chat.log(&["--type", "message.posted"]).await.len(), 3);
        assert_eq!(
            chat.log(&["--dialog", &dialog, "--type", "message.posted", "--limit", "1"]).await.len(),
            1
        );
        let (partition, offset) = (of_dialog[2]["partition"].to_string(), of_dialog[2]["offset"].to_string());
        let later = chat.log(&["--partition", &partition, "--from", &offset, "--dialog", &dialog]).await;
        assert_eq!(later, of_dialog[2..]);
        let offsets: Vec<Value> =
            chat.log(&["--partition", &partition]).await.iter().map(|line| line["offset"].clone()).collect();
        assert_eq!(offsets, (0..offsets.len()).map(Value::from).collect::<Vec<_>>(), "dense, in order");

        let info = chat.operator(&["log", "info"]).await.well().json_lines();
        assert_eq!(info.len() as u64, info[0]["partitions"].as_u64().unwrap());
        let verified = chat.operator(&["log", "verify"]).await.well().json_lines();
        assert!(verified.iter().all(|line| line["ok"] == true), "{verified:?}");
        chat.operator(&["readmodel", "verify"]).await.well();
        let folder = fs::read_dir(chat.data()).into_iter().flatten().map(|file| file.unwrap().file_name());
        let left: Vec<_> = folder.filter(|name| name.to_string_lossy().starts_with("verify-")).collect();
        assert!(left.is_empty(), "{left:?}");
        alice.post(&dialog, "it goes on").await;
    })
    .await;
}

#[tokio::test]
async fn the_configuration_hides_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hansard.toml");
    let text =
        "[app]\nid = 7\nauth_key = \"open sesame\"\nauth_secret = \"plugh\"\n[writer]\nqueue_max = 17\n";
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let shown = operator(folder.path(), &["config", "--config", file]).await.well().stdout;
    assert!(shown.contains("queue_max = 17") && shown.contains("lag_max"), "{shown}");
    assert!(!shown.contains("sesame") && !shown.contains("plugh"), "{shown}");
    assert!(shown.contains(folder.path().to_str().unwrap()), "flags go over the file: {shown}");

    fs::write(file, "[writer]\nqueue_maximum = 17\n").unwrap();
    let refused = operator(folder.path(), &["config", "--config", file]).await;
    assert_eq!(refused.code, Some(1), "an unknown key is an error");
    assert!(refused.stderr.contains("queue_maximum"), "{refused:?}");
}

#[tokio::test]
async fn commands_without_a_data_folder_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nowhere");
    for command in [["log", "info"], ["log", "verify"], ["log", "read"], ["readmodel", "verify"]] {
        let refused = operator(&missing, &command).await;
        assert_eq!(refused.code, Some(1), "{command:?}");
        assert!(refused.stderr.contains("there is no data folder"), "{refused:?}");
        assert!(!missing.exists(), "looking makes nothing");
    }
}

/// A line of Prometheus' text format: a comment of a known kind, or a sample.
fn is_prometheus(line: &str) -> bool {
    if let Some(comment) = line.strip_prefix("# ") {
        return comment.starts_with("HELP ") || comment.starts_with("TYPE ");
    }
    let Some((series, value)) = line.rsplit_once(' ') else { return line.is_empty() };
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let name_fits = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    name_fits && labels.ends_with('}') && value.parse::<f64>().is_ok()
}

#[tokio::test]
async fn health_and_figures() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_group("figures", [&bob]).await;
        alice.post(&dialog, "one").await;
        bob.list(&dialog).await;
        alice.get("chat/Message").await.is(422);
        chat.api().get("health/live").await.is(200);
        assert!(chat.api().comes_to_be_ready(true).await);

        let embedded = chat.setup().engines() == Engines::Embedded;
        if embedded {
            assert!(chat.api().metric_reaches("log_commits_total", 1.0).await);
        }
        let answer = chat.api().get("metrics").await.is(200);
        assert!(answer.header("Content-Type").starts_with("text/plain"), "{:?}", answer.headers);
        let figures = chat.figures().await;
        let wrong: Vec<&str> = figures.lines().filter(|line| !is_prometheus(line)).collect();
        assert_eq!(wrong, Vec::<&str>::new());
        let of_all = [
            "http_requests_total{",
            "http_request_duration_seconds",
            "writer_queue_depth{",
            "writer_frame_events",
            "writer_append_seconds",
            "projector_lag_events{",
            "projector_lag_seconds{",
        ];
        let of_a_file = ["log_frames_total ", "log_commits_total ", "log_commit_seconds_sum "];
        for series in of_all.into_iter().chain(of_a_file.into_iter().filter(|_| embedded)) {
            assert!(figures.lines().any(|line| line.starts_with(series)), "no {series}: {figures}");
        }
        let counted = |labels: &[&str]| {
            figures.lines().any(|line| {
                line.starts_with("http_requests_total{") && labels.iter().all(|label| line.contains(label))
            })
        };
        assert!(counted(&["/chat/Message\"", "method=\"POST\"", "status=\"201\""]), "{figures}");
        assert!(counted(&["/chat/Message\"", "method=\"GET\"", "status=\"422\""]), "{figures}");
        assert!(!figures.contains(&dialog), "no id is a label");
    })
    .await;
}

#[tokio::test]
async fn a_port_in_use_is_said() {
    let chat = Chat::start(Setup::embedded(1)).await;
    let address = chat.api().address().to_string();
    let folder = tempfile::tempdir().unwrap();
    let second = operator(&folder.path().join("data"), &["serve", "--listen", &address]).await;
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains(&format!("cannot listen on {address}")), "{second:?}");
    let api: &Api = chat.api();
    Answer::to(api.request(reqwest::Method::OPTIONS, "chat/Dialog")).await;
}
