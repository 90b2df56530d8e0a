//! Supervised tasks and threads.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The first task that failed, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("task `{task}` failed: {reason}")]
pub struct Failure {
    /// Its name, as started.
    pub task: String,
    /// Its error with all causes, or what it panicked with.
    pub reason: String,
}

/// Some tasks did not end in time. They are still running.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("still running after {}: {}", humantime::format_duration(*deadline), names.join(", "))]
pub struct Overdue {
    /// Their names, in the order of their start.
    pub names: Vec<String>,
    /// How long they were given.
    pub deadline: Duration,
}

/// The word to stop, as a task hears it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop(CancellationToken);

impl Stop {
    /// Waits until it is time to stop. May be dropped and asked again.
    pub async fn stopped(&self) {
        self.0.cancelled().await;
    }

    /// Whether it is time to stop.
    pub fn is_stopping(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// A group of tasks that stop together. Cheap to clone.
///
/// What must end in order (no longer accept, then finish what was accepted) is one group
/// each, shut down one after another. The caller bounds how many tasks there are.
#[derive(Clone, Debug, Default)]
pub struct Tasks(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tracker: TaskTracker,
    stop: CancellationToken,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    started: u64,
    running: BTreeMap<u64, String>,
    failure: Option<Failure>,
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Run `future` as a task. If it returns an error or panics, the group is stopped; if
    /// it returns, it is done.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn spawn<F>(&self, name: impl Into<String>, future: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let running = self.begin(name.into());
        self.0.tracker.spawn(async move {
            let outcome = AssertUnwindSafe(future).catch_unwind().await;
            running.end(outcome);
        });
    }

    /// Run `work`, which may block, in a thread of its own, supervised like a task. That no
    /// thread can be had counts as the task's failure.
    pub fn spawn_thread<W>(&self, name: impl Into<String>, work: W)
    where
        W: FnOnce() -> anyhow::Result<()> + Send + 'static,
    {
        let name = name.into();
        let running = self.begin(name.clone());
        let thread = std::thread::Builder::new().name(name.clone()).spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(work));
            running.end(outcome);
        });
        if let Err(error) = thread {
            self.fail(name, format!("cannot start a thread: {error}"));
        }
    }

    /// The word to stop, to be given to tasks.
    pub fn stop(&self) -> Stop {
        Stop(self.0.stop.clone())
    }

    /// The first failure, if there was one.
    pub fn failure(&self) -> Option<Failure> {
        self.state().failure.clone()
    }

    /// Ask every task to stop, and wait until all have ended, at most for `deadline`.
    ///
    /// # Errors
    ///
    /// Some have not ended by then. Those that failed are no error here: see
    /// [`Tasks::failure`].
    pub async fn shutdown(&self, deadline: Duration) -> Result<(), Overdue> {
        self.0.stop.cancel();
        self.0.tracker.close();
        if tokio::time::timeout(deadline, self.0.tracker.wait()).await.is_ok() {
            return Ok(());
        }
        let names: Vec<String> = self.state().running.values().cloned().collect();
        // The last one may have ended just after its time was up.
        if names.is_empty() { Ok(()) } else { Err(Overdue { names, deadline }) }
    }

    fn begin(&self, name: String) -> Running {
        let mut state = self.state();
        let number = state.started;
        state.started += 1;
        state.running.insert(number, name.clone());
        Running { tasks: self.clone(), number, name, _counted: self.0.tracker.token() }
    }

    fn fail(&self, task: String, reason: String) {
        tracing::error!(task.name = task, reason, "a task failed: the process stops");
        self.state().failure.get_or_insert(Failure { task, reason });
        self.0.stop.cancel();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stands in the list of what runs, for as long as it lives: also if a runtime that goes
/// away drops the task.
struct Running {
    tasks: Tasks,
    number: u64,
    name: String,
    _counted: TaskTrackerToken,
}

impl Running {
    fn end(self, outcome: Result<anyhow::Result<()>, Box<dyn Any + Send>>) {
        let reason = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(error)) => format!("{error:#}"),
            Err(panic) => format!("it panicked: {}", panic_message(&*panic)),
        };
        self.tasks.fail(self.name.clone(), reason);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.state().running.remove(&self.number);
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "without a message"
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};
    use tokio::sync::oneshot;

    use super::*;

    /// Long enough that no test ever waits for it.
    const AMPLE: Duration = Duration::from_secs(600);

    fn failure(task: &str, reason: &str) -> Option<Failure> {
        Some(Failure { task: task.to_owned(), reason: reason.to_owned() })
    }

    #[tokio::test]
    async fn a_shutdown_waits_for_everyone_to_stop_by_himself() {
        let tasks = Tasks::new();
        let (finished, done) = std::sync::mpsc::sync_channel(2);
        let (stop, task_finished) = (tasks.stop(), finished.clone());
        tasks.spawn("task", async move {
            stop.stopped().await;
            Ok(task_finished.send("task")?)
        });
        let (stop, handle) = (tasks.stop(), tokio::runtime::Handle::current());
        tasks.spawn_thread("thread", move || {
            handle.block_on(stop.stopped());
            Ok(finished.send("thread")?)
        });
        assert!(!tasks.stop().is_stopping());
        assert_eq!(tasks.shutdown(AMPLE).await, Ok(()));
        let mut ended: Vec<_> = done.iter().collect();
        ended.sort_unstable();
        assert_eq!((ended, tasks.failure()), (vec!["task", "thread"], None));
    }

    #[tokio::test]
    async fn a_task_that_is_done_stops_nobody() {
        let tasks = Tasks::new();
        let (done, wait) = oneshot::channel::<()>();
        tasks.spawn("short", async move {
            drop(done);
            Ok(())
        });
        wait.await.unwrap_err();
        assert!(!tasks.stop().is_stopping());
        assert_eq!(tasks.shutdown(AMPLE).await, Ok(()));
    }

    #[tokio::test]
    async fn a_task_that_fails_stops_the_others_and_is_named() {
        let tasks = Tasks::new();
        let stop = tasks.stop();
        tasks.spawn("patient", async move {
            stop.stopped().await;
            Err(anyhow!("also failed, but later"))
        });
        tasks.spawn("writer 3", async { Err(anyhow!("disk full")).context("cannot append") });
        tasks.stop().stopped().await;
        assert_eq!(tasks.shutdown(AMPLE).await, Ok(()));
        assert_eq!(tasks.failure(), failure("writer 3", "cannot append: disk full"));
        assert_eq!(tasks.failure().unwrap().to_string(), "task `writer 3` failed: cannot append: disk full");
    }

    #[tokio::test]
    async fn a_task_that_panics_stops_the_others_and_is_named() {
        let tasks = Tasks::new();
        tasks.spawn("folder", async { panic!("row {} is missing", 7) });
        tasks.stop().stopped().await;
        assert_eq!(tasks.shutdown(AMPLE).await, Ok(()));
        assert_eq!(tasks.failure(), failure("folder", "it panicked: row 7 is missing"));
    }

    #[tokio::test]
    async fn a_thread_that_fails_stops_the_others_and_is_named() {
        for (work, reason) in [
            (Box::new(|| Err(anyhow!("no space"))) as Box<dyn FnOnce() -> _ + Send>, "no space"),
            (Box::new(|| panic!("gone")), "it panicked: gone"),
        ] {
            let tasks = Tasks::new();
            tasks.spawn_thread("log", work);
            tasks.stop().stopped().await;
            assert_eq!(tasks.shutdown(AMPLE).await, Ok(()));
            assert_eq!(tasks.failure(), failure("log", reason));
        }
    }

    #[tokio::test]
    async fn whoever_does_not_stop_in_time_is_named() {
        let tasks = Tasks::new();
        let (ended, wait) = oneshot::channel::<()>();
        let (release, held) = oneshot::channel::<()>();
        let stop = tasks.stop();
        tasks.spawn("obedient", async move {
            stop.stopped().await;
            drop(ended);
            Ok(())
        });
        tasks.spawn("stubborn", async { Ok(held.await?) });
        tasks.shutdown(Duration::ZERO).await.unwrap_err();
        wait.await.unwrap_err();
        let overdue = tasks.shutdown(Duration::ZERO).await.unwrap_err();
        assert_eq!(overdue.to_string(), "still running after 0s: stubborn");
        release.send(()).unwrap();
        assert_eq!(tasks.shutdown(AMPLE).await, Ok(()));
    }
}
