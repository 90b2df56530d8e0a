//! Stored events and what processes tell each other, from outside: old bytes, any bytes, and
//! those of a newer version.

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod bus;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod strange;
