//! Every operator on a field, held against a plain reading of what the list shows without it.

use serde_json::Value;

use crate::ask::{ids, proved, seconds};

/// One value of a field: how it is ordered, how a client asks for it, and how it is written
/// where a part of it is looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Term {
    order: Order,
    asked: String,
    written: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Number(i64),
    Text(String),
}

/// A field that can be asked for.
pub(crate) struct Field {
    /// As it stands in the query.
    pub(crate) name: &'static str,
    /// The row of its bare value; the five after it are comparisons, `ne`, `in` with `nin`,
    /// `all` and `ctn`.
    pub(crate) first: u16,
    /// What an item has in it; nothing, one, or several.
    pub(crate) terms: fn(&Value) -> Vec<Term>,
}

/// A text.
pub(crate) fn text(value: &Value) -> Vec<Term> {
    let term =
        |text: &str| Term { order: Order::Text(text.into()), asked: text.into(), written: text.into() };
    value.as_str().map(term).into_iter().collect()
}

/// A number, or a moment in seconds.
pub(crate) fn number(value: &Value) -> Vec<Term> {
    let term = |number: i64| Term {
        order: Order::Number(number),
        asked: number.to_string(),
        written: number.to_string(),
    };
    value.as_i64().map(term).into_iter().collect()
}

/// A moment that is shown as a date and asked for in seconds.
pub(crate) fn date(value: &Value) -> Vec<Term> {
    let moment = seconds(value);
    let written = value.as_str().expect("a date").to_owned();
    vec![Term { order: Order::Number(moment), asked: moment.to_string(), written }]
}

type Test<'a> = &'a dyn Fn(&[Term]) -> bool;

/// Asks with every operator for every value that the items have, and marks the field's rows.
///
/// `ask` lists with one more parameter, in the order of `items`.
pub(crate) async fn walk(
    area: &str,
    field: &Field,
    items: &[Value],
    ask: impl AsyncFn(&str, &str) -> Vec<String>,
) {
    let terms: Vec<Vec<Term>> = items.iter().map(field.terms).collect();
    let mut values: Vec<Term> = terms.iter().flatten().cloned().collect();
    values.sort_unstable();
    values.dedup();
    assert!(values.len() > 1, "{}: one value tells nothing apart", field.name);
    let check = async |operator: &str, asked: &str, wanted: Test<'_>| {
        let name = format!("{}{operator}", field.name);
        let expected: Vec<Value> = items
            .iter()
            .zip(&terms)
            .filter(|(_, terms)| wanted(terms))
            .map(|(item, _)| item.clone())
            .collect();
        assert_eq!(ask(&name, asked).await, ids(&expected), "{name}={asked} among {values:?}");
        expected.len()
    };
    for (place, value) in values.iter().enumerate() {
        let (order, asked) = (&value.order, &*value.asked);
        let other = &values[(place + 1) % values.len()];
        let found = check("", asked, &|terms| terms.contains(value)).await;
        assert!(0 < found && found < items.len(), "{}={asked} selects some", field.name);

        check("[lt]", asked, &|terms| terms.iter().any(|term| term.order < *order)).await;
        check("[lte]", asked, &|terms| terms.iter().any(|term| term.order <= *order)).await;
        check("[gt]", asked, &|terms| terms.iter().any(|term| term.order > *order)).await;
        check("[gte]", asked, &|terms| terms.iter().any(|term| term.order >= *order)).await;

        check("[ne]", asked, &|terms| !terms.contains(value)).await;

        let two = format!("{asked},{}", other.asked);
        check("[in]", &two, &|terms| terms.contains(value) || terms.contains(other)).await;
        check("[nin]", &two, &|terms| !terms.contains(value) && !terms.contains(other)).await;

        let twice = format!("{asked},{asked}");
        check("[all]", &twice, &|terms| terms.contains(value)).await;
        check("[all]", &two, &|terms| terms.contains(value) && terms.contains(other)).await;

        let part: String = value.written.chars().skip(1).collect();
        let part = if part.is_empty() { value.written.clone() } else { part };
        check("[ctn]", &part, &|terms| terms.iter().any(|term| term.written.contains(&part))).await;
    }
    let first = field.first;
    proved(area, [first, first + 1, first + 2, first + 3, first + 4, first + 5]);
}
