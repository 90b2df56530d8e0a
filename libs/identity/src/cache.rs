//! A bounded cache in front of the store that never revives what was forgotten.
//!
//! The trap: a reader loads a row, the row is deleted and forgotten, then the reader
//! caches what it loaded. So a load begins by noting an epoch, forgetting moves the
//! epoch on, and what was loaded under an older epoch is not kept.

use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use moka::sync::Cache;

/// At most so many values, the most used ones, behind cheap clones.
pub(crate) struct Remembered<K, V> {
    values: Cache<K, V>,
    epoch: Mutex<u64>,
}

/// When a load began.
#[derive(Clone, Copy)]
pub(crate) struct Epoch(u64);

impl<K, V> Remembered<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(values_max: u64) -> Self {
        Self { values: Cache::new(values_max), epoch: Mutex::new(0) }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.values.get(key)
    }

    /// To be asked *before* the store is.
    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(*self.epoch.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps what was loaded since `begun`, unless something was forgotten meanwhile or
    /// another load was first; gives back the value that counts.
    pub(crate) fn keep(&self, key: K, value: V, begun: Epoch) -> V {
        let epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = self.values.get(&key) {
            return first;
        }
        if *epoch == begun.0 {
            self.values.insert(key, value.clone());
        }
        value
    }

    /// Drops the value, and whatever any running load is about to bring. To be called
    /// *after* the store has changed.
    pub(crate) fn forget(&self, key: &K) {
        let mut epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        *epoch += 1;
        self.values.invalidate(key);
    }

    /// Forgets each value that is `meant`; looks at every one.
    pub(crate) fn forget_if(&self, meant: impl Fn(&V) -> bool) {
        let mut epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        *epoch += 1;
        for (key, _) in self.values.iter().filter(|(_, value)| meant(value)) {
            self.values.invalidate(&*key);
        }
    }

    /// As if each value had been forgotten.
    pub(crate) fn forget_all(&self) {
        let mut epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        *epoch += 1;
        self.values.invalidate_all();
    }

    /// Every value at hand, in no order.
    pub(crate) fn values(&self) -> impl Iterator<Item = V> + '_ {
        self.values.iter().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_that_was_overtaken_by_forgetting_is_not_kept() {
        let cache = Remembered::new(10);
        let begun = cache.epoch();
        cache.forget(&1);
        assert_eq!(cache.keep(1, "old", begun), "old");
        assert_eq!(cache.get(&1), None);
        assert_eq!(cache.keep(1, "new", cache.epoch()), "new");
        assert_eq!(cache.get(&1), Some("new"));
    }

    #[test]
    fn the_first_of_two_loads_counts() {
        let cache = Remembered::new(10);
        let begun = cache.epoch();
        assert_eq!(cache.keep(1, "first", begun), "first");
        assert_eq!(cache.keep(1, "second", begun), "first");
    }
}
