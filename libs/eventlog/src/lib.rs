//! A partitioned, dense, hash-chained, append-only log of opaque frames; one contract, several backends, one conformance suite.
