//! The bus over real NATS servers, and what becomes of it when they, or the way to them, die.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod leases;
#[cfg(test)]
mod progress;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod support;
