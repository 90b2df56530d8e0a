//! The product from outside, every story in both topologies; the layering test.
//!
//! Here are only the means: servers as processes of their own, people who talk to it over
//! HTTP, and the operator's commands. They know what an operator and a client know, and
//! no crate of the product. What goes wrong in them panics: they serve tests.

mod api;
mod binary;
mod chat;
mod deployment;
mod engines;
mod lines;
mod load;
mod operator;
mod outside;
mod person;
mod proof;
mod rules;
mod server;
mod topology;

pub use api::{Answer, Api};
pub use binary::program;
pub use chat::Chat;
pub use lines::Lines;
pub use load::{Load, Story};
pub use operator::{Ended, operator, shell};
pub use outside::{Outside, Reply, SigningKey, unix_now};
pub use person::Person;
pub use proof::{proves, proves_all};
pub use rules::{Rule, rules};
pub use server::{Server, Setup, Starting};
pub use topology::{EMBEDDED, Engines, TOPOLOGIES, Topology, each_embedded, each_engines, each_topology};
