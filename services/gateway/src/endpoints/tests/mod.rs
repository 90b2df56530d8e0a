//! The endpoints through the front, as a client meets them: whole answers, what they
//! change and what they refuse.

mod accounts;
mod arbitrary;
mod clearing;
mod dialogs;
mod finding;
mod inputs;
mod joining;
mod lists;
mod marks;
mod messages;
mod outside;
mod people;
mod pins;
mod positions;
mod protection;
mod reacted;
mod reactions;
mod refusals;
mod search;
mod sessions;
mod signals;
mod users;
mod views;
