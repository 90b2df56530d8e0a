//! The one binary: chooses backends, starts roles, carries the operator's commands.
//!
//! Only this crate knows which stores and which topology a deployment has.

mod administration;
mod app_command;
mod application;
mod copy;
mod doctor;
mod engines;
mod event_json;
mod log_command;
mod output;
mod password;
mod readmodel_command;
mod scan;
mod serve;
mod sessions_command;
mod settings;
mod status;
mod stores;
mod users_command;

pub use app_command::AppCommand;
pub use copy::Copy;
pub use doctor::Doctor;
pub use log_command::LogCommand;
pub use output::{complain, print_settings};
pub use readmodel_command::ReadmodelCommand;
pub use serve::serve;
pub use sessions_command::SessionsCommand;
pub use settings::Settings;
pub use status::status;
pub use users_command::UsersCommand;
