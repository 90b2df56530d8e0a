//! What a process says about itself when it is asked whether it is well.
//!
//! That it answers shows that it lives; whether it can serve is the sum of what its
//! parts report here. Nothing is probed on asking, so asking costs nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Collects the parts of a process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<Vec<Check>>>);

/// What a process says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether every part is ready; true if there are no parts.
    pub ready: bool,
    /// Each part, in the order of registration.
    pub checks: Vec<Check>,
}

/// One part of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name, as registered.
    pub name: String,
    /// Whether it can do its work.
    pub ready: bool,
    /// Why it cannot, as a phrase for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Health {
    /// No parts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Add a part. It is not ready until its gauge says so, and no longer when the gauge
    /// has been dropped.
    #[must_use = "a dropped gauge is not ready"]
    pub fn register(&self, name: impl Into<String>) -> Gauge {
        let mut checks = self.checks();
        checks.push(Check { name: name.into(), ready: false, why: Some("starting".to_owned()) });
        Gauge { health: self.clone(), place: checks.len() - 1 }
    }

    /// How everything is right now.
    pub fn report(&self) -> Report {
        let checks = self.checks().clone();
        Report { ready: checks.iter().all(|check| check.ready), checks }
    }

    fn checks(&self) -> MutexGuard<'_, Vec<Check>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Through it one part tells how it is.
#[derive(Debug)]
pub struct Gauge {
    health: Health,
    place: usize,
}

impl Gauge {
    /// The part can do its work.
    pub fn ready(&self) {
        self.set(true, None);
    }

    /// The part cannot do its work: `why`, as a phrase for the operator.
    pub fn not_ready(&self, why: impl Into<String>) {
        self.set(false, Some(why.into()));
    }

    fn set(&self, ready: bool, why: Option<String>) {
        // Parts are only ever added, so a place stays valid.
        if let Some(check) = self.health.checks().get_mut(self.place) {
            check.ready = ready;
            check.why = why;
        }
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.not_ready("ended");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_process_is_ready_when_all_its_parts_are() {
        let health = Health::new();
        let [writer, projector] = ["writer 0", "projector"].map(|name| health.register(name));
        assert!(!health.report().ready);
        writer.ready();
        assert!(!health.report().ready);
        projector.ready();
        assert!(health.report().ready);
    }

    #[test]
    fn the_report_names_who_is_not_ready_and_why() {
        let health = Health::new();
        let [writer, projector] = ["writer 0", "projector"].map(|name| health.register(name));
        writer.ready();
        projector.ready();
        projector.not_ready("50,001 events behind");
        assert_eq!(
            serde_json::to_value(health.report()).unwrap(),
            json!({"ready": false, "checks": [
                {"name": "writer 0", "ready": true},
                {"name": "projector", "ready": false, "why": "50,001 events behind"},
            ]})
        );
    }

    #[test]
    fn a_part_that_has_ended_is_not_ready() {
        let health = Health::new();
        let writer = health.register("writer 0");
        writer.ready();
        drop(writer);
        let report = health.report();
        assert_eq!((report.ready, report.checks[0].why.as_deref()), (false, Some("ended")));
    }

    #[test]
    fn a_process_without_parts_is_ready() {
        assert!(Health::new().report().ready);
    }
}
