//! What the operating system says when a process should end.

use std::fmt;
use std::io;

use tokio::signal::unix::{self, SignalKind};

/// A request to end, from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: from a supervisor.
    Terminate,
    /// SIGINT: from somebody at the keyboard.
    Interrupt,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        })
    }
}

/// The requests to end, one after another.
#[derive(Debug)]
pub struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
}

/// Take SIGTERM and SIGINT from now on; they no longer end the process by themselves,
/// not even when the answer is dropped.
///
/// # Errors
///
/// The system refuses the handlers.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn signals() -> io::Result<Signals> {
    Ok(Signals {
        terminate: unix::signal(SignalKind::terminate())?,
        interrupt: unix::signal(SignalKind::interrupt())?,
    })
}

impl Signals {
    /// The next request. May be dropped and asked again.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Interrupt,
        }
    }
}

/// The requests to look at the world again, SIGHUP, one after another.
#[derive(Debug)]
pub struct HangUps(unix::Signal);

/// Take SIGHUP from now on; it no longer ends the process, not even when the answer is dropped.
///
/// # Errors
///
/// The system refuses the handler.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn hang_ups() -> io::Result<HangUps> {
    Ok(HangUps(unix::signal(SignalKind::hangup())?))
}

impl HangUps {
    /// The next request. May be dropped and asked again.
    pub async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send_myself(signal: &str) {
        let command = format!("kill -s {signal} $PPID");
        assert!(std::process::Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    #[tokio::test]
    async fn both_signals_are_heard_and_end_nothing() {
        let mut signals = signals().unwrap();
        send_myself("TERM");
        assert_eq!(signals.next().await, Signal::Terminate);
        send_myself("INT");
        assert_eq!(signals.next().await, Signal::Interrupt);
    }

    #[tokio::test]
    async fn a_hang_up_is_heard_and_ends_nothing() {
        let mut hang_ups = hang_ups().unwrap();
        send_myself("HUP");
        hang_ups.next().await;
    }
}
