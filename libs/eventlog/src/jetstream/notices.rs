//! Growth, as the servers tell of it: after each stored frame the stream's leader republishes the message.
//!
//! Only a hint, and it may get lost: a reader looks by itself from time to time. But it comes after the commit, from whichever
//! process appended, and it brings the new frame, or says at least where that lies.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;

use super::{
    State,
    label::Label,
    nats::{Nats, Stored},
    tail::End,
};
use crate::ids::Partition;

/// How long to wait before subscribing again.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Follow the growth of `partition` until the connection is closed.
pub(super) async fn follow(nats: Nats, partition: Partition, partitions: Arc<[State]>) {
    let Some(state) = partitions.get(partition.0 as usize) else { return };
    let mut grown = loop {
        match nats.client.subscribe(nats.names.grown(partition)).await {
            Ok(grown) => break grown,
            Err(error) => tracing::debug!(%error, "the growth of the log cannot be followed yet"),
        }
        tokio::time::sleep(TRY_AGAIN).await;
    };
    // The connection belongs to the log; this must not keep it.
    drop(nats);
    while let Some(message) = grown.next().await {
        let Some(headers) = message.headers else { continue };
        let seq = headers.get("Nats-Sequence").and_then(|seq| seq.as_str().parse::<u64>().ok());
        let (Some(seq), Some(label)) = (seq, Label::in_headers(&headers)) else { continue };
        if !message.payload.is_empty() {
            let stored = Stored { seq, label: Some(label), encoded: message.payload };
            state.lock().fresh.push(label, stored);
        }
        state.grew(End::new(label, seq));
    }
}
