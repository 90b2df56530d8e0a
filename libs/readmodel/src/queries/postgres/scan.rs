//! A look at messages one by one, in the server: what passes stays where it is, and its
//! places come back.
//!
//! The statement is put together from the tests. What people asked for are its values, never
//! its text.

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres, query};

use super::super::Order;
use super::super::filter::Test;
use super::super::find::{MessageTest, MessagesBy};
use super::super::scan::{Among, Scan};
use super::fetch::int;

/// The last second of the last year that is shown, as [`domain::calendar`] has it.
const SECONDS_MAX: &str = "253402300799";

/// What finds the places of `scan`.
pub(super) fn statement(scan: &Scan) -> Query<'static, Postgres, PgArguments> {
    let mut values = Values::default();
    let dialog = values.add(Value::Bytes(scan.dialog.as_bytes().to_vec()));
    let mut conditions = vec![format!("m.dialog = {dialog}"), "NOT m.removed".to_owned()];
    conditions.push(match &scan.among {
        Among::Stretch(first, last) => {
            let [first, last] = [first, last].map(|place| values.add(Value::Number(int(*place))));
            format!("m.sequence BETWEEN {first} AND {last}")
        }
        Among::Places(places) => {
            let places = places.iter().copied().map(int).collect();
            format!("m.sequence = ANY ({})", values.add(Value::Numbers(places)))
        }
    });
    let updated_at = updated_at(scan, &mut values);
    conditions.extend(scan.tests.iter().map(|test| condition(test, &mut values)));
    let direction = match scan.order {
        Order::OldestFirst => "ASC",
        Order::NewestFirst => "DESC",
    };
    let key = match scan.by {
        MessagesBy::Sequence => String::new(),
        MessagesBy::Name => format!("m.id {direction}, "),
        MessagesBy::Updated => format!("u.updated_at {direction}, "),
    };
    let most = values.add(Value::Number(i64::try_from(scan.most).unwrap_or(i64::MAX)));
    values.bound(format!(
        "SELECT m.sequence FROM messages m {updated_at} WHERE {}
         ORDER BY {key} m.sequence {direction} LIMIT {most}",
        conditions.join(" AND ")
    ))
}

/// When a message last changed, `u.updated_at`, if that is asked for: reading counts.
fn updated_at(scan: &Scan, values: &mut Values) -> String {
    let tested = scan.tests.iter().any(|test| matches!(test, MessageTest::UpdatedAt(_)));
    if !tested && scan.by != MessagesBy::Updated {
        return String::new();
    }
    let mut columns = [vec![], vec![], vec![]];
    for (first, last, at) in scan.touched.iter() {
        for (column, number) in columns.iter_mut().zip([first, last, at.0]) {
            column.push(int(number));
        }
    }
    let [first, last, at] = columns.map(|column| values.add(Value::Numbers(column)));
    format!(
        "CROSS JOIN LATERAL (SELECT greatest(m.updated_at, (
            SELECT max(t.at) FROM unnest({first}, {last}, {at}) AS t (first, last, at)
            WHERE m.sequence BETWEEN t.first AND t.last
         )) AS updated_at) u"
    )
}

fn condition(test: &MessageTest, values: &mut Values) -> String {
    match test {
        MessageTest::Id(test) => text(r#"(encode(m.id, 'hex') COLLATE "C")"#, test, values),
        MessageTest::Text(test) => text("m.text", test, values),
        MessageTest::Sender(test) => number("m.sender", test, values),
        MessageTest::Recipient(test) => number("coalesce(m.recipient, 0)", test, values),
        MessageTest::DateSent(test) => number("m.date_sent", test, values),
        MessageTest::CreatedAt(test) => moment("(m.created_at / 1000)", test, values),
        MessageTest::UpdatedAt(test) => moment("(u.updated_at / 1000)", test, values),
        MessageTest::AttachmentType(test) => attachment_type(test, values),
    }
}

fn text(column: &str, test: &Test<String>, values: &mut Values) -> String {
    compared((column, column), test, values)
}

fn number(column: &str, test: &Test<i64>, values: &mut Values) -> String {
    compared((column, &format!("{column}::text")), test, values)
}

fn moment(column: &str, test: &Test<i64>, values: &mut Values) -> String {
    let seconds = format!("to_timestamp(least({column}, {SECONDS_MAX}))");
    let written = format!(r#"to_char({seconds} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"#);
    compared((column, &written), test, values)
}

/// Of a field that has one value or none: what it is, and how that is written.
fn compared<T: Bound>((column, written): (&str, &str), test: &Test<T>, values: &mut Values) -> String {
    match test {
        Test::Below(bound) => format!("{column} < {}", values.add(bound.one())),
        Test::AtMost(bound) => format!("{column} <= {}", values.add(bound.one())),
        Test::Above(bound) => format!("{column} > {}", values.add(bound.one())),
        Test::AtLeast(bound) => format!("{column} >= {}", values.add(bound.one())),
        Test::In(these) => format!("{column} = ANY ({})", values.add(T::list(these))),
        Test::NotIn(these) => format!("({column} = ANY ({})) IS NOT TRUE", values.add(T::list(these))),
        Test::All(these) => {
            format!("{column} IS NOT NULL AND {column} = ALL ({})", values.add(T::list(these)))
        }
        Test::Contains(part) => format!("strpos({written}, {}) > 0", values.add(Value::Text(part.clone()))),
    }
}

/// Of the types of attachments that are texts: whether one is as the test says, or none, or
/// each that is wanted is there.
fn attachment_type(test: &Test<String>, values: &mut Values) -> String {
    let has = |condition: String| {
        format!(
            "EXISTS (SELECT 1 FROM json_array_elements(m.attachments::json) AS e (attachment)
             WHERE json_typeof(e.attachment -> 'type') = 'string' AND {condition})"
        )
    };
    let kind = r#"((e.attachment ->> 'type') COLLATE "C")"#;
    match test {
        Test::Below(_)
        | Test::AtMost(_)
        | Test::Above(_)
        | Test::AtLeast(_)
        | Test::In(_)
        | Test::Contains(_) => has(text(kind, test, values)),
        Test::NotIn(these) => format!("NOT {}", has(text(kind, &Test::In(these.clone()), values))),
        Test::All(these) => {
            let wanted = values.add(String::list(these));
            let each = has(format!("{kind} = w.kind"));
            let any = has("true".to_owned());
            format!("{any} AND NOT EXISTS (SELECT 1 FROM unnest({wanted}) AS w (kind) WHERE NOT {each})")
        }
    }
}

/// What a statement is asked with.
enum Value {
    Bytes(Vec<u8>),
    Number(i64),
    Numbers(Vec<i64>),
    Text(String),
    Texts(Vec<String>),
}

/// What tests compare with.
trait Bound: Sized {
    fn one(&self) -> Value;
    fn list(values: &[Self]) -> Value;
}

impl Bound for i64 {
    fn one(&self) -> Value {
        Value::Number(*self)
    }

    fn list(values: &[Self]) -> Value {
        Value::Numbers(values.to_vec())
    }
}

impl Bound for String {
    fn one(&self) -> Value {
        Value::Text(self.clone())
    }

    fn list(values: &[Self]) -> Value {
        Value::Texts(values.to_vec())
    }
}

#[derive(Default)]
struct Values(Vec<Value>);

impl Values {
    /// Adds a value; how the statement names it.
    fn add(&mut self, value: Value) -> String {
        let kind = match value {
            Value::Bytes(_) => "bytea",
            Value::Number(_) => "bigint",
            Value::Numbers(_) => "bigint[]",
            Value::Text(_) => "text",
            Value::Texts(_) => "text[]",
        };
        self.0.push(value);
        format!("${}::{kind}", self.0.len())
    }

    /// The statement of that text. It is not kept prepared: there are too many of its sort.
    fn bound(self, text: String) -> Query<'static, Postgres, PgArguments> {
        let statement = query(AssertSqlSafe(text)).persistent(false);
        self.0.into_iter().fold(statement, |statement, value| match value {
            Value::Bytes(bytes) => statement.bind(bytes),
            Value::Number(number) => statement.bind(number),
            Value::Numbers(numbers) => statement.bind(numbers),
            Value::Text(text) => statement.bind(text),
            Value::Texts(texts) => statement.bind(texts),
        })
    }
}
