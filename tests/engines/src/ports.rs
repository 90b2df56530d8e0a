//! Ports that nobody uses at the moment.
//!
//! They lie below the range from which the system takes ports for outgoing connections, so that a
//! server that is restarted finds its port free. Somebody may still take one between the choice and
//! its use: whoever starts a server tries again.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;
const TRIES: usize = 1_000;

/// A free port on this machine's own address.
///
/// # Panics
///
/// There is none.
pub fn free() -> u16 {
    let free = |port: &u16| TcpListener::bind(local(*port)).is_ok();
    std::iter::repeat_with(random).take(TRIES).find(free).expect("a port is free")
}

/// That port on this machine's own address.
pub(crate) fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn random() -> u16 {
    // Each state is seeded by chance.
    let chance = RandomState::new().hash_one(());
    FIRST + u16::try_from(chance % u64::from(COUNT)).expect("the remainder is small")
}
