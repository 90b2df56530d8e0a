//! Names, against all that the viewer sees.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::MessageRef;
use domain::{DialogId, MessageId, Sequence, UserId};
use proptest::prelude::*;

use super::Recount;
use crate::queries::tests::Model;

/// Names are looked up among what the viewer sees: the given dialog first, then the oldest.
pub(super) fn check(model: &Model, recount: &Recount, viewer: UserId) -> Result<(), TestCaseError> {
    let mut seen: BTreeMap<MessageId, Vec<(u64, DialogId, MessageRef)>> = BTreeMap::new();
    for (id, dialog) in recount.dialogs.iter().filter(|(_, dialog)| dialog.readable(viewer)) {
        for message in dialog.visible(viewer) {
            let place = MessageRef { sequence: Sequence(message.sequence), id: message.id };
            seen.entry(message.id).or_default().push((message.created_at, *id, place));
        }
    }
    let all = recount.dialogs.values().flat_map(|dialog| &dialog.messages);
    let names: BTreeSet<_> = all.map(|message| message.id).collect();
    for (index, id) in names.into_iter().enumerate().filter(|(index, _)| index % 37 < 12) {
        let within = recount.dialogs.keys().copied().nth(index % recount.dialogs.len());
        let mut known = seen.get(&id).cloned().unwrap_or_default();
        known.sort_unstable_by_key(|(at, dialog, place)| {
            (Some(*dialog) != within, *at, *dialog, place.sequence)
        });
        let expected = known.first().map(|(_, dialog, place)| (id, *dialog, place.sequence));
        let found = model.ask(async |queries| queries.resolve(viewer, vec![id], within).await);
        let found = found.first().map(|found| (found.id, found.dialog, found.sequence));
        prop_assert_eq!(found, expected);
        let except = within.unwrap();
        let taken = known.iter().any(|(_, dialog, _)| *dialog != except);
        prop_assert_eq!(model.ask(async |queries| queries.name_taken(viewer, id, except).await), taken);
    }
    Ok(())
}
