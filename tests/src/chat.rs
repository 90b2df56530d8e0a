//! A chat: its processes with its data and its application, which outlive the processes.

use std::path::{Path, PathBuf};

use engines::{Nats, Postgres};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{Answer, Api};
use crate::deployment::Deployment;
use crate::engines::Share;
use crate::operator::{Ended, operator_fed, operator_with};
use crate::person::Person;
use crate::server::{Server, Setup, Starting};
use crate::topology::Engines;

const APPLICATION: u64 = 7;
const AUTH_KEY: &str = "k-4d1f0c2b9a8e7f60";
const AUTH_SECRET: &str = "s-0a9b8c7d6e5f4a3b";
/// What everybody's password is.
const PASSWORD: &str = "correct horse battery";

/// A running chat.
#[derive(Debug)]
pub struct Chat {
    setup: Setup,
    /// With what leads to its engines.
    settled: Setup,
    folder: TempDir,
    running: Option<Deployment>,
    api: Api,
    share: Option<Share>,
}

impl Chat {
    /// A new one.
    pub async fn start(setup: Setup) -> Self {
        let setup = setup.beneath(&[
            ("app.id", APPLICATION.to_string()),
            ("app.auth_key", AUTH_KEY.to_owned()),
            ("app.auth_secret", AUTH_SECRET.to_owned()),
            ("app.list_users", "true".to_owned()),
        ]);
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (settled, share) = match setup.engines() {
            Engines::Embedded => (setup.clone(), None),
            Engines::Cluster => {
                let share = if setup.has_own_engines() { Share::own().await } else { Share::new().await };
                // What a story sets itself comes last, and counts.
                let settled = setup.clone().beneath(&share.settings());
                operator_with(folder.path(), Some(&settled), &["log", "init"]).await.well();
                (settled, Some(share))
            }
        };
        let running = Deployment::start(&folder.path().join("data"), &settled).await;
        let running = running.expect("the chat serves");
        let api = Api::at(running.api().address());
        let chat = Self { setup, settled, folder, running: Some(running), api, share };
        if chat.setup.engines() == Engines::Cluster {
            chat.share_out().await;
        }
        chat
    }

    /// Wait until each process of a role has its share: before that, partitions change hands, and
    /// for a moment nobody may hold one.
    async fn share_out(&self) {
        for (role, figure) in [("command", "writer_leases"), ("projector", "projector_leases")] {
            for process in self.each(role) {
                let shared = process.api().metric_reaches(figure, self.setup.share()).await;
                assert!(shared, "every {role} gets its share");
            }
        }
    }

    /// Its API.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The process that serves its API now.
    pub fn server(&self) -> &Server {
        self.running().api()
    }

    /// Every process of it, that with the API first.
    pub fn processes(&self) -> &[Server] {
        self.running().processes()
    }

    /// The processes that take a role in a cluster.
    pub fn each(&self, role: &str) -> Vec<&Server> {
        self.processes().iter().filter(|process| process.role() == role).collect()
    }

    /// `kill -9` one process of a role in a cluster.
    pub async fn kill_one(&mut self, role: &str, number: usize) -> Ended {
        self.take(role, number).kill().await
    }

    /// End one process of a role in order.
    pub async fn stop_one(&mut self, role: &str, number: usize) -> Ended {
        self.take(role, number).stop().await
    }

    /// Start one more process of a role, and wait until it serves.
    pub async fn start_one(&mut self, role: &'static str) {
        let started = Server::begin_role(role, &self.data(), &self.settled).serving().await;
        let started = started.expect("the process serves");
        self.running.as_mut().expect("the chat runs").add(started);
    }

    /// Begin to start one that is no part of the chat, with other settings.
    pub fn begin_one(&self, role: &'static str, setting: impl FnOnce(Setup) -> Setup) -> Starting {
        Server::begin_role(role, &self.data(), &setting(self.settled.clone()))
    }

    fn take(&mut self, role: &str, number: usize) -> Server {
        self.running.as_mut().expect("the chat runs").take(role, number)
    }

    /// The NATS server of a cluster.
    pub fn nats(&self) -> &Nats {
        self.share().nats()
    }

    /// The PostgreSQL server of a cluster on engines of its own.
    pub fn postgres(&self) -> &Postgres {
        self.share().postgres().expect("the chat has engines of its own")
    }

    /// How to connect to a cluster's database, as its owner.
    pub fn database_url(&self) -> &str {
        self.share().database().url()
    }

    /// What the names of a cluster's streams begin with.
    pub fn namespace(&self) -> &str {
        self.share().namespace()
    }

    fn share(&self) -> &Share {
        self.share.as_ref().expect("the chat is a cluster")
    }

    /// The figures of all of them, in the text format of Prometheus.
    pub async fn figures(&self) -> String {
        let mut figures = String::new();
        for process in self.processes() {
            figures += &Api::at(process.address()).get("metrics").await.is(200).text();
        }
        figures
    }

    fn running(&self) -> &Deployment {
        self.running.as_ref().expect("the chat runs")
    }

    /// How it is started.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Where its data is.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder for what else a test needs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What must never be seen in a log.
    pub fn secrets() -> [&'static str; 3] {
        [PASSWORD, AUTH_KEY, AUTH_SECRET]
    }

    /// The application's auth key and number.
    pub fn credentials() -> [String; 2] {
        [AUTH_KEY.to_owned(), APPLICATION.to_string()]
    }

    /// `kill -9`.
    pub async fn kill(&mut self) -> Ended {
        self.running.take().expect("the chat runs").kill().await
    }

    /// End it in order.
    pub async fn stop(&mut self) -> Ended {
        self.running.take().expect("the chat runs").stop().await
    }

    /// Start it again after it has ended.
    pub async fn start_again(&mut self) {
        self.try_start_again().await.expect("the server serves again");
    }

    /// The same, where it may refuse.
    ///
    /// # Errors
    ///
    /// It has ended instead: how, and what it said.
    pub async fn try_start_again(&mut self) -> Result<(), Ended> {
        let running = Deployment::start(&self.data(), &self.settled).await?;
        self.api.moves_to(running.api().address());
        self.running = Some(running);
        Ok(())
    }

    /// Start it again after it has ended, with other settings from now on.
    pub async fn start_again_as(&mut self, setup: Setup) {
        let share = self.share.as_ref().map(Share::settings).unwrap_or_default();
        self.settled = setup.clone().beneath(&share);
        self.setup = setup;
        self.start_again().await;
        if self.setup.engines() == Engines::Cluster {
            self.share_out().await;
        }
    }

    /// Give it engines of a cluster, empty, to go on there: [`Self::start_again_as`].
    pub async fn found_cluster(&mut self) {
        self.share = Some(Share::new().await);
    }

    /// Leave the cluster, after it has ended there, to go on without one.
    pub fn leave_cluster(&mut self) {
        self.share = None;
    }

    /// `hansard <arguments>` on its data.
    pub async fn operator(&self, arguments: &[&str]) -> Ended {
        let setup = (self.setup.engines() == Engines::Cluster).then_some(&self.settled);
        operator_with(&self.data(), setup, arguments).await
    }

    /// The same, with `input` on standard input.
    pub async fn operator_fed(&self, arguments: &[&str], input: &str) -> Ended {
        let setup = (self.setup.engines() == Engines::Cluster).then_some(&self.settled);
        operator_fed(&self.data(), setup, (arguments, input)).await
    }

    /// `hansard <arguments>` on its data, with other settings than the chat's.
    pub async fn operator_as(&self, arguments: &[&str], setting: impl FnOnce(Setup) -> Setup) -> Ended {
        operator_with(&self.data(), Some(&setting(self.settled.clone())), arguments).await
    }

    /// The events of the log that the operator asks for with these arguments.
    pub async fn log(&self, arguments: &[&str]) -> Vec<Value> {
        let arguments: Vec<&str> = ["log", "read"].iter().chain(arguments).copied().collect();
        self.operator(&arguments).await.well().json_lines()
    }

    /// The next offset of every partition: what the log has come to.
    pub async fn tails(&self) -> Vec<u64> {
        let info = self.operator(&["log", "info"]).await.well();
        info.json_lines().iter().map(|line| line["next"].as_u64().expect("a tail is a number")).collect()
    }

    /// Log and read models are what they should be.
    pub async fn verify(&self) {
        self.operator(&["log", "verify"]).await.well();
        self.operator(&["readmodel", "verify"]).await.well();
    }

    /// Sign people up and let each open a session.
    pub async fn users<const N: usize>(&self, logins: [&str; N]) -> [Person; N] {
        let mut people = vec![];
        for login in logins {
            people.push(self.user(login).await);
        }
        people.try_into().expect("there are as many as logins")
    }

    /// Sign somebody up and open a session.
    pub async fn user(&self, login: &str) -> Person {
        let body = json!({ "user": { "login": login, "password": PASSWORD, "full_name": login } });
        let request = self.api.request(Method::POST, "users").header("CB-AuthKey", AUTH_KEY).json(&body);
        Answer::to(request).await.is(201);
        self.sign_in(login).await
    }

    /// Open a session for somebody who is signed up.
    pub async fn sign_in(&self, login: &str) -> Person {
        self.whoever(&self.try_sign_in(login, PASSWORD).await)
    }

    /// Whoever this session was opened for; the application itself has no number and no login.
    pub fn whoever(&self, opened: &Answer) -> Person {
        let session = &opened.clone().is(201).json()["session"];
        let token = session["token"].as_str().expect("a session has a token");
        let id = session["user_id"].as_u64().unwrap_or_default();
        Person::new(self.api.clone(), id, session["user"]["login"].as_str().unwrap_or_default(), token)
    }

    /// The application itself, with a session of its own.
    pub async fn application(&self) -> Person {
        self.whoever(&self.open(&json!({})).await)
    }

    /// The answer to whoever opens a session with these credentials.
    pub async fn try_sign_in(&self, login: &str, password: &str) -> Answer {
        Answer::to(self.signing_in(login, password)).await
    }

    /// The request of whoever opens a session with these credentials.
    pub fn signing_in(&self, login: &str, password: &str) -> RequestBuilder {
        let user = json!({ "login": login, "password": password });
        self.opening(&json!({ "user": user }))
    }

    /// The answer to whoever opens a session with these parameters beside the application's own, or
    /// instead of them.
    pub async fn open(&self, parameters: &Value) -> Answer {
        Answer::to(self.opening(parameters)).await
    }

    fn opening(&self, parameters: &Value) -> RequestBuilder {
        let mut body = json!({ "application_id": APPLICATION, "auth_key": AUTH_KEY });
        for (name, value) in parameters.as_object().expect("parameters have names") {
            body[name] = value.clone();
        }
        self.api.request(Method::POST, "session").json(&body)
    }
}
