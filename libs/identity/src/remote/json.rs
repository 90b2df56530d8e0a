//! Texts out of somebody else's JSON, which may hold anything.

use serde_json::Value;

/// What lies at `path`, names and places in lists with dots between: `user.emails.0`.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| match value {
        Value::Object(fields) => fields.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// A text or a whole number, as text. Numbers with a fraction, or beyond 64 bits, are none: they
/// have been rounded, and two people's ids could become one.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The same, or a list of them, joined with commas.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => Some(items.iter().map(scalar).collect::<Option<Vec<_>>>()?.join(",")),
        other => scalar(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_through_objects_and_lists() {
        let value = json!({ "user": { "id": 7, "mails": ["a@x.org", "b@x.org"] } });
        assert_eq!(at(&value, "user.id"), Some(&json!(7)));
        assert_eq!(at(&value, "user.mails.1"), Some(&json!("b@x.org")));
        for nowhere in ["user.mails.2", "user.mails.x", "user.id.x", "", "user..id"] {
            assert_eq!(at(&value, nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn only_what_is_exact_is_a_text() {
        assert_eq!(scalar(&json!("x")), Some("x".to_owned()));
        assert_eq!(scalar(&json!(-7)), Some("-7".to_owned()));
        let huge = serde_json::from_str("18446744073709551616").unwrap();
        for none in [huge, json!(1.0), json!(true), json!(null), json!([1]), json!({})] {
            assert_eq!(scalar(&none), None, "{none}");
        }
        assert_eq!(text(&json!(["a", 1])), Some("a,1".to_owned()));
        assert_eq!(text(&json!(["a", {}])), None);
    }
}
