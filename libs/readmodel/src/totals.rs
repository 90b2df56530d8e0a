//! How many users have put each kind of reaction on a message.

use std::collections::BTreeMap;

use crate::marks::Corrupt;

/// The totals of a message, by kind in the order of its bytes. No kind counts 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals(BTreeMap<String, u32>);

impl Totals {
    /// One user more has put that kind on it.
    pub(crate) fn add(&mut self, kind: &str) {
        match self.0.get_mut(kind) {
            Some(total) => *total = total.saturating_add(1),
            None => _ = self.0.insert(kind.to_owned(), 1),
        }
    }

    /// One user has taken that kind off it.
    pub(crate) fn take(&mut self, kind: &str) {
        match self.0.get_mut(kind) {
            Some(total) if *total > 1 => *total -= 1,
            Some(_) => _ = self.0.remove(kind),
            None => {}
        }
    }

    /// Whether nobody has reacted to it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each kind with its total, ascending by kind.
    pub fn into_vec(self) -> Vec<(String, u32)> {
        self.0.into_iter().collect()
    }

    /// The column: a JSON object of numbers; `None` if nobody has reacted.
    pub fn encode(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let totals = self.0.iter().map(|(kind, total)| (kind.clone(), (*total).into()));
        Some(serde_json::Value::Object(totals.collect()).to_string())
    }

    /// What was encoded so.
    pub fn decode(column: Option<&str>) -> Result<Self, Corrupt> {
        let totals = column.map_or(Ok(BTreeMap::new()), serde_json::from_str);
        totals.map(Self).map_err(|_| Corrupt("totals of reactions that are none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_counted_by_kind() {
        let mut totals = Totals::default();
        assert_eq!(totals.encode(), None);
        ["b", "\"", "b"].into_iter().for_each(|kind| totals.add(kind));
        assert_eq!(totals.encode().unwrap(), r#"{"\"":1,"b":2}"#);
        assert_eq!(Totals::decode(totals.encode().as_deref()), Ok(totals.clone()));
        ["\"", "b", "c"].into_iter().for_each(|kind| totals.take(kind));
        assert_eq!(totals.clone().into_vec(), [("b".to_owned(), 1)]);
        totals.take("b");
        assert_eq!(totals.encode(), None);
        assert!(Totals::decode(Some("[]")).is_err());
    }
}
