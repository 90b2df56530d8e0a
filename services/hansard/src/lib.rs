//! The one binary: chooses backends, starts roles, carries the operator's commands.
//!
//! Only this crate knows which stores and which topology a deployment has.

mod application;
mod copy;
mod engines;
mod event_json;
mod log_command;
mod output;
mod readmodel_command;
mod scan;
mod serve;
mod settings;
mod status;
mod stores;

pub use copy::Copy;
pub use log_command::LogCommand;
pub use output::{complain, print_settings};
pub use readmodel_command::ReadmodelCommand;
pub use serve::serve;
pub use settings::Settings;
pub use status::status;
