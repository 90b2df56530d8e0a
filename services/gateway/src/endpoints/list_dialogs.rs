//! `GET /chat/Dialog`: the caller's dialogs, filtered, in order and in parts, or how many
//! there are.
//!
//! What a private dialog is called is its opponent's name, which only users have: a filter by
//! name first asks whose name among the caller's opponents fits.

use axum::extract::State;
use axum::response::Response;
use domain::{Limits, UserId};
use readmodel::queries::{Among, By, DialogCondition, Listing, Order, Test};

use crate::edge::{Caller, LogPosition};
use crate::params::Direction;
use crate::shown::{DialogShown, DialogsAnswer, DialogsShown, count, displays};
use crate::{ApiError, Edge, Params, answer, asked};

/// Fields that a list is sorted by, and what each of them is.
const SORTS: [(&str, By); 4] = [
    ("last_message_date_sent", By::LastSent),
    ("date_sent", By::LastSent),
    ("updated_at", By::UpdatedAt),
    ("created_at", By::CreatedAt),
];

/// List the caller's dialogs
///
/// Filtered, in order and in parts; or how many there are.
#[utoipa::path(
    get, path = "/chat/Dialog", tag = "Dialogs", operation_id = "list_dialogs",
    params(asked::Part, asked::DialogFilters, LogPosition),
    responses((status = 200, description = "The dialogs, or with `count` their number", body = DialogsAnswer), Caller, Params),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    mut params: Params,
) -> Result<Response, ApiError> {
    let (by, order) = sort(&mut params)?;
    let page = params.page()?;
    let counts = params.flag("count")?.unwrap_or(false);
    let (mut conditions, names) = conditions(&mut params, &edge.application.extension_keys, &edge.limits)?;
    if !names.is_empty() {
        conditions.extend(named(&edge, caller, names).await?);
    }
    if counts {
        return Ok(count(edge.queries.dialogs_count(caller, conditions).await?));
    }
    let listing = Listing { conditions, by, order, skip: page.skip, limit: page.limit as usize };
    let found = edge.queries.dialogs(caller, listing).await?;
    let displays = displays(&edge, &found.items).await?;
    let items = found.items.iter().map(|dialog| DialogShown::new(dialog, &edge.application, &displays));
    Ok(answer::ok(&DialogsShown {
        total_entries: found.total,
        skip: page.skip,
        limit: page.limit,
        items: items.collect(),
    }))
}

fn sort(params: &mut Params) -> Result<(By, Order), ApiError> {
    let Some(sort) = params.sort()? else { return Ok((By::LastSent, Order::NewestFirst)) };
    let (name, order) = match sort.direction {
        Direction::Ascending => ("sort_asc", Order::OldestFirst),
        Direction::Descending => ("sort_desc", Order::NewestFirst),
    };
    match SORTS.iter().find(|(field, _)| *field == sort.field) {
        Some((_, by)) => Ok((*by, order)),
        None => Err(ApiError::invalid(name, "is not a field that dialogs are sorted by")),
    }
}

/// What the filters ask of a dialog, and apart from that what they ask of its name.
pub(super) fn conditions(
    params: &mut Params,
    extension_keys: &[String],
    limits: &Limits,
) -> Result<(Vec<DialogCondition>, Vec<Test<String>>), ApiError> {
    let mut filters = params.filters(limits.ids_per_call_max);
    let mut conditions: Vec<_> = filters.ids("_id")?.into_iter().map(DialogCondition::Id).collect();
    conditions.extend(filters.numbers("type")?.into_iter().map(DialogCondition::Kind));
    conditions.extend(filters.moments("last_message_date_sent")?.into_iter().map(DialogCondition::LastSent));
    conditions.extend(filters.moments("created_at")?.into_iter().map(DialogCondition::CreatedAt));
    conditions.extend(filters.moments("updated_at")?.into_iter().map(DialogCondition::UpdatedAt));
    for (key, test) in filters.members("extensions")? {
        conditions.extend(extension(extension_keys, key, test));
    }
    for test in filters.numbers("occupants_ids")? {
        conditions.push(DialogCondition::Occupants(among(test)?));
    }
    let names = filters.texts("name")?;
    Ok((conditions, names))
}

/// A condition on an extension. One that the application does not allow is shown nowhere, so
/// no dialog has a value of it, whatever is stored.
fn extension(allowed: &[String], key: String, test: Test<String>) -> Option<DialogCondition> {
    if allowed.contains(&key) {
        Some(DialogCondition::Extension(key, test))
    } else if test.text(None) {
        None
    } else {
        Some(DialogCondition::Id(Test::In(vec![])))
    }
}

/// A condition on who is in a dialog: nothing is greater or less than a set of people. A
/// number that is no user's is in none.
fn among(test: Test<i64>) -> Result<Among, ApiError> {
    const NAME: &str = "occupants_ids";
    let users = |numbers: &[i64]| numbers.iter().map(|number| user(*number)).collect::<Option<Vec<_>>>();
    let known = |numbers: Vec<i64>| numbers.into_iter().filter_map(user).collect();
    match test {
        Test::In(numbers) => Ok(Among::AnyOf(known(numbers))),
        Test::NotIn(numbers) => Ok(Among::NoneOf(known(numbers))),
        Test::All(numbers) => Ok(users(&numbers).map_or(Among::AnyOf(vec![]), Among::AllOf)),
        Test::Below(_) | Test::AtMost(_) | Test::Above(_) | Test::AtLeast(_) | Test::Contains(_) => {
            Err(ApiError::invalid(NAME, "can only be tested with in, nin, ne and all"))
        }
    }
}

fn user(number: i64) -> Option<UserId> {
    u64::try_from(number).ok().and_then(UserId::new)
}

/// Conditions on the name, for private dialogs by the names of the caller's opponents.
async fn named(
    edge: &Edge,
    caller: UserId,
    names: Vec<Test<String>>,
) -> Result<Vec<DialogCondition>, ApiError> {
    let mut opponents = edge.queries.opponents(caller).await?;
    opponents.sort_unstable();
    opponents.dedup();
    let mut shown = std::collections::HashMap::new();
    for some in opponents.chunks(identity::IDS_MAX) {
        shown.extend(edge.identity.display(some).await?.into_iter().map(|display| (display.id, display)));
    }
    let fits = |test: &Test<String>, opponent: &UserId| {
        test.text(shown.get(opponent).map(|display| display.name.as_str()))
    };
    let condition = |name: Test<String>| {
        let opponents = opponents.iter().copied().filter(|opponent| fits(&name, opponent)).collect();
        DialogCondition::Name { name, opponents }
    };
    Ok(names.into_iter().map(condition).collect())
}
