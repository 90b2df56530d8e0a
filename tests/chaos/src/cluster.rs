//! A cluster on this machine: all its members started, looked at and stopped.
//!
//! The members are processes of their own and go on when the program ends that started them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use engines::{Programs, User};
use rustix::process::Signal;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::layout::{Layout, folder_at};
use crate::member::{Member, lock};

/// A cluster, running or not.
#[derive(Debug)]
pub struct Cluster {
    /// What it consists of.
    pub layout: Layout,
    /// Its members, in the order in which they are started.
    pub members: Vec<Member>,
    folder: PathBuf,
    hansard: PathBuf,
}

/// How a new cluster is laid out. One that is there already stays as it is.
#[derive(Clone, Copy, Debug)]
pub struct New {
    /// Partitions of its log.
    pub partitions: u32,
    /// Where the load balancer listens.
    pub port: Option<u16>,
}

impl Cluster {
    /// The cluster in this folder, which is laid out if there is none. `hansard` is the program under it.
    ///
    /// # Errors
    ///
    /// The folder cannot be used, or the engines cannot be had.
    pub async fn at(folder: &Path, hansard: &Path, new: New) -> Result<Self> {
        let folder = folder_at(folder)?;
        let layout = Layout::of(&folder, new.partitions, new.port)?;
        Self::of(layout, folder, hansard).await
    }

    /// The cluster that is in this folder.
    ///
    /// # Errors
    ///
    /// There is none.
    pub async fn existing(folder: &Path, hansard: &Path) -> Result<Self> {
        let layout = Layout::read(folder)?;
        Self::of(layout, folder.canonicalize()?, hansard).await
    }

    async fn of(layout: Layout, folder: PathBuf, hansard: &Path) -> Result<Self> {
        let programs = Programs::find().await?;
        let mut members = layout.nats_members(&folder, programs)?;
        members.push(layout.postgres_member(&folder, programs)?);
        members.extend(layout.role_members(&folder, hansard));
        layout.write_settings(&folder)?;
        Ok(Self { layout, members, folder, hansard: hansard.to_owned() })
    }

    /// No cluster but a single process on embedded stores, for the same treatment.
    ///
    /// # Errors
    ///
    /// The folder cannot be used.
    pub fn alone(folder: &Path, hansard: &Path, partitions: u32) -> Result<Self> {
        let folder = folder_at(folder)?;
        let layout = Layout::of(&folder, partitions, None)?;
        let members = vec![layout.lone_member(&folder, hansard)];
        Ok(Self { layout, members, folder, hansard: hansard.to_owned() })
    }

    /// And with a load balancer that is a process like the others. `program` is this one.
    #[must_use]
    pub fn with_balancer(mut self, program: &Path) -> Self {
        self.members.push(self.layout.balancer_member(&self.folder, program));
        self
    }

    /// Start what does not run, and wait until all is ready.
    ///
    /// # Errors
    ///
    /// A member does not get ready.
    pub async fn up(&self) -> Result<()> {
        let _one_at_a_time = lock(&self.folder.join(".lock"))?;
        let (engines, roles): (Vec<_>, Vec<_>) = self.members.iter().partition(|member| is_engine(member));
        if !engines.is_empty() {
            self.init_postgres().await?;
            start(&engines).await?;
            self.create_database().await?;
            self.operator(&["log", "init"]).await?;
        }
        start(&roles).await
    }

    /// Stop all in order, the first to be started last.
    ///
    /// # Errors
    ///
    /// A member does not end.
    pub async fn down(&self) -> Result<()> {
        let _one_at_a_time = lock(&self.folder.join(".lock"))?;
        for layer in ["balancer", "hansard", "gateway", "command", "projector", "postgres", "nats"] {
            let mut ending = JoinSet::new();
            for member in self.members.iter().filter(|member| member.name.starts_with(layer)).cloned() {
                ending.spawn(async move {
                    // A paused one could not end.
                    member.signal(Signal::CONT)?;
                    member.stop(member.end).await
                });
            }
            while let Some(ended) = ending.join_next().await {
                ended??;
            }
        }
        Ok(())
    }

    /// The member of that name.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn member(&self, name: &str) -> Result<&Member> {
        self.members
            .iter()
            .find(|member| member.name == name)
            .with_context(|| format!("no member is called {name}"))
    }

    /// Start a member and wait until it is ready.
    ///
    /// # Errors
    ///
    /// It does not get ready.
    pub async fn start(&self, name: &str) -> Result<()> {
        let member = self.member(name)?;
        member.start()?;
        member.wait_until_ready().await
    }

    /// Where it keeps its data and its members' logs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `hansard <arguments>` with the cluster's settings: what it says.
    ///
    /// # Errors
    ///
    /// It fails; why, it has said on standard error.
    pub async fn operator(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.hansard);
        command.args(arguments).env_clear().envs(self.layout.settings(&self.layout.nats_addresses()));
        let done = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().await?;
        ensure!(done.status.success(), "hansard {} failed: {}", arguments.join(" "), done.status);
        Ok(String::from_utf8(done.stdout)?)
    }

    async fn init_postgres(&self) -> Result<()> {
        let member = self.member("postgres")?;
        let data = self.folder.join("postgres/data");
        if data.join("PG_VERSION").exists() {
            return Ok(());
        }
        let programs = Programs::find().await?;
        let mut initdb = Command::new(programs.postgresql("initdb"));
        initdb.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--pgdata",
        ]);
        initdb.arg(&data).current_dir("/");
        if member.user != User::myself() {
            initdb.uid(member.user.uid).gid(member.user.gid);
        }
        let done = initdb.stdin(Stdio::null()).output().await.context("initdb cannot be started")?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(
            done.status.success(),
            "PostgreSQL's data cannot be made; as root it runs as another user, who must be able to reach {}: {said}",
            data.display()
        );
        Ok(())
    }

    async fn create_database(&self) -> Result<()> {
        let programs = Programs::find().await?;
        let server = self.layout.postgres_url();
        let (server, name) = server.rsplit_once('/').context("the URL names a database")?;
        let mut createdb = Command::new(programs.postgresql("psql"));
        createdb.args(["--no-psqlrc", "--quiet", "--command", &format!("CREATE DATABASE {name}")]);
        createdb.arg(format!("{server}/postgres")).stdin(Stdio::null());
        let done = createdb.output().await.context("psql cannot be started")?;
        let said = String::from_utf8_lossy(&done.stderr);
        if !done.status.success() && !said.contains("already exists") {
            bail!("the database cannot be made: {said}");
        }
        Ok(())
    }
}

fn is_engine(member: &Member) -> bool {
    member.name.starts_with("nats") || member.name == "postgres"
}

/// Start them side by side and wait until all are ready.
async fn start(members: &[&Member]) -> Result<()> {
    let mut starting = JoinSet::new();
    for &member in members {
        member.start()?;
        let member = member.clone();
        starting.spawn(async move { member.wait_until_ready().await });
    }
    while let Some(started) = starting.join_next().await {
        started??;
    }
    Ok(())
}
