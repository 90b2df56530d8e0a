//! Clocks that should show the same time. Messages carry the time of the machine that took them.

use std::time::Duration;

use domain::Time;

use super::finding::Findings;

/// How far clocks may be apart: what NTP does not keep within that is not running.
const APART_MAX: Duration = Duration::from_secs(1);

/// Compare the clock here, which showed `now` at the end of asking for `took`, with that of `whom`.
pub(super) fn against(whom: &str, there: Time, (now, took): (Time, Duration), findings: &mut Findings) {
    let asked = millis(took);
    // It was read somewhen while it was asked.
    let (earliest, latest) = (now.0.saturating_sub(asked), now.0);
    let (apart, which) = match there.0 {
        there if there < earliest => (earliest - there, "behind"),
        there if there > latest => (there - latest, "ahead of"),
        _ => (0, "with"),
    };
    if apart <= millis(APART_MAX) {
        return findings.ok(format!("the clock of {whom} and the one here run together"));
    }
    findings.warn(
        format!("the clock of {whom} is {} {which} the one here", told(apart)),
        "set both with NTP (chrony, systemd-timesyncd): messages carry these times, and sessions end by them",
    );
}

/// Whether the log's last frame is from the past.
pub(super) fn against_log(last: Time, now: Time, findings: &mut Findings) {
    let ahead = last.0.saturating_sub(now.0);
    if ahead <= millis(APART_MAX) {
        return findings.ok("the log's last frame is from the past, as the clock here shows it");
    }
    findings.warn(
        format!(
            "the log's last frame is from {} in the future: the clock was ahead, or is behind now; until then new \
             messages get the time of that frame",
            told(ahead)
        ),
        "set the clock with NTP (chrony, systemd-timesyncd)",
    );
}

fn told(milliseconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(milliseconds / 1_000)).to_string()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_of(tell: impl FnOnce(&mut Findings)) -> String {
        let mut findings = Findings::of("clock");
        tell(&mut findings);
        findings.into_vec().remove(0).what
    }

    #[test]
    fn clocks_are_apart_by_what_asking_cannot_explain() {
        let compare = |there: u64, took: u64| {
            told_of(|findings| {
                against("NATS", Time(there), (Time(100_000), Duration::from_millis(took)), findings);
            })
        };
        for (there, took) in [(100_000, 0), (99_000, 0), (101_000, 0), (97_500, 2_000), (100_999, 5)] {
            assert_eq!(
                compare(there, took),
                "the clock of NATS and the one here run together",
                "{there} {took}"
            );
        }
        assert_eq!(compare(98_000, 0), "the clock of NATS is 2s behind the one here");
        assert_eq!(compare(3_700_000, 500), "the clock of NATS is 1h ahead of the one here");
    }

    #[test]
    fn a_log_from_the_future_is_noticed() {
        let compare = |last: u64| told_of(|findings| against_log(Time(last), Time(100_000), findings));
        assert!(compare(100_900).contains("from the past"));
        assert!(compare(160_000).contains("from 1m in the future"));
    }
}
