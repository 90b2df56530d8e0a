//! The rules, told as given, when and then; and properties of any history.

mod dialogs;
mod marks;
mod messages;
mod occupants;
mod properties;
mod roles;
mod world;
