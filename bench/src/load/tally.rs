//! Counts what the connections of one load see.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;

use super::plan::{Latency, Report};

/// Latencies above this count as this.
const LATENCY_MAX: Duration = Duration::from_secs(100);
const SIGNIFICANT_DIGITS: u8 = 3;

/// The counted time: what is answered in it counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Its start.
    pub(super) from: Instant,
    /// Its end; nothing is asked after it.
    pub(super) to: Instant,
}

/// What all connections of a load have seen so far.
#[derive(Debug)]
pub(super) struct Tally {
    window: Window,
    nanoseconds: Histogram<u64>,
    answer_bytes: u64,
    last: Instant,
    refused: u64,
    checks: u64,
    check_bytes: u64,
    unseen: u64,
    failures: u64,
    first_failure: Option<String>,
}

impl Tally {
    pub(super) fn new(window: Window) -> anyhow::Result<Self> {
        let max = u64::try_from(LATENCY_MAX.as_nanos())?;
        let mut nanoseconds =
            Histogram::new_with_bounds(1_000, max, SIGNIFICANT_DIGITS).context("cannot make a histogram")?;
        nanoseconds.auto(false);
        Ok(Self {
            window,
            nanoseconds,
            answer_bytes: 0,
            last: window.from,
            refused: 0,
            checks: 0,
            check_bytes: 0,
            unseen: 0,
            failures: 0,
            first_failure: None,
        })
    }

    /// A good answer of `bytes` to what was asked at `asked`. Gives the time of the answer.
    pub(super) fn answered(&mut self, asked: Instant, bytes: usize) -> Instant {
        let now = Instant::now();
        if now >= self.window.from && now <= self.window.to {
            let taken = u64::try_from((now - asked).as_nanos()).unwrap_or(u64::MAX);
            self.nanoseconds.saturating_record(taken);
            self.answer_bytes += bytes as u64;
            self.last = now;
        }
        now
    }

    /// A refusal of `bytes` where one is as good as any answer.
    pub(super) fn refused(&mut self, asked: Instant, bytes: usize) -> Instant {
        let before = self.nanoseconds.len();
        let now = self.answered(asked, bytes);
        self.refused += self.nanoseconds.len() - before;
        now
    }

    /// A list of `bytes` that did or did not show what it must.
    pub(super) fn checked(&mut self, bytes: usize, shown: bool) {
        self.checks += 1;
        self.check_bytes += bytes as u64;
        self.unseen += u64::from(!shown);
    }

    /// Something that must not happen.
    pub(super) fn failed(&mut self, what: impl FnOnce() -> String) {
        self.failures += 1;
        self.first_failure.get_or_insert_with(what);
    }

    /// The whole, over the counted time or, `until_last`, over the time up to the last answer in it.
    pub(super) fn report(&self, until_last: bool) -> Report {
        let requests = self.nanoseconds.len();
        let end = if until_last { self.last } else { self.window.to };
        let at = |quantile| self.nanoseconds.value_at_quantile(quantile) as f64 / 1e3;
        Report {
            requests,
            refused: self.refused,
            seconds: (end - self.window.from).as_secs_f64(),
            latency: Latency {
                p50: at(0.5),
                p99: at(0.99),
                p999: at(0.999),
                max: self.nanoseconds.max() as f64 / 1e3,
            },
            answer_bytes: self.answer_bytes.checked_div(requests).unwrap_or(0),
            checks: self.checks,
            check_bytes: self.check_bytes.checked_div(self.checks).unwrap_or(0),
            unseen: self.unseen,
            failures: self.failures,
            first_failure: self.first_failure.clone(),
        }
    }
}
