//! Appending: one publish, fenced by the stream's last sequence, and what its outcome means.
//!
//! The server is asked once. Only answers that say that nothing was stored lead to another try; after any other doubt
//! the stored frame is looked at before somebody else is blamed for it.

use std::time::Duration;

use async_nats::{
    HeaderMap, RequestErrorKind,
    header::NATS_EXPECTED_LAST_SEQUENCE,
    jetstream::{Error as Refusal, ErrorCode, publish::PublishAck, response::Response},
};
use tokio::time::Instant;

use super::{
    JetStreamLog, State,
    label::{HEADER, Label},
    nats::{Pauses, is_passing},
    tail::{End, label_of},
};
use crate::{
    error::{AppendError, ReadError},
    frame::Frame,
    log::{belongs, continues},
};

/// How long JetStream may take to store a frame and say so.
const ACK_WAIT: Duration = Duration::from_secs(5);
/// How long a refusal by sequence is looked into: the frame that caused it may still be on its way to a majority.
const SETTLE_WAIT: Duration = Duration::from_secs(2);

/// What one publish led to.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Stored(u64),
    /// The stream's last sequence is another one.
    Overtaken,
    Full,
    /// Nothing was stored, and it may work in a moment.
    NotNow(String),
    /// Nothing was stored, and it will not work.
    Never(String),
    Unknown(String),
}

impl JetStreamLog {
    pub(super) async fn append_frame(&self, frame: &Frame) -> Result<(), AppendError> {
        belongs(frame, self.epoch, self.partitions.len() as u32)?;
        let partition = frame.partition();
        let state = self.partition(partition).map_err(unavailable)?;
        let mut end = state.end();
        if continues(frame.header(), &end.tail).is_err() {
            end = self.sure_end(partition).await.map_err(unavailable)?;
            continues(frame.header(), &end.tail)?;
        }
        let mut pauses = Pauses::until(self.nats.deadline());
        loop {
            match self.publish(frame, end.seq).await {
                Outcome::Stored(seq) => {
                    state.grew(End::new(Label::of(frame), seq));
                    return Ok(());
                }
                Outcome::Overtaken => return self.settle(state, frame, end.seq + 1).await,
                Outcome::Full => return Err(AppendError::Full),
                Outcome::Never(why) => return Err(AppendError::Unavailable(why)),
                Outcome::NotNow(why) => {
                    if !pauses.pause().await {
                        return Err(AppendError::Unavailable(why));
                    }
                }
                Outcome::Unknown(why) => {
                    tracing::warn!(partition = partition.0, why, "an append has an unknown outcome");
                    return Err(AppendError::Unknown);
                }
            }
        }
    }

    async fn publish(&self, frame: &Frame, last_seq: u64) -> Outcome {
        if !self.nats.is_connected() {
            // Published now, it would wait in the client, and land whenever the connection is back.
            return Outcome::NotNow("there is no connection to NATS".to_owned());
        }
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SEQUENCE, last_seq.to_string());
        headers.insert(HEADER, Label::of(frame).to_header());
        let subject = self.nats.names.subject(frame.partition());
        match self.nats.request(subject, (headers, frame.encoded().clone(), ACK_WAIT)).await {
            Ok(answer) => outcome(&answer.payload, last_seq),
            Err(error) => match error.kind() {
                RequestErrorKind::NoResponders => Outcome::NotNow("the stream has no leader".to_owned()),
                RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                    Outcome::Never(error.to_string())
                }
                RequestErrorKind::TimedOut | RequestErrorKind::Other => Outcome::Unknown(error.to_string()),
            },
        }
    }

    /// Something else than expected is the stream's last message: find out whether it is this very frame, which a
    /// publish that was given up, or sent twice on the way, may have left.
    async fn settle(&self, state: &State, frame: &Frame, seq: u64) -> Result<(), AppendError> {
        let mut pauses = Pauses::until(Instant::now() + SETTLE_WAIT);
        loop {
            if let Ok(Some(found)) = self.nats.ask_leader(frame.partition(), seq).await {
                return match label_of(&found) {
                    Some(label) if label.tail.hash == frame.hash() => {
                        state.grew(End::new(label, found.seq));
                        Ok(())
                    }
                    _ => Err(AppendError::Fenced),
                };
            }
            // Nothing there yet: another append is on its way, and may come to nothing.
            if !pauses.pause().await {
                return Err(AppendError::Unknown);
            }
        }
    }
}

/// What the leader's answer to a publish means.
fn outcome(answer: &[u8], last_seq: u64) -> Outcome {
    match serde_json::from_slice::<Response<PublishAck>>(answer) {
        Ok(Response::Ok(ack)) if ack.sequence == last_seq + 1 => Outcome::Stored(ack.sequence),
        Ok(Response::Ok(ack)) => {
            Outcome::Unknown(format!("sequence {} was acknowledged, not {}", ack.sequence, last_seq + 1))
        }
        Ok(Response::Err { error }) => refused(&error),
        Err(error) => Outcome::Unknown(error.to_string()),
    }
}

fn refused(error: &Refusal) -> Outcome {
    match error.error_code() {
        ErrorCode::STREAM_WRONG_LAST_SEQUENCE | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT => {
            Outcome::Overtaken
        }
        ErrorCode::ACCOUNT_RESOURCES_EXCEEDED
        | ErrorCode::INSUFFICIENT_RESOURCES
        | ErrorCode::STORAGE_RESOURCES_EXCEEDED
        | ErrorCode::MEMORY_RESOURCES_EXCEEDED
        | ErrorCode::STREAM_MAX_STREAM_BYTES_EXCEEDED => Outcome::Full,
        // Said before anything is stored. Other failures of the store, such as a disk that is full, are not certain.
        ErrorCode::STREAM_STORE_FAILED if error.to_string().contains("maximum bytes exceeded") => {
            Outcome::Full
        }
        ErrorCode::STREAM_STORE_FAILED => Outcome::Unknown(error.to_string()),
        _ if is_passing(error) => Outcome::NotNow(error.to_string()),
        _ => Outcome::Never(error.to_string()),
    }
}

fn unavailable(error: ReadError) -> AppendError {
    AppendError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Outcome, outcome};

    fn error(code: u64, description: &str) -> Vec<u8> {
        let text = format!(r#"{{"code":503,"err_code":{code},"description":"{description}"}}"#);
        format!(r#"{{"error":{text},"stream":"hansard-log-0","seq":0}}"#).into_bytes()
    }

    #[test]
    fn every_answer_has_one_meaning() {
        assert_eq!(outcome(br#"{"stream":"s","seq":8}"#, 7), Outcome::Stored(8));
        assert!(matches!(outcome(br#"{"stream":"s","seq":9}"#, 7), Outcome::Unknown(_)));
        assert!(matches!(outcome(b"garbage", 7), Outcome::Unknown(_)));
        assert_eq!(outcome(&error(10_071, "wrong last sequence: 5"), 7), Outcome::Overtaken);
        assert_eq!(outcome(&error(10_164, "wrong last sequence"), 7), Outcome::Overtaken);
        assert_eq!(outcome(&error(10_077, "maximum bytes exceeded"), 7), Outcome::Full);
        for code in [10_002, 10_023, 10_028, 10_047, 10_122] {
            assert_eq!(outcome(&error(code, "insufficient"), 7), Outcome::Full, "{code}");
        }
        assert!(matches!(outcome(&error(10_077, "no space left on device"), 7), Outcome::Unknown(_)));
        for code in [10_008, 10_009, 10_059, 10_118, 10_167] {
            assert!(matches!(outcome(&error(code, "not now"), 7), Outcome::NotNow(_)), "{code}");
        }
        assert!(matches!(outcome(&error(10_109, "stream is sealed"), 7), Outcome::Never(_)));
    }
}
