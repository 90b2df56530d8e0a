//! A history by filters and in other orders.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::testing::chat::{Chat, Person};

/// A group, and what is asked about it.
struct Room {
    chat: Chat,
    alice: Person,
    bob: Person,
    dialog: String,
}

impl Room {
    async fn new() -> Self {
        Self::of(Chat::new()).await
    }

    async fn of(chat: Chat) -> Self {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.group(&[&bob]).await;
        Self { chat, alice, bob, dialog }
    }

    /// Ten seconds later.
    async fn post(&self, who: &Person, mut body: Value) -> String {
        self.chat.hands.advance(Duration::from_secs(10));
        body["chat_dialog_id"] = json!(self.dialog);
        who.post("/chat/Message", body).await.field("_id")
    }

    /// Four messages, ten seconds apart, the first one at 22:13:30.
    async fn four(&self) -> [String; 4] {
        let image = json!([{"type": "image"}]);
        let both = json!([{"type": "image"}, {"type": "video", "url": "u"}]);
        [
            self.post(&self.alice, json!({"message": "one", "colour": "red"})).await,
            self.post(&self.bob, json!({"message": "two", "attachments": image})).await,
            self.post(&self.alice, json!({"attachments": both})).await,
            self.post(&self.bob, json!({"message": "Two, too", "colour": "blue"})).await,
        ]
    }

    async fn ask(&self, query: &str) -> crate::testing::chat::Answer {
        self.bob.get(&format!("/chat/Message?chat_dialog_id={}&mark_as_read=0&{query}", self.dialog)).await
    }

    /// The numbers of those of `ids` that are found, in that order.
    async fn found(&self, ids: &[String], query: &str) -> String {
        let page = self.ask(query).await;
        assert_eq!(page.status, 200, "{query} {page}");
        let counted = self.ask(&format!("{query}&count=1")).await.json();
        let items = page.json()["items"].as_array().unwrap().clone();
        if !query.contains("limit") && !query.contains("skip") {
            assert_eq!(counted, json!({"items": {"count": items.len()}}), "{query}");
        }
        let number = |item: &Value| ids.iter().position(|id| item["_id"] == **id).unwrap() + 1;
        items.iter().map(|item| number(item).to_string()).collect()
    }
}

/// A query, and the numbers of what it finds.
type Case = (String, &'static str);

/// So many seconds after the first one.
fn at(second: u64) -> u64 {
    1_700_000_000 + second
}

/// By name.
fn by_name(ids: &[String]) -> Vec<Case> {
    vec![
        (format!("_id={}", ids[1]), "2"),
        (format!("_id={},{}", ids[3], ids[0]), "14"),
        (format!("_id[]={}&_id[]={}", ids[3], ids[0]), "14"),
        (format!("_id[lt]={}", ids[1]), "1"),
        (format!("_id[lte]={}", ids[1]), "12"),
        (format!("_id[gt]={}", ids[1]), "34"),
        (format!("_id[gte]={}", ids[1]), "234"),
        (format!("_id[ne]={}", ids[1]), "134"),
        (format!("_id[in]={},{}", ids[1], ids[2]), "23"),
        (format!("_id[nin]={},{}", ids[1], ids[2]), "14"),
        (format!("_id[all]={},{}", ids[1], ids[1]), "2"),
        (format!("_id[all]={},{}", ids[1], ids[2]), ""),
        (format!("_id[ctn]={}", &ids[1][2..]), "2"),
        ("_id=no-id".to_owned(), ""),
        ("_id=no-id,".to_owned() + &ids[2], "3"),
    ]
}

/// By what was written.
fn by_text() -> Vec<Case> {
    vec![
        ("message=two".to_owned(), "2"),
        ("message=Two, too".to_owned(), "4"),
        ("message[lt]=one".to_owned(), "4"),
        ("message[lte]=one".to_owned(), "14"),
        ("message[gt]=one".to_owned(), "2"),
        ("message[gte]=one".to_owned(), "12"),
        ("message[ne]=one".to_owned(), "234"),
        ("message[in]=one,two".to_owned(), "12"),
        ("message[nin]=one,two".to_owned(), "34"),
        ("message[all]=one,one".to_owned(), "1"),
        ("message[all]=one,two".to_owned(), ""),
        ("message[ctn]=wo".to_owned(), "24"),
    ]
}

/// By author and recipient.
fn by_people([alice, bob]: [u64; 2]) -> Vec<Case> {
    vec![
        (format!("sender_id={alice}"), "13"),
        (format!("sender_id[lt]={bob}"), "13"),
        (format!("sender_id[lte]={bob}"), "1234"),
        (format!("sender_id[gt]={alice}"), "24"),
        (format!("sender_id[gte]={bob}"), "24"),
        (format!("sender_id[ne]={bob}"), "13"),
        (format!("sender_id[in]={bob},99"), "24"),
        (format!("sender_id[nin]={bob},99"), "13"),
        (format!("sender_id[all]={bob},{bob}"), "24"),
        (format!("sender_id[all]={bob},{alice}"), ""),
        (format!("sender_id[ctn]={bob}"), "24"),
        ("recipient_id=0".to_owned(), "1234"),
        ("recipient_id[gt]=0".to_owned(), ""),
        ("recipient_id[gte]=0".to_owned(), "1234"),
        ("recipient_id[lt]=0".to_owned(), ""),
        ("recipient_id[lte]=0".to_owned(), "1234"),
        ("recipient_id[ne]=0".to_owned(), ""),
        ("recipient_id[in]=0,5".to_owned(), "1234"),
        ("recipient_id[nin]=0,5".to_owned(), ""),
        ("recipient_id[all]=0".to_owned(), "1234"),
        ("recipient_id[ctn]=0".to_owned(), "1234"),
    ]
}

/// By the types of attachments.
fn by_attachment() -> Vec<Case> {
    vec![
        ("attachments.type=image".to_owned(), "23"),
        ("attachments[type]=video".to_owned(), "3"),
        ("attachments.type[lt]=video".to_owned(), "23"),
        ("attachments.type[lte]=image".to_owned(), "23"),
        ("attachments.type[gt]=image".to_owned(), "3"),
        ("attachments.type[gte]=video".to_owned(), "3"),
        ("attachments.type[ne]=video".to_owned(), "124"),
        ("attachments.type[in]=video,audio".to_owned(), "3"),
        ("attachments.type[nin]=video,audio".to_owned(), "124"),
        ("attachments.type[all]=image,video".to_owned(), "3"),
        ("attachments[type][all]=image".to_owned(), "23"),
        ("attachments.type[ctn]=mag".to_owned(), "23"),
    ]
}

/// By when it was sent and stored.
fn by_date() -> Vec<Case> {
    vec![
        (format!("date_sent={}", at(20)), "2"),
        (format!("date_sent[lt]={}", at(20)), "1"),
        (format!("date_sent[lte]={}", at(20)), "12"),
        (format!("date_sent[gt]={}", at(20)), "34"),
        (format!("date_sent[gte]={}", at(20)), "234"),
        (format!("date_sent[ne]={}", at(20)), "134"),
        (format!("date_sent[in]={},{}", at(10), at(30)), "13"),
        (format!("date_sent[nin]={},{}", at(10), at(30)), "24"),
        (format!("date_sent[all]={}", at(10)), "1"),
        (format!("date_sent[all]={},{}", at(10), at(20)), ""),
        ("date_sent[ctn]=00030".to_owned(), "3"),
        ("date_sent[gt]=2023-11-14T22:13:40Z".to_owned(), "34"),
        (format!("date_sent[gt]={}000", at(20)), "34"),
        ("created_at=2023-11-14T22:13:40Z".to_owned(), "2"),
        (format!("created_at[gt]={}", at(20)), "34"),
    ]
}

/// By when it last changed.
fn by_change() -> Vec<Case> {
    vec![
        (format!("updated_at={}", at(20)), "2"),
        (format!("updated_at[lt]={}", at(20)), "1"),
        (format!("updated_at[lte]={}", at(20)), "12"),
        (format!("updated_at[gt]={}", at(20)), "34"),
        (format!("updated_at[gte]={}", at(20)), "234"),
        (format!("updated_at[ne]={}", at(20)), "134"),
        (format!("updated_at[in]={},{}", at(10), at(30)), "13"),
        (format!("updated_at[nin]={},{}", at(10), at(30)), "24"),
        (format!("updated_at[all]={}", at(10)), "1"),
        ("updated_at[ctn]=22:13:5".to_owned(), "3"),
    ]
}

/// By nothing that is a field, and by several.
fn by_several(bob: u64) -> Vec<Case> {
    vec![
        ("colour=red".to_owned(), "1234"),
        ("colour[in]=red,green&unknown[x][y]=1".to_owned(), "1234"),
        (format!("sender_id={bob}&message[ctn]=two&date_sent[lt]={}", at(40)), "2"),
        (format!("date_sent[gte]={}&date_sent[lt]={}", at(20), at(40)), "23"),
    ]
}

/// Every field and every operator, differing only at the bound.
#[tokio::test]
async fn messages_are_found_by_every_field_and_operator() {
    let room = Room::new().await;
    let ids = room.four().await;
    let (alice, bob) = (room.alice.id, room.bob.id);
    let cases = [by_name(&ids), by_text(), by_people([alice, bob]), by_attachment(), by_date(), by_change()];
    for (query, expected) in cases.concat().into_iter().chain(by_several(bob)) {
        let query = query.replace(' ', "%20");
        assert_eq!(room.found(&ids, &query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn messages_come_in_every_order() {
    let room = Room::new().await;
    let mut ids = room.four().await.to_vec();
    ids.push(room.post(&room.alice, json!({"message": "early name", "_id": "0".repeat(24)})).await);
    room.chat.hands.advance(Duration::from_secs(10));
    room.bob.put(&format!("/chat/Message/{}", ids[1]), json!({"message": "edited"})).await;
    for (query, expected) in [
        ("sort_asc=date_sent", "12345"),
        ("sort_desc=date_sent", "54321"),
        ("sort_asc=created_at", "12345"),
        ("sort_desc=created_at", "54321"),
        ("sort_asc=_id", "51234"),
        ("sort_desc=_id", "43215"),
        ("sort_asc=updated_at", "13452"),
        ("sort_desc=updated_at", "25431"),
        ("sort_desc=updated_at&limit=2", "25"),
        ("sort_desc=updated_at&limit=2&skip=2", "43"),
        ("sort_desc=_id&sender_id=1&skip=1", "15"),
        ("sort_asc=_id&sort_desc=date_sent", "54321"),
        ("message[ne]=x&skip=3&limit=5", "45"),
        ("message[ne]=x&skip=99999999999999999999", ""),
    ] {
        assert_eq!(room.found(&ids, query).await, expected, "{query}");
    }
    let echoed = room.ask("sender_id=9&limit=500&skip=7").await;
    assert_eq!(echoed.to_string(), r#"200 {"skip":7,"limit":100,"items":[]}"#);
}

#[tokio::test]
async fn filters_may_stand_in_a_body() {
    let room = Room::new().await;
    let ids = room.four().await;
    let form = format!("chat_dialog_id={}&attachments.type=video&mark_as_read=0", room.dialog);
    let tree =
        json!({"chat_dialog_id": room.dialog, "mark_as_read": 0, "_id": {"in": [ids[2]]}, "sender_id": 1});
    for body in [form, tree.to_string()] {
        let page = room.bob.send(http::Method::GET, "/chat/Message", body).await.json();
        assert_eq!(page["items"][0]["_id"], ids[2]);
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
    }
}

/// Nothing in a value is special, and what is no value is refused.
#[tokio::test]
async fn values_are_taken_as_they_are() {
    let room = Room::new().await;
    let texts = ["%", "_", ".*", "a'b\"", "\\", "\u{1f600}", "\u{202e}abc", "line\nend", "e\u{301}"];
    let mut ids = vec![];
    for text in texts {
        ids.push(room.post(&room.alice, json!({"message": text, "attachments": [{"type": text}]})).await);
    }
    for (number, text) in (1..).zip(texts) {
        let value = utf8_percent_encode(text, NON_ALPHANUMERIC);
        for query in ["message=", "message[ctn]=", "attachments.type[all]=", "attachments.type[ctn]="] {
            let found = room.found(&ids, &format!("{query}{value}")).await;
            assert_eq!(found, number.to_string(), "{query}{text}");
        }
    }
    for nothing in ["' OR 1=1 --", "[", "(", "^", "$1", "\u{feff}", "\u{1f601}", "e", "E\u{301}"] {
        let value = utf8_percent_encode(nothing, NON_ALPHANUMERIC).to_string();
        let found = room.found(&ids, &format!("message={value}")).await;
        assert_eq!(found, "", "{nothing}");
    }
}

#[tokio::test]
async fn a_filter_that_cannot_be_is_refused_and_changes_nothing() {
    let room = Room::of(Chat::with(1, |parts| parts.limits.looked_at_max = 3)).await;
    room.four().await;
    let mut shown = String::new();
    let long = "x".repeat(10_001);
    let many = (0..101).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    for query in [
        "sender_id=abc",
        "sender_id=1.5",
        "sender_id[like]=1",
        "sender_id[lt][gt]=1",
        "sender_id[lt]=1,2",
        "sender_id=%00",
        "message[ctn]=%00",
        "message[ctn][]=a",
        "message[in][a]=b",
        "message[$gt]=",
        "message=a&message[in]=b",
        "date_sent[gt]=yesterday",
        "date_sent[gt]=2023-13-01",
        "updated_at[lt]=%F0%9F%98%80",
        "recipient_id=-",
        "attachments.type[regex]=.*",
        "attachments=image",
        "_id[a][b][c][d][e][f][g][h]=1",
        "_id[a][b][c][d][e][f][g][h][i]=1",
        "message[ctn]=LONG",
        "sender_id=MANY",
        // Four messages, of which three may be looked at.
        "message[ctn]=nowhere",
        "sort_desc=updated_at",
        "sender_id[gt]=0&count=1",
    ] {
        let refused = room.ask(&query.replace("LONG", &long).replace("MANY", &many)).await;
        assert_eq!(refused.status, 422, "{query} {refused}");
        shown.push_str(&format!("{query}: {}\n", refused.body));
    }
    insta::assert_snapshot!(shown, @r#"
    sender_id=abc: {"errors":{"sender_id":["must be an integer"]}}
    sender_id=1.5: {"errors":{"sender_id":["must be an integer"]}}
    sender_id[like]=1: {"errors":{"sender_id":["has an unknown operator"]}}
    sender_id[lt][gt]=1: {"errors":{"sender_id":["must be a single value"]}}
    sender_id[lt]=1,2: {"errors":{"sender_id":["must be an integer"]}}
    sender_id=%00: {"errors":{"sender_id":["must not contain a NUL character"]}}
    message[ctn]=%00: {"errors":{"message":["must not contain a NUL character"]}}
    message[ctn][]=a: {"errors":{"message":["must be a single value"]}}
    message[in][a]=b: {"errors":{"message":["must be a value or a list of values"]}}
    message[$gt]=: {"errors":{"message":["has an unknown operator"]}}
    message=a&message[in]=b: {"errors":{"message":["is given in two ways that exclude each other"]}}
    date_sent[gt]=yesterday: {"errors":{"date_sent":["must be unix seconds or an ISO-8601 date"]}}
    date_sent[gt]=2023-13-01: {"errors":{"date_sent":["must be unix seconds or an ISO-8601 date"]}}
    updated_at[lt]=%F0%9F%98%80: {"errors":{"updated_at":["must be unix seconds or an ISO-8601 date"]}}
    recipient_id=-: {"errors":{"recipient_id":["must be an integer"]}}
    attachments.type[regex]=.*: {"errors":{"attachments.type":["has an unknown operator"]}}
    attachments=image: {"errors":{"attachments":["must be an object"]}}
    _id[a][b][c][d][e][f][g][h]=1: {"errors":{"_id":["has an unknown operator"]}}
    _id[a][b][c][d][e][f][g][h][i]=1: {"errors":{"_id":["nests too deep"]}}
    message[ctn]=LONG: {"errors":{"message":["is too long (maximum is 10000 characters)"]}}
    sender_id=MANY: {"errors":{"sender_id":["has too many entries (maximum is 100)"]}}
    message[ctn]=nowhere: {"errors":{"base":["More than 3 messages would have to be looked at: narrow them by date_sent"]}}
    sort_desc=updated_at: {"errors":{"base":["More than 3 messages would have to be looked at: narrow them by date_sent"]}}
    sender_id[gt]=0&count=1: {"errors":{"base":["More than 3 messages would have to be looked at: narrow them by date_sent"]}}
    "#);
    let rest = room.ask("message[ctn]=nowhere&date_sent[gt]=1700000010").await;
    assert_eq!(rest.to_string(), r#"200 {"skip":0,"limit":100,"items":[]}"#);
    assert_eq!(room.bob.unread(&room.dialog).await, 2);
}

/// Marking what is shown moves `updated_at`, and the page stays the one that was asked for.
#[tokio::test]
async fn a_found_page_is_marked_and_stays_what_it_was() {
    let room = Room::new().await;
    room.four().await;
    room.chat.hands.advance(Duration::from_secs(100));
    let uri = format!("/chat/Message?chat_dialog_id={}", room.dialog);
    let page = room.bob.get(&format!("{uri}&updated_at[lt]=1700000020&sort_asc=updated_at")).await.json();
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(
        (&items[0]["message"], &items[0]["read_ids"], &items[0]["updated_at"]),
        (&json!("one"), &json!([1, 2]), &json!("2023-11-14T22:15:40Z"))
    );
    assert_eq!(room.bob.unread(&room.dialog).await, 1, "only what was found is read");
    let moved = room.bob.get(&format!("{uri}&updated_at[gt]=1700000100&mark_as_read=0")).await.json();
    assert_eq!(moved["items"].as_array().unwrap().len(), 1);
}
