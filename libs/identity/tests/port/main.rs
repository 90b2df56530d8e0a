//! What the port promises, whatever store lies behind it.

#[cfg(test)]
mod changing;
#[cfg(test)]
mod copying;
#[cfg(test)]
mod deleting;
#[cfg(test)]
mod finding;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod guests;
#[cfg(test)]
mod model;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod passwords;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod resets;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod several;
#[cfg(test)]
mod stalls;
#[cfg(test)]
mod sweeping;
#[cfg(test)]
mod switching;
#[cfg(test)]
mod users;
