//! Filters of lists: `field=value` and `field[operator]=value`.

use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Conditions on one field, `field[operator]=value`; all of them hold. `field=value` stands for
/// `in` with that one value, `field=a,b` for `in` with both, except for texts.
#[derive(ToSchema)]
#[schema(examples(json!({})))]
pub(crate) struct Filter {
    /// Less than.
    lt: Option<String>,
    /// Less than or equal to.
    lte: Option<String>,
    /// Greater than.
    gt: Option<String>,
    /// Greater than or equal to.
    gte: Option<String>,
    /// Not equal to.
    ne: Option<String>,
    /// One of these: values with commas between them.
    #[schema(rename = "in")]
    any: Option<String>,
    /// None of these: values with commas between them.
    nin: Option<String>,
    /// All of these: values with commas between them.
    all: Option<String>,
    /// Contains this text.
    ctn: Option<String>,
}

/// Values by key, `field[key]=value`; `field[key][operator]=value` is known too.
pub(crate) struct Values;

impl PartialSchema for Values {
    fn schema() -> RefOr<Schema> {
        let values = ObjectBuilder::new().additional_properties(Some(String::schema()));
        let values = values.description(Some("`field[key]=value`; all of them hold."));
        values.examples([serde_json::json!({})]).into()
    }
}

impl ToSchema for Values {}
