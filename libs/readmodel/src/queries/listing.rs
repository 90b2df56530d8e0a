//! Which of somebody's dialogs a list is to show, and in which order: what may be asked, and
//! whether a dialog answers to it.

use domain::event::Kind;
use domain::{DialogId, Time, UserId};

use super::{Error, Order, Test};

/// A part of somebody's list of dialogs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// All of them have to hold.
    pub conditions: Vec<DialogCondition>,
    /// What orders the list; of equal dialogs the id does.
    pub by: By,
    /// From which end.
    pub order: Order,
    /// How many to leave out first.
    pub skip: u64,
    /// How many at most.
    pub limit: usize,
}

/// What orders a list of dialogs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The date of the newest message that the viewer sees, or else of creation; within a second,
    /// when they last changed.
    LastSent,
    /// When they came to be.
    CreatedAt,
    /// When they last changed.
    UpdatedAt,
}

/// A condition on a dialog, as one user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialogCondition {
    /// Its id, as text.
    Id(Test<String>),
    /// The number of its kind.
    Kind(Test<i64>),
    /// Its name. That of a private one is its opponent's, which no row of a dialog knows: so
    /// the opponents whose name fits are named.
    Name {
        /// For all but private ones.
        name: Test<String>,
        /// For private ones; ascending.
        opponents: Vec<UserId>,
    },
    /// The date of the newest message that the viewer sees, seconds; no value without one.
    LastSent(Test<i64>),
    /// When it came to be, seconds.
    CreatedAt(Test<i64>),
    /// When it last changed, seconds.
    UpdatedAt(Test<i64>),
    /// The application's own field of that key.
    Extension(String, Test<String>),
    /// Who is in it; nobody in public dialogs and broadcasts, which name nobody.
    Occupants(Among),
}

/// A condition on who is in a dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Among {
    /// At least one of these.
    AnyOf(Vec<UserId>),
    /// All of these.
    AllOf(Vec<UserId>),
    /// None of these.
    NoneOf(Vec<UserId>),
}

/// What orders and filters a dialog, but for its occupants. Texts may be left out where
/// [`Listing::reads_texts`] says so.
pub(super) struct Candidate<'a> {
    pub(super) dialog: DialogId,
    pub(super) kind: Kind,
    pub(super) opponent: Option<UserId>,
    pub(super) last_sent: Option<u64>,
    pub(super) created_at: Time,
    pub(super) updated_at: Time,
    pub(super) name: Option<&'a str>,
    pub(super) extensions: Option<&'a str>,
}

impl Listing {
    /// The dialogs that it is restricted to by their ids, each once, if it is.
    pub(super) fn named(&self) -> Option<Vec<DialogId>> {
        let lists = self.conditions.iter().find_map(|condition| match condition {
            DialogCondition::Id(Test::In(ids)) => Some(ids),
            _ => None,
        })?;
        let mut ids: Vec<DialogId> = lists.iter().filter_map(|id| id.parse().ok()).collect();
        ids.sort_unstable();
        ids.dedup();
        Some(ids)
    }

    /// Whether a condition looks at what people wrote, or at the opponent.
    pub(super) fn reads_texts(&self) -> bool {
        self.conditions.iter().any(|condition| match condition {
            DialogCondition::Name { .. } | DialogCondition::Extension(..) => true,
            DialogCondition::Id(_)
            | DialogCondition::Kind(_)
            | DialogCondition::LastSent(_)
            | DialogCondition::CreatedAt(_)
            | DialogCondition::UpdatedAt(_)
            | DialogCondition::Occupants(_) => false,
        })
    }

    /// What puts the dialog in its place.
    pub(super) fn key(&self, candidate: &Candidate<'_>) -> (u64, DialogId) {
        let key = match self.by {
            By::LastSent => match candidate.last_sent {
                // Dates are whole seconds. Within one, what was written to last has changed last.
                Some(sent) => candidate.updated_at.0.clamp(sent * 1000, sent * 1000 + 999),
                None => candidate.created_at.0,
            },
            By::CreatedAt => candidate.created_at.0,
            By::UpdatedAt => candidate.updated_at.0,
        };
        (key, candidate.dialog)
    }

    /// Whether all conditions hold. `among` is asked last, as it has to look for people.
    pub(super) fn fits(
        &self,
        candidate: &Candidate<'_>,
        mut among: impl FnMut(&Among) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        if !self.conditions.iter().all(|condition| condition.holds(candidate)) {
            return Ok(false);
        }
        for condition in &self.conditions {
            if let DialogCondition::Occupants(wanted) = condition
                && !among(wanted)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The part that is asked for of all that fits, by what puts it in its place, after
    /// `left_out` that come first.
    pub(super) fn page(&self, mut fitting: Vec<(u64, DialogId)>, left_out: u64) -> Vec<DialogId> {
        match self.order {
            Order::OldestFirst => fitting.sort_unstable(),
            Order::NewestFirst => fitting.sort_unstable_by(|one, other| other.cmp(one)),
        }
        let skip = usize::try_from(self.skip.saturating_sub(left_out)).unwrap_or(usize::MAX);
        fitting.into_iter().skip(skip).take(self.limit).map(|(_, dialog)| dialog).collect()
    }
}

impl DialogCondition {
    /// Whether it holds, as far as occupants do not matter.
    fn holds(&self, candidate: &Candidate<'_>) -> bool {
        match self {
            Self::Id(test) => test.text(Some(&candidate.dialog.to_string())),
            Self::Kind(test) => test.number(Some(candidate.kind.number().into())),
            Self::Name { name, opponents } => match candidate.kind {
                Kind::Private => {
                    candidate.opponent.is_some_and(|opponent| opponents.binary_search(&opponent).is_ok())
                }
                Kind::Broadcast | Kind::Group | Kind::Public => name.text(candidate.name),
            },
            Self::LastSent(test) => test.number(candidate.last_sent),
            Self::CreatedAt(test) => test.moment(Some(candidate.created_at.seconds())),
            Self::UpdatedAt(test) => test.moment(Some(candidate.updated_at.seconds())),
            Self::Extension(key, test) => test.text(extension(candidate.extensions, key).as_deref()),
            Self::Occupants(_) => true,
        }
    }
}

/// The text of that key in a JSON object of texts.
fn extension(extensions: Option<&str>, key: &str) -> Option<String> {
    let serde_json::Value::Object(mut fields) = serde_json::from_str(extensions?).ok()? else { return None };
    match fields.remove(key)? {
        serde_json::Value::String(text) => Some(text),
        _ => None,
    }
}

impl Among {
    /// Whether it holds where `is_in` says who is there; there is nobody in a dialog of a
    /// kind that names nobody.
    pub(super) fn holds(&self, mut is_in: impl FnMut(UserId) -> Result<bool, Error>) -> Result<bool, Error> {
        let (users, until, all_through) = match self {
            Self::AnyOf(users) => (users, true, false),
            Self::NoneOf(users) => (users, true, true),
            Self::AllOf(users) => (users, false, true),
        };
        for user in users {
            if is_in(*user)? == until {
                return Ok(!all_through);
            }
        }
        Ok(all_through)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u64) -> UserId {
        UserId::new(number).unwrap()
    }

    #[test]
    fn occupants_are_looked_for_no_longer_than_needed() {
        let users = |numbers: &[u64]| numbers.iter().copied().map(user).collect::<Vec<_>>();
        for (among, holds, asked) in [
            (Among::AnyOf(users(&[9, 2, 1])), true, 2),
            (Among::AnyOf(users(&[8, 9])), false, 2),
            (Among::AnyOf(vec![]), false, 0),
            (Among::AllOf(users(&[1, 2])), true, 2),
            (Among::AllOf(users(&[9, 1])), false, 1),
            (Among::AllOf(vec![]), true, 0),
            (Among::NoneOf(users(&[8, 9])), true, 2),
            (Among::NoneOf(users(&[1, 9])), false, 1),
            (Among::NoneOf(vec![]), true, 0),
        ] {
            let mut looked = 0;
            let found = among.holds(|user| {
                looked += 1;
                Ok(user.get() < 3)
            });
            assert_eq!((found.unwrap(), looked), (holds, asked), "{among:?}");
        }
    }

    #[test]
    fn an_extension_is_a_text_of_an_object() {
        for (stored, found) in [
            (None, None),
            (Some("{}"), None),
            (Some(r#"{"city":"Rome"}"#), Some("Rome")),
            (Some(r#"{"city":5}"#), None),
            (Some("[]"), None),
            (Some("damaged"), None),
        ] {
            assert_eq!(extension(stored, "city").as_deref(), found, "{stored:?}");
        }
    }
}
