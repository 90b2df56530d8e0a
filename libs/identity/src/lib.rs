//! Who may ask: users, passwords, sessions, behind one port.
//!
//! [`Identity`] is the port. Everything it promises holds whatever store lies behind it;
//! nothing of the store shows in its signatures. It deliberately knows neither HTTP nor
//! the log: events carry user ids only, and deleting a read model never touches a user.
//!
//! Kept here: an answered change survives a crash; a user id is never issued twice; no
//! two users share a login or an email ([`canonical`] says what "same" means); passwords
//! and tokens are stored only as hashes and never appear in a `Debug` output; an ended
//! session is dead before its end is answered, and within a second in other processes that share
//! the store; the clock, tokens and salts are arguments.

mod account;
mod cache;
mod canonical;
mod change;
mod copy;
mod error;
pub mod find;
mod identity;
mod inspect;
mod list;
mod memory;
mod password;
mod postgres;
mod provider;
pub mod remote;
mod session;
mod sessions;
mod settings;
mod sign_up;
mod sqlite;
mod store;
mod terms;
mod user;
mod waiting;
mod workers;

pub use canonical::canonical;
pub use change::{Change, RawChange};
pub use copy::{Filled, Unfinished};
pub use error::{Error, FieldError, OpenError};
pub use identity::{Credentials, Identity, Name, Unknown};
pub use inspect::{Inspected, inspect_embedded, inspect_postgres};
pub use password::{Password, Salt};
pub use provider::ProviderKey;
pub use session::{
    Caller, FOREIGN_TOKEN_BYTES_MAX, SESSIONS_SHOWN_MAX, Session, SessionId, SessionSummary, Token,
};
pub use settings::{HashCost, Settings};
pub use sign_up::{
    CUSTOM_DATA_MAX, EMAIL_MAX, KEY_BYTES_MAX, LOGIN_MAX, LOGIN_MIN, NAME_MAX, NewUser, PASSWORD_MAX,
    PASSWORD_MIN, Profile, REFERENCE_MAX, SignUp, TAG_MAX, TAGS_MAX, TIMEZONE_MAX, TIMEZONE_MIN, URL_MAX,
};
pub use terms::Term;
pub use user::{Departure, Display, IDS_MAX, User};
