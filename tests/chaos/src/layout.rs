//! What a cluster on this machine consists of: its members, their ports, settings and order.
//!
//! Chosen when it is first started and kept in `cluster.json`, so that it comes up again on the same data
//! and addresses. It holds the application's secret and is readable for its owner only.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, Permissions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use engines::{NatsPorts, Profile, Programs, User, free_port, nats_configuration};
use rand::Rng as _;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::member::{Member, Ready, give_folder};

/// How many of each role.
pub(crate) const COPIES: usize = 2;
const NODES: usize = 3;
/// NATS sets it aside for each partition; with what its nodes are given it makes 64 of them.
const PARTITION_BYTES_MAX: u64 = 1 << 30;
const FILE: &str = "cluster.json";
/// The application's number.
pub(crate) const APPLICATION: u64 = 1;

/// Everything that has to be the same the next time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Layout {
    /// The gateway's, command's and projector's processes, one port each.
    pub roles: Vec<(String, u16)>,
    /// Of each NATS node: for clients, for monitoring, for the other nodes.
    pub nats: Vec<[u16; 3]>,
    /// PostgreSQL's.
    pub postgres: u16,
    /// The load balancer's.
    pub balancer: u16,
    /// Of the log.
    pub partitions: u32,
    /// The application's credentials.
    pub auth_key: String,
    /// The application's credentials.
    pub auth_secret: String,
}

impl Layout {
    /// The one of this folder; a new one, if there is none.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written.
    pub fn of(folder: &Path, partitions: u32, balancer: Option<u16>) -> Result<Self> {
        let file = folder.join(FILE);
        if file.exists() {
            return Self::read(folder);
        }
        let new = Self::new(partitions, balancer);
        let mut opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file)?;
        opened.write_all(serde_json::to_string_pretty(&new)?.as_bytes())?;
        Ok(new)
    }

    /// The one of this folder.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn read(folder: &Path) -> Result<Self> {
        let file = folder.join(FILE);
        let opened =
            File::open(&file).with_context(|| format!("there is no cluster in {}", folder.display()))?;
        serde_json::from_reader(opened).with_context(|| format!("{} is damaged", file.display()))
    }

    fn new(partitions: u32, balancer: Option<u16>) -> Self {
        let mut roles = vec![];
        for role in ["command", "projector", "gateway"] {
            roles.extend((1..=COPIES).map(|copy| (format!("{role}-{copy}"), free_port())));
        }
        Self {
            roles,
            nats: (0..NODES).map(|_| [free_port(), free_port(), free_port()]).collect(),
            postgres: free_port(),
            balancer: balancer.unwrap_or_else(free_port),
            partitions,
            auth_key: secret(),
            auth_secret: secret(),
        }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        local(self.balancer)
    }

    /// Where the gateways listen.
    pub fn gateways(&self) -> Vec<SocketAddr> {
        let gateways = self.roles.iter().filter(|(name, _)| name.starts_with("gateway"));
        gateways.map(|(_, port)| local(*port)).collect()
    }

    /// Where NATS's nodes listen for clients.
    pub fn nats_addresses(&self) -> Vec<SocketAddr> {
        self.nats.iter().map(|[client, _, _]| local(*client)).collect()
    }

    /// PostgreSQL's database.
    pub fn postgres_url(&self) -> String {
        format!("postgres://postgres@{}/hansard", local(self.postgres))
    }

    /// The settings of every process of Hansard's, as environment variables.
    pub fn settings(&self, nats: &[SocketAddr]) -> Vec<(String, String)> {
        let list = |urls: Vec<String>| urls.join(",");
        let monitors =
            self.nats.iter().map(|[_, monitor, _]| format!("http://{}", local(*monitor))).collect();
        let settings = [
            ("APP__ID", APPLICATION.to_string()),
            ("APP__AUTH_KEY", self.auth_key.clone()),
            ("APP__AUTH_SECRET", self.auth_secret.clone()),
            ("LOG__BACKEND", "jetstream".to_owned()),
            ("LOG__PARTITIONS", self.partitions.to_string()),
            ("LOG__PARTITION_BYTES_MAX", PARTITION_BYTES_MAX.to_string()),
            ("LOG__REPLICAS", NODES.to_string()),
            ("LOG__DURABILITY", "checked".to_owned()),
            ("LOG__MONITOR_URLS", list(monitors)),
            ("NATS__URLS", list(nats.iter().map(|address| format!("nats://{address}")).collect())),
            ("POSTGRES__URL", self.postgres_url()),
            // Its load comes from one address, as fast as it can.
            ("PROTECTION__SESSION_RATE", "0".to_owned()),
            ("PROTECTION__SIGN_IN_RATE", "0".to_owned()),
            ("PROTECTION__SIGN_UP_RATE", "0".to_owned()),
            ("PROTECTION__RESET_RATE", "0".to_owned()),
            ("PROTECTION__BAD_TOKEN_RATE", "0".to_owned()),
            ("PROTECTION__FAILURES_MAX", "0".to_owned()),
            ("SERVER__CONNECTIONS_PER_ADDRESS_MAX", "0".to_owned()),
        ];
        settings.map(|(key, value)| (format!("HANSARD__{key}"), value)).into()
    }

    /// The same as a file for `hansard --config`.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn write_settings(&self, folder: &Path) -> Result<PathBuf> {
        let mut file: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for (key, value) in self.settings(&self.nats_addresses()) {
            let key = key.to_lowercase();
            let (section, key) =
                key.trim_start_matches("hansard__").split_once("__").context("a key has a section")?;
            let value = match key {
                "urls" | "monitor_urls" => format!("{:?}", value.split(',').collect::<Vec<_>>()),
                _ if value.parse::<u64>().is_ok() => value,
                _ => format!("{value:?}"),
            };
            file.entry(section.to_owned()).or_default().insert(key.to_owned(), value);
        }
        let section = |(name, keys): (&String, &BTreeMap<String, String>)| {
            let keys = keys.iter().map(|(key, value)| format!("{key} = {value}\n"));
            format!("[{name}]\n{}", keys.collect::<String>())
        };
        let text = file.iter().map(section).collect::<Vec<_>>().join("\n");
        let path = folder.join("hansard.toml");
        let mut opened =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        opened.write_all(text.as_bytes())?;
        Ok(path)
    }

    /// NATS's nodes, set up to be started.
    ///
    /// # Errors
    ///
    /// Their folders cannot be made.
    pub fn nats_members(&self, folder: &Path, programs: &Programs) -> Result<Vec<Member>> {
        let ports = self.nats.iter();
        let ports =
            ports.map(|&[client, monitor, route]| NatsPorts { client, monitor, route }).collect::<Vec<_>>();
        let mut members = vec![];
        for (number, own) in ports.iter().enumerate() {
            let data = folder.join(format!("nats-{}", number + 1));
            give_folder(&data, User::myself())?;
            let file = data.join("nats.conf");
            std::fs::write(&file, nats_configuration(number, &ports, Profile::Durable, &data))?;
            members.push(Member {
                name: format!("nats-{}", number + 1),
                command: vec![shown(&programs.nats_server), "--config".to_owned(), shown(&file)],
                environment: vec![],
                user: User::myself(),
                folder: folder.to_owned(),
                ready: Ready::Answers(format!("http://{}/healthz", local(own.monitor))),
                end: Signal::TERM,
            });
        }
        Ok(members)
    }

    /// PostgreSQL, set up to be started.
    ///
    /// # Errors
    ///
    /// Its folder cannot be made.
    pub fn postgres_member(&self, folder: &Path, programs: &Programs) -> Result<Member> {
        let user = User::servant()?;
        let home = folder.join("postgres");
        give_folder(&home, user)?;
        std::fs::set_permissions(&home, Permissions::from_mode(0o700))?;
        let data = home.join("data");
        let mut command = vec![shown(&programs.postgresql("postgres")), "-D".to_owned(), shown(&data)];
        let port = format!("port={}", self.postgres);
        let settings =
            ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", &port];
        for setting in settings {
            command.extend(["-c".to_owned(), setting.to_owned()]);
        }
        Ok(Member {
            name: "postgres".to_owned(),
            command,
            environment: vec![],
            user,
            folder: folder.to_owned(),
            ready: Ready::Says(data.join("postmaster.pid")),
            end: Signal::INT,
        })
    }

    /// Hansard's own processes, in the order in which they are started.
    pub fn role_members(&self, folder: &Path, hansard: &Path) -> Vec<Member> {
        let mut members = vec![];
        for (name, port) in &self.roles {
            let role = name.split('-').next().unwrap_or(name);
            let data = folder.join(name);
            let listen = local(*port).to_string();
            let arguments = ["serve", "--roles", role, "--listen", &listen, "--data", &shown(&data)];
            members.push(Member {
                name: name.clone(),
                command: [shown(hansard)].into_iter().chain(arguments.map(str::to_owned)).collect(),
                environment: self.settings(&self.nats_addresses()),
                user: User::myself(),
                folder: folder.to_owned(),
                ready: Ready::Answers(format!("http://{listen}/health/ready")),
                end: Signal::TERM,
            });
        }
        members
    }

    /// A single process on embedded stores instead of all of them.
    pub fn lone_member(&self, folder: &Path, hansard: &Path) -> Member {
        let listen = self.address().to_string();
        let arguments = ["serve", "--listen", &listen, "--data", &shown(&folder.join("data"))];
        let settings = self.settings(&[]).into_iter();
        let embedded = |(key, _): &(String, String)| key.contains("__APP__") || key.ends_with("__PARTITIONS");
        Member {
            name: "hansard".to_owned(),
            command: [shown(hansard)].into_iter().chain(arguments.map(str::to_owned)).collect(),
            environment: settings.filter(embedded).collect(),
            user: User::myself(),
            folder: folder.to_owned(),
            ready: Ready::Answers(format!("http://{listen}/health/ready")),
            end: Signal::TERM,
        }
    }

    /// The load balancer: `program` is this one.
    pub fn balancer_member(&self, folder: &Path, program: &Path) -> Member {
        let gateways = self.gateways().iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",");
        let listen = self.address().to_string();
        let arguments = ["balance", "--listen", &listen, "--to", &gateways];
        Member {
            name: "balancer".to_owned(),
            command: [shown(program)].into_iter().chain(arguments.map(str::to_owned)).collect(),
            environment: vec![],
            user: User::myself(),
            folder: folder.to_owned(),
            ready: Ready::Answers(format!("http://{listen}/health/ready")),
            end: Signal::TERM,
        }
    }
}

/// That port of this machine.
pub(crate) fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn secret() -> String {
    let secret: u128 = rand::rng().random();
    format!("{secret:032x}")
}

/// The folder with its full path, made if it is not there.
pub(crate) fn folder_at(folder: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder.canonicalize()?)
}
