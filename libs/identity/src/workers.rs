//! A few threads for work that blocks, with a bounded queue before them.
//!
//! Deliberately not the runtime's blocking pool: there a slow hash and a fast
//! read would share one queue without a limit. A job that panics costs its asker an
//! error and nobody else anything.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};
use tokio::sync::oneshot;

use crate::Error;

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// Threads that each own one `S` (a connection, a hasher) and work off one queue, in order
/// of arrival. They end when this is dropped and the queue is empty.
pub(crate) struct Workers<S> {
    queue: SyncSender<Job<S>>,
}

impl<S: Send + 'static> Workers<S> {
    /// One thread for each of `states`, named `name`; at most `queue_max` jobs wait.
    pub(crate) fn start(
        name: &str,
        states: Vec<S>,
        queue_max: usize,
        precedence: Precedence,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel(queue_max);
        let jobs = Arc::new(Mutex::new(jobs));
        for state in states {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                precedence.take();
                work(state, &jobs);
            })?;
        }
        Ok(Self { queue })
    }

    /// Does `job` on one of the threads and waits for its answer; [`Error::Busy`] at once
    /// when the queue is full. If the asker goes away before the job has begun, a job that
    /// is `Droppable::Yes` is not begun.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        droppable: Droppable,
        job: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.tell(move |state| {
            if droppable == Droppable::Yes && answer.is_closed() {
                return;
            }
            // An asker who has gone away needs no answer.
            let _ = answer.send(job(state));
        })?;
        answered.await.map_err(|_| Error::Store("a worker failed in the middle of its job".to_owned()))
    }

    /// Leaves `job` to the threads without waiting; [`Error::Busy`] when the queue is full.
    pub(crate) fn tell(&self, job: impl FnOnce(&mut S) + Send + 'static) -> Result<(), Error> {
        self.queue.try_send(Box::new(job)).map_err(|error| match error {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => Error::Store("the workers have stopped".to_owned()),
        })
    }
}

/// Whether a job without an asker is still worth doing: not a mere answer, but a change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Droppable {
    /// It only answers.
    Yes,
    /// It changes something.
    No,
}

/// Whether the threads give way to all others when the cores are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precedence {
    /// Like any thread.
    Usual,
    /// They do (`SCHED_IDLE`): long computations, for which somebody waits who expects to. Beside 50 hashes
    /// a second the slowest posts take 1.1 to 1.4 times as long as without any; with a niceness of 19, which does not
    /// let others in before a time slice ends, 1.4 to 1.7 times. In return a server without any idle time hashes slowly.
    GivesWay,
}

impl Precedence {
    /// For the thread that calls.
    fn take(self) {
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        if self == Self::GivesWay
            && let Err(error) = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle)
        {
            tracing::warn!(%error, "a thread that hashes passwords has not given way to the others");
        }
    }
}

fn work<S>(mut state: S, jobs: &Mutex<Receiver<Job<S>>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // The state is a connection, whose open transaction was rolled back as the job unwound, or a
        // hasher, whose memory is written anew: both are good for the next job.
        if catch_unwind(AssertUnwindSafe(|| job(&mut state))).is_err() {
            tracing::error!("a job of identity panicked; its asker got an error");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_recovers() {
        let workers = Workers::start("test", vec![0_u32], 1, Precedence::Usual).unwrap();
        let (go, gate) = sync_channel::<()>(0);
        let (begun, beginning) = oneshot::channel();
        workers
            .tell(move |_| {
                begun.send(()).unwrap();
                gate.recv().unwrap();
            })
            .unwrap();
        beginning.await.unwrap();
        workers.tell(|count| *count += 1).unwrap();
        assert_eq!(workers.tell(|_| ()), Err(Error::Busy));
        go.send(()).unwrap();
        while workers.tell(|count| *count += 1) == Err(Error::Busy) {
            tokio::task::yield_now().await;
        }
        let count = loop {
            match workers.ask(Droppable::Yes, |count| *count).await {
                Err(Error::Busy) => tokio::task::yield_now().await,
                other => break other,
            }
        };
        assert_eq!(count, Ok(2));
    }

    #[tokio::test]
    async fn who_gives_way_works_when_nobody_else_does() {
        let policy = |precedence| async move {
            let workers = Workers::start("test", vec![()], 4, precedence).unwrap();
            workers.ask(Droppable::No, |()| thread_priority::thread_schedule_policy().unwrap()).await.unwrap()
        };
        let normal = ThreadSchedulePolicy::Normal;
        assert_eq!(policy(Precedence::Usual).await, normal(NormalThreadSchedulePolicy::Other));
        assert_eq!(policy(Precedence::GivesWay).await, normal(NormalThreadSchedulePolicy::Idle));
    }

    #[tokio::test]
    async fn a_panic_costs_only_its_asker() {
        let workers = Workers::start("test", vec![()], 4, Precedence::GivesWay).unwrap();
        let failed = workers.ask(Droppable::No, |()| -> u8 { panic!("on purpose") }).await;
        assert!(matches!(failed, Err(Error::Store(_))));
        assert_eq!(workers.ask(Droppable::No, |()| 1).await, Ok(1));
    }
}
