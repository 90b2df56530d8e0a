//! Spans for a collector: OTLP over HTTP, in batches, from a thread of its own.
//!
//! Tracing helps people; it holds nobody up. What the collector does not take in time is dropped, and the
//! queue before it has a limit.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;

/// How long a collector may take for one batch.
const EXPORT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long it may take for the last one: a process that was told to stop does not wait for it.
const FINISH_TIME_MAX: Duration = Duration::from_secs(1);
/// Where a collector takes spans, below its address.
const PATH: &str = "v1/traces";

/// The way to a collector. Kept until the end of the process: the last spans go out when it is
/// dropped.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// None are exported.
    pub fn off() -> Self {
        Self(None)
    }

    /// To the collector at `endpoint`, such as `http://127.0.0.1:4318`; off if that is empty. Within a tokio runtime.
    ///
    /// # Errors
    ///
    /// It is no such address.
    pub fn to(endpoint: &str) -> anyhow::Result<Self> {
        if endpoint.is_empty() {
            return Ok(Self::off());
        }
        anyhow::ensure!(
            endpoint.starts_with("http://"),
            "telemetry.otlp_endpoint: {endpoint:?} is no address such as http://127.0.0.1:4318"
        );
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(Client::here())
            .with_endpoint(format!("{}/{PATH}", endpoint.trim_end_matches('/')))
            .with_timeout(EXPORT_TIME_MAX)
            .build()
            .context("telemetry.otlp_endpoint")?;
        let provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name("hansard").build())
            .with_batch_exporter(exporter)
            .build();
        Ok(Self(Some(provider)))
    }

    pub(super) fn tracer(&self) -> Option<SdkTracer> {
        self.0.as_ref().map(|provider| provider.tracer("hansard"))
    }
}

impl Drop for Traces {
    /// Tell the collector what it has not heard yet. Blocks for a second at most.
    fn drop(&mut self) {
        if let Some(provider) = &self.0
            && let Err(error) = provider.shutdown_with_timeout(FINISH_TIME_MAX)
        {
            tracing::warn!(%error, "the last traces could not be exported");
        }
    }
}

/// The exporter's thread knows no runtime, and connections live in one.
struct Client {
    inner: HyperClient,
    runtime: Handle,
}

impl Client {
    fn here() -> Self {
        Self { inner: HyperClient::with_default_connector(EXPORT_TIME_MAX, None), runtime: Handle::current() }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl HttpClient for Client {
    fn send_bytes<'a, 'sent>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sent>>
    where
        'a: 'sent,
        Self: 'sent,
    {
        let client = self.inner.clone();
        let sending = self.runtime.spawn(async move { client.send_bytes(request).await });
        Box::pin(async move { sending.await? })
    }
}
