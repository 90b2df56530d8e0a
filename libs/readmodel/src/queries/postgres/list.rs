//! A listing as one statement: the server filters, counts, orders and cuts out the page, and
//! gives it with all that is shown of it.
//!
//! Dialogs in which the viewer has hidden something are told apart and all handed over: which
//! message is the newest for him is not for a server to say.

use domain::DialogId;
use sqlx::{AssertSqlSafe, query};

use super::super::columns::damaged;
use super::super::fetched::Fetched;
use super::super::list::Listed;
use super::super::listing::{Among, By, DialogCondition, Listing};
use super::super::people::{Part, SKIP_MAX, Who};
use super::super::{Order, Test};
use super::columns::{Columns, user};
use super::fault::Fault;
use super::fetch::{Asking, int, reached, row, rows, viewed};
use super::served::Reached;
use super::statements::{BLOCKED, OCCUPANTS, OF_SEAT, OPPONENTS, SEAT, VIEW};

/// The date of the newest message above the viewer's floor.
const DATE: &str = "CASE WHEN d.last_sequence <= greatest(d.cleared_to, s.cleared_to) THEN NULL
    WHEN d.last_sequence = d.head THEN d.last_sent
    ELSE (SELECT m.date_sent FROM messages m WHERE m.dialog = d.dialog AND m.sequence = d.last_sequence) END";
/// Whether the viewer has hidden a message there: [`Sparse::hides`](crate::marks::Sparse::hides).
const ODD: &str = "coalesce(s.hides, false)";
const OPPONENT: &str = "CASE WHEN d.owner_id = $1 THEN d.opponent ELSE d.owner_id END";
/// Beside the viewer, and how many to leave out and to give.
const VALUES_BEFORE: usize = 3;

/// The dialogs in his list that he is in.
const OF_MEMBER: &str = "FROM standings s JOIN dialogs d ON d.dialog = s.dialog
    WHERE s.user_id = $1 AND s.member AND d.alive
        AND NOT (d.kind = 3 AND s.hidden_at IS NOT DISTINCT FROM d.head)";
/// The broadcasts in his list.
const BROADCASTS: &str = "FROM dialogs d LEFT JOIN standings s ON s.dialog = d.dialog AND s.user_id = $1
    WHERE d.kind = 1 AND d.alive AND s.hidden_at IS NULL AND s.blocked IS NOT TRUE";

/// A value that a condition compares with.
enum Value {
    Number(i64),
    Numbers(Vec<i64>),
    Text(String),
    Texts(Vec<String>),
}

/// Conditions, with their values numbered after those that every listing has.
#[derive(Default)]
struct Conditions {
    values: Vec<Value>,
}

impl Conditions {
    /// Where that value stands.
    fn put(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len() + VALUES_BEFORE)
    }

    fn sql(&mut self, condition: &DialogCondition) -> String {
        match condition {
            DialogCondition::Id(test) => self.text("encode(d.dialog, 'hex') COLLATE \"C\"", test),
            DialogCondition::Kind(test) => self.number("d.kind", "d.kind::text", test),
            DialogCondition::Name { name, opponents } => {
                let numbers = opponents.iter().map(|opponent| int(opponent.get())).collect();
                let opponents = self.put(Value::Numbers(numbers));
                let name = self.text("d.name", name);
                // A list in a subquery is hashed, however long it is.
                format!(
                    "CASE WHEN d.kind = 3 THEN ({OPPONENT}) IN (SELECT unnest({opponents}::bigint[]))
                     ELSE {name} END"
                )
            }
            DialogCondition::LastSent(test) => {
                self.number(&format!("({DATE})"), &format!("({DATE})::text"), test)
            }
            DialogCondition::CreatedAt(test) => self.moment("d.created_at / 1000", test),
            DialogCondition::UpdatedAt(test) => self.moment("d.updated_at / 1000", test),
            DialogCondition::Extension(key, test) => {
                let key = self.put(Value::Text(key.clone()));
                self.text(&format!("(d.extensions::json ->> {key}) COLLATE \"C\""), test)
            }
            DialogCondition::Occupants(among) => self.among(among),
        }
    }

    fn number(&mut self, field: &str, written: &str, test: &Test<i64>) -> String {
        self.test((field, written), test, Value::Number, Value::Numbers)
    }

    fn text(&mut self, field: &str, test: &Test<String>) -> String {
        self.test((field, field), test, Value::Text, Value::Texts)
    }

    fn moment(&mut self, seconds: &str, test: &Test<i64>) -> String {
        let written =
            format!("to_char(to_timestamp({seconds}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
        self.number(&format!("({seconds})"), &written, test)
    }

    fn test<T: Clone>(
        &mut self,
        (field, written): (&str, &str),
        test: &Test<T>,
        one: fn(T) -> Value,
        many: fn(Vec<T>) -> Value,
    ) -> String {
        match test {
            Test::Below(bound) => format!("{field} < {}", self.put(one(bound.clone()))),
            Test::AtMost(bound) => format!("{field} <= {}", self.put(one(bound.clone()))),
            Test::Above(bound) => format!("{field} > {}", self.put(one(bound.clone()))),
            Test::AtLeast(bound) => format!("{field} >= {}", self.put(one(bound.clone()))),
            Test::In(values) => format!("{field} = ANY ({})", self.put(many(values.clone()))),
            Test::NotIn(values) => {
                format!("({field} = ANY ({})) IS NOT TRUE", self.put(many(values.clone())))
            }
            Test::All(values) => {
                format!("({field} IS NOT NULL AND {field} = ALL ({}))", self.put(many(values.clone())))
            }
            Test::Contains(text) => format!("strpos({written}, {}) > 0", self.put(Value::Text(text.clone()))),
        }
    }

    fn among(&mut self, among: &Among) -> String {
        let (Among::AnyOf(users) | Among::AllOf(users) | Among::NoneOf(users)) = among;
        let mut numbers: Vec<_> = users.iter().map(|user| int(user.get())).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let all = numbers.len();
        let users = self.put(Value::Numbers(numbers));
        let of = format!(
            "FROM standings o WHERE o.dialog = d.dialog AND o.user_id = ANY ({users}) AND o.member
                AND d.kind IN (2, 3)"
        );
        match among {
            Among::AnyOf(_) => format!("EXISTS (SELECT 1 {of})"),
            Among::NoneOf(_) => format!("NOT EXISTS (SELECT 1 {of})"),
            Among::AllOf(_) => format!("(SELECT count(*) {of}) = {all}"),
        }
    }
}

/// The statement of a listing, and the values of its conditions.
fn statement(listing: &Listing) -> (String, Vec<Value>) {
    let mut conditions = Conditions::default();
    let fits: Vec<_> = listing.conditions.iter().map(|condition| conditions.sql(condition)).collect();
    let fits = match fits.as_slice() {
        [] => String::new(),
        fits => format!("AND ({ODD} OR ({}))", fits.join(" AND ")),
    };
    let key = match listing.by {
        By::LastSent => {
            let sent = format!("({DATE}) * 1000");
            format!("coalesce({sent} + least(greatest(d.updated_at - {sent}, 0), 999), d.created_at)")
        }
        By::CreatedAt => "d.created_at".to_owned(),
        By::UpdatedAt => "d.updated_at".to_owned(),
    };
    let direction = match listing.order {
        Order::OldestFirst => "ASC",
        Order::NewestFirst => "DESC",
    };
    let text = format!(
        "WITH found AS MATERIALIZED (
            SELECT d.dialog, {key} AS key, {ODD} AS odd {OF_MEMBER} {fits}
            UNION ALL SELECT d.dialog, {key}, {ODD} {BROADCASTS} {fits}
         ), counted AS MATERIALIZED (
            SELECT count(*) FILTER (WHERE NOT odd) AS total, count(*) FILTER (WHERE odd) AS odds FROM found
         ), page AS (
            (SELECT * FROM found WHERE NOT odd ORDER BY key {direction}, dialog {direction}
             OFFSET (SELECT greatest($2::bigint - odds, 0) FROM counted)
             LIMIT (SELECT $3::bigint + odds FROM counted))
            UNION ALL SELECT * FROM found WHERE odd
         )
         SELECT t.total, p.key, p.odd, {SEAT}, {VIEW} FROM counted t LEFT JOIN page p ON true
         LEFT JOIN dialogs d ON d.dialog = p.dialog {OF_SEAT}
         LEFT JOIN messages l ON l.dialog = d.dialog AND l.sequence = d.last_sequence"
    );
    (text, conditions.values)
}

impl Asking<'_> {
    /// What of `listing` the server can say.
    pub(super) async fn listing(&mut self, listing: &Listing, to: &mut Fetched) -> Result<(), Fault> {
        let (text, values) = statement(listing);
        let skip = int(listing.skip.min(SKIP_MAX));
        let mut statement =
            query(AssertSqlSafe(text)).bind(self.viewer()).bind(skip).bind(listing.limit as i64);
        for value in values {
            statement = match value {
                Value::Number(number) => statement.bind(number),
                Value::Numbers(numbers) => statement.bind(numbers),
                Value::Text(text) => statement.bind(text),
                Value::Texts(texts) => statement.bind(texts),
            };
        }
        let mut listed = Listed::default();
        for row in rows(self.connection, statement).await? {
            let mut columns = Columns::of(&row);
            listed.total = columns.number()?;
            let (Some(key), Some(odd)) = (columns.take::<Option<i64>>()?, columns.take::<Option<bool>>()?)
            else {
                continue;
            };
            let ground = columns.ground()?.ok_or_else(|| damaged("a listed dialog that is not there"))?;
            let dialog = ground.dialog;
            viewed(ground, &mut columns, to)?;
            if odd { listed.odd.push(dialog) } else { listed.plain.push((key.cast_unsigned(), dialog)) }
        }
        to.listed = Some(listed);
        Ok(())
    }

    /// A part of the users of `dialog`, and the viewer's seat in it.
    pub(super) async fn people(
        &mut self,
        dialog: DialogId,
        Part { who, skip, limit }: Part,
        to: &mut Fetched,
    ) -> Result<Reached, Fault> {
        let text = match who {
            Who::Occupants => OCCUPANTS.as_str(),
            Who::Blocked => BLOCKED.as_str(),
        };
        let id = dialog.as_bytes().as_slice();
        let skip = int(skip.min(SKIP_MAX));
        let statement = query(text).bind(self.viewer()).bind(id).bind(skip).bind(limit as i64);
        let row = row(self.connection, statement).await?;
        let mut columns = Columns::of(&row);
        let folded = reached(&mut columns)?;
        to.grounds.insert(dialog, columns.ground()?);
        to.people = columns.list()?.into_iter().map(user).collect::<Result<_, _>>()?;
        Ok(folded)
    }

    pub(super) async fn opponents(&mut self, to: &mut Fetched) -> Result<(), Fault> {
        let mut opponents = vec![];
        for row in rows(self.connection, query(OPPONENTS).bind(self.viewer())).await? {
            opponents.push(user(Columns::of(&row).take()?)?);
        }
        to.opponents = Some(opponents);
        Ok(())
    }
}
