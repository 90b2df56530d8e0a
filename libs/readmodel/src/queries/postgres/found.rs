//! What is looked for in the server: messages by their dates or by what they say, and who
//! has reacted to one.

use domain::{DialogId, Sequence};
use sqlx::query;

use super::super::fetched::{Fetched, Missing};
use super::super::reactions::REACTED_MAX;
use super::super::stretch::{Bound, Date};
use super::columns::{Columns, user};
use super::fault::Fault;
use super::fetch::{Asking, int, places, rows};
use super::{scan, statements};
use crate::queries::columns::damaged;

impl Asking<'_> {
    /// Looks for what of `missing` has to be looked for: a statement for each kind of it, and
    /// for each scan.
    pub(super) async fn found(&mut self, missing: &Missing, to: &mut Fetched) -> Result<(), Fault> {
        if !missing.bounds.is_empty() {
            self.bounds(&Vec::from_iter(missing.bounds.iter().copied()), to).await?;
        }
        for wanted in &missing.scans {
            let mut places = vec![];
            for row in rows(self.connection, scan::statement(wanted)).await? {
                places.push(Columns::of(&row).number()?);
            }
            to.scans.push((wanted.clone(), places));
        }
        if !missing.reacted.is_empty() {
            self.reacted(&Vec::from_iter(missing.reacted.iter().copied()), to).await?;
        }
        Ok(())
    }

    async fn bounds(&mut self, bounds: &[Bound], to: &mut Fetched) -> Result<(), Fault> {
        let column =
            |number: fn(&Bound) -> u64| Vec::from_iter(bounds.iter().map(|bound| int(number(bound))));
        let dialogs: Vec<_> = bounds.iter().map(|bound| bound.dialog.as_bytes().as_slice()).collect();
        let stored: Vec<_> = bounds.iter().map(|bound| bound.date == Date::Created).collect();
        let statement = query(statements::BOUNDS)
            .bind(dialogs)
            .bind(column(|bound| bound.first))
            .bind(column(|bound| bound.last))
            .bind(stored)
            .bind(column(|bound| bound.second));
        for row in rows(self.connection, statement).await? {
            let mut columns = Columns::of(&row);
            let (number, place) = (columns.number()?, columns.number()?);
            let bound = usize::try_from(number).ok().and_then(|number| bounds.get(number.checked_sub(1)?));
            to.bounds.insert(*bound.ok_or_else(|| damaged("a bound that nobody asked for"))?, place);
        }
        if bounds.iter().all(|bound| to.bounds.contains_key(bound)) {
            return Ok(());
        }
        Err(damaged("a dialog lacks a message").into())
    }

    async fn reacted(&mut self, messages: &[(DialogId, Sequence)], to: &mut Fetched) -> Result<(), Fault> {
        let (dialogs, sequences) =
            places(messages.iter().map(|(dialog, sequence)| (dialog, int(sequence.0))));
        to.reacted.extend(messages.iter().map(|place| (*place, vec![])));
        let statement = query(statements::REACTED).bind(dialogs).bind(sequences).bind(REACTED_MAX);
        for row in rows(self.connection, statement).await? {
            let mut columns = Columns::of(&row);
            let place = (columns.dialog()?, columns.sequence()?);
            let kind: String = columns.take()?;
            let users = columns.list::<i64>()?.into_iter().map(user).collect::<Result<_, _>>()?;
            to.reacted.entry(place).or_default().push((kind, users));
        }
        Ok(())
    }
}
