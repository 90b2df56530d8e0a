//! For how long nothing was accepted, fault by fault.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::check::Violation;
use crate::history::{Asked, Operation, Outcome};

/// A stretch of a run, such as the time of a fault until the next one.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// What happened in it.
    pub name: String,
    /// When it began and ended, in microseconds since the run began.
    pub start: u64,
    /// Its end.
    pub end: u64,
}

/// What a run has come to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What happened when.
    pub stretches: Vec<Stretch>,
    /// What clients asked and saw.
    pub operations: Vec<Operation>,
    /// What must not be.
    pub violations: Vec<Violation>,
}

/// At most so many violations are shown.
const SHOWN_MAX: usize = 20;

impl Report {
    /// The whole as text.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{:<42}{:>8}{:>9}{:>9}{:>14}{:>14}\n",
            "fault", "writes", "reads", "unknown", "no write", "no write, the"
        );
        let _ = writeln!(
            text,
            "{:<42}{:>8}{:>9}{:>9}{:>14}{:>14}",
            "", "", "", "", "anywhere (s)", "worst dialog"
        );
        for stretch in &self.stretches {
            let within = |operation: &&Operation| (stretch.start..stretch.end).contains(&operation.end);
            let count = |wanted: &dyn Fn(&Operation) -> bool| {
                self.operations.iter().filter(within).filter(|operation| wanted(operation)).count()
            };
            let writes = count(&|operation| operation.writes() && operation.is_done());
            let reads = count(&|operation| !operation.writes() && operation.is_done());
            let unknown = count(&|operation| matches!(operation.outcome, Outcome::Unknown(_)));
            let (anywhere, worst) = (self.gap(stretch), self.worst_gap(stretch));
            let name = &stretch.name;
            let _ =
                writeln!(text, "{name:<42}{writes:>8}{reads:>9}{unknown:>9}{anywhere:>14.2}{worst:>14.2}");
        }
        let _ = write!(text, "{} operations, {} violations", self.operations.len(), self.violations.len());
        for violation in self.violations.iter().take(SHOWN_MAX) {
            let _ = write!(text, "\n  {violation}");
        }
        text
    }

    /// The longest time without an accepted write, in seconds.
    fn gap(&self, stretch: &Stretch) -> f64 {
        let writes = self.operations.iter().filter(|operation| operation.writes() && operation.is_done());
        longest(writes.map(|operation| operation.end), stretch)
    }

    /// The same for the dialog where it was longest.
    fn worst_gap(&self, stretch: &Stretch) -> f64 {
        let mut dialogs: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for operation in &self.operations {
            if matches!(operation.asked, Asked::Post { .. }) && operation.is_done() {
                dialogs.entry(operation.dialog()).or_default().push(operation.end);
            }
        }
        dialogs.into_values().map(|ends| longest(ends.into_iter(), stretch)).fold(0.0, f64::max)
    }
}

/// The longest time between two of them, in seconds, that touches the stretch; its ends count as well.
fn longest(times: impl Iterator<Item = u64>, stretch: &Stretch) -> f64 {
    let mut times = times.filter(|time| (stretch.start..stretch.end).contains(time)).collect::<Vec<_>>();
    times.extend([stretch.start, stretch.end]);
    times.sort_unstable();
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
    longest as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::{Stretch, longest};

    #[test]
    fn the_longest_time_without_a_write_includes_the_ends() {
        let stretch = Stretch { name: String::new(), start: 1_000_000, end: 9_000_000 };
        assert!((longest([0, 2_000_000, 5_000_000, 20_000_000].into_iter(), &stretch) - 4.0).abs() < 1e-9);
        assert!((longest([].into_iter(), &stretch) - 8.0).abs() < 1e-9);
    }
}
