//! The engines of a cluster for tests: real NATS and PostgreSQL servers on free ports and in temporary folders.
//!
//! Nothing has to run or be set up beforehand: the programs come through `infra/engines`. Every
//! server ends, and its folder goes, with the process that started it, however that ends. What goes
//! wrong in here panics: it serves tests. It knows nothing of Hansard.

mod nats;
mod ports;
mod postgres;
mod process;
mod programs;
mod proxy;
mod user;

pub use nats::{Nats, NatsPorts, Profile, nats_configuration};
pub use ports::free as free_port;
pub use postgres::{Database, Postgres};
pub use programs::Programs;
pub use proxy::Proxy;
pub use user::User;
