//! What is said to find users.

use utoipa::{IntoParams, IntoResponses, ToSchema};

use super::USER;
use crate::document::{Responses, refusals};

/// Conditions on a field that says who somebody is, `field[operator]=value`; all of them hold.
/// `field=value` stands for `eq`, `field[]=a&field[]=b` for `in`.
#[derive(ToSchema)]
pub(crate) struct UserFilter {
    /// Equal to.
    eq: Option<String>,
    /// One of these: values with commas between them, at most 100.
    #[schema(rename = "in")]
    any: Option<String>,
    /// Begins like this, whatever its case: at least 4 characters. Then the limit is 5.
    start_with: Option<String>,
    /// None of these: values with commas between them, at most 100.
    nin: Option<String>,
}

/// Conditions on a time, `field[operator]=value`; all of them hold.
#[derive(ToSchema)]
pub(crate) struct TimeFilter {
    /// Before.
    lt: Option<String>,
    /// Before or then.
    lte: Option<String>,
    /// After.
    gt: Option<String>,
    /// After or then.
    gte: Option<String>,
}

/// Which users, in which order. At least one of the fields before `created_at` has to be there, with
/// `eq`, `in` or `start_with`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UserFilters {
    /// By id: one, or several with commas between them. `id[in]` and `id[nin]` are known too.
    #[param(example = json!(USER))]
    id: Option<String>,
    /// By login, whatever its case.
    #[param(style = DeepObject, explode)]
    login: Option<UserFilter>,
    /// By email, whatever its case.
    #[param(style = DeepObject, explode)]
    email: Option<UserFilter>,
    #[param(style = DeepObject, explode)]
    full_name: Option<UserFilter>,
    #[param(style = DeepObject, explode)]
    phone: Option<UserFilter>,
    #[param(style = DeepObject, explode)]
    external_id: Option<UserFilter>,
    #[param(style = DeepObject, explode)]
    facebook_id: Option<UserFilter>,
    #[param(style = DeepObject, explode)]
    twitter_id: Option<UserFilter>,
    /// By one of the tags.
    #[param(style = DeepObject, explode)]
    user_tags: Option<UserFilter>,
    /// By the date of sign-up.
    #[param(style = DeepObject, explode)]
    created_at: Option<TimeFilter>,
    /// By the date of the last change.
    #[param(style = DeepObject, explode)]
    updated_at: Option<TimeFilter>,
    /// By the date of the last request.
    #[param(style = DeepObject, explode)]
    last_request_at: Option<TimeFilter>,
    /// Smallest first: one of these fields; `id` if nothing is said.
    sort_asc: Option<String>,
    /// Largest first.
    sort_desc: Option<String>,
    /// The most items, 1 to 100; other numbers are moved into that range.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
    /// How many users to leave out first.
    #[param(minimum = 0, default = 0)]
    offset: Option<u64>,
}

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct NumberedPart {
    /// Its number, from 1 on.
    #[param(minimum = 1, default = 1)]
    page: Option<u64>,
    /// The most items of a page, 1 to 100; other numbers are moved into that range.
    #[param(minimum = 1, maximum = 100, default = 10)]
    per_page: Option<u32>,
    /// `asc` or `desc`, a type and a field.
    #[param(example = "desc date created_at")]
    order: Option<String>,
}

/// Which users, by rules that all hold.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UserRules {
    /// May be there several times. Each is a type (`number`, `string` or `date`), a field, an operator (`gt`, `lt`, `ge`, `le`, `eq`, `ne`,
    /// `between`, `in`) and a value, or several with commas between them.
    #[param(rename = "filter[]", example = "number id gt 0")]
    filter: Option<String>,
}

/// Somebody, or nobody: 404.
pub(crate) struct Somebody;

impl IntoResponses for Somebody {
    fn responses() -> Responses {
        refusals([404])
    }
}
