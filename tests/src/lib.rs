//! The product from outside, every story in both topologies; the layering test.
