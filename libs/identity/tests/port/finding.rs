//! Finding users: any query has the answer that looking at each user in turn would give, on each store.

use std::cmp::Ordering;

use domain::Time;
use identity::find::{BEGINNING_MIN, Beginning, By, Condition, Hits, Moment, Order, Query, Test, Text};
use identity::{IDS_MAX, NewUser, Password, SignUp, Term, User, canonical};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::fixture::{Fixture, PASSWORD, SALT, START, each_store, id};

/// Texts of which some are the same but for case, some begin like others, and some mean something to a
/// store.
const WORDS: [&str; 32] = [
    "alice",
    "Alice",
    "ALICE LIDDELL",
    "ａｌｉｃｅ",
    "alic",
    "alicf",
    "al_ce",
    "al%ce",
    "al*ce",
    "al[i]ce",
    "al\\ice",
    "al'; DROP TABLE users; --",
    "\"alice\"",
    "alice\u{200f}",
    "\u{202e}ecila",
    "straße",
    "STRASSE 7",
    "zo\u{eb}-x",
    "zoe\u{308}-X",
    "😀😀😀😀",
    "😀😀😀😀😀 and more",
    "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}",
    "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}z",
    "\u{d7ff}\u{d7ff}\u{d7ff}\u{d7ff}\u{e000}",
    "אליס בארץ",
    "   ",
    "1",
    "12345",
    "12345678901234567890",
    "+44 1",
    "null",
    "$1 ?1 :id @x",
];
const TAGS: [&str; 7] = ["vip", "VIP", "vipers", "a_b", "a%b", "тег-один", "100%"];
const TEXTS: [Text; 9] = [
    Text::Login,
    Text::Email,
    Text::FullName,
    Text::Phone,
    Text::Website,
    Text::ExternalUserId,
    Text::ExternalId,
    Text::FacebookId,
    Text::TwitterId,
];
const TERMS: [(Term, Option<Text>); 9] = [
    (Term::Login, Some(Text::Login)),
    (Term::Email, Some(Text::Email)),
    (Term::FullName, Some(Text::FullName)),
    (Term::Phone, Some(Text::Phone)),
    (Term::ExternalUserId, Some(Text::ExternalUserId)),
    (Term::ExternalId, Some(Text::ExternalId)),
    (Term::FacebookId, Some(Text::FacebookId)),
    (Term::TwitterId, Some(Text::TwitterId)),
    (Term::Tag, None),
];
const MOMENTS: [Moment; 3] = [Moment::CreatedAt, Moment::UpdatedAt, Moment::LastRequestAt];
const USERS: u64 = 60;
const QUERIES: usize = 400;

/// A condition as the model understands it.
#[derive(Debug, Clone)]
enum Asked {
    Id(Test<i64>),
    Text(Text, Test<String>),
    AnyTag(Vec<String>),
    NoTag(Vec<String>),
    Begins(Term, Option<Text>, String),
    Moment(Moment, Test<i64>),
}

fn text(user: &User, text: Text) -> Option<&String> {
    match text {
        Text::Login => user.login.as_ref(),
        Text::Email => user.email.as_ref(),
        Text::FullName => user.full_name.as_ref(),
        Text::Phone => user.phone.as_ref(),
        Text::Website => user.website.as_ref(),
        Text::ExternalUserId => user.external_user_id.as_ref(),
        Text::ExternalId => user.external_id.as_ref(),
        Text::FacebookId => user.facebook_id.as_ref(),
        Text::TwitterId => user.twitter_id.as_ref(),
    }
}

fn compared(field: Text, value: &str) -> String {
    if matches!(field, Text::Login | Text::Email) { canonical(value) } else { value.to_owned() }
}

fn moment(user: &User, moment: Moment) -> Option<Time> {
    match moment {
        Moment::CreatedAt => Some(user.created_at),
        Moment::UpdatedAt => Some(user.updated_at),
        Moment::LastRequestAt => user.last_request_at,
    }
}

fn passes<T: Ord>(found: Option<T>, test: &Test<T>) -> bool {
    match (found, test) {
        (found, Test::NotIn(values)) => !found.is_some_and(|found| values.contains(&found)),
        (None, _) => false,
        (Some(found), Test::In(values)) => values.contains(&found),
        (Some(found), Test::Below(bound)) => found < *bound,
        (Some(found), Test::AtMost(bound)) => found <= *bound,
        (Some(found), Test::Above(bound)) => found > *bound,
        (Some(found), Test::AtLeast(bound)) => found >= *bound,
    }
}

fn mapped<T, U>(test: &Test<T>, map: impl Fn(&T) -> U) -> Test<U> {
    match test {
        Test::In(values) => Test::In(values.iter().map(map).collect()),
        Test::NotIn(values) => Test::NotIn(values.iter().map(map).collect()),
        Test::Below(bound) => Test::Below(map(bound)),
        Test::AtMost(bound) => Test::AtMost(map(bound)),
        Test::Above(bound) => Test::Above(map(bound)),
        Test::AtLeast(bound) => Test::AtLeast(map(bound)),
    }
}

fn tags(user: &User) -> Vec<String> {
    user.user_tags.iter().flat_map(|tags| tags.split(',')).map(str::to_owned).collect()
}

impl Asked {
    fn holds(&self, user: &User) -> bool {
        match self {
            Self::Id(test) => passes(Some(user.id.get().cast_signed()), test),
            Self::Text(field, test) => {
                let found = text(user, *field).map(|found| compared(*field, found));
                passes(found, &mapped(test, |value| compared(*field, value)))
            }
            Self::AnyTag(any) => tags(user).iter().any(|tag| any.contains(tag)),
            Self::NoTag(none) => !tags(user).iter().any(|tag| none.contains(tag)),
            Self::Begins(_, field, beginning) => {
                // With a letter behind it, what it ends with stays.
                let beginning = canonical(&format!("{beginning}x"));
                let found = field
                    .map_or_else(|| tags(user), |field| text(user, field).cloned().into_iter().collect());
                found.iter().any(|found| canonical(found).starts_with(&beginning[..beginning.len() - 1]))
            }
            Self::Moment(field, test) => {
                passes(moment(user, *field).map(|at| at.seconds().cast_signed()), test)
            }
        }
    }

    fn condition(&self) -> Condition {
        match self.clone() {
            Self::Id(test) => Condition::Id(test),
            Self::Text(field, test) => Condition::Text(field, test),
            Self::AnyTag(tags) => Condition::AnyTag(tags),
            Self::NoTag(tags) => Condition::NoTag(tags),
            Self::Begins(term, _, text) => Condition::Begins(Beginning::new(term, &text).unwrap()),
            Self::Moment(field, test) => Condition::Moment(field, test),
        }
    }
}

/// By what `by` puts users in their order: a text or a number.
fn key(user: &User, by: By) -> Option<(i64, String)> {
    let number = |number: u64| (number.cast_signed(), String::new());
    match by {
        By::Id => Some(number(user.id.get())),
        By::Text(field) => text(user, field).map(|found| (0, compared(field, found))),
        By::Tags => user.user_tags.clone().map(|tags| (0, tags)),
        By::Moment(field) => moment(user, field).map(|at| number(at.0)),
    }
}

/// What looking at each user in turn gives.
fn naive(users: &[User], asked: &[Asked], query: &Query) -> Hits {
    let mut found: Vec<_> =
        users.iter().filter(|user| asked.iter().all(|asked| asked.holds(user))).cloned().collect();
    found.sort_by(|one, other| {
        let direct = |ordering: Ordering| match query.order {
            Order::Ascending => ordering,
            Order::Descending => ordering.reverse(),
        };
        let by_key = match (key(one, query.by), key(other, query.by)) {
            (Some(one), Some(other)) => direct(one.cmp(&other)),
            (one, other) => one.is_none().cmp(&other.is_none()),
        };
        by_key.then(direct(one.id.cmp(&other.id)))
    });
    let total = found.len() as u64;
    let skip = usize::try_from(query.skip).unwrap_or(usize::MAX);
    Hits { total, users: found.into_iter().skip(skip).take(query.limit as usize).collect() }
}

fn word() -> impl Strategy<Value = String> {
    select(&WORDS[..]).prop_map(str::to_owned)
}

fn test<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + Clone + 'static,
) -> impl Strategy<Value = Test<T>> {
    let several = prop::collection::vec(value.clone(), 0..4);
    prop_oneof![
        4 => several.clone().prop_map(Test::In),
        2 => several.prop_map(Test::NotIn),
        1 => value.clone().prop_map(Test::Below),
        1 => value.clone().prop_map(Test::AtMost),
        1 => value.clone().prop_map(Test::Above),
        1 => value.prop_map(Test::AtLeast),
    ]
}

/// What a text of that field is likely to be.
fn value(field: Text) -> BoxedStrategy<String> {
    match field {
        Text::Email => (word(), 0..3_u8).prop_map(|(word, n)| email(&word, n)).boxed(),
        _ => word().boxed(),
    }
}

fn email(word: &str, n: u8) -> String {
    let letters: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
    format!("{letters}x{n}@Example.com")
}

fn asked() -> impl Strategy<Value = Asked> {
    let numbers =
        test(prop_oneof![8 => 0..=USERS.cast_signed() + 1, 1 => Just(i64::MIN), 1 => Just(i64::MAX)]);
    let seconds = (START.0 / 1000).cast_signed();
    let moments = test(prop_oneof![9 => seconds - 1..seconds + 60, 1 => Just(i64::MAX)]);
    let some_tags = prop::collection::vec(select(&TAGS[..]).prop_map(str::to_owned), 0..3);
    let beginnings = (select(&TERMS[..]), word(), 4..9_usize)
        .prop_map(|((term, field), word, length)| {
            (term, field, word.chars().take(length).collect::<String>())
        })
        .prop_filter("long enough", |(term, _, text)| Beginning::new(*term, text).is_some());
    prop_oneof![
        1 => numbers.prop_map(Asked::Id),
        6 => select(&TEXTS[..]).prop_flat_map(|field| {
            test(value(field)).prop_map(move |test| Asked::Text(field, test))
        }),
        1 => some_tags.clone().prop_map(Asked::AnyTag),
        1 => some_tags.prop_map(Asked::NoTag),
        4 => beginnings.prop_map(|(term, field, text)| Asked::Begins(term, field, text)),
        2 => (select(&MOMENTS[..]), moments).prop_map(|(field, test)| Asked::Moment(field, test)),
    ]
}

fn query() -> impl Strategy<Value = (Vec<Asked>, Query)> {
    let by = prop_oneof![
        1 => Just(By::Id),
        3 => select(&TEXTS[..]).prop_map(By::Text),
        1 => Just(By::Tags),
        1 => select(&MOMENTS[..]).prop_map(By::Moment),
    ];
    let order = select(&[Order::Ascending, Order::Descending][..]);
    let skip = prop_oneof![6 => 0..3_u64, 1 => 0..80_u64, 1 => Just(u64::MAX)];
    (prop::collection::vec(asked(), 0..4), by, order, skip, 1..101_u32).prop_map(
        |(asked, by, order, skip, limit)| {
            let conditions = asked.iter().map(Asked::condition).collect();
            (asked, Query { conditions, by, order, skip, limit })
        },
    )
}

fn sign_up() -> impl Strategy<Value = SignUp> {
    let maybe = || prop::option::of(word());
    let about = (maybe(), maybe(), maybe(), maybe(), maybe(), maybe(), maybe());
    let names = (prop::option::of(word()), (word(), 0..3_u8), subsequence(TAGS.to_vec(), 0..=3));
    (names, about).prop_map(|((login, (word, n), tags), about)| {
        let (full_name, phone, website, external_user_id, external_id, facebook_id, twitter_id) = about;
        SignUp {
            login,
            email: Some(email(&word, n)),
            password: Some(Password::new(PASSWORD)),
            full_name,
            phone,
            website,
            external_user_id,
            external_id,
            facebook_id,
            twitter_id,
            tag_list: tags.into_iter().map(str::to_owned).collect(),
            ..SignUp::default()
        }
    })
}

fn made<S: Strategy>(strategy: &S, runner: &mut TestRunner) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

/// Users of all kinds, some of them deleted: those who are not.
async fn populate(it: &Fixture, runner: &mut TestRunner) -> Vec<User> {
    let strategy = sign_up();
    let mut last = 0;
    for n in 0..USERS * 2 {
        let Ok(user) = NewUser::parse(made(&strategy, runner)) else { continue };
        let at = Time(START.0 + n * 730);
        // Somebody else may have the name.
        let Ok(user) = it.identity.sign_up(user, SALT, at).await else { continue };
        last = user.id.get();
        if n % 3 == 0 {
            let (token, user) = ([u8::try_from(n).unwrap(); 20], Some(user.id));
            let opened = it.identity.open_session(token, crate::fixture::application(), user, at).await;
            opened.unwrap();
        }
    }
    it.place.change("UPDATE users SET updated_at = created_at + id % 5 * 700").await;
    it.place.change("UPDATE users SET deleted_at = updated_at WHERE id % 7 = 0").await;
    assert!(last >= USERS / 2, "only {last} users");
    let ids = (1..=last).filter(|number| number % 7 != 0).map(id).collect::<Vec<_>>();
    assert!(ids.len() <= IDS_MAX);
    it.identity.users(&ids).await.unwrap()
}

#[tokio::test]
async fn any_query_is_answered_as_by_looking_at_each_user() {
    let mut answers = std::sync::Mutex::new(vec![]);
    each_store(async |it| {
        let mut runner = TestRunner::deterministic();
        let users = populate(&it, &mut runner).await;
        let strategy = query();
        let mut found_some = 0;
        let mut seen = vec![];
        for _ in 0..QUERIES {
            let (asked, query) = made(&strategy, &mut runner);
            let found = it.identity.find(query.clone()).await;
            let expected = naive(&users, &asked, &query);
            found_some += usize::from(!expected.users.is_empty());
            assert_eq!(found.as_ref(), Ok(&expected), "{query:?}");
            seen.push(expected);
        }
        assert!(found_some > QUERIES / 4, "only {found_some} found anybody");
        answers.lock().unwrap().push(seen);
    })
    .await;
    let answers = answers.get_mut().unwrap();
    assert_eq!(answers[0], answers[1], "both stores were asked the same");
}

fn one(condition: Condition) -> Query {
    Query { conditions: vec![condition], by: By::Id, order: Order::Ascending, skip: 0, limit: 100 }
}

async fn ids(it: &Fixture, condition: Condition) -> Vec<u64> {
    let found = it.identity.find(one(condition)).await.unwrap();
    found.users.iter().map(|user| user.id.get()).collect()
}

fn begins(term: Term, text: &str) -> Condition {
    Condition::Begins(Beginning::new(term, text).unwrap())
}

#[test]
fn a_beginning_has_four_characters_that_count() {
    for text in ["", "ali", "\u{200f}\u{200f}\u{200f}ali", "  ali", "e\u{301}e\u{301}e\u{301}"] {
        assert_eq!(Beginning::new(Term::Login, text), None, "{text:?}");
    }
    for text in ["alic", "ali ", "😀😀😀😀", "ﬁﬁ", "%%%%"] {
        assert!(Beginning::new(Term::Login, text).is_some(), "{text:?}");
    }
    assert_eq!(BEGINNING_MIN, 4);
}

#[tokio::test]
async fn however_long_a_name_is_it_is_found() {
    each_store(async |it| {
        // One letter that becomes eighteen: more than a key can hold.
        let long = "\u{fdfa}".repeat(255);
        let raw = SignUp {
            login: Some("alice".into()),
            password: Some(Password::new(PASSWORD)),
            full_name: Some(long.clone()),
            ..SignUp::default()
        };
        it.identity.sign_up(NewUser::parse(raw).unwrap(), SALT, START).await.unwrap();
        let called = |name: String| Condition::Text(Text::FullName, Test::In(vec![name]));
        assert_eq!(ids(&it, called(long.clone())).await, [1]);
        assert_eq!(ids(&it, called("\u{fdfa}".repeat(254))).await, [] as [u64; 0], "its key is the same");
        assert_eq!(ids(&it, begins(Term::FullName, &long)).await, [1]);
        assert_eq!(ids(&it, called("nobody\0".into())).await, [] as [u64; 0]);
        assert_eq!(ids(&it, begins(Term::FullName, "nobody\0")).await, [] as [u64; 0]);
    })
    .await;
}

#[tokio::test]
async fn whom_an_older_version_stored_is_found_after_opening() {
    each_store(async |it| {
        it.user("alice").await;
        it.user("alistair").await;
        let older = "DELETE FROM terms; DELETE FROM counters WHERE name LIKE 'terms%'";
        it.place.change(older).await;
        // More of them than are looked at at a time.
        let many = "INSERT INTO users (id, login, login_key, created_at, updated_at)
             WITH RECURSIVE n (n) AS (SELECT 11 UNION ALL SELECT n + 1 FROM n WHERE n < 1310)
             SELECT n, 'user' || n, 'user' || n, n, n FROM n";
        it.place.change(many).await;
        let newer = match it.place {
            crate::fixture::Place::Embedded(_) => {
                "INSERT INTO counters (name, last) VALUES ('terms missing', 0)"
            }
            crate::fixture::Place::Postgres(_) => "INSERT INTO counters (name, last) VALUES ('terms', 0)",
        };
        it.place.change(newer).await;
        assert_eq!(ids(&it, begins(Term::Login, "ALIST")).await, [] as [u64; 0]);
        let it = it.restart().await;
        assert_eq!(ids(&it, begins(Term::Login, "ALIST")).await, [2]);
        assert_eq!(ids(&it, begins(Term::Login, "user131")).await, [131, 1_310]);
        assert_eq!(it.place.number("SELECT count(*) FROM terms").await, 1_302);
    })
    .await;
}

#[tokio::test]
async fn who_is_stored_meanwhile_by_an_older_process_is_found_after_the_next_opening() {
    let it = Fixture::postgres().await;
    it.user("alice").await;
    let it = it.restart().await;
    it.user("alistair").await;
    it.place.change("DELETE FROM terms WHERE user_id = 2").await;
    let it = it.restart().await;
    assert_eq!(ids(&it, begins(Term::Login, "alis")).await, [2]);
}
