//! Sending a command to the writer of its dialog's partition.

use std::sync::Arc;
use std::time::Duration;

use domain::DialogId;
use domain::command::Request;

use crate::queue::{Inbox, Job};
use crate::{Answer, Unanswered};

/// How often a command is asked again when its writer went away without deciding.
const TRIES_MAX: u32 = 3;
/// How long to wait between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(100);
/// What somebody is told to wait when the queue has no place for him.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Which partition a dialog's events are in: a number below the number of partitions.
pub type Router = Arc<dyn Fn(DialogId) -> u32 + Send + Sync>;

/// The way to all writers. Cheap to clone.
#[derive(Clone)]
pub struct Commands {
    inboxes: Arc<[Inbox]>,
    router: Router,
}

impl Commands {
    /// The way to those writers' queues, one a partition, in order.
    pub fn new(inboxes: Vec<Inbox>, router: Router) -> Self {
        Self { inboxes: inboxes.into(), router }
    }

    /// The partition of a dialog.
    pub fn partition_of(&self, dialog: DialogId) -> u32 {
        (self.router)(dialog)
    }

    /// Ask, and wait for the decision. A writer that goes away without deciding is asked
    /// again, a bounded number of times, under the same command id.
    pub async fn ask(&self, request: Request) -> Result<Answer, Unanswered> {
        let inbox = self.inboxes.get(self.partition_of(request.dialog) as usize);
        let inbox = inbox.ok_or(Unanswered::Unavailable)?;
        for tried in 0..TRIES_MAX {
            let (job, reply) = Job::new(request.clone());
            if !inbox.push(job) {
                // An earlier try may have happened: no longer "nothing happened".
                let nothing = Unanswered::Busy { retry_after: RETRY_AFTER };
                return Err(if tried == 0 { nothing } else { Unanswered::Unavailable });
            }
            match reply.await {
                Ok(reply) => return reply,
                Err(_gone) => tokio::time::sleep(TRY_AGAIN).await,
            }
        }
        Err(Unanswered::Unavailable)
    }
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
            assert!(inbox.push(Job::new(request(2)).0));
            let full = commands.ask(request(3)).await.unwrap_err();
            assert!(matches!(full, Unanswered::Busy { .. }));
            // The writer goes away with the command in its hands.
            drop(taken);
        };
        assert_eq!(tokio::join!(asked, writer).0.unwrap_err(), Unanswered::Unavailable);
    }
}
