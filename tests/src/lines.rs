//! What a process writes, line by line: kept, and awaited without asking again and again.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::sync::watch;

/// The lines of one stream so far. Cheap to clone; all clones see the same.
#[derive(Clone, Debug)]
pub struct Lines(watch::Receiver<Written>);

#[derive(Clone, Debug, Default)]
struct Written {
    lines: Arc<Vec<String>>,
    ended: bool,
}

impl Lines {
    /// The lines of `stream`, and what has to be driven for them to arrive.
    pub(crate) fn of(stream: impl AsyncRead + Unpin) -> (Self, impl Future<Output = ()>) {
        let (writing, reading) = watch::channel(Written::default());
        let read = async move {
            let mut stream = BufReader::new(stream);
            let mut line = vec![];
            while matches!(stream.read_until(b'\n', &mut line).await, Ok(bytes) if bytes > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                writing.send_modify(|written| Arc::make_mut(&mut written.lines).push(text));
            }
            writing.send_modify(|written| written.ended = true);
        };
        (Self(reading), read)
    }

    /// All of them so far, as one text.
    pub fn text(&self) -> String {
        self.0.borrow().lines.join("\n")
    }

    /// The first line, written already or still to come, that `wanted` makes something of;
    /// nothing if the stream ends without one.
    pub async fn find<T>(&self, wanted: impl Fn(&str) -> Option<T>) -> Option<T> {
        let mut reading = self.0.clone();
        let mut seen = 0;
        loop {
            let written = reading.borrow_and_update().clone();
            let found = written.lines[seen..].iter().find_map(|line| wanted(line));
            seen = written.lines.len();
            if found.is_some() || written.ended || reading.changed().await.is_err() {
                return found;
            }
        }
    }
}
