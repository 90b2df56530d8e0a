//! `GET chat/search`: what is found, by whom, and in which answer.

use serde_json::{Value, json};
use tests::{Answer, Chat, Person};

use crate::ask::{
    NOTHING, another_second, change, each, each_engines_with, id, ids, keys, message, proved, seen,
    subscribe, with,
};

#[tokio::test]
async fn search_finds_by_its_rules() {
    each_engines_with(&[], async |chat: &Chat| {
        what_is_refused(chat).await;
        texts_and_names(chat).await;
        pattern_characters(chat).await;
        named_dialogs_and_limits(chat).await;
        between_dates(chat).await;
        what_one_may_read(chat).await;
        what_is_gone(chat).await;
    })
    .await;
}

async fn search(person: &Person, parameters: &[(&str, &str)]) -> Answer {
    person.get(&with("chat/search", parameters)).await
}

/// The dialogs and messages that are found, whole, the messages in the order of their ids.
async fn hits(person: &Person, parameters: &[(&str, &str)]) -> [Vec<Value>; 2] {
    let answer = search(person, parameters).await.is(200).json();
    let list = |name: &str| answer["results"][name].as_array().expect("a list").clone();
    assert_eq!(keys(&answer["results"]), ["dialogs", "messages", "users"]);
    let mut messages = list("messages");
    messages.sort_by_key(id);
    [list("dialogs"), messages]
}

/// The ids of the messages that are found.
async fn found(person: &Person, parameters: &[(&str, &str)]) -> Vec<String> {
    ids(&hits(person, parameters).await[1])
}

async fn what_is_refused(chat: &Chat) {
    let [alice, bob] = chat.users(["ref-alice", "ref-bob"]).await;
    let dialog = alice.create_group("refused", [&bob]).await;
    alice.post(&dialog, "abcde").await;
    let refused = async |parameters: &[(&str, &str)], field: &str| {
        let answer = search(&alice, parameters).await.is(422).json();
        assert!(answer["errors"][field][0].is_string(), "{parameters:?}: {answer}");
    };
    refused(&[], "search_text").await;
    refused(&[("limit", "3")], "search_text").await;
    proved("SEARCH", [3]);
    for short in ["", "abcd", "日本語字"] {
        refused(&[("search_text", short)], "search_text").await;
    }
    proved("SEARCH", [4]);
    assert_eq!(found(&alice, &[("search_text", "abcde")]).await.len(), 1);
    proved("SEARCH", [5]);
    let many = [NOTHING; 11].iter().enumerate().map(|(place, id)| format!("{:x}{}", place, &id[1..]));
    let many: Vec<String> = many.collect();
    refused(&[("search_text", "abcde"), ("chat_dialog_ids", &many.join(","))], "chat_dialog_ids").await;
    assert_eq!(
        found(&alice, &[("search_text", "abcde"), ("chat_dialog_ids", &many[..10].join(","))]).await,
        [] as [&str; 0]
    );
    proved("SEARCH", [12]);
    refused(&[("search_text", "abcde"), ("start_date", "2016-03-23T17:00:42Z")], "end_date").await;
    proved("SEARCH", [15]);
    let far = [("start_date", "2016-06-23T17:00:42Z"), ("end_date", "2016-01-23T17:00:42Z")];
    let answer = search(&alice, &[&[("search_text", "abcde")], &far[..]].concat()).await.is(422).json();
    assert!(answer["errors"].is_object(), "{answer}");
    proved("SEARCH", [16]);
}

async fn texts_and_names(chat: &Chat) {
    let [alice, bob] = chat.users(["txt-alice", "txt-bob"]).await;
    let dialog = alice.create_group("The Lorem club", [&bob]).await;
    let other = alice.create_group("the lorem club", [&bob]).await;
    let texts = ["Lorem ipsum", "and so Lorem", "a dolorem b", "xLoremx", "Lor em"];
    let sent = alice.post_each(&dialog, texts).await;
    let before = bob.unread_total().await;
    let [dialogs, messages] = hits(&bob, &[("search_text", "Lorem")]).await;
    assert_eq!(ids(&messages), [sent[0].clone(), sent[1].clone(), sent[3].clone()]);
    proved("SEARCH", [1, 6, 8]);
    assert_eq!(ids(&dialogs), [&*dialog]);
    assert_eq!(ids(&hits(&bob, &[("search_text", "lorem c")]).await[0]), [&*other]);
    proved("SEARCH", [7, 9]);
    assert_eq!(dialogs, [seen(&bob, &dialog).await]);
    proved("SEARCH", [25]);
    for hit in &messages {
        assert_eq!(hit, &message(&bob, &dialog, &id(hit)).await);
    }
    proved("SEARCH", [26]);
    assert_eq!(bob.unread_total().await, before);
    proved("SEARCH", [29]);
    let whole = search(&bob, &[("search_text", "Lorem")]).await.json();
    let users = each(whole["results"]["users"].as_array().expect("a list"), "id");
    assert!(users == json!([]) || users == json!([alice.id()]), "{users}");
    proved("SEARCH", [27]);
    let nested = whole["results"].as_object().expect("an object");
    for (key, list) in nested {
        let repeated = &whole[key.as_str()];
        assert!(repeated.is_null() || repeated == list, "{whole}");
    }
    proved("SEARCH", [2]);
    let none = search(&bob, &[("search_text", "nobody wrote that")]).await.is(200).json();
    assert_eq!(none["results"], json!({ "dialogs": [], "messages": [], "users": [] }));
    proved("SEARCH", [28]);
}

async fn pattern_characters(chat: &Chat) {
    let [alice, bob] = chat.users(["pat-alice", "pat-bob"]).await;
    let dialog = alice.create_group("patterns", [&bob]).await;
    alice.post_each(&dialog, ["100 sure", "aXXXXb", "plain text", "he said so"]).await;
    for text in [
        "100%_",
        "a.*?b",
        "a%%%b",
        "[a-z]+",
        "\"quoted\"",
        "it's;--",
        "back\\slash",
        "(NEAR",
        "日本語の字",
        "😀😀😀😀😀",
    ] {
        let sent = alice.post(&dialog, &format!("so {text} so")).await;
        assert_eq!(found(&bob, &[("search_text", text)]).await, [sent], "{text}");
    }
    proved("SEARCH", [10]);
}

async fn named_dialogs_and_limits(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["lim-alice", "lim-bob", "lim-carol"]).await;
    let one = alice.create_group("one", [&bob]).await;
    let two = alice.create_private(&bob).await;
    let foreign = alice.create_private(&carol).await;
    let first = alice.post_each(&one, ["needle 1", "needle 2", "needle 3"]).await;
    let second = alice.post(&two, "needle 4").await;
    alice.post(&foreign, "needle 5").await;
    let of =
        async |dialogs: &str| found(&bob, &[("search_text", "needle"), ("chat_dialog_ids", dialogs)]).await;
    assert_eq!(of(&one).await, first);
    assert_eq!(of(&two).await, [&*second]);
    assert_eq!(of(&format!("{one}, {two}")).await.len(), 4);
    proved("SEARCH", [11]);
    assert_eq!(of(&foreign).await, [] as [&str; 0]);
    assert_eq!(of(&format!("{foreign},{two}")).await, [&*second]);
    proved("SEARCH", [22]);
    assert_eq!(found(&bob, &[("search_text", "needle"), ("limit", "2")]).await, [&*first[2], &*second]);
    assert_eq!(found(&bob, &[("search_text", "needle"), ("limit", "1000")]).await.len(), 4);
    proved("SEARCH", [20]);
}

async fn between_dates(chat: &Chat) {
    let [alice, bob] = chat.users(["date-alice", "date-bob"]).await;
    let dialog = alice.create_group("dates", [&bob]).await;
    let mut sent = vec![];
    for text in ["moment 1", "moment 2", "moment 3"] {
        let message = alice.post_message(&dialog, &json!({ "message": text })).await.is(201).json();
        sent.push((id(&message), message["created_at"].as_str().expect("a date").to_owned()));
        another_second().await;
    }
    let of = async |newest: &str, oldest: &str| {
        let parameters = [("search_text", "moment"), ("start_date", newest), ("end_date", oldest)];
        found(&bob, &parameters).await
    };
    let at = |place: usize| &*sent[place].1;
    let long_ago = at(0).replace('Z', ".000Z");
    assert_eq!(of(at(1), at(0)).await, [&*sent[0].0, &*sent[1].0]);
    proved("SEARCH", [13, 18]);
    assert_eq!(of(at(2), at(1)).await, [&*sent[1].0, &*sent[2].0]);
    assert_eq!(of(at(1), at(1)).await, [&*sent[1].0]);
    proved("SEARCH", [14]);
    assert_eq!(of(&at(1).replace('Z', ".000Z"), &long_ago).await, [&*sent[0].0, &*sent[1].0]);
    proved("SEARCH", [17]);
    for dates in [&[("start_date", "0"), ("end_date", "0")][..], &[("end_date", "0")]] {
        search(&bob, &[&[("search_text", "moment")], dates].concat()).await.is(200);
    }
    proved("SEARCH", [19]);
}

async fn what_one_may_read(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["may-alice", "may-bob", "may-carol"]).await;
    let group = alice.create_group("haystack group", [&bob]).await;
    let private = alice.create_private(&bob).await;
    let square = alice.create(&json!({ "type": 4, "name": "haystack square" })).await;
    let news = alice.create(&json!({ "type": 1, "name": "haystack news" })).await;
    let mut sent = vec![];
    for dialog in [&group, &private, &square, &news] {
        sent.push(alice.post(dialog, "a needle in it").await);
        // The very next search of anybody finds it.
        assert_eq!(found(&alice, &[("search_text", "a needle in it")]).await, sent);
    }
    proved("CONSIST", [12]);
    let search_text = [("search_text", "a needle in it")];
    assert_eq!(found(&carol, &search_text).await, [&*sent[3]]);
    let mut names = ids(&hits(&carol, &[("search_text", "haystack")]).await[0]);
    assert_eq!(names, [&*news]);
    proved("SEARCH", [21]);
    subscribe(&carol, &square).await.is(200);
    assert_eq!(found(&carol, &search_text).await, [&*sent[2], &*sent[3]]);
    names = ids(&hits(&carol, &[("search_text", "haystack")]).await[0]);
    names.sort_unstable();
    let mut expected = [&*square, &*news];
    expected.sort_unstable();
    assert_eq!(names, expected);
    proved("SEARCH", [24]);
    let pull = json!({ "pull_all": { "occupants_ids": [bob.id()] } });
    change(&alice, &group, pull).await.is(200);
    assert_eq!(found(&bob, &search_text).await, [&*sent[1], &*sent[3]]);
    alice.delete(&format!("chat/Dialog/{news}"), true).await.is(200);
    assert_eq!(found(&bob, &search_text).await, [&*sent[1]]);
}

async fn what_is_gone(chat: &Chat) {
    let [alice, bob] = chat.users(["gone-alice", "gone-bob"]).await;
    let dialog = alice.create_group("gone", [&bob]).await;
    let [one, two, three] = alice.post_each(&dialog, ["vanish 1", "vanish 2", "vanish 3"]).await;
    let of = async |person: &Person| found(person, &[("search_text", "vanish")]).await;
    alice.remove(&one).await;
    assert_eq!(
        [of(&alice).await, of(&bob).await],
        [[two.clone(), three.clone()], [two.clone(), three.clone()]]
    );
    proved("MESSAGE", [164]);
    bob.hide(&two).await;
    assert_eq!((of(&alice).await.len(), of(&bob).await), (2, vec![three.clone()]));
    bob.delete(&format!("chat/Dialog/clearHistory/{dialog}"), false).await.is(200);
    assert_eq!((of(&alice).await.len(), of(&bob).await), (2, vec![]));
    proved("SEARCH", [23]);
    alice.edit(&dialog, &three, "another text").await;
    assert_eq!(of(&alice).await, [&*two]);
    assert_eq!(found(&alice, &[("search_text", "another text")]).await, [&*three]);
}
