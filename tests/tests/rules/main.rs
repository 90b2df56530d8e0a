//! The numbered rules of the API, told as stories and walked as tables. Whoever has just
//! checked a rule says so with its number, which `tests/rules.csv` explains.

mod ask;
mod bad_accounts;
mod calls;
mod dialog_changes;
mod dialog_creation;
mod dialog_deletion;
mod dialog_filters;
mod dialog_lists;
mod dialog_objects;
mod dialog_seats;
mod errors;
mod filters;
mod finding_users;
mod limits;
mod listing_users;
mod marks;
mod marks_named;
mod message_changes;
mod message_creation;
mod message_filters;
mod message_lists;
mod previews;
mod reactions;
mod right_after;
mod search;
mod session_ends;
mod session_signatures;
mod sessions;
mod switches;
mod together;
mod user_changes;
mod users;
