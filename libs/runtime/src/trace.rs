//! The spans of a request's way through the roles, and how they find each other.
//!
//! A role makes such a span with [`TARGET`] at the level `TRACE`, so that nobody but an exporter sees it: without
//! one ([`crate::telemetry::Traces`]) no span comes to be, and asking costs a load. Between processes, and
//! through queues, the W3C `traceparent` goes along as text. What somebody wrote belongs in no span.

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The target of all spans that are exported.
pub const TARGET: &str = "hansard::trace";

/// The name of the header, or field, that a `traceparent` travels in.
pub const TRACEPARENT: &str = "traceparent";

/// The `traceparent` that says "part of `span`"; none if the span is not exported.
pub fn parent(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid()
        .then(|| format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8()))
}

/// Make `span` part of what `traceparent` says; one that is malformed says nothing.
pub fn adopt(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent.filter(|_| !span.is_disabled()) else { return };
    let context = TraceContextPropagator::new().extract(&Carried(traceparent));
    if context.span().span_context().is_valid() {
        // Only a span that no exporter sees has no place for it.
        let _ = span.set_parent(context);
    }
}

struct Carried<'a>(&'a str);

impl Extractor for Carried<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}
