//! What a load is asked to do and what it found: both travel as JSON between two processes.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The characters of a posted text: about what a sentence has.
pub(crate) const TEXT_CHARACTERS: usize = 100;
/// The messages on the page that must show a post.
pub(crate) const CHECK_PAGE: usize = 100;

/// One load: so many connections, each with one request under way at any time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The server.
    pub(crate) address: SocketAddr,
    /// Connections, at least 1.
    pub(crate) connections: usize,
    /// Milliseconds that are not counted.
    pub(crate) warm_up_ms: u64,
    /// Milliseconds that are counted; for [`Work::Each`] the longest that it may take.
    pub(crate) measure_ms: u64,
    /// What the connections ask.
    pub(crate) work: Work,
}

impl Plan {
    /// The same plan, from its first request counted, for another time.
    pub(crate) fn with_time(self, measure_ms: u64) -> Self {
        Self { warm_up_ms: 0, measure_ms, ..self }
    }
}

/// What the connections ask.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Post texts until the time is over.
    Post {
        /// Who posts where: connection c of n takes seats c, c + n, c + 2n, …, and again.
        seats: Vec<Seat>,
        /// One post in so many is followed by the witness's list; 0: none is.
        check_every: u64,
        /// Whether that list must show the post.
        verify: bool,
    },
    /// Ask these in turn until the time is over, each connection from a place of its own.
    Again {
        /// What is asked.
        calls: Vec<Call>,
    },
    /// Ask these in turn at a fixed rate, as long as the connections suffice, whatever is answered.
    Paced {
        /// What is asked.
        calls: Vec<Call>,
        /// How many a second.
        per_second: f64,
    },
    /// Ask each of these once, all connections together.
    Each {
        /// What is asked, begun in this order.
        calls: Vec<Call>,
    },
}

/// Who posts where, and who looks whether it is there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Seat {
    /// The dialog's id.
    pub(crate) dialog: String,
    /// The author's session.
    pub(crate) token: String,
    /// The session of another occupant.
    pub(crate) witness: String,
}

/// One request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Call {
    /// Such as `GET`.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// The caller's session.
    pub(crate) token: String,
    /// JSON, or nothing.
    pub(crate) body: String,
}

impl Call {
    /// A POST of `body`, JSON, to `path` without a session.
    pub(crate) fn post(path: &str, body: String) -> Self {
        Self { method: "POST".to_owned(), path: path.to_owned(), token: String::new(), body }
    }

    /// A GET of `path` by the owner of `token`.
    pub(crate) fn get(path: String, token: &str) -> Self {
        Self { method: "GET".to_owned(), path, token: token.to_owned(), body: String::new() }
    }
}

/// What came of a load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Answered requests in the counted time, without the checks.
    pub(crate) requests: u64,
    /// The counted time.
    pub(crate) seconds: f64,
    /// How many of them were refused: 4xx or 503, in paced work only.
    pub(crate) refused: u64,
    /// Their latencies.
    pub(crate) latency: Latency,
    /// Bytes of an answer's body, on average.
    pub(crate) answer_bytes: u64,
    /// Lists asked to see whether a post is shown.
    pub(crate) checks: u64,
    /// Bytes of such a list, on average.
    pub(crate) check_bytes: u64,
    /// Posts that such a list did not show.
    pub(crate) unseen: u64,
    /// Answers other than 2xx and broken connections, at any time of the load.
    pub(crate) failures: u64,
    /// The first of them in words.
    pub(crate) first_failure: Option<String>,
}

impl Report {
    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        if self.seconds > 0.0 { self.requests as f64 / self.seconds } else { 0.0 }
    }
}

/// Latencies in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// Half are at most this.
    pub(crate) p50: f64,
    /// 99 of 100 are at most this.
    pub(crate) p99: f64,
    /// 999 of 1,000 are at most this.
    pub(crate) p999: f64,
    /// The longest.
    pub(crate) max: f64,
}
