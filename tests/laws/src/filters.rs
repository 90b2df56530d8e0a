//! Filters of lists: what a client may ask of messages, dialogs and users, in every spelling.

use std::fmt::Debug;

use domain::{Limits, UserId};
use gateway::{Params, fuzzing};
use http::Method;
use identity::find::{self, Condition, Moment, Text};
use readmodel::queries::{Among, DialogCondition, MessageTest, Test};
use serde_json::{Map, Value, json};

use crate::asked::of_request;
use crate::form::{self, BYTES_MAX};

/// Conditions of one call: the API's promise.
const CONDITIONS_MAX: usize = 20;
const VALUES_MAX: usize = 100;
const CHARACTERS_MAX: usize = 10_000;
/// From here on a number is one of milliseconds.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// Any bytes as the query, or from a brace on as the JSON, of a call that lists.
pub fn filters(bytes: &[u8]) {
    if bytes.len() > BYTES_MAX {
        return;
    }
    let read = match bytes.first() {
        Some(b'{') => of_request(Method::POST, "", "application/json", bytes),
        _ => of_request(Method::GET, &form::plain(bytes), "", b""),
    };
    let Ok(params) = read else { return };
    let limits = Limits::default();
    if let Ok(tests) = fuzzing::message_tests(&mut params.clone(), &limits) {
        assert!(tests.len() <= CONDITIONS_MAX);
        tests.iter().for_each(of_message);
    }
    if let Ok(conditions) = fuzzing::user_conditions(&mut params.clone(), &limits) {
        assert!(conditions.len() <= CONDITIONS_MAX);
        conditions.iter().for_each(of_user);
    }
    let keys = ["city".to_owned(), "mood".to_owned()];
    if let Ok((conditions, names)) = fuzzing::dialog_conditions(&mut params.clone(), &keys, &limits) {
        assert!(conditions.len() + names.len() <= CONDITIONS_MAX);
        conditions.iter().for_each(|condition| of_dialog(condition, &keys));
        for name in names {
            let read = |mut params| fuzzing::dialog_conditions(&mut params, &keys, &limits);
            let (conditions, names) = read(written("name", &text(&name))).expect("it is read again");
            assert_eq!((conditions.len(), names), (0, vec![name]));
        }
    }
}

/// It is read again as it was written.
fn of_message(test: &MessageTest) {
    let (name, value) = match test {
        MessageTest::Id(test) => ("_id", text(test)),
        MessageTest::Text(test) => ("message", text(test)),
        MessageTest::Sender(test) => ("sender_id", number(test)),
        MessageTest::Recipient(test) => ("recipient_id", number(test)),
        MessageTest::AttachmentType(test) => ("attachments.type", text(test)),
        MessageTest::DateSent(test) => ("date_sent", moment(test)),
        MessageTest::CreatedAt(test) => ("created_at", moment(test)),
        MessageTest::UpdatedAt(test) => ("updated_at", moment(test)),
    };
    let read = fuzzing::message_tests(&mut written(name, &value), &Limits::default());
    assert_eq!(read.ok().as_deref(), Some([test.clone()].as_slice()), "{name} {value}");
}

/// The same of a dialog.
fn of_dialog(condition: &DialogCondition, keys: &[String]) {
    let (name, value) = match condition {
        DialogCondition::Id(test) => ("_id", text(test)),
        DialogCondition::Kind(test) => ("type", number(test)),
        DialogCondition::LastSent(test) => ("last_message_date_sent", moment(test)),
        DialogCondition::CreatedAt(test) => ("created_at", moment(test)),
        DialogCondition::UpdatedAt(test) => ("updated_at", moment(test)),
        DialogCondition::Extension(key, test) => ("extensions", json!({ key: text(test) })),
        // Without anybody whom it could be about, it is no condition.
        DialogCondition::Occupants(Among::NoneOf(users)) if users.is_empty() => return,
        DialogCondition::Occupants(among) => ("occupants_ids", people(among)),
        DialogCondition::Name { .. } => panic!("the opponents of nobody are known here"),
    };
    let read = fuzzing::dialog_conditions(&mut written(name, &value), keys, &Limits::default());
    let (conditions, names) = read.unwrap_or_else(|_| panic!("it is not read again: {name} {value}"));
    assert_eq!((conditions.as_slice(), names.len()), ([condition.clone()].as_slice(), 0), "{name} {value}");
}

/// The same of a user, where no comma makes two values of one.
fn of_user(condition: &Condition) {
    let (name, value) = match condition {
        Condition::Id(test) => ("id", number(&like(test))),
        Condition::Text(Text::Login, test) => ("login", text(&like(test))),
        Condition::Text(Text::FullName, test) => ("full_name", text(&like(test))),
        Condition::Text(Text::Phone, test) => ("phone", text(&like(test))),
        Condition::Text(Text::ExternalId, test) => ("external_id", text(&like(test))),
        Condition::Moment(Moment::CreatedAt, test) => ("created_at", moment(&like(test))),
        Condition::Moment(Moment::UpdatedAt, test) => ("updated_at", moment(&like(test))),
        Condition::Moment(Moment::LastRequestAt, test) => ("last_request_at", moment(&like(test))),
        Condition::Text(_, test) => {
            text(&like(test));
            return;
        }
        Condition::AnyTag(tags) | Condition::NoTag(tags) => {
            assert!(tags.len() <= VALUES_MAX);
            return;
        }
        Condition::Begins(_) => return,
    };
    let read = fuzzing::user_conditions(&mut written(name, &value), &Limits::default());
    assert_eq!(read.ok().as_deref(), Some([condition.clone()].as_slice()), "{name} {value}");
}

fn like<T: Clone>(test: &find::Test<T>) -> Test<T> {
    match test.clone() {
        find::Test::In(values) => Test::In(values),
        find::Test::NotIn(values) => Test::NotIn(values),
        find::Test::Below(bound) => Test::Below(bound),
        find::Test::AtMost(bound) => Test::AtMost(bound),
        find::Test::Above(bound) => Test::Above(bound),
        find::Test::AtLeast(bound) => Test::AtLeast(bound),
    }
}

fn people(among: &Among) -> Value {
    let numbers = |users: &[UserId]| users.iter().map(|user| user.get()).collect::<Value>();
    match among {
        Among::AnyOf(users) => json!({ "in": numbers(users) }),
        Among::AllOf(users) => json!({ "all": numbers(users) }),
        Among::NoneOf(users) => json!({ "nin": numbers(users) }),
    }
}

fn written(name: &str, value: &Value) -> Params {
    Params::new(Map::from_iter([(name.to_owned(), value.clone())]))
}

fn text(test: &Test<String>) -> Value {
    for found in values(test).into_iter().chain(["", "0", "\u{10ffff}"].map(str::to_owned).iter()) {
        holds(test, found.clone(), |test| test.text(Some(found)));
    }
    let none = matches!(test, Test::NotIn(_));
    assert_eq!(test.text(None), none, "without a value only a denial holds");
    assert!(values(test).iter().all(|value| value.chars().count() <= CHARACTERS_MAX));
    spelt(test, |value| json!(value))
}

fn number(test: &Test<i64>) -> Value {
    bounded(test);
    spelt(test, |number| json!(number))
}

fn moment(test: &Test<i64>) -> Value {
    bounded(test);
    spelt(test, |seconds| {
        let milliseconds = seconds.unsigned_abs() >= MILLISECONDS_FROM;
        let sign = if *seconds < 0 { "-" } else { "" };
        let thousands = if milliseconds { "000" } else { "" };
        json!(format!("{sign}{}{thousands}", seconds.unsigned_abs()))
    })
}

fn bounded(test: &Test<i64>) {
    for found in values(test) {
        if let Ok(found) = u64::try_from(*found) {
            holds(test, found as i64, |test| test.number(Some(found)));
            _ = test.moment(Some(found));
        }
    }
    assert!(!test.number(None) || matches!(test, Test::NotIn(_)));
}

/// What a test says of a value does not contradict what its like says.
fn holds<T: Ord + Clone>(test: &Test<T>, found: T, passes: impl Fn(&Test<T>) -> bool) {
    let other = match test.clone() {
        Test::In(values) => Test::NotIn(values),
        Test::NotIn(values) => Test::In(values),
        Test::Below(bound) => Test::AtLeast(bound),
        Test::AtLeast(bound) => Test::Below(bound),
        Test::Above(bound) => Test::AtMost(bound),
        Test::AtMost(bound) => Test::Above(bound),
        Test::All(values) => {
            assert_eq!(passes(test), values.iter().all(|value| *value == found));
            return;
        }
        Test::Contains(_) => return,
    };
    assert_ne!(passes(test), passes(&other));
}

fn values<T>(test: &Test<T>) -> Vec<&T> {
    match test {
        Test::Below(value) | Test::AtMost(value) | Test::Above(value) | Test::AtLeast(value) => vec![value],
        Test::In(values) | Test::NotIn(values) | Test::All(values) => values.iter().collect(),
        Test::Contains(_) => vec![],
    }
}

/// The test as a client writes it.
fn spelt<T: Ord + Debug>(test: &Test<T>, write: impl Fn(&T) -> Value) -> Value {
    let listed = values(test);
    assert!(listed.len() <= VALUES_MAX);
    assert!((1..listed.len()).all(|place| !listed[..place].contains(&listed[place])), "each once");
    let list: Value = listed.into_iter().map(&write).collect();
    match test {
        Test::Below(value) => json!({ "lt": write(value) }),
        Test::AtMost(value) => json!({ "lte": write(value) }),
        Test::Above(value) => json!({ "gt": write(value) }),
        Test::AtLeast(value) => json!({ "gte": write(value) }),
        Test::In(_) => json!({ "in": list }),
        Test::NotIn(_) => json!({ "nin": list }),
        Test::All(_) => json!({ "all": list }),
        Test::Contains(text) => {
            assert!(!text.is_empty() && text.chars().count() <= CHARACTERS_MAX);
            json!({ "ctn": text })
        }
    }
}
