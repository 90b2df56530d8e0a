//! The asking side of commands: one request, as many tries as it takes, one answer.
//!
//! A request may be lost, and so may its reply; then it is sent again, with the same bytes.
//! That is safe, as a command happens once however often it is asked. It is also rare: only
//! what can have been lost is sent again, and whichever try is answered first counts.

use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::{Message, Request as Outgoing, RequestError};
use bytes::Bytes;
use domain::Refusal;
use domain::command::Request;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use wire::bus::{REQUEST_BYTES_MAX, Reply, decode_reply, encode_ask};

use super::Bus;
use crate::{Answer, Decided, Position, Unanswered};

/// Without a reply for this long a request may have been lost. A decision takes a few
/// milliseconds; a writer that has the request still knows it, and decides it once.
const LOST_AFTER: Duration = Duration::from_millis(1_000);
/// How long to wait before asking again; each later time twice as long.
const AGAIN_MIN: Duration = Duration::from_millis(20);
/// How long to wait at most before asking again.
const AGAIN_MAX: Duration = Duration::from_millis(200);

/// The way to the writers over NATS. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    bus: Bus,
    answer_within: Duration,
}

/// What one try came to.
enum Tried {
    Replied(Reply),
    /// Nobody is there: it certainly did not happen.
    Nobody,
    /// It may have happened.
    Unknown,
}

impl Asker {
    pub(crate) fn new(bus: Bus, answer_within: Duration) -> Self {
        Self { bus, answer_within }
    }

    /// Ask the writer of `partition`.
    pub(crate) async fn ask(
        &self,
        partition: u32,
        request: &Request,
        trace: Option<String>,
    ) -> Result<Answer, Unanswered> {
        if self.bus.connection().is_gone() {
            return Err(Unanswered::Unavailable);
        }
        let payload = Bytes::from(encode_ask(request, trace.as_deref()));
        if payload.len() > REQUEST_BYTES_MAX {
            return Ok(Err(Refusal::TooLarge));
        }
        let asked = Asked { asker: self, subject: self.bus.command_subject(partition), payload };
        tokio::select! {
            outcome = asked.until_answered() => outcome,
            () = tokio::time::sleep(self.answer_within) => Err(Unanswered::Unavailable),
            () = self.bus.connection().gone() => Err(Unanswered::Unavailable),
        }
    }
}

struct Asked<'a> {
    asker: &'a Asker,
    subject: String,
    payload: Bytes,
}

impl Asked<'_> {
    async fn until_answered(&self) -> Result<Answer, Unanswered> {
        let connection = &self.asker.bus.connection();
        // Earlier tries may still be answered, while a later one is under way.
        let mut tries = FuturesUnordered::new();
        let mut may_have_happened = false;
        let mut pause = AGAIN_MIN;
        loop {
            connection.connected().await;
            tries.push(self.send());
            let tried = tokio::select! {
                Some(tried) = tries.next() => tried,
                () = tokio::time::sleep(LOST_AFTER) => Tried::Unknown,
                () = connection.came_back() => Tried::Unknown,
            };
            match tried {
                Tried::Nobody => {}
                Tried::Unknown => may_have_happened = true,
                Tried::Replied(reply) => match outcome(reply, may_have_happened) {
                    Some(outcome) => return outcome,
                    None => may_have_happened = true,
                },
            }
            metrics::counter!("bus_commands_asked_again_total").increment(1);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(AGAIN_MAX);
        }
    }

    async fn send(&self) -> Tried {
        let request = Outgoing::new().payload(self.payload.clone()).timeout(None);
        let sent = self.asker.bus.connection().client().send_request(self.subject.clone(), request);
        tried(sent.await)
    }
}

fn tried(replied: Result<Message, RequestError>) -> Tried {
    match replied {
        Ok(message) => match decode_reply(&message.payload) {
            Ok(reply) => Tried::Replied(reply),
            Err(error) => {
                tracing::warn!(%error, "a writer's reply cannot be read; is it of another version?");
                Tried::Unknown
            }
        },
        Err(error) if error.kind() == RequestErrorKind::NoResponders => Tried::Nobody,
        Err(error) => {
            tracing::debug!(%error, "a command could not be sent");
            Tried::Unknown
        }
    }
}

/// What a reply means; nothing, if the command is to be asked again.
fn outcome(reply: Reply, may_have_happened: bool) -> Option<Result<Answer, Unanswered>> {
    // "Nothing happened" is true only of a command that nobody else may have.
    let nothing = |why| Err(if may_have_happened { Unanswered::Unavailable } else { why });
    Some(match reply {
        Reply::Decided(decided) => Ok(Ok(answer(decided))),
        Reply::Refused(refusal) => Ok(Err(refusal)),
        Reply::Busy { retry_after } => nothing(Unanswered::Busy { retry_after }),
        Reply::Full => nothing(Unanswered::Full),
        Reply::Unavailable => Err(Unanswered::Unavailable),
        Reply::Undecided => return None,
    })
}

fn answer(decided: wire::bus::Decided) -> Decided {
    let wire::bus::Decided { epoch, partition, next, records, message, denied, missing } = decided;
    let position = Position { epoch, partition, next };
    Decided { position, records: records.into(), message, denied, missing }
}
