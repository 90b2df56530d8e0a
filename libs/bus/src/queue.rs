//! The commands that wait for one partition's writer: bounded and fair.
//!
//! No dialog and no caller holds more than a quarter of the queue, and marks together no
//! more than half, so that one hot dialog or one busy client delays the others by no more
//! than its share. What finds no place is refused at once: nothing waits outside.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::command::Request;
use domain::{DialogId, UserId};
use tokio::sync::{Notify, oneshot};

use crate::{Answer, Unanswered};

/// What comes back for a job.
pub type Reply = Result<Answer, Unanswered>;

/// A command on its way, and where its answer goes.
#[derive(Debug)]
pub struct Job {
    /// The command.
    pub request: Request,
    /// The trace that it belongs to, as a W3C `traceparent`.
    pub trace: Option<String>,
    reply: oneshot::Sender<Reply>,
}

impl Job {
    /// A job and the place where its answer arrives.
    pub fn new(request: Request) -> (Self, oneshot::Receiver<Reply>) {
        Self::traced(request, None)
    }

    /// The same, as part of a trace.
    pub fn traced(request: Request, trace: Option<String>) -> (Self, oneshot::Receiver<Reply>) {
        let (reply, receiver) = oneshot::channel();
        (Self { request, trace, reply }, receiver)
    }

    /// Answer it. Whoever asked may have gone; then nobody hears.
    pub fn answer(self, reply: Reply) {
        let _ = self.reply.send(reply);
    }
}

/// How much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Commands in all.
    pub jobs: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    dialogs: HashMap<DialogId, usize>,
    callers: HashMap<UserId, usize>,
    marks: usize,
    closed: bool,
}

/// What became of a job that was to be put into a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits.
    Waiting,
    /// There is no place for it; it is gone.
    Full,
    /// The writer takes no more; it is gone.
    Closed,
}

/// A partition's queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Inbox {
    waiting: Arc<Mutex<Waiting>>,
    arrived: Arc<Notify>,
    closed: Arc<Notify>,
    capacity: Capacity,
}

impl Inbox {
    /// An empty queue.
    pub fn new(capacity: Capacity) -> Self {
        Self { waiting: Arc::default(), arrived: Arc::default(), closed: Arc::default(), capacity }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Put a job at the end.
    pub(crate) fn push(&self, job: Job) -> Pushed {
        let mut waiting = self.lock();
        if waiting.closed {
            return Pushed::Closed;
        }
        let share = (self.capacity.jobs / 4).max(1);
        let mark = job.request.is_mark();
        let full = waiting.jobs.len() >= self.capacity.jobs
            || waiting.dialogs.get(&job.request.dialog).is_some_and(|held| *held >= share)
            || waiting.callers.get(&job.request.actor).is_some_and(|held| *held >= share)
            || mark && waiting.marks >= (self.capacity.jobs / 2).max(1);
        if full {
            return Pushed::Full;
        }
        *waiting.dialogs.entry(job.request.dialog).or_default() += 1;
        *waiting.callers.entry(job.request.actor).or_default() += 1;
        waiting.marks += usize::from(mark);
        waiting.jobs.push_back(job);
        drop(waiting);
        self.arrived.notify_one();
        Pushed::Waiting
    }

    /// Take what waits, at most `jobs_max`, in order; wait for the first if nothing does.
    /// Empty once the queue is closed and has been emptied.
    pub async fn take(&self, jobs_max: usize) -> Vec<Job> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut waiting = self.lock();
                if !waiting.jobs.is_empty() {
                    return waiting.take(jobs_max);
                }
                if waiting.closed {
                    return vec![];
                }
            }
            arrived.await;
        }
    }

    /// How many jobs wait.
    pub fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Whether no job waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Take no more jobs. What waits can still be taken out and decided.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
        self.closed.notify_waiters();
    }

    /// Wait until the queue is closed.
    pub(crate) async fn closed(&self) {
        let closed = self.closed.notified();
        tokio::pin!(closed);
        closed.as_mut().enable();
        if !self.lock().closed {
            closed.await;
        }
    }
}

impl Waiting {
    fn take(&mut self, jobs_max: usize) -> Vec<Job> {
        let count = self.jobs.len().min(jobs_max);
        let taken: Vec<Job> = self.jobs.drain(..count).collect();
        for job in &taken {
            release(&mut self.dialogs, job.request.dialog);
            release(&mut self.callers, job.request.actor);
            self.marks -= usize::from(job.request.is_mark());
        }
        taken
    }
}

fn release<K: std::hash::Hash + Eq>(held: &mut HashMap<K, usize>, key: K) {
    if let std::collections::hash_map::Entry::Occupied(mut entry) = held.entry(key) {
        *entry.get_mut() -= 1;
        if *entry.get() == 0 {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::command::{Command, Update};
    use domain::event::{Mark, Marked};
    use domain::{CommandId, Sequence};

    fn request(dialog: u8, actor: u64, command: Command) -> Request {
        Request {
            id: CommandId([0; 16]),
            dialog: DialogId::from_parts(0, [dialog; 8]),
            actor: UserId::new(actor).unwrap(),
            command,
        }
    }

    fn push(inbox: &Inbox, dialog: u8, actor: u64) -> bool {
        inbox.push(Job::new(request(dialog, actor, Command::DeleteForSelf)).0) == Pushed::Waiting
    }

    fn mark(inbox: &Inbox, dialog: u8, actor: u64) -> bool {
        let update =
            Update { messages: vec![], text: None, mark: Some((Mark::Read, Marked::All(Sequence(1)))) };
        inbox.push(Job::new(request(dialog, actor, Command::Update(update))).0) == Pushed::Waiting
    }

    #[test]
    fn no_dialog_and_no_caller_holds_more_than_a_quarter() {
        let inbox = Inbox::new(Capacity { jobs: 8 });
        assert!(push(&inbox, 1, 1) && push(&inbox, 1, 2));
        assert!(!push(&inbox, 1, 3), "the dialog has its quarter");
        assert!(push(&inbox, 2, 1));
        assert!(!push(&inbox, 3, 1), "the caller has his quarter");
        assert!(push(&inbox, 3, 3));
    }

    #[test]
    fn marks_hold_at_most_half() {
        let inbox = Inbox::new(Capacity { jobs: 8 });
        for n in 1..=4 {
            assert!(mark(&inbox, n, u64::from(n)));
        }
        assert!(!mark(&inbox, 5, 5));
        assert!(push(&inbox, 5, 5));
    }

    #[tokio::test]
    async fn what_was_taken_gives_its_place_back() {
        let inbox = Inbox::new(Capacity { jobs: 4 });
        for round in 0..3 {
            assert!(push(&inbox, 1, 1), "round {round}");
            assert!(!push(&inbox, 1, 1), "round {round}");
            assert_eq!(inbox.take(10).await.len(), 1);
        }
        assert!(inbox.lock().dialogs.is_empty() && inbox.lock().callers.is_empty());
    }

    #[tokio::test]
    async fn a_closed_queue_is_emptied_and_takes_no_more() {
        let inbox = Inbox::new(Capacity { jobs: 4 });
        assert!(push(&inbox, 1, 1));
        inbox.close();
        assert!(!push(&inbox, 2, 2));
        assert_eq!(inbox.take(10).await.len(), 1);
        assert!(inbox.take(10).await.is_empty());
    }
}
