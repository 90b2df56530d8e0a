//! Reactions, as they are listed and shown.

use domain::command::{Command, React, Request};
use domain::content::Text;
use domain::event::MessageRef;
use domain::{CommandId, UserId};

use crate::testing::chat::{Chat, Person};

/// He puts one kind on a message and takes another one off.
async fn react(chat: &Chat, person: &Person, message: &str, [add, remove]: [&str; 2]) {
    let (edge, actor) = (&chat.edge, UserId::new(person.id).unwrap());
    let found = edge.queries.resolve(actor, vec![message.parse().unwrap()], None).await.unwrap()[0];
    let kind =
        |kind: &str| Some(kind).filter(|kind| !kind.is_empty()).map(|kind| Text::stored(kind.to_owned()));
    let message = MessageRef { sequence: found.sequence, id: found.id };
    let command = Command::React(React { message, add: kind(add), remove: kind(remove) });
    let id = CommandId(edge.ids.random());
    assert!(edge.ask(Request { id, dialog: found.dialog, actor, command }).await.unwrap().visible);
}

#[tokio::test]
async fn reactions_are_listed_by_kind_and_shown_to_each_as_his() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let dialog = alice.group(&[&bob]).await;
    let message = alice.write(&dialog, "hi").await;
    let uri = format!("/chat/Message/{message}/reactions");
    assert_eq!(alice.get(&format!("{uri}.json?")).await.to_string(), "200 {}");
    react(&chat, &bob, &message, ["\u{1f44d}", ""]).await;
    react(&chat, &bob, &message, ["a \"b\"", ""]).await;
    react(&chat, &alice, &message, ["\u{1f44d}", ""]).await;
    assert_eq!(bob.get(&uri).await.to_string(), r#"200 {"a \"b\"":[2],"👍":[1,2]}"#);
    assert_eq!(bob.get(&format!("{uri}?chat_dialog_id={dialog}")).await.body, bob.get(&uri).await.body);
    let shown = async |person: &Person| {
        let page = person.get(&format!("/chat/Message?chat_dialog_id={dialog}&mark_as_read=0")).await;
        page.json()["items"][0]["reactions"].to_string()
    };
    assert_eq!(shown(&alice).await, r#"{"own":["👍"],"total":{"a \"b\"":1,"👍":2}}"#);
    assert_eq!(shown(&bob).await, r#"{"own":["a \"b\"","👍"],"total":{"a \"b\"":1,"👍":2}}"#);
    react(&chat, &bob, &message, ["", "\u{1f44d}"]).await;
    react(&chat, &bob, &message, ["", "a \"b\""]).await;
    assert_eq!(alice.get(&uri).await.to_string(), r#"200 {"👍":[1]}"#);
    assert_eq!(shown(&bob).await, r#"{"own":[],"total":{"👍":1}}"#);
    react(&chat, &alice, &message, ["", "\u{1f44d}"]).await;
    assert_eq!((alice.get(&uri).await.body, shown(&alice).await), ("{}".to_owned(), "null".to_owned()));

    let nobodys = "0".repeat(24);
    for (person, message) in
        [(&carol, message.as_str()), (&alice, &nobodys), (&alice, "_"), (&alice, "no-id")]
    {
        let refused = person.get(&format!("/chat/Message/{message}/reactions")).await;
        assert_eq!(refused.to_string(), r#"404 {"errors":["The resource wasn't found"]}"#, "{message}");
    }
    alice.delete(&format!("/chat/Message/{message}?force=1")).await;
    assert_eq!(alice.get(&uri).await.status, 404);
}
