//! `GET /users/v2`: users by what they are called and known as, for anybody with a session.
//!
//! At least one field has to say whom it is about, exactly or by how it begins, so that an index leads to
//! them. Parameters of other names mean nothing.

use axum::extract::State;
use axum::response::Response;
use identity::Term;
use identity::find::{self, BEGINNING_MIN, Beginning, By, Condition, Hits, Moment, Order, Query, Text};
use readmodel::queries::Test;

use crate::edge::Session;
use crate::params::{Direction, Sort};
use crate::shown::{UserShown, UsersShown};
use crate::{ApiError, Edge, Filters, Params, answer, asked};

/// The most items of a search by how a text begins: the API's number.
const BEGINNING_ITEMS_MAX: u32 = 5;

/// Fields of texts by which users are found.
const TEXTS: [(&str, Text, Term); 7] = [
    ("login", Text::Login, Term::Login),
    ("email", Text::Email, Term::Email),
    ("full_name", Text::FullName, Term::FullName),
    ("phone", Text::Phone, Term::Phone),
    ("external_id", Text::ExternalId, Term::ExternalId),
    ("facebook_id", Text::FacebookId, Term::FacebookId),
    ("twitter_id", Text::TwitterId, Term::TwitterId),
];
/// Fields of times, which narrow what the others find.
const MOMENTS: [(&str, Moment); 3] = [
    ("created_at", Moment::CreatedAt),
    ("updated_at", Moment::UpdatedAt),
    ("last_request_at", Moment::LastRequestAt),
];
const TAGS: &str = "user_tags";

/// Find users
///
/// By id, login, email, name, phone, ids elsewhere or tags: exactly, or by how a text begins. What is in no
/// such field cannot be looked for.
#[utoipa::path(
    get, path = "/users/v2", tag = "Users", operation_id = "find_users",
    params(asked::UserFilters),
    responses((status = 200, description = "The users", body = UsersShown), Session, Params),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    _: Session,
    mut params: Params,
) -> Result<Response, ApiError> {
    let (by, order) = match params.sort()? {
        Some(sort) => sorted(&sort, sort_name(sort.direction))?,
        None => (By::Id, Order::Ascending),
    };
    let page = params.offset_page()?;
    let asked = Asked::read(params.filters(edge.limits.ids_per_call_max))?;
    if !asked.is_about_somebody {
        return Err(ApiError::Refused(
            "At least one of id, login, email, full_name, phone, external_id, facebook_id, twitter_id and user_tags is required, by eq, in or start_with".into(),
        ));
    }
    let limit = if asked.begins { page.limit.min(BEGINNING_ITEMS_MAX) } else { page.limit };
    let query = Query { conditions: asked.conditions, by, order, skip: page.skip, limit };
    let Hits { total, users } = edge.identity.find(query).await?;
    let items = users.iter().map(UserShown::from).collect();
    Ok(answer::ok(&UsersShown { limit, skip: page.skip, total_entries: total, items }))
}

fn sort_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "sort_asc",
        Direction::Descending => "sort_desc",
    }
}

/// What a client calls an order of users, for the parameter of that name.
pub(super) fn sorted(sort: &Sort, name: &'static str) -> Result<(By, Order), ApiError> {
    let order = match sort.direction {
        Direction::Ascending => Order::Ascending,
        Direction::Descending => Order::Descending,
    };
    let by = match sort.field.as_str() {
        "id" => By::Id,
        "login" => By::Text(Text::Login),
        "email" => By::Text(Text::Email),
        "full_name" => By::Text(Text::FullName),
        "phone" => By::Text(Text::Phone),
        "website" => By::Text(Text::Website),
        "external_user_id" => By::Text(Text::ExternalUserId),
        "external_id" => By::Text(Text::ExternalId),
        "facebook_id" => By::Text(Text::FacebookId),
        "twitter_id" => By::Text(Text::TwitterId),
        TAGS => By::Tags,
        "created_at" => By::Moment(Moment::CreatedAt),
        "updated_at" => By::Moment(Moment::UpdatedAt),
        "last_request_at" => By::Moment(Moment::LastRequestAt),
        _ => return Err(ApiError::invalid(name, "is not a field that users are sorted by")),
    };
    Ok((by, order))
}

/// What the filters ask of users.
#[cfg(feature = "fuzzing")]
pub(super) fn conditions(params: &mut Params, ids_max: usize) -> Result<Vec<Condition>, ApiError> {
    Asked::read(params.filters(ids_max)).map(|asked| asked.conditions)
}

/// Conditions, as they are read one by one.
#[derive(Default)]
struct Asked {
    conditions: Vec<Condition>,
    /// Whether one of them says whom it is about.
    is_about_somebody: bool,
    /// Whether one of them says how a text begins.
    begins: bool,
}

impl Asked {
    fn read(mut filters: Filters<'_>) -> Result<Self, ApiError> {
        use find::Test::{In, NotIn};
        let mut asked = Self::default();
        for test in filters.numbers("id")? {
            asked.among("id", test, |ids| Condition::Id(In(ids)), |ids| Condition::Id(NotIn(ids)))?;
        }
        for (name, text, term) in TEXTS {
            asked.beginning(&mut filters, name, term)?;
            let any = |values| Condition::Text(text, In(values));
            let none = |values| Condition::Text(text, NotIn(values));
            for test in filters.texts_or_lists(name)? {
                asked.among(name, test, any, none)?;
            }
        }
        asked.beginning(&mut filters, TAGS, Term::Tag)?;
        for test in filters.ids(TAGS)? {
            asked.among(TAGS, test, Condition::AnyTag, Condition::NoTag)?;
        }
        for (name, moment) in MOMENTS {
            for test in filters.moments(name)? {
                asked.conditions.push(Condition::Moment(moment, compared(name, test)?));
            }
        }
        Ok(asked)
    }

    fn beginning(&mut self, filters: &mut Filters<'_>, name: &str, term: Term) -> Result<(), ApiError> {
        let Some(text) = filters.beginning(name)? else { return Ok(()) };
        let beginning = Beginning::new(term, &text);
        let beginning = beginning.ok_or_else(|| ApiError::too_short(name.to_owned(), BEGINNING_MIN))?;
        self.conditions.push(Condition::Begins(beginning));
        self.is_about_somebody = true;
        self.begins = true;
        Ok(())
    }

    /// A test for equality: nothing is greater or less than somebody.
    fn among<T>(
        &mut self,
        name: &str,
        test: Test<T>,
        any: impl Fn(Vec<T>) -> Condition,
        none: impl Fn(Vec<T>) -> Condition,
    ) -> Result<(), ApiError> {
        match test {
            Test::In(values) => {
                self.is_about_somebody = true;
                self.conditions.push(any(values));
            }
            Test::NotIn(values) => self.conditions.push(none(values)),
            Test::Below(_)
            | Test::AtMost(_)
            | Test::Above(_)
            | Test::AtLeast(_)
            | Test::All(_)
            | Test::Contains(_) => {
                let text = "can only be tested with eq, in, nin and start_with";
                return Err(ApiError::invalid(name.to_owned(), text));
            }
        }
        Ok(())
    }
}

fn compared(name: &str, test: Test<i64>) -> Result<find::Test<i64>, ApiError> {
    Ok(match test {
        Test::In(values) => find::Test::In(values),
        Test::NotIn(values) => find::Test::NotIn(values),
        Test::Below(bound) => find::Test::Below(bound),
        Test::AtMost(bound) => find::Test::AtMost(bound),
        Test::Above(bound) => find::Test::Above(bound),
        Test::AtLeast(bound) => find::Test::AtLeast(bound),
        Test::All(_) | Test::Contains(_) => {
            return Err(ApiError::invalid(name.to_owned(), "has an unknown operator"));
        }
    })
}
