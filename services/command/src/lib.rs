//! Decides and appends: the partition writers.

mod overlay;
mod recent;
