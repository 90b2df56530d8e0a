//! What of a history is asked for: which messages, in which order, and how far to look.

use super::Page;
use super::filter::Test;

/// A condition on one field of a message, as clients see the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageTest {
    /// `_id`: 24 lower-case hex digits.
    Id(Test<String>),
    /// `message`: the text.
    Text(Test<String>),
    /// `sender_id`.
    Sender(Test<i64>),
    /// `recipient_id`: 0 in a dialog of more than two.
    Recipient(Test<i64>),
    /// `attachments.type`: the types of all attachments, those that are texts.
    AttachmentType(Test<String>),
    /// `date_sent`, whole seconds.
    DateSent(Test<i64>),
    /// `created_at`, whole seconds.
    CreatedAt(Test<i64>),
    /// `updated_at`, whole seconds; reading moves it.
    UpdatedAt(Test<i64>),
}

/// What messages are ordered by. Those that are equal in it come as they arrived, or the
/// other way round in the other order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessagesBy {
    /// Their places, which is the order of `date_sent` and of `created_at`.
    Sequence,
    /// Their names.
    Name,
    /// When they last changed.
    Updated,
}

/// A page of those messages of a history that pass all of some tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// All of them have to hold.
    pub tests: Vec<MessageTest>,
    /// What the messages are ordered by.
    pub by: MessagesBy,
    /// Which part of them.
    pub page: Page,
    /// How many messages may be looked at. Dates narrow a history without looking, and names
    /// find their messages; every other test, and an order that is not that of the history,
    /// looks at each message of what is left.
    pub looked_at_max: u64,
}

impl Wanted {
    /// Whether it is a page of everything in the order of the history.
    pub(super) fn is_plain(&self) -> bool {
        self.tests.is_empty() && self.by == MessagesBy::Sequence
    }
}

/// The values of which a field that has exactly one must have one; `None` if the test is not of
/// that sort.
pub(super) fn equals<T: PartialEq>(test: &Test<T>) -> Option<&[T]> {
    match test {
        Test::In(values) => Some(values),
        Test::All(values) if values.is_empty() => None,
        Test::All(values) if values.iter().all(|value| *value == values[0]) => Some(&values[..1]),
        Test::All(_) => Some(&[]),
        Test::Below(_) | Test::AtMost(_) | Test::Above(_) | Test::AtLeast(_) => None,
        Test::NotIn(_) | Test::Contains(_) => None,
    }
}
