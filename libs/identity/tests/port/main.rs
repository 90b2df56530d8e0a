//! What the port promises, whatever store lies behind it.

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod passwords;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod sweeping;
#[cfg(test)]
mod users;
