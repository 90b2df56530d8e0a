//! Loads that are compared: in turn, several times, the null handler first.

use anyhow::Context as _;

use super::Bench;
use crate::load::{Latency, Plan, Report, Work};
use crate::server::{self, Server};
use crate::table::median;

/// What came of loads driven in turn.
#[derive(Debug)]
pub(super) struct Compared {
    ceiling: Vec<Report>,
    loads: Vec<Vec<Report>>,
}

impl Bench {
    /// Drive `plans` in turn, in as many rounds as the scale says; each round begins with the first plan
    /// against a null handler whose answers have the sizes that the server's have.
    ///
    /// # Errors
    ///
    /// A process cannot be started.
    pub(super) fn compare(&mut self, what: &str, plans: &[Plan]) -> anyhow::Result<Compared> {
        let first = plans.first().context("nothing to compare")?;
        let sample = self.load(what, &Plan { measure_ms: self.scale.measure_ms / 2, ..first.clone() })?;
        let null = null_of(self, &sample, first)?;
        let ceiling_plan = Plan { address: null.address(), work: unverified(&first.work), ..first.clone() };
        let mut compared = Compared { ceiling: vec![], loads: vec![vec![]; plans.len()] };
        for _ in 0..self.scale.rounds {
            let report = server::load(&ceiling_plan)?;
            self.notice("null handler", &report);
            compared.ceiling.push(report);
            for (reports, plan) in compared.loads.iter_mut().zip(plans) {
                reports.push(self.load(what, plan)?);
            }
        }
        Ok(compared)
    }
}

fn null_of(bench: &Bench, sample: &Report, plan: &Plan) -> anyhow::Result<Server> {
    let (post, get) = match plan.work {
        Work::Post { .. } => (sample.answer_bytes, sample.check_bytes),
        Work::Again { .. } | Work::Paced { .. } | Work::Each { .. } => (0, sample.answer_bytes),
    };
    Server::null(&bench.folder, post, get)
}

/// The same work where nothing can be shown.
fn unverified(work: &Work) -> Work {
    match work {
        Work::Post { seats, check_every, .. } => {
            Work::Post { seats: seats.clone(), check_every: *check_every, verify: false }
        }
        Work::Again { .. } | Work::Paced { .. } | Work::Each { .. } => work.clone(),
    }
}

impl Compared {
    /// The median rate of the ceiling.
    pub(super) fn ceiling_rate(&self) -> f64 {
        median(self.ceiling.iter().map(Report::rate))
    }

    /// The median rate of the load at `place`.
    pub(super) fn rate(&self, place: usize) -> f64 {
        median(self.loads[place].iter().map(Report::rate))
    }

    /// The medians of its latencies, and of their quantiles.
    pub(super) fn latency(&self, place: usize) -> Latency {
        let of =
            |quantile: fn(&Latency) -> f64| median(self.loads[place].iter().map(|r| quantile(&r.latency)));
        Latency { p50: of(|l| l.p50), p99: of(|l| l.p99), p999: of(|l| l.p999), max: of(|l| l.max) }
    }

    /// Its rate as a part of the ceiling's: the median over the rounds.
    pub(super) fn of_ceiling(&self, place: usize) -> f64 {
        median(self.loads[place].iter().zip(&self.ceiling).map(|(load, ceiling)| quotient(load, ceiling)))
    }

    /// Its rate as a part of that of the load at `other`: the median over the rounds.
    pub(super) fn of_other(&self, place: usize, other: usize) -> f64 {
        let pairs = self.loads[place].iter().zip(&self.loads[other]);
        median(pairs.map(|(load, other)| quotient(load, other)))
    }
}

fn quotient(load: &Report, other: &Report) -> f64 {
    if other.rate() > 0.0 { load.rate() / other.rate() } else { 0.0 }
}
