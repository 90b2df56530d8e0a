//! The older grammar of filters and orders: `filter[]=number id gt 5`, `order=desc date created_at`.
//!
//! A text of words, parted by blanks or by plus signs: the kind of the value, a field, an operator, and
//! the value, which is all the rest. The operator may stand in the key instead,
//! `filter[gt]=number id 5`, and then the kind may be left out. Which fields there are is each list's
//! choice; a rule that is not understood is refused: 422.

use identity::find::Test;
use serde_json::Value;

use super::filter::CONDITIONS_MAX;
use super::moment::moment;
use super::read::{indexed, integer};
use super::{Direction, Params, Sort};
use crate::ApiError;

const FILTER: &str = "filter";
const ORDER: &str = "order";
/// Characters of a rule: a list of the longest ids with room to spare.
const CHARACTERS_MAX: usize = 10_000;

/// One rule of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What its value is said to be, if that is said.
    pub kind: Option<Kind>,
    /// The field, as the client spells it.
    pub field: String,
    operator: Operator,
    value: String,
}

/// What a value is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `number`
    Number,
    /// `string`
    Text,
    /// `date`
    Date,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Gt,
    Lt,
    Ge,
    Le,
    Eq,
    Ne,
    Between,
    In,
}

impl Kind {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "number" => Self::Number,
            "string" => Self::Text,
            "date" => Self::Date,
            _ => return None,
        })
    }
}

impl Operator {
    fn of(word: &str) -> Result<Self, ApiError> {
        Ok(match word {
            "gt" => Self::Gt,
            "lt" => Self::Lt,
            "ge" => Self::Ge,
            "le" => Self::Le,
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "between" => Self::Between,
            "in" => Self::In,
            _ => return Err(refused("has an unknown operator")),
        })
    }
}

impl Params {
    /// The rules of `filter`, at most 20, in all their spellings.
    pub fn rules(&mut self) -> Result<Vec<Rule>, ApiError> {
        let mut rules = vec![];
        match self.take(FILTER) {
            None | Some(Value::Null) => {}
            Some(Value::Object(members)) if members.keys().any(|key| key.parse::<u64>().is_err()) => {
                for (operator, value) in members {
                    let operator = Operator::of(&operator)?;
                    for text in texts(value)? {
                        rules.push(Rule::keyed(operator, &text)?);
                    }
                }
            }
            Some(value) => {
                for text in texts(value)? {
                    rules.push(Rule::parse(&text)?);
                }
            }
        }
        if rules.len() > CONDITIONS_MAX {
            return Err(ApiError::too_many(FILTER, CONDITIONS_MAX));
        }
        Ok(rules)
    }

    /// `order=asc|desc kind field`.
    pub fn order(&mut self) -> Result<Option<Sort>, ApiError> {
        let refused = || ApiError::invalid(ORDER, "must be asc or desc, a type and a field");
        let Some(text) = self.text(ORDER)? else { return Ok(None) };
        if matches!(text.trim(), "" | "null" | "undefined") {
            return Ok(None);
        }
        let words = text.split([' ', '+']).filter(|word| !word.is_empty()).collect::<Vec<_>>();
        let [direction, kind, field] = words[..] else { return Err(refused()) };
        let direction = match direction {
            "asc" => Direction::Ascending,
            "desc" => Direction::Descending,
            _ => return Err(refused()),
        };
        Kind::of(kind).ok_or_else(refused)?;
        Ok(Some(Sort { field: field.to_owned(), direction }))
    }
}

/// One text or several; blank ones are none.
fn texts(value: Value) -> Result<Vec<String>, ApiError> {
    let items = match value {
        Value::Array(items) => items,
        Value::Object(members) => indexed(members).ok_or_else(|| refused("must be a list of texts"))?,
        one => vec![one],
    };
    let mut texts = vec![];
    for item in items {
        match item {
            Value::Null => {}
            Value::String(text) if matches!(text.trim(), "" | "null" | "undefined") => {}
            Value::String(text) if text.chars().nth(CHARACTERS_MAX).is_some() => {
                return Err(ApiError::too_long(FILTER, CHARACTERS_MAX));
            }
            Value::String(text) => texts.push(text),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                return Err(refused("must be a list of texts"));
            }
        }
    }
    Ok(texts)
}

/// The next word, and what follows after what parts it from that: a value may begin with a plus.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches([' ', '+']);
    text.split_once([' ', '+']).unwrap_or((text, ""))
}

impl Rule {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let (kind, rest) = word(text);
        let (field, rest) = word(rest);
        let (operator, value) = word(rest);
        let kind = Kind::of(kind).ok_or_else(|| refused("must begin with number, string or date"))?;
        let operator = Operator::of(operator)?;
        Ok(Self { kind: Some(kind), field: field.to_owned(), operator, value: value.to_owned() })
    }

    fn keyed(operator: Operator, text: &str) -> Result<Self, ApiError> {
        let (first, rest) = word(text);
        let kind = Kind::of(first);
        let (field, value) = if kind.is_some() { word(rest) } else { (first, rest) };
        Ok(Self { kind, field: field.to_owned(), operator, value: value.to_owned() })
    }

    /// What it asks of a field of whole numbers.
    pub fn numbers(&self, values_max: usize) -> Result<Vec<Test<i64>>, ApiError> {
        let number = |text: &str| integer(text.trim()).ok_or_else(|| refused("must compare with integers"));
        self.tests(number, values_max)
    }

    /// What it asks of a field of times, in whole seconds since 1970.
    pub fn moments(&self, values_max: usize) -> Result<Vec<Test<i64>>, ApiError> {
        self.tests(|text| moment(text).ok_or_else(|| refused("must compare with dates")), values_max)
    }

    /// What it asks of a field of texts: of greater and less only if its value is not said to be a number.
    pub fn texts(&self, values_max: usize) -> Result<Vec<Test<String>>, ApiError> {
        if self.kind == Some(Kind::Date) {
            return Err(refused("compares a text with a date"));
        }
        let is_ordered = !matches!(self.operator, Operator::Eq | Operator::Ne | Operator::In);
        if is_ordered && self.kind == Some(Kind::Number) {
            return Err(refused("compares a text with a number"));
        }
        self.tests(|text| Ok(text.to_owned()), values_max)
    }

    fn tests<T>(
        &self,
        parse: impl Fn(&str) -> Result<T, ApiError>,
        values_max: usize,
    ) -> Result<Vec<Test<T>>, ApiError> {
        let one = || match self.value.as_str() {
            "" => Err(refused("has no value")),
            value => parse(value),
        };
        Ok(vec![match self.operator {
            Operator::Gt => Test::Above(one()?),
            Operator::Lt => Test::Below(one()?),
            Operator::Ge => Test::AtLeast(one()?),
            Operator::Le => Test::AtMost(one()?),
            Operator::Eq => Test::In(vec![one()?]),
            Operator::Ne => Test::NotIn(vec![one()?]),
            Operator::In => {
                let values = self.value.split(',').map(str::trim).filter(|value| !value.is_empty());
                let values = values.map(parse).collect::<Result<Vec<_>, _>>()?;
                if values.len() > values_max {
                    return Err(ApiError::too_many(FILTER, values_max));
                }
                Test::In(values)
            }
            Operator::Between => {
                let (least, most) =
                    self.value.split_once(',').ok_or_else(|| refused("must be between two values"))?;
                return Ok(vec![Test::AtLeast(parse(least.trim())?), Test::AtMost(parse(most.trim())?)]);
            }
        }])
    }
}

fn refused(text: &'static str) -> ApiError {
    ApiError::invalid(FILTER, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(query: &str) -> Result<Vec<Rule>, String> {
        let mut params = Params(super::super::form::read(query.as_bytes()).unwrap());
        params.rules().map_err(|error| format!("{error:?}"))
    }

    fn one(query: &str) -> Rule {
        let mut rules = rules(query).unwrap();
        assert_eq!(rules.len(), 1, "{query}");
        rules.remove(0)
    }

    #[test]
    fn a_rule_is_understood_in_every_spelling() {
        for query in [
            "filter[]=number id gt 5",
            "filter[]=number+id+gt+5",
            "filter[]=number%2Bid%2Bgt%2B5",
            "filter%5B%5D=%20number%20%20id%20gt%205",
            "filter=number id gt 5",
            "filter[0]=number id gt 5",
            "filter[gt]=number id 5",
            "filter[gt][]=number+id+5",
            "filter[gt][0]=number%2Bid%2B5",
        ] {
            let rule = one(query);
            assert_eq!((rule.kind, rule.field.as_str()), (Some(Kind::Number), "id"), "{query}");
            assert_eq!(rule.numbers(1).unwrap(), [Test::Above(5)], "{query}");
        }
        let short = one("filter[between]=id 5,7");
        assert_eq!((short.kind, short.numbers(1).unwrap()), (None, vec![Test::AtLeast(5), Test::AtMost(7)]));
        for none in ["", "filter=", "filter[]=", "filter=null", "filter[gt]=", "filter[]=undefined"] {
            assert_eq!(rules(none), Ok(vec![]), "{none}");
        }
        assert_eq!(rules("filter[]=number id gt 5&filter[]=string login eq x").unwrap().len(), 2);
        assert_eq!(rules("filter[gt]=number id 5&filter[le]=date created_at 9").unwrap().len(), 2);
    }

    #[test]
    fn a_value_is_all_the_rest() {
        let text = |query: &str| one(query).texts(2).unwrap();
        let is = |value: &str| vec![Test::In(vec![value.to_owned()])];
        assert_eq!(text("filter[]=string full_name eq John Doe, jr."), is("John Doe, jr."));
        assert_eq!(text("filter[]=string phone eq %2B44 1"), is("+44 1"));
        assert_eq!(text("filter[]=string%2Bphone%2Beq%2B%2B44"), is("+44"));
        assert_eq!(text("filter[]=number external_id ne 5"), [Test::NotIn(vec!["5".to_owned()])]);
        assert_eq!(text("filter[]=string login in a, b,"), [Test::In(vec!["a".to_owned(), "b".to_owned()])]);
        let date = one("filter[]=date created_at ge 2018-12-06T14:04:48+02:00");
        assert_eq!(date.moments(1).unwrap(), [Test::AtLeast(1_544_097_888)]);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for query in [
            "filter[]=id gt 5",
            "filter[]=number",
            "filter[]=number id like 5",
            "filter[foo]=number id 5",
            "filter[][x]=number id gt 5",
            "filter[gt][x]=number id 5",
            "filter[]=text login eq x",
        ] {
            assert!(rules(query).is_err(), "{query}");
        }
        for query in [
            "filter[]=number id gt",
            "filter[]=number id gt x",
            "filter[]=number id between 5",
            "filter[gt]=id",
        ] {
            assert!(one(query).numbers(5).is_err(), "{query}");
        }
        assert!(one("filter[]=number id in 1,2,3").numbers(2).is_err());
        assert!(one("filter[]=date login eq 2018-12-06").texts(2).is_err());
        assert!(one("filter[]=number login gt 5").texts(2).is_err());
        let many = ["filter[]=number id gt 5"; CONDITIONS_MAX + 1].join("&");
        assert!(rules(&many).is_err());
        assert!(rules(&format!("filter[]=string login eq {}", "x".repeat(CHARACTERS_MAX))).is_err());
    }

    #[test]
    fn an_order_is_three_words() {
        let order = |query: &str| {
            let mut params = Params(super::super::form::read(query.as_bytes()).unwrap());
            params.order().map_err(|_| ())
        };
        let sort = |direction| Ok(Some(Sort { field: "created_at".to_owned(), direction }));
        assert_eq!(order("order=asc date created_at"), sort(Direction::Ascending));
        assert_eq!(order("order=desc%2Bdate%2Bcreated_at"), sort(Direction::Descending));
        assert_eq!(order("order="), Ok(None));
        for query in ["order=asc", "order=up date created_at", "order=asc created_at", "order[]=asc date x"] {
            assert_eq!(order(query), Err(()), "{query}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "\\PC{0,40}|((number|string|date|id|gt|between|in|,|[ +]|[0-9é-]){0,9})") {
            let mut members = serde_json::Map::new();
            members.insert(FILTER.to_owned(), Value::String(text));
            if let Ok(rules) = Params(members).rules() {
                for rule in rules {
                    let _ = (rule.numbers(3), rule.moments(3), rule.texts(3));
                }
            }
        }
    }
}
