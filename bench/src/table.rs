//! The result: rows with a figure, a ratio, a bound and a verdict, as one table for people and as JSON for programs.

use serde::Serialize;

/// What became of a row's bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// The figure keeps the bound.
    Met,
    /// It does not.
    NotMet,
    /// There is no bound, or none at this size.
    Report,
    /// The server answered wrongly, so the figure says nothing.
    Wrong,
}

impl Verdict {
    fn text(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotMet => "NOT MET",
            Self::Report => "report",
            Self::Wrong => "WRONG",
        }
    }
}

/// What a row is measured against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    /// No bound.
    None,
    /// At least this, in the unit of what is judged.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

impl Bound {
    /// Whether `value` keeps it.
    pub(crate) fn judge(self, value: f64) -> Verdict {
        let kept = match self {
            Self::None => return Verdict::Report,
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        };
        if kept { Verdict::Met } else { Verdict::NotMet }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) row: String,
    /// What came out, with its unit.
    pub(crate) figure: String,
    /// The figure against its ceiling or its pair; a cost is above 1.
    pub(crate) ratio: Option<f64>,
    /// What is asked for, in words.
    pub(crate) bound: String,
    /// What became of it.
    pub(crate) verdict: Verdict,
}

impl Row {
    /// A row without a bound.
    pub(crate) fn report(row: impl Into<String>, figure: impl Into<String>) -> Self {
        Self {
            row: row.into(),
            figure: figure.into(),
            ratio: None,
            bound: String::new(),
            verdict: Verdict::Report,
        }
    }

    /// The same row with a ratio.
    pub(crate) fn ratio(self, ratio: f64) -> Self {
        Self { ratio: Some(ratio), ..self }
    }

    /// The same row with its `bound` on `value`, which `words` explain.
    pub(crate) fn bound(self, words: impl Into<String>, bound: Bound, value: f64) -> Self {
        Self { bound: words.into(), verdict: bound.judge(value), ..self }
    }
}

/// The whole result.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Table {
    /// Facts about machine and run: name and value.
    pub(crate) facts: Vec<(String, String)>,
    /// The rows, in the order measured.
    pub(crate) rows: Vec<Row>,
    /// What the server did wrong, in words.
    pub(crate) faults: Vec<String>,
    /// Why the run says nothing, if it does not.
    pub(crate) void: Option<String>,
    /// Whether the sizes are those that the bounds are about; without that no bound is judged.
    pub(crate) judged: bool,
}

impl Table {
    /// Add a row; at a reduced size it is a report, whatever its bound.
    pub(crate) fn add(&mut self, row: Row) {
        let unjudged = !self.judged && row.verdict != Verdict::Wrong;
        self.rows.push(if unjudged { Row { verdict: Verdict::Report, ..row } } else { row });
    }

    /// Add a fact.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<String>) {
        self.facts.push((name.to_owned(), value.into()));
    }

    /// What the process ends with: 0, 1 if a bound was not met, 2 if the run is void or the server was wrong.
    pub(crate) fn exit_code(&self) -> u8 {
        let any = |verdict| self.rows.iter().any(|row| row.verdict == verdict);
        if self.void.is_some() || !self.faults.is_empty() || any(Verdict::Wrong) {
            2
        } else {
            u8::from(any(Verdict::NotMet))
        }
    }

    /// The table in aligned columns.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for (name, value) in &self.facts {
            out.push_str(&format!("{name}: {value}\n"));
        }
        out.push('\n');
        let head = ["row", "figure", "ratio", "bound", "verdict"].map(str::to_owned);
        let lines: Vec<[String; 5]> = std::iter::once(head).chain(self.rows.iter().map(cells)).collect();
        let widths: [usize; 5] =
            std::array::from_fn(|column| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0));
        for line in &lines {
            let padded: Vec<String> =
                line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            out.push_str(padded.join("  ").trim_end());
            out.push('\n');
        }
        for fault in &self.faults {
            out.push_str(&format!("\nWRONG: {fault}"));
        }
        if let Some(why) = &self.void {
            out.push_str(&format!("\nVOID: {why}"));
        }
        if !self.judged {
            out.push_str(
                "\nReduced sizes: this run shows that everything works; its figures are not judged.",
            );
        }
        out.trim_end().to_owned()
    }
}

fn cells(row: &Row) -> [String; 5] {
    let ratio = row.ratio.map_or(String::new(), |ratio| format!("{ratio:.3}"));
    [row.row.clone(), row.figure.clone(), ratio, row.bound.clone(), row.verdict.text().to_owned()]
}

/// A whole number with its thousands apart.
pub(crate) fn count(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Microseconds as milliseconds.
pub(crate) fn millis(micros: f64) -> String {
    format!("{:.2} ms", micros / 1e3)
}

/// The middle of `values`: the mean of the middle two where there are two, 0 of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (None, _) => 0.0,
        (Some(value), 1) => *value,
        (Some(value), _) => (value + values[middle - 1]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!([count(0.4), count(999.6), count(1_234_567.0)], ["0", "1,000", "1,234,567"]);
        assert_eq!(millis(1_234.0), "1.23 ms");
        assert_eq!([median([]), median([3.0, 1.0, 2.0]), median([4.0, 1.0])], [0.0, 2.0, 2.5]);
    }

    #[test]
    fn a_bound_that_is_not_met_is_shown_and_ends_the_process_so() {
        let mut table = Table { judged: true, ..Table::default() };
        table.add(Row::report("a", "1").ratio(0.2).bound("≥ 0.12", Bound::AtLeast(0.12), 0.2));
        assert_eq!(table.exit_code(), 0);
        table.add(Row::report("b", "2").bound("≤ 1.3", Bound::AtMost(1.3), 1.4));
        assert_eq!(table.exit_code(), 1);
        assert_eq!(
            table.text().trim_start(),
            "row  figure  ratio  bound   verdict\n\
             a    1       0.200  ≥ 0.12  met\n\
             b    2              ≤ 1.3   NOT MET"
        );
        table.void = Some("too slow".to_owned());
        assert_eq!(table.exit_code(), 2);
        assert!(table.text().ends_with("VOID: too slow"));
    }

    #[test]
    fn a_small_run_judges_nothing_but_hides_no_fault() {
        let mut table = Table::default();
        table.add(Row::report("b", "2").bound("≤ 1.3", Bound::AtMost(1.3), 1.4));
        assert_eq!(table.exit_code(), 0);
        table.faults.push("unseen".to_owned());
        assert_eq!(table.exit_code(), 2);
        assert!(table.text().contains("WRONG: unseen"));
    }
}
