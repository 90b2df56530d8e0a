//! NATS servers of a test's own, with JetStream: one, or a cluster.
//!
//! Clients are told no addresses but those that they were given, so that one behind a
//! [`Proxy`](crate::Proxy) does not find a way around it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::ports;
use crate::process::{Launch, Process};
use crate::programs::Programs;
use crate::user::User;

const HEALTHY_TIME_MAX: Duration = Duration::from_secs(60);
const START_TRIES: usize = 5;
/// How long a server may take to say how it is.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How carefully the servers keep what they confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Whatever is confirmed is on the disk.
    Durable,
    /// The server's own default: written to the disk every two minutes.
    Relaxed,
}

/// One NATS server or a cluster of them; they end when this is dropped.
#[derive(Debug)]
pub struct Nats {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    state: Mutex<State>,
    ports: NatsPorts,
}

#[derive(Debug)]
struct State {
    process: Process,
    paused: bool,
}

/// Where one node listens.
#[derive(Clone, Copy, Debug)]
pub struct NatsPorts {
    /// For clients.
    pub client: u16,
    /// For HTTP: what it tells about itself.
    pub monitor: u16,
    /// For the other nodes.
    pub route: u16,
}

impl Nats {
    /// Start so many servers as one cluster, and wait until all are healthy.
    pub async fn start(nodes: usize, profile: Profile) -> Self {
        Self::begin(nodes, profile).await.expect("NATS starts")
    }

    /// Where clients connect, a node each.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("nats://{}", ports::local(node.ports.client))).collect()
    }

    /// The same as one text, as clients take it.
    pub fn url(&self) -> String {
        self.urls().join(",")
    }

    /// Where a node's clients connect: for a [`Proxy`](crate::Proxy).
    pub fn address(&self, node: usize) -> SocketAddr {
        ports::local(self.nodes[node].ports.client)
    }

    /// Where the servers tell about themselves over HTTP, a node each.
    pub fn monitor_urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("http://{}", ports::local(node.ports.monitor))).collect()
    }

    /// `kill -9` a node. Its data stay.
    pub fn kill(&self, node: usize) {
        let mut state = self.nodes[node].state();
        state.process.end(Signal::KILL).expect("a node can be killed");
        state.paused = false;
    }

    /// Let a node do nothing: connections stay open, nobody answers.
    pub fn pause(&self, node: usize) {
        self.nodes[node].signal(Signal::STOP, true);
    }

    /// Go on after [`pause`](Self::pause).
    pub fn resume(&self, node: usize) {
        self.nodes[node].signal(Signal::CONT, false);
    }

    /// Start a node again on its data and its ports, after ending it in order if it runs.
    pub fn restart(&self, node: usize) {
        let mut state = self.nodes[node].state();
        state.process.end(Signal::TERM).expect("a node can be ended");
        state.process.start_again().expect("a node starts");
        state.paused = false;
    }

    /// Wait until every node that runs is healthy: it takes part in the cluster, which has a leader,
    /// and has caught up with its streams.
    pub async fn wait_until_healthy(&self) {
        self.healthy().await.expect("NATS gets healthy");
    }

    /// The node that leads the cluster, if one does.
    pub async fn leader(&self) -> Option<usize> {
        for node in self.nodes.iter().filter(|node| node.runs()) {
            let jetstream = get(node.ports.monitor, "/jsz").await.ok();
            let leader =
                jetstream.and_then(|told| told["meta_cluster"]["leader"].as_str().map(str::to_owned));
            let number = leader.and_then(|name| name.strip_prefix('n')?.parse().ok());
            if number.is_some() {
                return number;
            }
        }
        None
    }

    /// What a node has said.
    pub fn log(&self, node: usize) -> String {
        self.nodes[node].state().process.log()
    }

    async fn begin(nodes: usize, profile: Profile) -> Result<Self> {
        let programs = Programs::find().await?;
        let mut tries = 0;
        loop {
            tries += 1;
            let started = Self::begin_once(programs, nodes, profile)?;
            match started.healthy().await {
                Ok(()) => return Ok(started),
                // Somebody may have taken a port.
                Err(_) if tries < START_TRIES && started.nodes.iter().any(Node::has_died) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn begin_once(programs: &Programs, nodes: usize, profile: Profile) -> Result<Self> {
        let user = User::myself();
        let mut ports = vec![];
        for _ in 0..nodes {
            ports.push(NatsPorts { client: ports::free(), monitor: ports::free(), route: ports::free() });
        }
        let mut started = vec![];
        for (number, &own) in ports.iter().enumerate() {
            let folder = user.folder()?;
            let file = folder.join("nats.conf");
            std::fs::write(&file, nats_configuration(number, &ports, profile, &folder))?;
            let command = vec![
                programs.nats_server.display().to_string(),
                "--config".to_owned(),
                file.display().to_string(),
            ];
            let process = Process::start(&Launch { command, folder, user, end: "KILL" })?;
            started.push(Node { state: Mutex::new(State { process, paused: false }), ports: own });
        }
        Ok(Self { nodes: started })
    }

    async fn healthy(&self) -> Result<()> {
        let healthy = async {
            for (number, node) in self.nodes.iter().enumerate() {
                while node.runs() && !node.is_healthy(self.nodes.len()).await {
                    if node.has_died() {
                        bail!("node {number} has ended instead of starting:\n{}", self.log(number));
                    }
                    sleep(LOOK).await;
                }
            }
            Ok(())
        };
        let healthy = timeout(HEALTHY_TIME_MAX, healthy).await;
        healthy.with_context(|| {
            let logs = (0..self.nodes.len()).map(|node| self.log(node)).collect::<Vec<_>>();
            format!("NATS does not get healthy:\n{}", logs.join("\n\n"))
        })?
    }
}

impl Node {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Neither killed nor paused by the test.
    fn runs(&self) -> bool {
        let state = self.state();
        state.process.server().is_some() && !state.paused
    }

    fn has_died(&self) -> bool {
        self.state().process.has_died()
    }

    fn signal(&self, signal: Signal, paused: bool) {
        let mut state = self.state();
        let server = state.process.server().expect("the node runs");
        kill_process(server, signal).expect("the node can be signalled");
        state.paused = paused;
    }

    async fn is_healthy(&self, nodes: usize) -> bool {
        let healthy = get(self.ports.monitor, "/healthz").await;
        if !healthy.is_ok_and(|told| told["status"] == "ok") {
            return false;
        }
        if nodes == 1 {
            return true;
        }
        let jetstream = get(self.ports.monitor, "/jsz").await.unwrap_or_default();
        let cluster = &jetstream["meta_cluster"];
        cluster["leader"].as_str().is_some_and(|leader| !leader.is_empty())
            && cluster["cluster_size"].as_u64() >= u64::try_from(nodes).ok()
    }
}

/// The configuration of one node of the cluster that listens on `ports`, with its data in `folder`.
pub fn nats_configuration(number: usize, ports: &[NatsPorts], profile: Profile, folder: &Path) -> String {
    let NatsPorts { client, monitor, route } = ports[number];
    let sync = match profile {
        Profile::Durable => "sync_interval: always",
        Profile::Relaxed => "",
    };
    let store = folder.display();
    let mut text = format!(
        "server_name: n{number}\nlisten: 127.0.0.1:{client}\nhttp: 127.0.0.1:{monitor}\n\
         jetstream {{ store_dir: \"{store}\", max_mem: 64MB, max_file: 64GB\n{sync}\n}}\n"
    );
    if ports.len() > 1 {
        let routes = ports.iter().map(|other| format!("\"nats://127.0.0.1:{}\"", other.route));
        let routes = routes.collect::<Vec<_>>().join(", ");
        let cluster = "name: hansard, no_advertise: true";
        writeln!(text, "cluster {{ {cluster}, listen: 127.0.0.1:{route}, routes: [{routes}] }}")
            .expect("a text can be written to");
    }
    text
}

/// What a server's monitoring port says about something.
async fn get(port: u16, path: &str) -> Result<Value> {
    let ask = async {
        let mut connection = TcpStream::connect(ports::local(port)).await?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        connection.write_all(request.as_bytes()).await?;
        let mut answer = vec![];
        connection.read_to_end(&mut answer).await?;
        let answer = String::from_utf8(answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("the answer has no body")?;
        Ok(serde_json::from_str(body)?)
    };
    timeout(ANSWER_TIME_MAX, ask).await.context("the server does not answer")?
}
