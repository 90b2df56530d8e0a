//! Whom one looks for: conditions on users, an order, and a part of what fits.
//!
//! A plain value, the same for both stores, which write a statement each for it. Deleted users are
//! in no answer. What a condition means is said here once; the stores mean the same by it:
//!
//! - logins and emails compare in their [`canonical`](crate::canonical()) form, other texts byte by byte;
//! - times compare by whole seconds, as they are shown;
//! - a field without a value passes [`Test::NotIn`] and nothing else.

use crate::User;
use crate::terms::Term;

/// The shortest beginning that can be looked for, in characters of its canonical form (contract 5.1).
pub const BEGINNING_MIN: usize = 4;

/// A part of the users to whom all conditions apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// All of them have to hold.
    pub conditions: Vec<Condition>,
    /// What orders the users; of equal ones their number does.
    pub by: By,
    /// From which end. Whoever has no value comes last from either.
    pub order: Order,
    /// How many to leave out first.
    pub skip: u64,
    /// How many at most.
    pub limit: u32,
}

/// Those who were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    /// To how many users the conditions apply.
    pub total: u64,
    /// The part that was asked for.
    pub users: Vec<User>,
}

/// A condition on a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// His number.
    Id(Test<i64>),
    /// One of his texts.
    Text(Text, Test<String>),
    /// He has one of these tags.
    AnyTag(Vec<String>),
    /// He has none of these tags.
    NoTag(Vec<String>),
    /// A text, or a tag, of his begins like that, as canonical forms do. Of both no more than
    /// [`KEY_BYTES_MAX`](crate::KEY_BYTES_MAX) bytes are compared.
    Begins(Beginning),
    /// A time, in whole seconds since 1970.
    Moment(Moment, Test<i64>),
}

/// What a value has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test<T> {
    /// One of these.
    In(Vec<T>),
    /// None of these.
    NotIn(Vec<T>),
    /// Less than that.
    Below(T),
    /// Less than that or that.
    AtMost(T),
    /// Greater than that.
    Above(T),
    /// Greater than that or that.
    AtLeast(T),
}

/// How a text of a user begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    pub(crate) term: Term,
    pub(crate) key: String,
}

impl Beginning {
    /// `text` at the beginning of what `term` says; none if it has fewer than [`BEGINNING_MIN`]
    /// characters that count.
    pub fn new(term: Term, text: &str) -> Option<Self> {
        let key = crate::terms::beginning(text);
        key.chars().nth(BEGINNING_MIN - 1).is_some().then_some(Self { term, key })
    }
}

/// A field of one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in `User`")]
pub enum Text {
    Login,
    Email,
    FullName,
    Phone,
    Website,
    ExternalUserId,
    ExternalId,
    FacebookId,
    TwitterId,
}

/// A field of one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in `User`")]
pub enum Moment {
    CreatedAt,
    UpdatedAt,
    LastRequestAt,
}

/// What orders users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Their numbers, which is in which order they signed up.
    Id,
    /// A text.
    Text(Text),
    /// Their tags as one text.
    Tags,
    /// A time.
    Moment(Moment),
}

/// From which end a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The smallest first.
    Ascending,
    /// The largest first.
    Descending,
}

impl Text {
    /// The column that is compared: the same name in both stores.
    pub(crate) fn column(self) -> &'static str {
        match self {
            Self::Login => "login_key",
            Self::Email => "email_key",
            Self::FullName => "full_name",
            Self::Phone => "phone",
            Self::Website => "website",
            Self::ExternalUserId => "external_user_id",
            Self::ExternalId => "external_id",
            Self::FacebookId => "facebook_id",
            Self::TwitterId => "twitter_id",
        }
    }

    /// A value as it is compared with the column's.
    pub(crate) fn compared(self, value: &str) -> String {
        match self {
            Self::Login | Self::Email => crate::canonical(value),
            Self::FullName
            | Self::Phone
            | Self::Website
            | Self::ExternalUserId
            | Self::ExternalId
            | Self::FacebookId
            | Self::TwitterId => value.to_owned(),
        }
    }

    /// Under which term one of its values is found. The columns of logins and emails have indexes of
    /// their own, and websites none.
    pub(crate) fn term(self) -> Option<Term> {
        match self {
            Self::Login | Self::Email | Self::Website => None,
            Self::FullName => Some(Term::FullName),
            Self::Phone => Some(Term::Phone),
            Self::ExternalUserId => Some(Term::ExternalUserId),
            Self::ExternalId => Some(Term::ExternalId),
            Self::FacebookId => Some(Term::FacebookId),
            Self::TwitterId => Some(Term::TwitterId),
        }
    }
}

impl Moment {
    /// The column of milliseconds: the same name in both stores.
    pub(crate) fn column(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::LastRequestAt => "last_request_at",
        }
    }
}

impl By {
    /// The column, and whether it holds texts.
    pub(crate) fn column(self) -> (&'static str, bool) {
        match self {
            Self::Id => ("id", false),
            Self::Text(text) => (text.column(), true),
            Self::Tags => ("user_tags", true),
            Self::Moment(moment) => (moment.column(), false),
        }
    }
}

impl Order {
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        }
    }
}

impl Query {
    /// Whether it compares with a text that no user can have, and PostgreSQL cannot even be asked.
    pub(crate) fn holds_nul(&self) -> bool {
        let nul = |text: &String| text.contains('\0');
        self.conditions.iter().any(|condition| match condition {
            Condition::Text(_, test) => match test {
                Test::In(values) | Test::NotIn(values) => values.iter().any(nul),
                Test::Below(bound) | Test::AtMost(bound) | Test::Above(bound) | Test::AtLeast(bound) => {
                    nul(bound)
                }
            },
            Condition::AnyTag(tags) | Condition::NoTag(tags) => tags.iter().any(nul),
            Condition::Begins(beginning) => nul(&beginning.key),
            Condition::Id(_) | Condition::Moment(..) => false,
        })
    }

    /// Whether it is about those of some numbers or texts that hardly anybody shares.
    pub(crate) fn is_exact(&self) -> bool {
        self.conditions.iter().any(|condition| match condition {
            Condition::Id(Test::In(_)) => true,
            Condition::Text(text, Test::In(_)) => !matches!(text, Text::Website | Text::FullName),
            Condition::AnyTag(_)
            | Condition::Begins(_)
            | Condition::Id(_)
            | Condition::Text(..)
            | Condition::NoTag(_)
            | Condition::Moment(..) => false,
        })
    }

    /// Whether an index leads to those whom it may concern.
    pub(crate) fn is_led(&self) -> bool {
        self.conditions.iter().any(|condition| match condition {
            Condition::Id(Test::In(_)) | Condition::AnyTag(_) | Condition::Begins(_) => true,
            Condition::Text(text, Test::In(_)) => *text != Text::Website,
            Condition::Id(_) | Condition::Text(..) | Condition::NoTag(_) | Condition::Moment(..) => false,
        })
    }
}

/// One of each condition that an index leads to: what no plan may look at all users for.
#[cfg(test)]
pub(crate) fn leading() -> Vec<Condition> {
    let texts = [
        Text::Login,
        Text::Email,
        Text::FullName,
        Text::Phone,
        Text::ExternalUserId,
        Text::ExternalId,
        Text::FacebookId,
        Text::TwitterId,
    ];
    let values = || vec!["alice".to_owned(), "bob".to_owned()];
    let exact = texts.map(|text| Condition::Text(text, Test::In(values())));
    let terms = [Term::Login, Term::Email, Term::FullName, Term::Phone, Term::ExternalId, Term::Tag];
    let begins = terms.into_iter().filter_map(|term| Beginning::new(term, "alice"));
    let others = [Condition::Id(Test::In(vec![1, 2])), Condition::AnyTag(values())];
    let all = exact.into_iter().chain(begins.map(Condition::Begins)).chain(others).collect::<Vec<_>>();
    assert_eq!(all.len(), 16);
    all
}
