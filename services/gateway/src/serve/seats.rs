//! How many connections each address has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Seats for connections, so many for each address.
#[derive(Debug, Clone)]
pub(super) struct Seats {
    taken: Arc<Mutex<HashMap<u64, usize>>>,
    each_max: usize,
}

/// One connection's; it is free again once this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    address: u64,
}

impl Seats {
    /// At most `each_max` for an address; any number if that is 0.
    pub(super) fn new(each_max: usize) -> Self {
        let each_max = if each_max == 0 { usize::MAX } else { each_max };
        Self { taken: Arc::default(), each_max }
    }

    /// One more for that address, if it may have it.
    pub(super) fn take(&self, address: u64) -> Option<Seat> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_default();
        // A count that has just been made is not full.
        if *count >= self.each_max {
            return None;
        }
        *count += 1;
        Some(Seat { seats: self.clone(), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_seats_and_no_more() {
        let seats = Seats::new(2);
        let (first, second) = (seats.take(1), seats.take(1));
        assert!(first.is_some() && second.is_some() && seats.take(1).is_none());
        let other = seats.take(2);
        assert!(other.is_some());
        drop(first);
        let third = seats.take(1);
        assert!(third.is_some() && seats.take(1).is_none());
        drop((second, third, other));
        assert!(seats.taken.lock().unwrap().is_empty());
    }

    #[test]
    fn without_a_limit_nobody_is_turned_away() {
        let seats = Seats::new(0);
        let taken: Vec<_> = (0..10_000).map_while(|_| seats.take(1)).collect();
        assert_eq!(taken.len(), 10_000);
    }
}
