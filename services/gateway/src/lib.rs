//! HTTP in, commands out, read models back. Never decides, never reads the log.
//!
//! The conventions of the wire are kept here once, for all endpoints: [`Front`] is
//! what every request passes, [`Params`] and [`Path`] are what it asks with,
//! [`answer`] and [`ApiError`] are what it gets. The endpoints, one file each, stand on an
//! [`Edge`]; [`router`] knows them all.

pub mod answer;
mod asked;
mod cors;
pub mod departures;
mod document;
mod edge;
mod endpoints;
mod error;
mod fields;
mod folded;
mod front;
mod params;
mod path;
mod protection;
mod serve;
mod shown;
#[cfg(test)]
mod testing;
mod written;

pub use document::documenting;
pub use edge::{
    Application, EXTENSION_KEYS_MAX, Edge, Gate, Key, Keys, Parts, VISIBLE_WITHIN, closed, reset_passwords,
};
#[cfg(feature = "fuzzing")]
pub use endpoints::fuzzing;
pub use endpoints::{Observed, RenderMetrics, observing, router};
pub use error::{ApiError, FieldError, Text};
pub use front::{Entrance, ForwardedBy, Front, Limits, NewRequestId, Proxies, Visit};
pub use params::{Direction, Filters, Kind, NumberedPage, PAGE_ITEMS_MAX, Page, Params, Rule, Sort};
pub use path::{Named, Path, ids};
pub use protection::{Protection, Rate, Rates};
pub use serve::{ConnectionLimits, Tls, TlsFiles, serve};
