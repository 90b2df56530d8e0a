//! A writer and a projector in one, without a log: enough for all that the edge can tell.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bus::{Decided, Inbox, Job, Position, Progress, Reached, Unanswered};
use domain::command::{Request, Rules};
use domain::event::{Event, MessageRef, Record, Stream};
use domain::facts::{Fact, Key, evolve};
use domain::{ApplicationId, CommandId};
use readmodel::rows::{Checkpoint, Epoch, FrameHash, Offset, Partition};
use readmodel::sqlite::{Applied, Store};
use runtime::{Clock, Ids};

/// How the writers and projectors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    Fine,
    /// Writes are durable and do not become visible.
    Late,
    /// Nothing can be written for that reason.
    Stuck(Unanswered),
    /// Nobody hears anything.
    Silent,
}

/// What the writers of all partitions share.
#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) weather: Arc<Mutex<Weather>>,
    pub(crate) store: Arc<Mutex<Store>>,
    pub(crate) progress: Progress,
    pub(crate) clock: Clock,
    pub(crate) application: ApplicationId,
    pub(crate) epoch: [u8; 16],
    pub(crate) rules: Rules,
}

pub(crate) struct Writer {
    office: Office,
    inbox: Inbox,
    partition: u32,
    ids: Ids,
    facts: HashMap<Key, Fact>,
    done: HashMap<CommandId, Option<MessageRef>>,
    checkpoint: Option<Checkpoint>,
    unfolded: Vec<Record>,
    unanswered: Vec<Job>,
}

impl Writer {
    pub(crate) fn new(office: Office, inbox: Inbox, partition: u32) -> Self {
        office.progress.report(partition, Reached { next: 0, folding: true });
        let ids = Ids::seeded(1_000 + u64::from(partition));
        let (facts, done) = (HashMap::new(), HashMap::new());
        let (unfolded, unanswered) = (vec![], vec![]);
        Self { office, inbox, partition, ids, facts, done, checkpoint: None, unfolded, unanswered }
    }

    /// Works until its queue is closed.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        loop {
            let jobs = self.inbox.take(64).await;
            if jobs.is_empty() {
                return Ok(());
            }
            for job in jobs {
                self.work(job)?;
            }
        }
    }

    fn work(&mut self, job: Job) -> anyhow::Result<()> {
        let weather = *self.office.weather.lock().unwrap();
        if let Weather::Stuck(why) = weather {
            job.answer(Err(why));
            return Ok(());
        }
        if weather == Weather::Silent {
            self.unanswered.push(job);
            return Ok(());
        }
        let reply = self.decide(&job.request);
        if weather == Weather::Fine {
            self.fold()?;
        }
        job.answer(Ok(reply));
        Ok(())
    }

    fn decide(&mut self, request: &Request) -> bus::Answer {
        let now = self.office.clock.now();
        let decision = domain::decide(request, &self.facts, &self.office.rules, now)?;
        let repeated = self.done.get(&request.id).copied();
        if let Some(message) = repeated {
            let decision = domain::command::Decision { message, ..Default::default() };
            return Ok(Decided::new(decision, vec![], self.position()));
        }
        let records: Vec<_> = decision.events.iter().map(|event| self.record(request, event)).collect();
        if !records.is_empty() {
            self.done.insert(request.id, decision.message);
        }
        self.unfolded.extend(records.iter().cloned());
        Ok(Decided::new(decision, records, self.position()))
    }

    fn record(&mut self, request: &Request, event: &Event) -> Record {
        let changed = evolve(&self.facts, request.dialog, Some(request.actor), event);
        self.facts.extend(changed);
        let at = self.office.clock.now();
        Record {
            id: self.ids.event_id(at),
            command: request.id,
            application: self.office.application,
            stream: Stream::Dialog(request.dialog),
            actor: Some(request.actor),
            at,
            event: event.clone(),
        }
    }

    fn position(&self) -> Position {
        let folded = self.checkpoint.map_or(0, |checkpoint| checkpoint.next.0);
        let next = folded + self.unfolded.len() as u64;
        Position { epoch: self.office.epoch, partition: self.partition, next }
    }

    fn fold(&mut self) -> anyhow::Result<()> {
        if self.unfolded.is_empty() {
            return Ok(());
        }
        let next = self.position().next;
        let checkpoint = Checkpoint {
            epoch: Epoch(self.office.epoch),
            next: Offset(next),
            frame_hash: FrameHash([0; 32]),
            time: self.office.clock.now(),
        };
        let records = std::mem::take(&mut self.unfolded);
        let expected = self.checkpoint.replace(checkpoint);
        let applied = Applied { partition: Partition(self.partition), expected, records, checkpoint };
        self.office.store.lock().unwrap().apply(&[applied])?;
        self.office.progress.report(self.partition, Reached { next, folding: true });
        Ok(())
    }
}
