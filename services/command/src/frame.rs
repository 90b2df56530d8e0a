//! One frame in the making: commands decided one after another, each seeing what those
//! before it did, none of it true until the frame is in the log.

use std::collections::HashMap;

use bus::Job;
use bytes::Bytes;
use domain::command::{Decision, Request};
use domain::event::{Event, Record, Stream};
use domain::facts::{Fact, Key, evolve};
use domain::{CommandId, Refusal, Time, decide};
use eventlog::{Batch, FRAME_EVENTS_MAX};
use runtime::{Ids, trace};
use tracing::Span;

use crate::office::{Office, Settings};
use crate::overlay::Staged;
use crate::recent::Receipt;

/// Events of marks in one frame: never more than half, as marks may wait.
const MARKS_MAX: usize = FRAME_EVENTS_MAX / 2;

/// A job with its decision, to be answered once the frame is durable.
pub(crate) struct Decided {
    pub(crate) job: Job,
    pub(crate) outcome: Result<(Decision, Vec<Record>), Refusal>,
}

/// The frame, and the jobs whose answers wait for it.
pub(crate) struct Frame<'a> {
    office: &'a Office,
    settings: &'a Settings,
    ids: &'a Ids,
    at: Time,
    staged: Staged<'a>,
    receipts: HashMap<CommandId, Receipt>,
    batch: Batch,
    marks: usize,
    decided: Vec<Decided>,
}

/// What became of a frame's jobs: what to append, and what follows once that is done.
pub(crate) struct Finished {
    pub(crate) events: Vec<Bytes>,
    pub(crate) changed: HashMap<Key, Fact>,
    pub(crate) receipts: HashMap<CommandId, Receipt>,
    pub(crate) decided: Vec<Decided>,
}

impl Finished {
    /// The append, as it shows in the trace of each command that has one.
    pub(crate) fn spans(&self, partition: u32) -> Vec<Span> {
        let traced = self.decided.iter().filter_map(|decided| decided.job.trace.as_deref());
        let span = |parent| {
            let events = self.events.len();
            let span = tracing::trace_span!(target: trace::TARGET, "append", partition, events);
            trace::adopt(&span, Some(parent));
            span
        };
        traced.map(span).collect()
    }
}

impl<'a> Frame<'a> {
    /// An empty frame of that time.
    pub(crate) fn new(office: &'a Office, settings: &'a Settings, ids: &'a Ids, at: Time) -> Self {
        Self {
            office,
            settings,
            ids,
            at,
            staged: Staged::new(&office.overlay),
            receipts: HashMap::new(),
            batch: Batch::new(),
            marks: 0,
            decided: vec![],
        }
    }

    /// Decide a job and take its events in; or give it back, for the next frame, if they do
    /// not fit beside what is there.
    #[must_use]
    pub(crate) fn add(&mut self, job: Job) -> Option<Job> {
        let mark = job.request.is_mark();
        if mark && self.marks >= MARKS_MAX {
            return Some(job);
        }
        let outcome = self.decide(&job.request).map(|decision| {
            let records = self.records(&job.request, &decision);
            (decision, records)
        });
        let Ok((_, records)) = &outcome else {
            self.decided.push(Decided { job, outcome });
            return None;
        };
        let events: Vec<Bytes> = records.iter().map(|record| wire::encode(record).into()).collect();
        if !self.batch.is_empty() && !self.batch.fits_all(&events) {
            return Some(job);
        }
        if !self.take_in(events) {
            self.decided.push(Decided { job, outcome: Err(Refusal::TooLarge) });
            return None;
        }
        self.marks += if mark { records.len() } else { 0 };
        for record in records {
            let changed = evolve(&self.staged, job.request.dialog, record.actor, &record.event);
            self.staged.change(changed);
        }
        if !records.is_empty() {
            let receipt = Receipt::of(records.iter().map(|record| &record.event));
            self.receipts.insert(job.request.id, receipt);
        }
        self.decided.push(Decided { job, outcome });
        None
    }

    /// Whether all events could be put into the frame. If not, none was: the frame was empty.
    fn take_in(&mut self, events: Vec<Bytes>) -> bool {
        let fits = self.batch.fits_all(&events)
            && events.iter().all(|event| event.len() <= eventlog::EVENT_BYTES_MAX);
        fits && events.into_iter().all(|event| self.batch.push(event).is_ok())
    }

    fn decide(&self, request: &Request) -> Result<Decision, Refusal> {
        let decision = decide(request, &self.staged, &self.settings.rules, self.at);
        let known = self.receipts.get(&request.id).or_else(|| self.office.recent.get(request.id));
        match known {
            Some(receipt) => receipt.repeat(request, decision),
            None => decision,
        }
    }

    fn records(&self, request: &Request, decision: &Decision) -> Vec<Record> {
        let record = |event: &Event| Record {
            id: self.ids.event_id(self.at),
            command: request.id,
            application: self.settings.application,
            stream: Stream::Dialog(request.dialog),
            actor: Some(request.actor),
            at: self.at,
            event: event.clone(),
        };
        decision.events.iter().map(record).collect()
    }

    /// The frame, ready to be appended.
    pub(crate) fn finish(mut self) -> Finished {
        Finished {
            events: self.batch.take(),
            changed: self.staged.into_changed(),
            receipts: self.receipts,
            decided: self.decided,
        }
    }
}
