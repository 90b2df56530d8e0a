//! Signals: what is told to connected users and kept nowhere. Whoever is not there at that
//! moment misses it.
//!
//! In process a bounded queue for each listener, over NATS a message of its own. Nothing
//! waits for them and nothing may be relied on: who listens too slowly misses some, and while
//! NATS is away they are lost.

use std::sync::Arc;

use async_nats::Subscriber;
use futures::StreamExt as _;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use wire::bus::{decode_system_message, encode_system_message};

use crate::nats::{Bus, Error};
pub use wire::bus::SystemMessage;

/// Signals that a listener of the same process may be behind before he misses some.
const BEHIND_MAX: usize = 1_024;

/// The way to everybody who listens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Signals(Way);

#[derive(Debug, Clone)]
enum Way {
    /// They are in this process.
    Here(broadcast::Sender<Arc<SystemMessage>>),
    Nats(Bus),
}

/// One who listens, from the moment when he was made.
#[derive(Debug)]
pub struct Listener(Ear);

#[derive(Debug)]
enum Ear {
    Here(broadcast::Receiver<Arc<SystemMessage>>),
    Nats(Subscriber),
}

impl Signals {
    /// To listeners in this process.
    pub fn here() -> Self {
        Self(Way::Here(broadcast::Sender::new(BEHIND_MAX)))
    }

    /// To listeners in every process of `bus`.
    pub fn over(bus: Bus) -> Self {
        Self(Way::Nats(bus))
    }

    /// Tell whoever listens now. Nobody answers, and nothing says whether anybody does.
    pub async fn send(&self, message: SystemMessage) {
        match &self.0 {
            // It fails if nobody listens: then it was for nobody.
            Way::Here(listeners) => drop(listeners.send(Arc::new(message))),
            // What piled up while NATS is away would be told long after its moment.
            Way::Nats(bus) if !bus.connection().is_connected() => {}
            Way::Nats(bus) => {
                let payload = encode_system_message(&message);
                let sent = bus.connection().client().publish(subject(bus), payload.into()).await;
                if let Err(error) = sent {
                    tracing::debug!(%error, "a signal could not be sent");
                }
            }
        }
    }

    /// Hear what is sent from now on.
    ///
    /// # Errors
    ///
    /// NATS refuses the subscription.
    pub async fn listen(&self) -> Result<Listener, Error> {
        Ok(Listener(match &self.0 {
            Way::Here(listeners) => Ear::Here(listeners.subscribe()),
            Way::Nats(bus) => {
                let subscribed = bus.connection().client().subscribe(subject(bus)).await;
                Ear::Nats(subscribed.map_err(|error| Error::Failed(error.to_string()))?)
            }
        }))
    }
}

impl Listener {
    /// The next one; none, when no more can come.
    pub async fn next(&mut self) -> Option<Arc<SystemMessage>> {
        loop {
            match &mut self.0 {
                Ear::Here(signals) => match signals.recv().await {
                    Ok(message) => return Some(message),
                    Err(RecvError::Lagged(missed)) => tracing::debug!(missed, "signals were missed"),
                    Err(RecvError::Closed) => return None,
                },
                Ear::Nats(signals) => match decode_system_message(&signals.next().await?.payload) {
                    Ok(message) => return Some(Arc::new(message)),
                    Err(error) => {
                        tracing::warn!(%error, "a signal cannot be read; is it of another version?");
                    }
                },
            }
        }
    }
}

fn subject(bus: &Bus) -> String {
    bus.subject("signal.system")
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::content::JsonText;
    use domain::{MessageId, UserId};

    fn message(number: u32) -> SystemMessage {
        SystemMessage {
            id: MessageId::from_parts(number, [0; 8]),
            sender: UserId::new(1).unwrap(),
            recipient: UserId::new(2).unwrap(),
            parameters: JsonText::stored("{}".to_owned()),
        }
    }

    #[tokio::test]
    async fn who_listens_hears_what_is_sent_from_then_on() {
        let signals = Signals::here();
        signals.send(message(1)).await;
        let mut listeners = [signals.listen().await.unwrap(), signals.listen().await.unwrap()];
        signals.send(message(2)).await;
        drop(signals);
        for listener in &mut listeners {
            assert_eq!(listener.next().await.as_deref(), Some(&message(2)));
            assert_eq!(listener.next().await, None);
        }
    }

    #[tokio::test]
    async fn who_is_too_slow_misses_the_oldest() {
        let signals = Signals::here();
        let mut listener = signals.listen().await.unwrap();
        for number in 0..u32::try_from(BEHIND_MAX).unwrap() + 3 {
            signals.send(message(number)).await;
        }
        assert_eq!(listener.next().await.as_deref(), Some(&message(3)));
    }
}
