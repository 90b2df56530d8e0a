//! `GET /users`: all users, or those to whom some rules apply, in numbered pages; and
//! `GET /users/by_full_name` and `/users/by_tags`. The older way to look for users, for anybody with a
//! session.
//!
//! The rules may be about anything, and then all users are looked at, as many as one call may.

use axum::extract::State;
use axum::response::Response;
use identity::NAME_MAX;
use identity::find::{By, Condition, Hits, Moment, Order, Query, Test, Text};

use super::find_users::sorted;
use crate::edge::Session;
use crate::params::{Kind, Rule};
use crate::shown::{UserAnswer, UserPageShown, UserShown};
use crate::{ApiError, Edge, Params, answer, asked};

/// List all users
///
/// Or those to whom some rules apply, in numbered pages. It can be switched off for an application;
/// `GET /users/v2` is the newer way to find somebody.
#[utoipa::path(
    get, path = "/users", tag = "Users", operation_id = "list_users",
    params(asked::UserRules, asked::NumberedPart),
    responses((status = 200, description = "The users", body = UserPageShown), Session, Params),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    _: Session,
    mut params: Params,
) -> Result<Response, ApiError> {
    if !edge.application.list_users {
        return Err(ApiError::listing_disabled());
    }
    let mut conditions = vec![];
    for rule in params.rules()? {
        conditions.extend(conditions_of(&rule, edge.limits.ids_per_call_max)?);
    }
    page(&edge, params, conditions).await
}

/// List users of a name
#[utoipa::path(
    get, path = "/users/by_full_name", tag = "Users", operation_id = "list_users_by_full_name",
    params(("full_name" = String, Query, description = "The name, letter by letter", example = "Alice"), asked::NumberedPart),
    responses((status = 200, description = "The users", body = UserPageShown), Session, Params),
)]
pub(super) async fn by_full_name(
    State(edge): State<Edge>,
    _: Session,
    mut params: Params,
) -> Result<Response, ApiError> {
    const NAME: &str = "full_name";
    let name = params.text(NAME)?.filter(|name| !name.is_empty()).ok_or_else(|| ApiError::missing(NAME))?;
    // Nobody's is longer.
    let names = if name.chars().nth(NAME_MAX).is_some() { vec![] } else { vec![name] };
    page(&edge, params, vec![Condition::Text(Text::FullName, Test::In(names))]).await
}

/// List users with one of some tags
#[utoipa::path(
    get, path = "/users/by_tags", tag = "Users", operation_id = "list_users_by_tags",
    params(("tags" = String, Query, description = "Tags with commas between them", example = "rabbit-holes"), asked::NumberedPart),
    responses((status = 200, description = "The users", body = UserPageShown), Session, Params),
)]
pub(super) async fn by_tags(
    State(edge): State<Edge>,
    _: Session,
    mut params: Params,
) -> Result<Response, ApiError> {
    const NAME: &str = "tags";
    let tags = params.texts(NAME, edge.limits.ids_per_call_max)?.filter(|tags| !tags.is_empty());
    page(&edge, params, vec![Condition::AnyTag(tags.ok_or_else(|| ApiError::missing(NAME))?)]).await
}

async fn page(edge: &Edge, mut params: Params, conditions: Vec<Condition>) -> Result<Response, ApiError> {
    let page = params.numbered_page()?;
    let (by, order) = match params.order()? {
        Some(sort) => sorted(&sort, "order")?,
        None => (By::Id, Order::Ascending),
    };
    let query = Query { conditions, by, order, skip: page.skip(), limit: page.items };
    let Hits { total, users } = edge.identity.find(query).await?;
    Ok(answer::ok(&UserPageShown {
        current_page: page.number,
        per_page: page.items,
        total_entries: total,
        items: users.iter().map(|user| UserAnswer { user: UserShown::from(user) }).collect(),
    }))
}

fn conditions_of(rule: &Rule, values_max: usize) -> Result<Vec<Condition>, ApiError> {
    let text = |text: Text| {
        let tests = rule.texts(values_max)?;
        Ok(tests.into_iter().map(|test| Condition::Text(text, test)).collect())
    };
    let moment = |moment: Moment| {
        let tests = rule.moments(values_max)?;
        Ok(tests.into_iter().map(|test| Condition::Moment(moment, test)).collect())
    };
    match rule.field.as_str() {
        "id" if rule.kind == Some(Kind::Date) => {
            Err(ApiError::invalid("filter", "compares an id with a date"))
        }
        "id" => Ok(rule.numbers(values_max)?.into_iter().map(Condition::Id).collect()),
        "login" => text(Text::Login),
        "email" => text(Text::Email),
        "full_name" => text(Text::FullName),
        "phone" => text(Text::Phone),
        "website" => text(Text::Website),
        "external_user_id" => text(Text::ExternalUserId),
        "external_id" => text(Text::ExternalId),
        "facebook_id" => text(Text::FacebookId),
        "twitter_id" => text(Text::TwitterId),
        "user_tags" => rule.texts(values_max)?.into_iter().map(tags).collect(),
        "created_at" => moment(Moment::CreatedAt),
        "updated_at" => moment(Moment::UpdatedAt),
        "last_request_at" => moment(Moment::LastRequestAt),
        _ => Err(ApiError::invalid("filter", "is about a field that users are not filtered by")),
    }
}

fn tags(test: Test<String>) -> Result<Condition, ApiError> {
    match test {
        Test::In(tags) => Ok(Condition::AnyTag(tags)),
        Test::NotIn(tags) => Ok(Condition::NoTag(tags)),
        Test::Below(_) | Test::AtMost(_) | Test::Above(_) | Test::AtLeast(_) => {
            Err(ApiError::invalid("filter", "can test user_tags with eq, ne and in only"))
        }
    }
}
