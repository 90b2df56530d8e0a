//! Lists of dialogs, filtered, ordered and in parts, against a naive look at every dialog.

use domain::event::Kind;
use domain::{DialogId, UserId, calendar};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{Among, By, DialogCondition, DialogView, Listing, Order, Test};
use super::{Model, listing};
use crate::testing::{World, steps};

/// A condition in small numbers, which mean something in every world.
#[derive(Debug, Clone)]
struct Seed {
    field: u8,
    operator: u8,
    picks: Vec<u8>,
    shift: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Id,
    Kind,
    Name,
    LastSent,
    CreatedAt,
    UpdatedAt,
    Extension,
    Occupants,
}

const FIELDS: [Field; 8] = [
    Field::Id,
    Field::Kind,
    Field::Name,
    Field::LastSent,
    Field::CreatedAt,
    Field::UpdatedAt,
    Field::Extension,
    Field::Occupants,
];
const KEY: &str = "colour";

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    let seed = (any::<u8>(), any::<u8>(), vec(any::<u8>(), 0..4), -1..=1_i64)
        .prop_map(|(field, operator, picks, shift)| Seed { field, operator, picks, shift });
    vec(seed, 0..4)
}

fn display(user: UserId) -> String {
    format!("name of {user}")
}

/// The values of a field of numbers.
fn numbers(view: &DialogView, field: Field) -> Vec<i64> {
    let numbers = match field {
        Field::Kind => vec![u64::from(view.kind.number())],
        Field::LastSent => view.last.iter().map(|last| last.date_sent).collect(),
        Field::CreatedAt => vec![view.created_at.0 / 1000],
        Field::UpdatedAt => vec![view.updated_at.0 / 1000],
        Field::Occupants => view.occupants.iter().map(|occupant| occupant.get()).collect(),
        Field::Id | Field::Name | Field::Extension => vec![],
    };
    numbers.into_iter().map(u64::cast_signed).collect()
}

/// The values of a field of texts.
fn texts(view: &DialogView, field: Field) -> Vec<String> {
    match field {
        Field::Id => vec![view.id.to_string()],
        Field::Name if view.kind == Kind::Private => view.opponent.map(display).into_iter().collect(),
        Field::Name => view.name.clone().into_iter().collect(),
        Field::Extension => {
            let stored = view.extensions.as_deref().unwrap_or("{}");
            let fields: serde_json::Value = serde_json::from_str(stored).unwrap();
            fields[KEY].as_str().map(str::to_owned).into_iter().collect()
        }
        Field::Kind | Field::LastSent | Field::CreatedAt | Field::UpdatedAt | Field::Occupants => vec![],
    }
}

/// A test of those values.
fn test<T: Clone>(operator: u8, values: &[T], part: impl FnOnce() -> String) -> Option<Test<T>> {
    let first = values.first().cloned();
    Some(match operator % 8 {
        0 => Test::Below(first?),
        1 => Test::AtMost(first?),
        2 => Test::Above(first?),
        3 => Test::AtLeast(first?),
        4 => Test::In(values.to_vec()),
        5 => Test::NotIn(values.to_vec()),
        6 => Test::All(values.to_vec()),
        _ => Test::Contains(part()),
    })
}

/// Whether it holds, said once more and plainly.
fn holds<T: Ord + Clone>(test: &Test<T>, found: &[T], written: impl Fn(&T) -> String) -> bool {
    match test {
        Test::Below(bound) => found.iter().any(|value| value < bound),
        Test::AtMost(bound) => found.iter().any(|value| value <= bound),
        Test::Above(bound) => found.iter().any(|value| value > bound),
        Test::AtLeast(bound) => found.iter().any(|value| value >= bound),
        Test::In(values) => values.iter().any(|value| found.contains(value)),
        Test::NotIn(values) => values.iter().all(|value| !found.contains(value)),
        Test::All(values) => !found.is_empty() && values.iter().all(|value| found.contains(value)),
        Test::Contains(text) => found.iter().any(|value| written(value).contains(text.as_str())),
    }
}

fn written(field: Field, number: i64) -> String {
    match field {
        Field::CreatedAt | Field::UpdatedAt => {
            String::from_utf8(calendar::iso(domain::Time(number.cast_unsigned() * 1000)).to_vec()).unwrap()
        }
        Field::Kind | Field::LastSent | Field::Occupants => number.to_string(),
        Field::Id | Field::Name | Field::Extension => unreachable!("a field of texts"),
    }
}

/// The inner part of a text.
fn inside(text: &str) -> String {
    text.chars().skip(1).take(text.chars().count().saturating_sub(2)).collect()
}

/// What a seed asks for in a world of those dialogs.
fn condition(seed: &Seed, views: &[DialogView], users: &[UserId]) -> Option<DialogCondition> {
    let field = FIELDS[usize::from(seed.field) % FIELDS.len()];
    let pick = |all: usize| seed.picks.iter().map(move |pick| usize::from(*pick) % all.max(1));
    let all_numbers: Vec<_> = views.iter().flat_map(|view| numbers(view, field)).collect();
    let all_texts: Vec<_> = views.iter().flat_map(|view| texts(view, field)).collect();
    let picked: Vec<_> =
        pick(all_numbers.len()).filter_map(|index| Some(all_numbers.get(index)? + seed.shift)).collect();
    let words: Vec<_> = pick(all_texts.len()).filter_map(|index| all_texts.get(index).cloned()).collect();
    let number =
        || test(seed.operator, &picked, || inside(&written(field, picked.first().copied().unwrap_or(7))));
    let text = || test(seed.operator, &words, || words.first().map_or("%".to_owned(), |word| inside(word)));
    Some(match field {
        Field::Id => DialogCondition::Id(text()?),
        Field::Kind => DialogCondition::Kind(number()?),
        Field::Name => {
            let name = text()?;
            let fits = |user: &&UserId| holds(&name, &[display(**user)], String::clone);
            DialogCondition::Name { opponents: users.iter().filter(fits).copied().collect(), name }
        }
        Field::LastSent => DialogCondition::LastSent(number()?),
        Field::CreatedAt => DialogCondition::CreatedAt(number()?),
        Field::UpdatedAt => DialogCondition::UpdatedAt(number()?),
        Field::Extension => DialogCondition::Extension(KEY.to_owned(), text()?),
        Field::Occupants => {
            let wanted: Vec<_> = pick(users.len()).map(|index| users[index]).collect();
            DialogCondition::Occupants(match seed.operator % 3 {
                0 => Among::AnyOf(wanted),
                1 => Among::AllOf(wanted),
                _ => Among::NoneOf(wanted),
            })
        }
    })
}

fn fits(view: &DialogView, condition: &DialogCondition) -> bool {
    let number = |field, test| holds(test, &numbers(view, field), |number| written(field, *number));
    let text = |field, test| holds(test, &texts(view, field), String::clone);
    match condition {
        DialogCondition::Id(test) => text(Field::Id, test),
        DialogCondition::Kind(test) => number(Field::Kind, test),
        DialogCondition::Name { name, .. } => text(Field::Name, name),
        DialogCondition::LastSent(test) => number(Field::LastSent, test),
        DialogCondition::CreatedAt(test) => number(Field::CreatedAt, test),
        DialogCondition::UpdatedAt(test) => number(Field::UpdatedAt, test),
        DialogCondition::Extension(_, test) => text(Field::Extension, test),
        DialogCondition::Occupants(among) => match among {
            Among::AnyOf(users) => users.iter().any(|user| view.occupants.contains(user)),
            Among::AllOf(users) => users.iter().all(|user| view.occupants.contains(user)),
            Among::NoneOf(users) => users.iter().all(|user| !view.occupants.contains(user)),
        },
    }
}

fn key(view: &DialogView, by: By) -> (u64, DialogId) {
    let key = match by {
        By::LastSent => view.last.as_ref().map_or(view.created_at.0, |last| {
            let sent = last.date_sent * 1000;
            view.updated_at.0.max(sent).min(sent + 999)
        }),
        By::CreatedAt => view.created_at.0,
        By::UpdatedAt => view.updated_at.0,
    };
    (key, view.id)
}

fn check(
    mut model: Model,
    steps: &[crate::testing::Step],
    seeds: &[Seed],
    (by, order, skip, limit): (By, Order, u64, usize),
) -> Result<(), TestCaseError> {
    let mut world = World::default();
    for records in world.history(steps) {
        model.fold(records);
    }
    let users: Vec<_> = world.users().collect();
    for viewer in &users {
        let mut views = vec![];
        for dialog in world.dialogs() {
            let view = model.ask(async |queries| queries.dialog(*viewer, *dialog).await);
            views.extend(view.filter(|view| !view.hidden));
        }
        let conditions: Vec<_> = seeds.iter().filter_map(|seed| condition(seed, &views, &users)).collect();
        let mut expected: Vec<_> =
            views.iter().filter(|view| conditions.iter().all(|condition| fits(view, condition))).collect();
        expected.sort_by_key(|view| key(view, by));
        if order == Order::NewestFirst {
            expected.reverse();
        }
        let total = expected.len() as u64;
        let page: Vec<_> = expected.into_iter().skip(skip as usize).take(limit).cloned().collect();
        let asked = Listing { conditions: conditions.clone(), by, order, skip, limit };
        let found = model.ask(async |queries| queries.dialogs(*viewer, asked.clone()).await);
        prop_assert_eq!((found.total, found.items), (total, page), "{:?}", asked);
        let count = model.ask(async |queries| queries.dialogs_count(*viewer, conditions.clone()).await);
        prop_assert_eq!(count, total);
        let mut opponents = model.ask(async |queries| {
            let mut found = queries.opponents(*viewer).await?;
            found.sort_unstable();
            Ok(found)
        });
        opponents.dedup();
        prop_assert!(views.iter().filter_map(|view| view.opponent).all(|one| opponents.contains(&one)));
    }
    Ok(())
}

fn parts() -> impl Strategy<Value = (By, Order, u64, usize)> {
    let by = prop_oneof![Just(By::LastSent), Just(By::CreatedAt), Just(By::UpdatedAt)];
    let order = prop_oneof![Just(Order::OldestFirst), Just(Order::NewestFirst)];
    (by, order, 0..6_u64, 0..6_usize)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_list_is_what_a_look_at_each_dialog_says(
        steps in steps(60, false),
        seeds in seeds(),
        part in parts(),
    ) {
        check(Model::embedded(1_000), &steps, &seeds, part)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn both_stores_list_what_a_look_at_each_dialog_says(
        steps in steps(60, false),
        seeds in seeds(),
        part in parts(),
    ) {
        check(Model::new(1_000), &steps, &seeds, part)?;
    }
}

#[test]
fn a_part_far_behind_the_end_is_empty() {
    let mut chat = super::Chat::new();
    chat.create(Kind::Group, 1, &[2]);
    for skip in [1, u64::MAX / 2, u64::MAX] {
        let asked = Listing { skip, ..listing() };
        let found = chat.model.ask(async |queries| queries.dialogs(super::user(1), asked.clone()).await);
        assert_eq!((found.total, found.items.len()), (1, 0), "{skip}");
    }
}

/// Each dialog that somebody has hidden something in may stand elsewhere for him; pages
/// still cover all of them once.
#[test]
fn pages_cover_all_once_where_much_is_hidden() {
    let mut chat = super::Chat::new();
    let made: Vec<_> = (0..9).map(|_| chat.create(Kind::Group, 1, &[2])).collect();
    for round in 0..3 {
        for dialog in &made {
            let message = chat.post(1, *dialog);
            if round == 2 && dialog.as_bytes()[11] % 2 == 0 {
                chat.does(2, *dialog, domain::command::Command::HideMessages(vec![message])).unwrap();
            }
        }
    }
    let ask = |skip, limit| {
        let asked = Listing { skip, limit, ..listing() };
        chat.model.ask(async |queries| queries.dialogs(super::user(2), asked.clone()).await)
    };
    let all = ask(0, 100);
    assert_eq!((all.total, all.items.len()), (9, 9));
    assert!(all.items.is_sorted_by_key(|view| std::cmp::Reverse(key(view, By::LastSent))));
    for limit in 1..=9 {
        let pages = (0..10).step_by(limit).flat_map(|skip| ask(skip as u64, limit).items);
        assert_eq!(pages.collect::<Vec<_>>(), all.items, "pages of {limit}");
    }
}
