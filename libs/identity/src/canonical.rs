//! When two logins, or two emails, are the same.
//!
//! The key is stored beside the text it was made of, so a later Unicode version is a
//! migration that makes the keys again, never a guess.

use unicode_normalization::UnicodeNormalization;

/// The form in which logins and emails are compared: two texts with the same key are the
/// same name, and only one user can have it.
///
/// Surrounding white space, letter case, Unicode compatibility forms (full width, ligatures,
/// composed or not) and invisible characters make no difference: `ALICE`, `ａｌｉｃｅ` and
/// `alice` are one. Look-alikes of different scripts stay different. Accents count.
pub fn canonical(text: &str) -> String {
    folded(text).trim().to_owned()
}

/// The form in which the beginning of a text is compared with [`canonical`] forms: white space at
/// its end may be followed by more, so it counts.
pub(crate) fn canonical_beginning(text: &str) -> String {
    folded(text).trim_start().to_owned()
}

fn folded(text: &str) -> String {
    let visible = text.nfkc().filter(|c| !is_invisible(*c)).collect::<String>();
    // Down, up and down again, letter by letter: so that ẞ, ß and SS, ς and Σ meet, as in full
    // case folding. (Whole texts would lower a Σ by its place in the word.)
    let lower = visible.chars().flat_map(char::to_lowercase);
    lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// Unicode's default-ignorable characters: they take part in no comparison, as nobody
/// can see them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_nobody_can_tell_apart_are_one() {
        for (one, other) in [
            ("Alice", "aLICE"),
            ("  alice\t", "alice"),
            ("ａｌｉｃｅ", "alice"),
            ("Zo\u{eb}", "zoe\u{308}"),
            ("straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("ΟΔΟΣ", "οδος"),
            ("οδος", "οδοσ"),
            ("ﬁsh", "fish"),
            ("al\u{200b}ice", "alice"),
            ("al\u{ad}ice\u{feff}", "alice"),
        ] {
            assert_eq!(canonical(one), canonical(other), "{one:?} {other:?}");
        }
        for (one, other) in [("alice", "аlice"), ("zoe", "zoë"), ("al ice", "alice")] {
            assert_ne!(canonical(one), canonical(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn every_letters_key_is_its_own_key() {
        // All planes that have letters.
        for letter in '\0'..='\u{2ffff}' {
            let key = canonical(letter.encode_utf8(&mut [0; 4]));
            assert_eq!(canonical(&key), key, "{letter:?}");
        }
    }

    #[test]
    fn a_beginning_may_end_between_two_words() {
        assert_eq!(canonical_beginning("\u{200f} JOHN "), "john ");
        assert!(canonical(" John Doe ").starts_with(&canonical_beginning("JOHN ")));
        assert!(!canonical("Johnson").starts_with(&canonical_beginning("JOHN ")));
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in any::<String>()) {
            let key = canonical(&text);
            prop_assert_eq!(canonical(&key), key);
        }
    }
}
