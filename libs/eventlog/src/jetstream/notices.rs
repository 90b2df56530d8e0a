//! Growth, as the servers tell of it: after each stored frame the stream's leader republishes the message's headers.
//!
//! Only a hint, and it may get lost: a reader looks by itself from time to time. But it comes after the commit, from whichever
//! process appended, and it says where the new frame lies.

use std::sync::Arc;

use async_nats::Subscriber;
use futures::StreamExt;

use super::{State, label::Label, stream::Names, tail::End};

/// Follow the growth of all partitions until the connection is closed.
pub(super) async fn follow(names: Names, mut grown: Subscriber, partitions: Arc<[State]>) {
    while let Some(message) = grown.next().await {
        let state = names
            .grown_partition(&message.subject)
            .and_then(|partition| partitions.get(partition.0 as usize));
        let (Some(state), Some(headers)) = (state, message.headers) else { continue };
        let seq = headers.get("Nats-Sequence").and_then(|seq| seq.as_str().parse::<u64>().ok());
        if let (Some(seq), Some(label)) = (seq, Label::in_headers(&headers)) {
            state.grew(End::new(label, seq));
        }
    }
}
