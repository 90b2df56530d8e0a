//! HTTP in, commands out, read models back. Never decides, never reads the log.
