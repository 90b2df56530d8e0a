//! The writer's side of commands: from NATS into its queue, and the replies back.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use async_nats::{Message, Subject, Subscriber};
use domain::CommandId;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::oneshot;
use tokio::time::Instant;
use wire::bus::{Reply as Wire, decode_ask, encode_reply};

use super::{Bus, Error};
use crate::commands::RETRY_AFTER;
use crate::leases::Hold;
use crate::queue::{Inbox, Job, Pushed, Reply};
use crate::{Decided, Unanswered};

/// Commands taken and not answered yet. The queue's own bound is reached first; this one
/// holds if its writer stops taking.
const UNANSWERED_MAX: usize = 8_192;
/// Those who asked for the same command at once and are all answered; later ones are not.
const ASKERS_MAX: usize = 8;

/// How long to wait for the server to say that no more will come. A millisecond or two, if
/// the connection is there; then what was under way is asked again elsewhere.
const DRAIN_MAX: Duration = Duration::from_secs(1);

/// Take commands for the partition of `hold` into `inbox` and send the answers back, until
/// the lease is asked for or lost, or the queue is closed; then take no more, and return
/// when all that was taken is answered. The writer goes on until this returns, if it can.
///
/// What is not a decision is told only while the lease is held: a writer that has lost it
/// without knowing must not tell anybody that nothing happened.
///
/// # Errors
///
/// NATS refuses the subscription.
pub async fn serve(bus: &Bus, hold: &Hold, inbox: &Inbox) -> Result<(), Error> {
    let subject = bus.command_subject(hold.partition());
    let subscribed = bus.connection().client().subscribe(subject).await;
    let mut requests = subscribed.map_err(|error| Error::Failed(error.to_string()))?;
    let mut counter = Counter { bus, hold, inbox, askers: HashMap::new(), unreadable: false };
    let mut answers = FuturesUnordered::new();
    let end = async {
        tokio::select! {
            () = hold.ending() => {}
            () = inbox.closed() => {}
        }
    };
    tokio::pin!(end);
    let drained = tokio::time::sleep(DRAIN_MAX);
    tokio::pin!(drained);
    let mut ending = false;
    loop {
        tokio::select! {
            biased;
            Some((id, answer)) = answers.next() => counter.answer(id, answer).await,
            () = &mut end, if !ending => {
                ending = true;
                drained.as_mut().reset(Instant::now() + DRAIN_MAX);
                stop_listening(&mut requests).await;
            }
            () = &mut drained, if ending => break,
            request = requests.next() => match request {
                Some(request) => answers.extend(counter.take(request).await),
                None => break,
            },
        }
    }
    drop(requests);
    while let Some((id, answer)) = answers.next().await {
        counter.answer(id, answer).await;
    }
    Ok(())
}

/// Take no more; what is on its way here still arrives, and then the stream ends.
async fn stop_listening(requests: &mut Subscriber) {
    match tokio::time::timeout(DRAIN_MAX, requests.drain()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the connection is closed already"),
        Err(_) => tracing::debug!("the connection takes nothing at the moment"),
    }
}

/// Who asked for what.
struct Counter<'a> {
    bus: &'a Bus,
    hold: &'a Hold,
    inbox: &'a Inbox,
    /// Where the answers go. Who asks again for what is not answered yet gets that answer.
    askers: HashMap<CommandId, Vec<Subject>>,
    /// Whether something came that cannot be read; it is said once.
    unreadable: bool,
}

impl Counter<'_> {
    /// Put a request into the queue; what comes of it, if it found a place.
    async fn take(
        &mut self,
        message: Message,
    ) -> Option<impl Future<Output = (CommandId, Result<Reply, oneshot::error::RecvError>)> + use<>> {
        let Some(asker) = message.reply else {
            tracing::debug!("a command came without a place for its answer");
            return None;
        };
        let ask = match decode_ask(&message.payload) {
            Ok(ask) => ask,
            Err(error) => {
                // It is asked again: a writer of another version may be there by then.
                if !std::mem::replace(&mut self.unreadable, true) {
                    let partition = self.hold.partition();
                    tracing::warn!(%error, partition, "a command cannot be read; is it of another version?");
                }
                self.say(asker, &Wire::Undecided).await;
                return None;
            }
        };
        let id = ask.request.id;
        if let Some(askers) = self.askers.get_mut(&id) {
            if askers.len() < ASKERS_MAX {
                askers.push(asker);
            }
            return None;
        }
        let (job, answer) = Job::traced(ask.request, ask.trace);
        let pushed = if self.askers.len() < UNANSWERED_MAX { self.inbox.push(job) } else { Pushed::Full };
        match pushed {
            Pushed::Waiting => {
                self.askers.insert(id, vec![asker]);
                return Some(async move { (id, answer.await) });
            }
            Pushed::Full => self.say(asker, &self.while_held(Wire::Busy { retry_after: RETRY_AFTER })).await,
            Pushed::Closed => self.say(asker, &Wire::Undecided).await,
        }
        None
    }

    /// Tell everybody who asked for it.
    async fn answer(&mut self, id: CommandId, answer: Result<Reply, oneshot::error::RecvError>) {
        let reply = match answer {
            Ok(Ok(Ok(decided))) => Wire::Decided(wired(decided)),
            Ok(Ok(Err(refusal))) => Wire::Refused(refusal),
            Ok(Err(Unanswered::Busy { retry_after })) => self.while_held(Wire::Busy { retry_after }),
            Ok(Err(Unanswered::Full)) => self.while_held(Wire::Full),
            Ok(Err(Unanswered::Unavailable)) => self.while_held(Wire::Unavailable),
            Err(_gone) => Wire::Undecided,
        };
        for asker in self.askers.remove(&id).unwrap_or_default() {
            self.say(asker, &reply).await;
        }
    }

    fn while_held(&self, reply: Wire) -> Wire {
        if self.hold.is_held() { reply } else { Wire::Undecided }
    }

    async fn say(&self, asker: Subject, reply: &Wire) {
        if self.bus.connection().is_gone() {
            // Nobody hears it, and it must not keep the writer from giving the partition back.
            return;
        }
        let sent = self.bus.connection().client().publish(asker, encode_reply(reply).into()).await;
        if let Err(error) = sent {
            // Whoever asked will ask again.
            tracing::warn!(%error, "an answer could not be sent");
        }
    }
}

fn wired(decided: Decided) -> wire::bus::Decided {
    let Decided { position, records, message, denied, missing } = decided;
    wire::bus::Decided {
        epoch: position.epoch,
        partition: position.partition,
        next: position.next,
        records: records.to_vec(),
        message,
        denied,
        missing,
    }
}
