//! The endpoints through the front, as a client meets them: whole answers, what they
//! change and what they refuse.

mod arbitrary;
mod dialogs;
mod lists;
mod marks;
mod messages;
mod people;
mod positions;
mod refusals;
mod sessions;
