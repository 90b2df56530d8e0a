//! Terms: under which keys a user is found.
//!
//! A store keeps the terms of each user beside him, in an index of their own, and makes them anew
//! with every change of him, in the same transaction. They are made here and nowhere else: a store
//! cannot, because only we know what is [`canonical`].

use std::collections::BTreeSet;

use crate::canonical::canonical_beginning;
use crate::{KEY_BYTES_MAX, User, canonical};

/// What of a user a term is made of. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named as in `User`")]
pub enum Term {
    Login = 1,
    Email = 2,
    FullName = 3,
    Phone = 4,
    ExternalUserId = 5,
    ExternalId = 6,
    FacebookId = 7,
    TwitterId = 8,
    /// One of his tags.
    Tag = 9,
}

impl Term {
    /// As it is stored.
    pub(crate) fn number(self) -> i16 {
        self as i16
    }
}

/// All terms of a user, each once, with their keys.
pub(crate) fn terms(user: &User) -> BTreeSet<(Term, String)> {
    let fields = [
        (Term::Login, &user.login),
        (Term::Email, &user.email),
        (Term::FullName, &user.full_name),
        (Term::Phone, &user.phone),
        (Term::ExternalUserId, &user.external_user_id),
        (Term::ExternalId, &user.external_id),
        (Term::FacebookId, &user.facebook_id),
        (Term::TwitterId, &user.twitter_id),
    ];
    let tags = user.user_tags.iter().flat_map(|tags| tags.split(','));
    let tags = tags.map(|tag| (Term::Tag, key(tag)));
    fields.into_iter().filter_map(|(term, text)| Some((term, key(text.as_ref()?)))).chain(tags).collect()
}

/// The key of a text: its canonical form, or as much of it as any store can index.
pub(crate) fn key(text: &str) -> String {
    cut(canonical(text))
}

/// With what the key of a text begins that begins so.
pub(crate) fn beginning(text: &str) -> String {
    cut(canonical_beginning(text))
}

/// The first key after all that begin with `beginning`; none if there is no greater one.
pub(crate) fn after(beginning: &str) -> Option<String> {
    let mut left = beginning.to_owned();
    while let Some(last) = left.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            left.push(next);
            return Some(left);
        }
    }
    None
}

fn cut(mut key: String) -> String {
    key.truncate(key.floor_char_boundary(KEY_BYTES_MAX));
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_ends_with_a_whole_letter() {
        // One letter that becomes eighteen.
        let long = "\u{fdfa}".repeat(255);
        assert!((KEY_BYTES_MAX - 3..=KEY_BYTES_MAX).contains(&key(&long).len()));
        assert_eq!(beginning(&long), key(&long));
    }

    #[test]
    fn the_last_letter_of_all_has_none_after_it() {
        assert_eq!(after("ab\u{10ffff}"), Some("ac".to_owned()));
        assert_eq!(after("\u{d7ff}"), Some("\u{e000}".to_owned()));
        assert_eq!(after("\u{10ffff}"), None);
        assert_eq!(after(""), None);
    }

    proptest! {
        #[test]
        fn what_begins_so_lies_between(beginning in "\\PC{1,5}", rest in any::<String>(), other in any::<String>()) {
            let upper = after(&beginning);
            let lies = |text: &str| *text >= *beginning && upper.as_ref().is_none_or(|upper| *text < **upper);
            let longer = format!("{beginning}{rest}");
            prop_assert!(lies(&longer));
            prop_assert_eq!(lies(&other), other.starts_with(&beginning));
        }
    }
}
