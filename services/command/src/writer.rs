//! The writer of one partition: takes its office, decides and appends, round after round.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::leases::{Hold, Standing};
use bus::{Inbox, Job, Position, Progress, Unanswered};
use bytes::Bytes;
use domain::Time;
use eventlog::{AppendError, FRAME_EVENTS_MAX, Log, Partition};
use runtime::{Clock, Ids, Stop};

use crate::frame::{Decided, Finished, Frame};
use crate::office::{Office, Rows, Settings};
use crate::overlay::WentBack;
use crate::refuse::{busy, is_overtaken, passing, refuse};
use crate::tail::{LAG_BYTES_MAX, Unreadable, stopped};
use crate::takeover::take_over;

/// How long to wait before looking again whether the rows have come near the log's tail.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long who asks may wait for the rows of a partition that is being taken over.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often progress is looked at meanwhile.
const POLL_EVERY: Duration = Duration::from_millis(10);
/// How long to wait before trying again to take over a partition that has no space.
const TAKE_OVER_AGAIN: Duration = Duration::from_millis(500);
/// Takeovers in a row that somebody else may get in front of: a frame of our own whose fate
/// was unknown may arrive once, another writer comes again.
const OVERTAKEN_MAX: u32 = 1;

/// What a writer works with.
pub struct Parts<R> {
    /// The log.
    pub log: Arc<dyn Log>,
    /// The partition to write.
    pub partition: Partition,
    /// The commands that wait.
    pub inbox: Inbox,
    /// The read model's rows.
    pub rows: R,
    /// How far the read models have come.
    pub progress: Progress,
    /// The time.
    pub clock: Clock,
    /// Event ids.
    pub ids: Ids,
    /// What the deployment chose.
    pub settings: Settings,
}

/// For how long a writer writes, and who is told how it stands.
#[derive(Clone, Copy)]
pub(crate) struct Tenure<'a> {
    pub(crate) stop: &'a Stop,
    /// The lease, where there are others.
    pub(crate) hold: Option<&'a Hold>,
}

/// Why a writer lost its office, though nothing is wrong with the partition.
enum Lost {
    /// Whether the last frame is in the log is unknown: take over and see.
    Unknown,
    /// The rows are older than they were: read the log again from there.
    WentBack(WentBack),
}

impl Tenure<'_> {
    /// Tell the others where the writer stands.
    fn say(self, office: &Office) {
        let tail = office.writer.tail();
        measure(office.writer.partition(), office.writer.term(), tail.next.0);
        if let Some(hold) = self.hold {
            let (term, next, time_ms) = (office.writer.term(), tail.next.0, tail.time_ms);
            hold.say(Standing { term, next, time_ms, stopped: None });
        }
    }
}

/// The term and the tail of a partition that is written here; zeros once it is not.
pub(crate) fn measure(partition: Partition, term: u64, tail: u64) {
    metrics::gauge!("writer_term", "partition" => partition.to_string()).set(term as f64);
    metrics::gauge!("writer_tail", "partition" => partition.to_string()).set(tail as f64);
}

/// Write the partition until `stop`; then refuse what comes, decide what waits, and return.
///
/// # Errors
/// When somebody else writes the partition, or the log cannot be trusted.
pub async fn run<R: Rows>(mut parts: Parts<R>, stop: Stop) -> anyhow::Result<()> {
    let inbox = parts.inbox.clone();
    let outcome = parts.write(Tenure { stop: &stop, hold: None }).await;
    // Nobody is left waiting for a writer that has gone.
    inbox.close();
    while !inbox.is_empty() {
        refuse(inbox.take(FRAME_EVENTS_MAX).await, Unanswered::Unavailable);
    }
    outcome
}

// What waits takes `&mut self`, so that rows need not be shared between threads.
impl<R: Rows> Parts<R> {
    /// Write the partition until it is time to stop, then decide what waits. Whoever is not answered by
    /// the end has to ask again: nothing was decided for him, or nobody knows.
    pub(crate) async fn write(&mut self, tenure: Tenure<'_>) -> anyhow::Result<()> {
        let mut waiting = VecDeque::new();
        loop {
            let mut office = match self.enter(&mut waiting, tenure).await {
                Ok(Some(office)) => office,
                Ok(None) => return Ok(()),
                Err(error) if error.is::<Unreadable>() => {
                    self.refuse_for_good(&error, waiting, tenure).await;
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            match self.serve(&mut office, &mut waiting, tenure).await? {
                None => return Ok(()),
                Some(Lost::Unknown) => {
                    tracing::warn!(
                        partition = self.partition.0,
                        "a frame's fate is unknown; taking over again"
                    );
                }
                Some(Lost::WentBack(went_back)) => {
                    tracing::warn!(partition = self.partition.0, %went_back, "reading the log again from there");
                }
            }
        }
    }

    /// Refuse everything until `stop`: only an operator can mend what is wrong here.
    pub(crate) async fn refuse_for_good(
        &mut self,
        error: &anyhow::Error,
        waiting: impl IntoIterator<Item = Job>,
        Tenure { stop, hold }: Tenure<'_>,
    ) {
        let poisoned = metrics::gauge!("writer_poisoned", "partition" => self.partition.0.to_string());
        poisoned.set(1);
        tracing::error!(
            partition = self.partition.0,
            error = %format!("{error:#}"),
            "the partition cannot be written and takes no writes until somebody has mended it and started anew"
        );
        if let Some(hold) = hold {
            hold.say(Standing { stopped: Some(stopped(error)), ..Standing::default() });
        }
        refuse(waiting, busy());
        while !stop.is_stopping() {
            self.refuse_for_a_while(busy(), stop).await;
        }
        poisoned.set(0);
    }

    /// Take the partition over as soon as that is possible; `None` if it is time to stop.
    async fn enter(
        &mut self,
        waiting: &mut VecDeque<Job>,
        tenure: Tenure<'_>,
    ) -> anyhow::Result<Option<Office>> {
        let mut overtaken = 0;
        loop {
            let error = match self.try_to_enter(waiting, tenure).await {
                Ok(entered) => return Ok(entered),
                Err(error) => error,
            };
            if is_overtaken(&error) && overtaken < OVERTAKEN_MAX {
                overtaken += 1;
                continue;
            }
            let Some(why) = passing(&error) else { return Err(error) };
            tracing::warn!(
                partition = self.partition.0,
                error = %format!("{error:#}"),
                "the partition cannot be taken over for now; trying again"
            );
            refuse(waiting.drain(..), why);
            self.refuse_for_a_while(why, tenure.stop).await;
            if tenure.stop.is_stopping() {
                return Ok(None);
            }
        }
    }

    async fn try_to_enter(
        &mut self,
        waiting: &mut VecDeque<Job>,
        tenure: Tenure<'_>,
    ) -> anyhow::Result<Option<Office>> {
        if !self.rows_near_the_tail(waiting, tenure.stop).await? {
            return Ok(None);
        }
        let (now, ids, started) = (self.clock.now(), &self.ids, Instant::now());
        let office = take_over(&self.log, self.partition, &mut self.rows, &self.settings, (ids, now)).await?;
        let seconds = started.elapsed().as_secs_f64();
        metrics::histogram!("writer_takeover_seconds").record(seconds);
        tracing::info!(
            partition = self.partition.0,
            term = office.writer.term(),
            tail = office.writer.tail().next.0,
            overlay = office.overlay.len(),
            remembered = office.recent.len(),
            seconds,
            "took the partition over"
        );
        tenure.say(&office);
        Ok(Some(office))
    }

    /// Wait until the rows are folded and lag by no more than allowed; refuse what is asked
    /// meanwhile, but for a moment at first: a partition that changes hands refuses nobody.
    /// False if it is time to stop.
    async fn rows_near_the_tail(&mut self, waiting: &mut VecDeque<Job>, stop: &Stop) -> anyhow::Result<bool> {
        let mut patience = PATIENCE;
        loop {
            let tail = self.log.tail(self.partition).await?;
            let near = tail.next.0.saturating_sub(self.settings.lag_max);
            let refusing = patience < PATIENCE;
            tokio::select! {
                biased;
                are_near = rows_reach(&self.progress, self.partition, near, patience) => {
                    if are_near {
                        return Ok(true);
                    }
                    refuse(waiting.drain(..), busy());
                    patience = LOOK_EVERY;
                }
                // Before the queue: a closed one is always ready, with nothing in it.
                () = stop.stopped() => return Ok(false),
                jobs = self.inbox.take(FRAME_EVENTS_MAX), if refusing => refuse(jobs, busy()),
            }
        }
    }

    /// Refuse what is asked until it is worth trying again, or time to stop.
    async fn refuse_for_a_while(&mut self, why: Unanswered, stop: &Stop) {
        let over = tokio::time::sleep(TAKE_OVER_AGAIN);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return,
                jobs = self.inbox.take(FRAME_EVENTS_MAX) => refuse(jobs, why),
                () = stop.stopped() => return,
            }
        }
    }

    /// Serve until the office is lost (why) or it is time to stop (`None`).
    async fn serve(
        &mut self,
        office: &mut Office,
        waiting: &mut VecDeque<Job>,
        tenure: Tenure<'_>,
    ) -> anyhow::Result<Option<Lost>> {
        loop {
            self.measure(waiting);
            if waiting.is_empty() {
                let jobs = tokio::select! {
                    jobs = self.inbox.take(FRAME_EVENTS_MAX) => jobs,
                    () = tenure.stop.stopped() => {
                        self.inbox.close();
                        self.inbox.take(FRAME_EVENTS_MAX).await
                    }
                };
                if jobs.is_empty() {
                    return Ok(None);
                }
                waiting.extend(jobs);
            }
            let lost = self.round(office, waiting).await?;
            tenure.say(office);
            if lost.is_some() {
                return Ok(lost);
            }
        }
    }

    /// Decide what waits and append it as one frame.
    async fn round(
        &mut self,
        office: &mut Office,
        waiting: &mut VecDeque<Job>,
    ) -> anyhow::Result<Option<Lost>> {
        self.measure(waiting);
        metrics::counter!("writer_rounds_total").increment(1);
        if self.too_far_behind(office) {
            refuse(waiting.drain(..), busy());
            return Ok(None);
        }
        if let Err(lost) = self.load(office, waiting).await {
            return Ok(lost);
        }
        let at = Time(self.clock.now().0.max(office.writer.tail().time_ms));
        let mut frame = Frame::new(office, &self.settings, &self.ids, at);
        let mut later = VecDeque::new();
        while let Some(job) = waiting.pop_front() {
            let mark = job.request.is_mark();
            if let Some(job) = frame.add(job) {
                later.push_back(job);
                if !mark {
                    break;
                }
            }
        }
        later.append(waiting);
        *waiting = later;
        let finished = frame.finish();
        self.append(office, at, finished).await
    }

    /// Before a round and after it, so that an idle writer's queue is seen to be empty.
    fn measure(&self, waiting: &VecDeque<Job>) {
        metrics::gauge!("writer_queue_depth", "partition" => self.partition.0.to_string())
            .set((self.inbox.len() + waiting.len()) as f64);
    }

    fn too_far_behind(&self, office: &mut Office) -> bool {
        let reached = self.progress.reached(self.partition.0);
        office.unfolded.reach(reached.next);
        let lag = office.writer.tail().next.0.saturating_sub(reached.next);
        !reached.folding || lag > self.settings.lag_max || office.unfolded.bytes() > LAG_BYTES_MAX
    }

    /// Load the facts that the waiting commands name. If that fails they are refused, and
    /// the office may be lost.
    async fn load(&mut self, office: &mut Office, waiting: &mut VecDeque<Job>) -> Result<(), Option<Lost>> {
        // Before loading, not after appending: refusals alone must not fill the memory either.
        office.overlay.evict();
        let missing = office.overlay.missing(waiting.iter().flat_map(|job| job.request.keys()));
        if missing.is_empty() {
            office.overlay.has_reached(self.progress.reached(self.partition.0).next);
            return Ok(());
        }
        match self.rows.load(&missing).await {
            Ok(loaded) => office
                .overlay
                .load(missing, loaded.facts, loaded.checkpoint)
                .map_err(|went_back| Some(Lost::WentBack(went_back))),
            Err(error) => {
                tracing::warn!(partition = self.partition.0, %error, "the read model's rows cannot be read");
                refuse(waiting.drain(..), Unanswered::Unavailable);
                Err(None)
            }
        }
    }

    /// Append the frame, then answer everybody in it.
    async fn append(
        &mut self,
        office: &mut Office,
        at: Time,
        finished: Finished,
    ) -> anyhow::Result<Option<Lost>> {
        // They end when everybody in the frame has been answered.
        let _traced = finished.spans(self.partition.0);
        let Finished { events, changed, receipts, decided } = finished;
        if !events.is_empty() {
            let (count, bytes) = (events.len(), events.iter().map(Bytes::len).sum::<usize>());
            let started = Instant::now();
            match office.writer.append(at.0, events).await {
                Ok(appended) => {
                    metrics::histogram!("writer_append_seconds").record(started.elapsed().as_secs_f64());
                    metrics::histogram!("writer_frame_events").record(count as f64);
                    metrics::counter!("writer_events_total").increment(count as u64);
                    office.unfolded.append(appended.next.0, bytes as u64);
                    office.overlay.change(changed, appended.next.0);
                    for (command, receipt) in receipts {
                        office.recent.insert(command, receipt);
                    }
                }
                Err(error) => return self.not_appended(error, decided),
            }
        }
        let position = Position {
            epoch: self.log.epoch().0,
            partition: self.partition.0,
            next: office.writer.tail().next.0,
        };
        for Decided { job, outcome } in decided {
            let answer = outcome.map(|(decision, records)| bus::Decided::new(decision, records, position));
            job.answer(Ok(answer));
        }
        Ok(None)
    }

    /// Nothing was decided, as nothing is durable. Who waits is told, or asked to ask again.
    fn not_appended(&self, error: AppendError, decided: Vec<Decided>) -> anyhow::Result<Option<Lost>> {
        let jobs = decided.into_iter().map(|decided| decided.job);
        match error {
            AppendError::Full => {
                tracing::warn!(
                    partition = self.partition.0,
                    "no space left for the log; free some, and writing goes on"
                );
                refuse(jobs, Unanswered::Full);
                Ok(None)
            }
            AppendError::Unavailable(why) => {
                tracing::warn!(partition = self.partition.0, why, "the log cannot be written at the moment");
                refuse(jobs, Unanswered::Unavailable);
                Ok(None)
            }
            AppendError::Unknown => Ok(Some(Lost::Unknown)),
            error @ (AppendError::Fenced | AppendError::Rejected(_)) => Err(error.into()),
        }
    }
}

/// Whether the rows of a partition reach the offset `near` within `patience`, and are folded on.
async fn rows_reach(progress: &Progress, partition: Partition, near: u64, patience: Duration) -> bool {
    let until = tokio::time::Instant::now() + patience;
    loop {
        let reached = progress.reached(partition.0);
        if reached.folding && reached.next >= near {
            return true;
        }
        if tokio::time::Instant::now() >= until {
            return false;
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
}
