//! Decides and appends: the partition writers.
