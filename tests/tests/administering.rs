//! The operator's commands about people: users, their sessions, and the application's key, beside a
//! running chat and without one.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Api, Chat, Ended, Engines, Person, Server, Setup, each_engines, operator, shell};
use tokio::time::{sleep, timeout};

/// Much longer than anything here may take; what hangs fails instead of hanging the tests.
const AMPLE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The one JSON line of a command that has gone well.
fn line(ended: Ended) -> Value {
    let lines = ended.well().json_lines();
    let [line] = lines.as_slice() else { panic!("one line: {lines:?}") };
    line.clone()
}

fn refused(ended: &Ended, why: &str) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains(why), "{why:?} is not in {ended:?}");
}

/// His session is dead: at once where there is one process, and soon in every other.
async fn is_out(chat: &Chat, person: &Person) {
    let out = async {
        while person.get("chat/Dialog").await.status != 401 {
            assert_eq!(chat.setup().engines(), Engines::Cluster, "in one process it is dead at once");
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(AMPLE, out).await.expect("the session comes to be dead");
}

async fn is_in(person: &Person) {
    person.get("chat/Dialog").await.is(200);
}

#[tokio::test]
async fn users_are_added_and_found() {
    each_engines(Setup::of, async |chat: Chat| {
        let carol =
            ["users", "add", "--login", "carol", "--email", "carol@example.org", "--full-name", "Carol"];
        let added = chat.operator_fed(&[&carol[..], &["--password-stdin"]].concat(), "carols secret\n").await;
        assert!(
            !added.stdout.contains("carols secret") && !added.stderr.contains("carols secret"),
            "{added:?}"
        );
        assert!(added.well().stdout.contains("carol@example.org"));
        chat.try_sign_in("carol", "carols secret").await.is(201);

        let dave = line(chat.operator(&["users", "add", "--login", "dave", "--generate", "--json"]).await);
        let password = dave["password"].as_str().expect("a made password is told");
        chat.try_sign_in("dave", password).await.is(201);
        let shown = line(chat.operator(&["users", "show", "dave", "--json"]).await);
        assert_eq!(shown["id"], dave["id"]);
        assert!(shown.get("password").is_none(), "it is told once");

        let again = chat.operator(&["users", "add", "--login", "CAROL", "--generate"]).await;
        refused(&again, "login has already been taken.");
        refused(&chat.operator(&["users", "add", "--login", "eve"]).await, "--password-stdin or --generate");
        let short =
            chat.operator_fed(&["users", "add", "--login", "eve", "--password-stdin"], "short\n").await;
        refused(&short, "password is too short");
        let argument =
            chat.operator(&["users", "add", "--login", "eve", "--password", "on the command line"]).await;
        assert_eq!(argument.code, Some(2), "a password is no argument");
        refused(&chat.operator(&["users", "show", "eve"]).await, "there is no user with the login \"eve\"");

        for whom in ["carol", "email:CAROL@example.org", "carol@example.org"] {
            assert_eq!(line(chat.operator(&["users", "show", whom, "--json"]).await)["login"], "carol");
        }
        lists(&chat).await;
    })
    .await;
}

/// Carol and Dave are there, and three guests of a name.
async fn lists(chat: &Chat) {
    for number in 0..3 {
        let login = format!("frank{number}");
        chat.operator(&["users", "add", "--login", &login, "--generate"]).await.well();
    }
    let logins = async |arguments: &[&str]| {
        let listed = chat.operator(&[&["users", "list", "--json"], arguments].concat()).await.well();
        let logins: Vec<_> = listed.json_lines().iter().map(|user| user["login"].clone()).collect();
        (logins, listed.stderr)
    };
    let (all, more) = logins(&[]).await;
    assert_eq!(
        (all.as_slice(), more.as_str()),
        (&["carol", "dave", "frank0", "frank1", "frank2"].map(Value::from)[..], "")
    );
    assert_eq!(logins(&["--prefix", "FRANK"]).await.0.len(), 3);
    assert_eq!(logins(&["--prefix", "Carol"]).await.0, ["carol"]);
    assert_eq!(logins(&["--guests"]).await.0.len(), 0);
    let (first, more) = logins(&["--limit", "2"]).await;
    assert_eq!(first, ["carol", "dave"]);
    let after = more.trim().rsplit(' ').next().unwrap_or_default();
    let (rest, more) = logins(&["--after", after]).await;
    assert_eq!((rest.len(), more.as_str()), (3, ""));
    let table = chat.operator(&["users", "list"]).await.well().stdout;
    let titles: Vec<_> = table.lines().next().unwrap_or_default().split_whitespace().collect();
    assert_eq!(titles, ["id", "login", "email", "full", "name", "created", "last", "request", "is"]);
    assert_eq!(table.lines().count(), 6, "{table}");
}

#[tokio::test]
async fn a_disabled_user_is_out_until_he_is_enabled() {
    each_engines(Setup::of, async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let disabled = chat.operator(&["users", "disable", "alice", "--json"]).await;
        let (said, shown) = (disabled.stderr.clone(), line(disabled));
        assert_eq!(shown["is_disabled"], true);
        is_out(&chat, &alice).await;
        is_in(&bob).await;
        assert_eq!(chat.try_sign_in("alice", "correct horse battery").await.status, 403);
        let listed = chat.operator(&["users", "list", "--disabled", "--json"]).await.well().json_lines();
        assert_eq!(listed.len(), 1);
        // Whoever did it has it in his log.
        let log = match chat.setup().engines() {
            Engines::Embedded => chat.server().stderr().text(),
            Engines::Cluster => said,
        };
        let noted = |line: &&str| line.contains("administered") && line.contains("user disabled");
        assert_eq!(log.lines().filter(noted).count(), 1, "{log}");

        chat.operator(&["users", "enable", "alice"]).await.well();
        is_in(&chat.sign_in("alice").await).await;
    })
    .await;
}

#[tokio::test]
async fn a_new_password_ends_what_the_old_one_opened() {
    each_engines(Setup::of, async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let reset = chat
            .operator_fed(&["users", "reset-password", "alice", "--password-stdin"], "another one\n")
            .await;
        assert!(!reset.well().stdout.contains("another one"));
        is_out(&chat, &alice).await;
        is_in(&bob).await;
        chat.try_sign_in("alice", "correct horse battery").await.is(401);
        chat.try_sign_in("alice", "another one").await.is(201);
        let made = line(chat.operator(&["users", "reset-password", "alice", "--generate", "--json"]).await);
        chat.try_sign_in("alice", "another one").await.is(401);
        chat.try_sign_in("alice", made["password"].as_str().unwrap_or_default()).await.is(201);
        let short =
            chat.operator_fed(&["users", "reset-password", "alice", "--password-stdin"], "short\n").await;
        refused(&short, "password is too short");
        let nobody = chat.operator(&["users", "reset-password", "999999", "--generate"]).await;
        refused(&nobody, "there is no user 999999");
    })
    .await;
}

#[tokio::test]
async fn a_deleted_user_is_gone_and_his_login_free() {
    each_engines(Setup::of, async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let deleted = line(chat.operator(&["users", "delete", "alice", "--json"]).await);
        assert_eq!(deleted, json!({ "id": alice.id(), "is_deleted": true }));
        is_out(&chat, &alice).await;
        is_in(&bob).await;
        refused(&chat.operator(&["users", "show", &alice.id().to_string()]).await, "there is no user");
        let listed = chat.operator(&["users", "list", "--json"]).await.well().json_lines();
        assert_eq!(listed.iter().map(|user| &user["login"]).collect::<Vec<_>>(), ["bob"]);
        let again = line(chat.operator(&["users", "add", "--login", "alice", "--generate", "--json"]).await);
        assert!(again["id"].as_u64() > Some(bob.id()), "an id is never issued again");
    })
    .await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    each_engines(Setup::of, async |chat: Chat| {
        let first = chat.user("alice").await;
        let second = chat.sign_in("alice").await;
        let bob = chat.user("bob").await;
        let list = async || {
            chat.operator(&["sessions", "list", "--user", "alice", "--json"]).await.well().json_lines()
        };
        let listed = list().await;
        assert_eq!(listed.len(), 2);
        assert!(listed.iter().all(|session| session.get("token").is_none()));
        let oldest = listed.iter().filter_map(|session| session["id"].as_u64()).min().unwrap_or_default();
        chat.operator(&["sessions", "revoke", "--session", &oldest.to_string()]).await.well();
        is_out(&chat, &first).await;
        is_in(&second).await;
        assert_eq!(list().await.len(), 1);

        let third = chat.sign_in("alice").await;
        let revoked = chat.operator(&["sessions", "revoke", "--all-of-user", "alice"]).await.well();
        assert_eq!(revoked.stdout, "2 sessions were ended\n");
        is_out(&chat, &second).await;
        is_out(&chat, &third).await;
        is_in(&bob).await;
        let none = chat.operator(&["sessions", "list", "--user", "alice"]).await.well().stdout;
        assert_eq!(none.split_whitespace().collect::<Vec<_>>(), ["id", "opened", "last", "used", "ends"]);
        assert_eq!(chat.operator(&["sessions", "revoke"]).await.code, Some(2), "which?");
    })
    .await;
}

/// Without a server the commands work on the files, and a server finds what they did.
#[tokio::test]
async fn users_of_a_chat_that_does_not_run() {
    let mut chat = Chat::start(Setup::embedded(1)).await;
    let alice = chat.user("alice").await;
    chat.kill().await;
    let left =
        chat.data().join("admin.sock").metadata().expect("what a killed server leaves is in nobody's way");
    assert_eq!(left.permissions().mode() & 0o777, 0o600, "the socket is its owner's alone");
    chat.operator(&["users", "disable", "alice"]).await.well();
    let added = chat.operator(&["users", "add", "--login", "carol", "--generate", "--json"]).await;
    assert!(added.stderr.contains("administered"), "{added:?}");
    let carol = line(added);
    chat.start_again().await;
    alice.get("chat/Dialog").await.is(401);
    chat.try_sign_in("carol", carol["password"].as_str().unwrap_or_default()).await.is(201);
    chat.stop().await;
    assert!(!chat.data().join("admin.sock").exists());
    let folder = tempfile::tempdir().unwrap();
    let nowhere = operator(&folder.path().join("nowhere"), &["users", "list"]).await;
    refused(&nowhere, "there is no data folder");
}

/// A folder so deep that its path is no address of a socket.
#[tokio::test]
async fn a_deep_data_folder_can_be_administered() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("deep".repeat(40)).join("data");
    let server = Server::start(&data, &Setup::embedded(1)).await.unwrap();
    operator(&data, &["users", "add", "--login", "alice", "--generate"]).await.well();
    let listed = operator(&data, &["users", "list", "--json"]).await.well();
    assert_eq!(listed.json_lines().len(), 1);
    assert_eq!(server.stop().await.code, Some(0));
}

/// Whether somebody with that auth key may sign users up.
async fn opens(api: &Api, auth_key: &str, login: &str) -> u16 {
    let body = json!({ "user": { "login": login, "password": "correct horse battery" } });
    Answer::to(api.request(Method::POST, "users").header("CB-AuthKey", auth_key).json(&body)).await.status
}

#[tokio::test]
async fn the_key_of_an_application_that_was_made_is_rotated_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data, &Setup::embedded(1)).await.unwrap();
    let hidden = operator(&data, &["app", "show"]).await.well().stdout;
    assert!(hidden.contains("auth_key = \"***\"") && hidden.contains("application.toml"), "{hidden}");
    let shown = async || line(operator(&data, &["app", "show", "--reveal", "--json"]).await);
    let key = |shown: &Value, name: &str| shown[name].as_str().unwrap_or_default().to_owned();
    let first = key(&shown().await, "auth_key");
    assert!(!hidden.contains(&first));

    let rotated = line(operator(&data, &["app", "rotate-key", "--json"]).await);
    let second = key(&rotated, "auth_key");
    assert_ne!(first, second);
    assert_eq!(opens(&server.api(), &second, "with-the-new-one").await, 201, "at once");
    assert_eq!(opens(&server.api(), &first, "with-the-old-one").await, 201, "for a while");
    assert_eq!(key(&shown().await, "auth_key"), second);
    assert_eq!(key(&shown().await, "previous_auth_key"), first);

    // It is so after a restart.
    assert_eq!(server.stop().await.code, Some(0));
    let server = Server::start(&data, &Setup::embedded(1)).await.unwrap();
    assert_eq!(opens(&server.api(), &second, "new-again").await, 201);
    assert_eq!(opens(&server.api(), &first, "old-again").await, 201);
    let third =
        key(&line(operator(&data, &["app", "rotate-key", "--grace", "0s", "--json"]).await), "auth_key");
    assert_eq!(opens(&server.api(), &third, "third").await, 201);
    for gone in [&first, &second] {
        assert_eq!(opens(&server.api(), gone, "nobody").await, 401);
    }
    let said = server.stop().await;
    assert_eq!(said.code, Some(0));
    for secret in [&first, &second, &third] {
        assert!(!said.stderr.contains(secret.as_str()), "a key is in the log");
    }
}

#[tokio::test]
async fn a_configured_key_is_the_operators_to_change() {
    each_engines(Setup::of, async |chat: Chat| {
        let advised = chat.operator_as(&["app", "rotate-key", "--json"], |setup| setup).await;
        assert!(
            advised.stderr.contains("Nothing was changed")
                && advised.stderr.contains("app.previous_auth_key")
        );
        let new = line(advised)["auth_key"].as_str().unwrap_or_default().to_owned();
        let [_, old, _] = Chat::secrets();
        assert_eq!(opens(chat.api(), &new, "too-early").await, 401);
        let mut chat = chat;
        chat.stop().await;
        let moved = chat.setup().clone().with("app.previous_auth_key", old).with("app.auth_key", &new);
        chat.start_again_as(moved).await;
        assert_eq!(opens(chat.api(), &new, "with-the-new-one").await, 201);
        assert_eq!(opens(chat.api(), old, "with-the-old-one").await, 201);
    })
    .await;
}

#[tokio::test]
async fn shells_complete_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["bash", "zsh", "fish"] {
        let script = operator(folder.path(), &["completions", name]).await.well().stdout;
        assert!(script.contains("doctor") && script.contains("reset-password"), "{name}");
    }
    let bash = operator(folder.path(), &["completions", "bash"]).await.well().stdout;
    let file = folder.path().join("hansard.bash");
    std::fs::write(&file, bash).unwrap();
    shell(&format!("bash -n {}", file.display())).await.well();
}
