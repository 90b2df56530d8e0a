//! Signals between processes.

use bus::{Signals, SystemMessage};
use domain::content::JsonText;
use domain::{MessageId, UserId};
use engines::{Nats, Profile};

use crate::support::{bus, in_time};

fn message(number: u32) -> SystemMessage {
    SystemMessage {
        id: MessageId::from_parts(number, [0; 8]),
        sender: UserId::new(1).unwrap(),
        recipient: UserId::new(2).unwrap(),
        parameters: JsonText::stored(r#"{"a":{"b":[1.50]}}"#.to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_sends_every_other_hears() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let sender = Signals::over(bus(nats.urls(), 1).await);
    in_time(sender.send(message(1))).await;
    let there = Signals::over(bus(nats.urls(), 1).await);
    let mut listeners = [there.listen().await.unwrap(), sender.listen().await.unwrap()];
    // The subscriptions are on other connections than what is sent: one of them shows when.
    for listener in &mut listeners {
        let heard = in_time(async {
            loop {
                tokio::select! {
                    heard = listener.next() => break heard,
                    () = tokio::time::sleep(std::time::Duration::from_millis(20)) => sender.send(message(2)).await,
                }
            }
        });
        assert_eq!(heard.await.as_deref(), Some(&message(2)), "and not what was sent before");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_while_nats_is_away_is_lost() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let there = bus(nats.urls(), 1).await;
    let signals = Signals::over(there.clone());
    nats.kill(0);
    crate::support::until(|| !there.connection().is_connected()).await;
    in_time(signals.send(message(1))).await;
    nats.restart(0);
    crate::support::until(|| there.connection().is_connected()).await;
    let mut listener = signals.listen().await.unwrap();
    in_time(signals.send(message(2))).await;
    assert_eq!(in_time(listener.next()).await.as_deref(), Some(&message(2)));
}
