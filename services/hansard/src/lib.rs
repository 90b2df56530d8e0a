//! The one binary: chooses backends, starts roles, carries the operator's commands.
