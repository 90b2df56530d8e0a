//! The engines of a cluster for tests: real NATS and PostgreSQL servers on free ports and in temporary folders.
