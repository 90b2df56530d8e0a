//! The processes of one chat: one that takes every role, or one or more for each.

use std::path::Path;

use crate::operator::Ended;
use crate::server::{Server, Setup, Starting};
use crate::topology::Engines;

/// Running processes, those with the API first; they are killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Deployment {
    processes: Vec<Server>,
}

impl Deployment {
    /// Start what `setup` asks for, and wait until all of it serves.
    ///
    /// # Errors
    ///
    /// One has ended instead: how, and what it said.
    pub(crate) async fn start(data: &Path, setup: &Setup) -> Result<Self, Ended> {
        let roles: &[&'static str] = match setup.engines() {
            Engines::Embedded => &["all"],
            Engines::Cluster => &["gateway", "command", "projector"],
        };
        let each = roles.iter().flat_map(|role| std::iter::repeat_n(role, setup.copies()));
        let starting: Vec<Starting> = each.map(|role| Server::begin_role(role, data, setup)).collect();
        let mut processes = vec![];
        // Whoever can say best why nothing goes on is asked first.
        for starting in starting.into_iter().rev() {
            processes.push(starting.serving().await?);
        }
        processes.reverse();
        Ok(Self { processes })
    }

    /// The process with the API; the first one of several.
    pub(crate) fn api(&self) -> &Server {
        &self.processes[0]
    }

    /// All of them.
    pub(crate) fn processes(&self) -> &[Server] {
        &self.processes
    }

    /// Leave this one to the caller.
    pub(crate) fn take(&mut self, role: &str, number: usize) -> Server {
        let mut of_role = (0..).zip(&self.processes).filter(|(_, process)| process.role() == role);
        let (place, _) = of_role.nth(number).expect("there are as many processes of that role");
        self.processes.remove(place)
    }

    /// One more.
    pub(crate) fn add(&mut self, process: Server) {
        self.processes.push(process);
    }

    /// `kill -9` for all.
    pub(crate) async fn kill(self) -> Ended {
        let mut ended = vec![];
        for process in self.processes {
            ended.push(process.kill().await);
        }
        together(ended)
    }

    /// End all in order: nobody ends before those who depend on him.
    pub(crate) async fn stop(self) -> Ended {
        let mut ended = vec![];
        for process in self.processes {
            ended.push(process.stop().await);
        }
        together(ended)
    }
}

/// How several have ended: the first exit code that is not 0, and all that they said.
fn together(ended: Vec<Ended>) -> Ended {
    let code = ended.iter().map(|ended| ended.code).find(|code| *code != Some(0)).unwrap_or(Some(0));
    let all = |said: fn(&Ended) -> &str| ended.iter().map(said).collect::<Vec<_>>().join("\n");
    Ended { code, stdout: all(|ended| &ended.stdout), stderr: all(|ended| &ended.stderr) }
}
