//! Sending a command to the writer of its dialog's partition.

use std::sync::Arc;
use std::time::Duration;

use domain::DialogId;
use domain::command::Request;
use futures::future::BoxFuture;

use crate::nats::{Asker, Bus};
use crate::queue::{Inbox, Job, Pushed};
use crate::{Answer, Unanswered};

/// How often a command is asked again when its writer went away without deciding.
const TRIES_MAX: u32 = 3;
/// How long to wait between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(100);
/// What somebody is told to wait when the queue has no place for him.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Which partition a dialog's events are in: a number below the number of partitions.
pub type Router = Arc<dyn Fn(DialogId) -> u32 + Send + Sync>;

/// The way to all writers. Cheap to clone.
#[derive(Clone)]
pub struct Commands {
    way: Way,
    router: Router,
}

#[derive(Clone)]
enum Way {
    /// The writers are in this process: their queues, one a partition, in order.
    Here(Arc<[Inbox]>),
    Nats(Asker),
}

impl Commands {
    /// The way to those writers' queues, one a partition, in order.
    pub fn new(inboxes: Vec<Inbox>, router: Router) -> Self {
        Self { way: Way::Here(inboxes.into()), router }
    }

    /// The way to the writers wherever they are. A command gets as long as `answer_within`
    /// to be decided, takeovers included.
    pub fn over(bus: Bus, answer_within: Duration, router: Router) -> Self {
        Self { way: Way::Nats(Asker::new(bus, answer_within)), router }
    }

    /// The partition of a dialog.
    pub fn partition_of(&self, dialog: DialogId) -> u32 {
        (self.router)(dialog)
    }

    /// Ask, and wait for the decision. A writer that goes away without deciding is asked
    /// again, a bounded number of times, under the same command id.
    pub async fn ask(&self, request: Request) -> Result<Answer, Unanswered> {
        self.ask_traced(request, None).await
    }

    /// The same, as part of a trace: a W3C `traceparent`, which reaches the writer in
    /// [`Job::trace`].
    pub async fn ask_traced(&self, request: Request, trace: Option<String>) -> Result<Answer, Unanswered> {
        let partition = self.partition_of(request.dialog);
        match &self.way {
            Way::Here(inboxes) => {
                let inbox = inboxes.get(partition as usize).ok_or(Unanswered::Unavailable)?;
                ask_here(inbox, request, trace).await
            }
            Way::Nats(asker) => {
                // In a box, as it is much larger than the other.
                let asked: BoxFuture<'_, _> = Box::pin(asker.ask(partition, &request, trace));
                asked.await
            }
        }
    }
}

async fn ask_here(inbox: &Inbox, request: Request, trace: Option<String>) -> Result<Answer, Unanswered> {
    for tried in 0..TRIES_MAX {
        let (job, reply) = Job::traced(request.clone(), trace.clone());
        match inbox.push(job) {
            Pushed::Waiting => {}
            Pushed::Full | Pushed::Closed => {
                // An earlier try may have happened: no longer "nothing happened".
                let nothing = Unanswered::Busy { retry_after: RETRY_AFTER };
                return Err(if tried == 0 { nothing } else { Unanswered::Unavailable });
            }
        }
        match reply.await {
            Ok(reply) => return reply,
            Err(_gone) => tokio::time::sleep(TRY_AGAIN).await,
        }
    }
    Err(Unanswered::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Capacity;
    use domain::command::Command;
    use domain::{CommandId, UserId};

    fn request(dialog: u8) -> Request {
        Request {
            id: CommandId([dialog; 16]),
            dialog: DialogId::from_parts(0, [dialog; 8]),
            actor: UserId::new(u64::from(dialog)).unwrap(),
            command: Command::DeleteForSelf,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_command_that_nobody_has_seen_did_certainly_not_happen() {
        let inbox = Inbox::new(Capacity { jobs: 1 });
        let commands = Commands::new(vec![inbox.clone()], Arc::new(|_| 0));
        let asked = commands.ask(request(1));
        let writer = async {
            let taken = inbox.take(1).await;
            assert_eq!(inbox.push(Job::new(request(2)).0), Pushed::Waiting);
            let full = commands.ask(request(3)).await.unwrap_err();
            assert!(matches!(full, Unanswered::Busy { .. }));
            // The writer goes away with the command in its hands.
            drop(taken);
        };
        assert_eq!(tokio::join!(asked, writer).0.unwrap_err(), Unanswered::Unavailable);
    }
}
