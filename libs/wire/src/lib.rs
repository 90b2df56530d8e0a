//! The one place where domain values become protobuf bytes (proto/) and back.
