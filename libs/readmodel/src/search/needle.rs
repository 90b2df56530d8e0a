//! What is searched for, in the forms that both indexes and the check of a candidate need.

/// The fewest characters of a text to search for: the API wants more than four.
pub const TEXT_CHARACTERS_MIN: usize = 5;
/// Trigrams that the index is asked for at most: more of them hardly leave out more.
const TRIGRAMS_MAX: usize = 16;

/// A text to search for, of at least [`TEXT_CHARACTERS_MIN`] characters, each of which
/// stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle(String);

impl Needle {
    /// `text`, if it is long enough and holds no U+0000, which no stored text does.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let long = text.chars().nth(TEXT_CHARACTERS_MIN - 1).is_some();
        (long && !text.contains('\0')).then_some(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` holds it, letter by letter.
    pub fn is_in(&self, text: &str) -> bool {
        text.contains(&self.0)
    }

    /// A query of FTS5 for rows that have some of its trigrams, each a string of its own: an
    /// index without places of words knows no longer ones.
    pub(super) fn trigrams(&self) -> String {
        let characters: Vec<char> = self.0.chars().collect();
        let count = characters.len() - 2;
        let step = count.div_ceil(TRIGRAMS_MAX);
        let mut query = String::new();
        for trigram in characters.windows(3).step_by(step) {
            query.push('"');
            for character in trigram {
                // A quote within quotes is written twice.
                if *character == '"' {
                    query.push('"');
                }
                query.push(*character);
            }
            query.push_str("\" ");
        }
        query
    }

    /// A pattern of LIKE for texts that hold it.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = String::from("%");
        for character in self.0.chars() {
            if matches!(character, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('%');
        pattern
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_needle_has_five_characters_of_any_kind() {
        assert_eq!(Needle::new("four"), None);
        assert_eq!(Needle::new("😀😀😀😀"), None, "characters count, not bytes");
        assert_eq!(Needle::new("fo\0ur"), None);
        assert!(Needle::new("     ").is_some());
        assert!(Needle::new("😀😀😀😀😀").is_some());
    }

    #[test]
    fn each_character_stands_for_itself() {
        let needle = Needle::new(r#"a%_\"*"#).unwrap();
        assert_eq!(needle.pattern(), r#"%a\%\_\\"*%"#);
        assert_eq!(needle.trigrams(), r#""a%_" "%_\" "_\""" "\""*" "#);
    }

    #[test]
    fn a_long_text_is_few_trigrams() {
        let needle = Needle::new("abcdefghij".repeat(1_000)).unwrap();
        let asked = needle.trigrams();
        assert_eq!(asked.split_whitespace().count(), TRIGRAMS_MAX);
    }
}
