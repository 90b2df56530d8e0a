//! The dialect of query strings: escapes, brackets, lists of ids, and what is read out of them.

use std::collections::HashSet;

use domain::MessageId;
use gateway::{Named, PAGE_ITEMS_MAX, Params};
use http::Method;
use serde_json::{Map, Value};

use crate::asked::{of_query, of_request};
use crate::form::{self, BYTES_MAX};

const FORM: &str = "application/x-www-form-urlencoded";
/// Names of a call that are looked at each by each reader.
const NAMES_MAX: usize = 4;
const IDS_MAX: usize = 100;

/// Any bytes as the query of a call, as its form, and as a list of ids in a path.
pub fn query(bytes: &[u8]) {
    if bytes.len() > BYTES_MAX {
        return;
    }
    let plain = form::plain(bytes);
    let read = of_query(&plain);
    assert_eq!(read, of_query(&form::escaped(bytes)), "what is escaped is the client's choice");
    if !plain.starts_with(['[', '{']) {
        let body = of_request(Method::POST, "", FORM, plain.as_bytes());
        assert_eq!(read, body, "query and form mean the same");
    }
    if let Ok(params) = read {
        let tree = params.clone().rest();
        let written = form::write(&tree).expect("what came from a query can be written as one");
        assert_eq!(of_query(&written).as_ref(), Ok(&params), "{written}");
        readers(&params, &tree);
    }
    if let Ok(segment) = std::str::from_utf8(bytes) {
        ids_of_a_path(segment);
    }
}

fn readers(params: &Params, tree: &Map<String, Value>) {
    for name in tree.keys().take(NAMES_MAX) {
        texts(params.clone(), name);
        if let Ok(Some(users)) = params.clone().user_ids(name, IDS_MAX) {
            assert!(users.len() <= IDS_MAX && each_once(&users));
        }
        if let Ok(Some(names)) = params.clone().names::<MessageId>(name, IDS_MAX) {
            named(&names);
        }
        let mut params = params.clone();
        let flag = params.clone().flag(name);
        if let Ok(Some(flag)) = flag {
            assert_eq!(params.clone().lenient_flag(name), Some(flag), "the strict one is the stricter one");
        }
        if let Ok(Some(number)) = params.clone().integer(name) {
            assert_eq!(again(name, number.into()).integer(name).ok(), Some(Some(number)));
        }
        drop(params.clone().moment(name));
        drop(params.clone().list(name));
        drop(params.clone().object(name));
        drop(params.text(name));
        assert!(!params.given(name), "what was read is not left");
    }
    let mut params = params.clone();
    if let Ok(page) = params.page() {
        assert!((1..=PAGE_ITEMS_MAX).contains(&page.limit));
    }
    drop(params.sort());
}

fn texts(mut params: Params, name: &str) {
    let Ok(Some(texts)) = params.texts(name, IDS_MAX) else { return };
    assert!(texts.len() <= IDS_MAX && each_once(&texts));
    assert!(texts.iter().all(|text| !text.is_empty() && text.trim() == text && !text.contains(',')));
    let read = again(name, texts.iter().map(String::as_str).collect()).texts(name, IDS_MAX);
    assert_eq!(read.ok(), Some(Some(texts)), "a list is read as it was written");
}

fn named(names: &[Named<MessageId>]) {
    for Named { raw, id } in names {
        assert_eq!(raw.parse().ok(), *id, "{raw}");
    }
}

fn ids_of_a_path(segment: &str) {
    let Ok(ids) = gateway::ids::<MessageId>(segment, IDS_MAX) else { return };
    assert!((1..=IDS_MAX).contains(&ids.len()));
    named(&ids);
    let raw: Vec<&str> = ids.iter().map(|named| named.raw.as_str()).collect();
    assert!(each_once(&raw));
    let read = gateway::ids::<MessageId>(&raw.join(","), IDS_MAX);
    assert_eq!(read.ok().as_ref(), Some(&ids), "a list is read as it was written");
}

/// One parameter, as JSON would give it.
fn again(name: &str, value: Value) -> Params {
    Params::new(Map::from_iter([(name.to_owned(), value)]))
}

fn each_once<T: Eq + std::hash::Hash>(values: &[T]) -> bool {
    values.iter().collect::<HashSet<_>>().len() == values.len()
}
