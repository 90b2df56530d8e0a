//! In what two read models differ, as it is told to the operator.

/// A row that is not the same in both. It names no value: those may be personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// The row's key: ids in hexadecimal, numbers, with slashes between.
    pub key: String,
    /// What differs.
    pub what: What,
}

/// How a row differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Only the fresh one has it.
    Missing,
    /// Only the living one has it.
    Surplus,
    /// Both have it, and these columns differ.
    Columns(Vec<String>),
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, key, what } = self;
        match what {
            What::Missing => write!(f, "{table} {key}: missing"),
            What::Surplus => write!(f, "{table} {key}: should not be there"),
            What::Columns(columns) => write!(f, "{table} {key}: other {}", columns.join(", ")),
        }
    }
}
