//! Searching: parameters in every spelling, and what they find.

use std::time::Duration;

use serde_json::{Value, json};

use crate::testing::chat::{Chat, Person};

async fn texts(person: &Person, query: &str) -> Vec<String> {
    let found = person.get(&format!("/chat/search?{query}")).await;
    assert_eq!(found.status, 200, "{query} {found}");
    let found = found.json();
    assert_eq!(found["messages"], found["results"]["messages"]);
    let messages = found["messages"].as_array().unwrap().iter();
    messages.map(|message| message["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_found_is_shown_twice_in_three_lists() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    assert_eq!(
        alice.get("/chat/search.json?search_text=lorem").await.to_string(),
        r#"200 {"results":{"dialogs":[],"messages":[],"users":[]},"dialogs":[],"messages":[],"users":[]}"#
    );
    let made = json!({"type": 2, "name": "lorem ipsum", "occupants_ids": [bob.id]});
    let dialog = alice.post("/chat/Dialog", made).await.field("_id");
    alice.write(&dialog, "dolor lorem sit").await;
    let found = bob.get("/chat/search?search_text=lorem").await.json();
    let shown = bob.get("/chat/Dialog").await.json()["items"].clone();
    assert_eq!(found["results"]["dialogs"], shown, "dialogs as in a list");
    let history = bob.get(&format!("/chat/Message?chat_dialog_id={dialog}&mark_as_read=0")).await;
    assert_eq!(found["results"]["messages"], history.json()["items"], "messages as in a history");
    assert_eq!(bob.unread(&dialog).await, 1, "searching marks nothing");
    for list in ["dialogs", "messages", "users"] {
        assert_eq!(found[list], found["results"][list]);
    }
}

#[tokio::test]
async fn a_private_dialog_is_called_like_the_other_one() {
    let chat = Chat::new();
    let [alice, robert] = chat.users(["alice", "robert"]).await;
    alice.post("/chat/Dialog", json!({"type": 3, "occupants_ids": [robert.id]})).await.field("_id");
    let found = alice.get("/chat/search?search_text=Rober").await.json();
    assert_eq!(found["dialogs"][0]["name"], "Robert");
    let found = robert.get("/chat/search?search_text=Rober").await.json();
    assert_eq!(found["dialogs"], json!([]), "for him it is called Alice");
}

/// Each parameter absent, empty, of a wrong type, over its limit and hostile.
#[tokio::test]
async fn what_cannot_be_searched_for_is_refused() {
    let chat = Chat::with(1, |parts| parts.limits.message_characters_max = 30);
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let group = alice.group(&[&bob]).await;
    alice.write(&group, "a word and no more").await;
    let eleven: Vec<String> = (0..11).map(|n| format!("5c094c0ce588ce6856f874{n:02}")).collect();
    let long = "x".repeat(31);
    let mut shown = String::new();
    for query in [
        "".to_owned(),
        "search_text=".to_owned(),
        "search_text=four".to_owned(),
        "search_text=%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80".to_owned(),
        "search_text[]=words".to_owned(),
        "search_text[a]=words".to_owned(),
        "search_text=wor%00d".to_owned(),
        format!("search_text={long}"),
        format!("search_text=words&chat_dialog_ids={}", eleven.join(",")),
        "search_text=words&chat_dialog_ids[a]=b".to_owned(),
        "search_text=words&start_date=2024-01-01".to_owned(),
        "search_text=words&start_date=2024-01-01&end_date=0".to_owned(),
        "search_text=words&start_date=2024-05-01&end_date=2024-01-01".to_owned(),
        "search_text=words&start_date=soon&end_date=2024-01-01".to_owned(),
        "search_text=words&end_date=%27%20OR%201=1".to_owned(),
        "search_text=words&end_date[]=1".to_owned(),
        "search_text=words&limit=many".to_owned(),
        "search_text=words&limit[]=1".to_owned(),
    ] {
        let refused = alice.get(&format!("/chat/search?{query}")).await;
        assert_eq!(refused.status, 422, "{query} {refused}");
        shown.push_str(&format!("{refused}\n"));
    }
    insta::assert_snapshot!(shown, @r#"
    422 {"errors":{"search_text":["is required"]}}
    422 {"errors":{"search_text":["is too short (minimum is 5 characters)"]}}
    422 {"errors":{"search_text":["is too short (minimum is 5 characters)"]}}
    422 {"errors":{"search_text":["is too short (minimum is 5 characters)"]}}
    422 {"errors":{"search_text":["must be text"]}}
    422 {"errors":{"search_text":["must be text"]}}
    422 {"errors":{"search_text":["must not contain a NUL character"]}}
    422 {"errors":{"search_text":["is too long (maximum is 30 characters)"]}}
    422 {"errors":{"chat_dialog_ids":["has too many entries (maximum is 10)"]}}
    422 {"errors":{"chat_dialog_ids":["must be a list"]}}
    422 {"errors":{"end_date":["is required"]}}
    422 {"errors":{"end_date":["is required"]}}
    422 {"errors":{"end_date":["must not be more than 3 months from start_date"]}}
    422 {"errors":{"start_date":["must be a date"]}}
    422 {"errors":{"end_date":["must be a date"]}}
    422 {"errors":{"end_date":["must be a date"]}}
    422 {"errors":{"limit":["must be an integer"]}}
    422 {"errors":{"limit":["must be an integer"]}}
    "#);
    assert_eq!(alice.get("/chat/search?search_text=%ff%ff%ff%ff%ff").await.status, 400);
    assert_eq!(texts(&alice, "search_text=a+word").await, ["a word and no more"], "nothing has changed");
}

#[tokio::test]
async fn parameters_are_taken_in_every_spelling() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let [one, two] = [alice.group(&[&bob]).await, alice.group(&[&bob]).await];
    let mut expected = vec![];
    for (number, dialog) in [&one, &two, &one].into_iter().enumerate() {
        chat.hands.advance(Duration::from_secs(3600));
        let text = format!("word {number} of this dialog");
        alice.write(dialog, &text).await;
        expected.insert(0, text);
    }
    // Posted at 23:13:20, 00:13:20 and 01:13:20.
    let all = expected.clone();
    let [newest, middle, oldest] = [all[0].as_str(), all[1].as_str(), all[2].as_str()];
    for (query, found) in [
        ("".to_owned(), vec![newest, middle, oldest]),
        ("&limit=1".to_owned(), vec![newest]),
        ("&limit=0".to_owned(), vec![newest]),
        ("&limit=-5".to_owned(), vec![newest]),
        ("&limit=99999999999999999999".to_owned(), vec![newest, middle, oldest]),
        ("&limit=".to_owned(), vec![newest, middle, oldest]),
        (format!("&chat_dialog_ids={one}"), vec![newest, oldest]),
        (format!("&chat_dialog_ids={one},%20{two}"), vec![newest, middle, oldest]),
        (format!("&chat_dialog_ids[]={two}&chat_dialog_ids[]={two}"), vec![middle]),
        ("&chat_dialog_ids=".to_owned(), vec![newest, middle, oldest]),
        ("&chat_dialog_ids=no-dialog".to_owned(), vec![]),
        ("&chat_dialog_ids=5c094c0ce588ce6856f87422".to_owned(), vec![]),
        ("&start_date=0&end_date=0".to_owned(), vec![newest, middle, oldest]),
        ("&start_date=&end_date=null".to_owned(), vec![newest, middle, oldest]),
        ("&end_date=2023-11-15T00:00:00Z".to_owned(), vec![newest, middle]),
        ("&end_date=2023-11-15T00:00:00.000Z&start_date=2023-11-15T01:00:00.000Z".to_owned(), vec![middle]),
        ("&end_date=2023-11-15T00:13:20Z&start_date=2023-11-15T00:13:20Z".to_owned(), vec![middle]),
        ("&end_date=2023-11-15T00:13:20.999Z&start_date=2023-11-15T00:13:20.001Z".to_owned(), vec![middle]),
        ("&end_date=1700007200&start_date=1700007201000".to_owned(), vec![middle]),
        ("&end_date=2023-08-15&start_date=2023-11-15".to_owned(), vec![oldest]),
        ("&end_date=2023-11-15&start_date=2023-11-14".to_owned(), vec![]),
        ("&end_date=-5".to_owned(), vec![newest, middle, oldest]),
        ("&end_date=99999999999999999999".to_owned(), vec![]),
    ] {
        assert_eq!(texts(&alice, &format!("search_text=this+dialog{query}")).await, found, "{query}");
    }
    let body = json!({"search_text": "this dialog", "limit": 2, "chat_dialog_ids": [one]});
    let found = alice.send(http::Method::GET, "/chat/search", body.to_string()).await.json();
    assert_eq!(found["messages"].as_array().map(Vec::len), Some(2), "a body says the same");
}

#[tokio::test]
async fn numbers_and_signs_are_texts_like_others() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let group = alice.group(&[&bob]).await;
    for text in ["room 12345 is free", "100% \"sure\" -- or_not*", "🎉🎉🎉🎉🎉", "true story"] {
        alice.write(&group, text).await;
    }
    for (query, text) in [
        ("12345", "room 12345 is free"),
        ("100%25+%22", "100% \"sure\" -- or_not*"),
        ("+--+or_not*", "100% \"sure\" -- or_not*"),
        ("%F0%9F%8E%89%F0%9F%8E%89%F0%9F%8E%89%F0%9F%8E%89%F0%9F%8E%89", "🎉🎉🎉🎉🎉"),
    ] {
        assert_eq!(texts(&alice, &format!("search_text={query}")).await, [text], "{query}");
    }
    for absent in ["100%25%25%25", "_____", "%25%25%25%25%25", "*****", "%27;DROP TABLE messages;--"] {
        let query = format!("search_text={}", absent.replace(' ', "+"));
        assert_eq!(texts(&alice, &query).await, Vec::<String>::new(), "{absent}");
    }
    let body = json!({"search_text": 12345}).to_string();
    let found = alice.send(http::Method::GET, "/chat/search", body).await.json();
    assert_eq!(found["messages"][0]["message"], Value::from("room 12345 is free"));
}

#[tokio::test]
async fn without_an_index_or_a_search_it_is_503_in_so_many_words() {
    let chat = Chat::with(1, |parts| parts.search = None);
    let alice = chat.user("alice").await;
    assert_eq!(
        alice.get("/chat/search?search_text=lorem").await.to_string(),
        r#"503 {"errors":["Search is switched off"]}"#
    );
    assert_eq!(alice.get("/chat/search?search_text=four").await.status, 422, "what is wrong is said first");
}
