//! Telling an operator how far a scan is: a bar on a terminal, a line now and then
//! elsewhere. On standard error, so that standard output stays what was asked for.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// A scan under way.
pub(crate) struct Scan {
    what: String,
    bar: Option<ProgressBar>,
    started: Instant,
    said: Instant,
    done: u64,
    total: u64,
}

impl Scan {
    /// A scan of `total` events, called `what`.
    pub(crate) fn new(what: impl Into<String>, total: u64) -> Self {
        let what = what.into();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let template = "{msg} {wide_bar} {pos}/{len} events, {per_sec}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(what.clone());
            bar
        });
        let now = Instant::now();
        Self { what, bar, started: now, said: now, done: 0, total }
    }

    /// The scan is at event `done`, of `total` as known by now.
    pub(crate) fn at(&mut self, done: u64, total: u64) {
        (self.done, self.total) = (done, total);
        match &self.bar {
            Some(bar) => {
                bar.set_length(total);
                bar.set_position(done);
            }
            None if self.said.elapsed() >= LINE_EVERY => {
                self.said = Instant::now();
                self.say();
            }
            None => {}
        }
    }

    /// Events a second so far.
    pub(crate) fn rate(&self) -> f64 {
        self.done as f64 / self.started.elapsed().as_secs_f64().max(0.001)
    }

    fn say(&self) {
        let rate = self.rate();
        let left = self.total.saturating_sub(self.done) as f64 / rate.max(1.0);
        // Whoever closed standard error does not want to hear it.
        let _ = writeln!(
            std::io::stderr(),
            "{}: {} of {} events, {rate:.0} a second, {left:.0} s left",
            self.what,
            self.done,
            self.total
        );
    }

    /// The scan is over.
    pub(crate) fn finish(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
