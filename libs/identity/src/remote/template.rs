//! Texts with gaps: `#{name}` is where something else goes.

/// A text with gaps, each of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Gap(String),
}

impl Template {
    /// The template of that spelling; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut rest) = (vec![], text);
        while let Some((before, opened)) = rest.split_once("#{") {
            let (name, after) = opened.split_once('}').ok_or("has a `#{` without its `}`")?;
            if name.trim().is_empty() {
                return Err("has a `#{}` without a name".to_owned());
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Gap(name.trim().to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    pub(super) fn gaps(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Gap(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with every gap filled; nothing, if one cannot be.
    pub(super) fn fill(&self, value: impl Fn(&str) -> Option<String>) -> Option<String> {
        let part = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Gap(name) => value(name),
        };
        self.0.iter().map(part).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Option<String> {
        let value = |name: &str| (name != "nothing").then(|| format!("<{name}>"));
        Template::parse(text).unwrap().fill(value)
    }

    #[test]
    fn gaps_are_filled_and_the_rest_stays() {
        assert_eq!(filled("a#{b}c #{ d.e }"), Some("a<b>c <d.e>".to_owned()));
        assert_eq!(filled("# {b} } #"), Some("# {b} } #".to_owned()));
        assert_eq!(filled("a#{nothing}c"), None);
        assert!(Template::parse("").unwrap().is_empty());
    }

    #[test]
    fn a_gap_has_an_end_and_a_name() {
        assert!(Template::parse("a#{b").unwrap_err().contains("without its"));
        assert!(Template::parse("a#{ }").unwrap_err().contains("without a name"));
    }
}
