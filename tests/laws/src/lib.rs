//! What holds for whatever bytes a stranger sends: no parser panics, what was read can be written and read
//! again, and nothing beyond a limit gets through.
//!
//! Each function takes any bytes at all and panics if they break a law. The targets in `fuzz/` call them with what a
//! fuzzer finds; a test calls them with the corpus. They know no server and no store.

mod asked;
mod body;
mod event;
mod filters;
mod form;
mod frame;
mod query;

pub use body::body;
pub use event::event;
pub use filters::filters;
pub use frame::frame;
pub use query::query;
