//! What the port promises, whatever store lies behind it.

#[cfg(test)]
mod copying;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod passwords;
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
mod users;
