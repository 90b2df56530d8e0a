//! Points in time as filters: seconds, milliseconds, ISO, and as JavaScript writes a date.

use serde_json::json;
use tests::{proves, proves_all};

use crate::Stage;

/// Long ago and far away, as each spelling says it: seconds, ISO, JavaScript's text, milliseconds.
/// Milliseconds are such only from 10^11 on, which is why long ago is 2001 there.
const LONG_AGO: [&str; 4] = [
    "5",
    "1970-01-01T00:00:05Z",
    "Thu%20Jan%2001%201970%2000%3A00%3A05%20GMT%2B0000%20%28Coordinated%20Universal%20Time%29",
    "1000000000000",
];
const FAR_AWAY: [&str; 4] = [
    "4102444800",
    "2100-01-01T00:00:00.000Z",
    "Fri%20Jan%2001%202100%2000%3A00%3A00%20GMT%2B0000%20%28Coordinated%20Universal%20Time%29",
    "4102444800000",
];

pub(crate) async fn a_date_is_understood_in_every_spelling(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let dialog = alice.create_group("lobby", [&bob]).await;
    alice.post(&dialog, "hello").await;
    let rules = ["R-WIRE-099", "R-WIRE-100", "R-WIRE-101", "R-WIRE-102"];
    for ((long_ago, far_away), rule) in LONG_AGO.into_iter().zip(FAR_AWAY).zip(rules) {
        let messages = format!("chat/Message?chat_dialog_id={dialog}&mark_as_read=0");
        for (path, fields) in [
            (messages, ["date_sent", "updated_at"]),
            ("chat/Dialog?limit=9".to_owned(), ["created_at", "updated_at"]),
        ] {
            for field in fields {
                for (operator, date, count) in
                    [("gt", long_ago, 1), ("lt", long_ago, 0), ("gt", far_away, 0), ("lt", far_away, 1)]
                {
                    let path = format!("{path}&{field}[{operator}]={date}");
                    let list = bob.get(&path).await.is(200).json();
                    assert_eq!(list["items"].as_array().unwrap().len(), count, "{path}");
                }
            }
        }
        proves(rule);
    }
    // The same moment, by the message's own words for it.
    let message = bob.peek(&dialog).await.pop().unwrap();
    let moments = [message["date_sent"].to_string(), message["created_at"].as_str().unwrap().to_owned()];
    for moment in moments {
        let path = format!("chat/Message?chat_dialog_id={dialog}&mark_as_read=0&date_sent={moment}");
        assert_eq!(bob.get(&path).await.is(200).json()["items"], json!([message]), "{moment}");
    }
    proves_all(["R-WIRE-103"]);
}
