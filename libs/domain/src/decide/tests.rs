//! The rules, told as given, when and then; and properties of any history.

mod admins;
mod blocking;
mod clearing;
mod dialogs;
mod histories;
mod marks;
mod messages;
mod occupants;
mod pins;
mod properties;
mod reactions;
mod roles;
mod subscribing;
mod world;
