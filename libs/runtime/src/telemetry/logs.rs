//! Lines of log: for people, or one JSON object each.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal as _;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt as _};

/// Libraries that everything passes through, and that would log it.
const PEOPLES_MESSAGES: [&str; 2] = ["async_nats", "sqlx"];

/// How a line of log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", rename_all = "lowercase")]
pub enum LogFormat {
    /// For people; coloured if standard error is a terminal.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl std::str::FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("expected `text` or `json`, found {other:?}")),
        }
    }
}

impl TryFrom<String> for LogFormat {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What writes lines in `format` to `writer`, if they pass `filter`. For tests that look
/// at a log; a process uses [`init`](super::init).
///
/// # Errors
///
/// The filter is not one.
pub fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    writer: W,
) -> anyhow::Result<impl Subscriber + for<'a> LookupSpan<'a> + use<W>>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder().parse(filter).with_context(|| {
        format!("{filter:?} is no log filter; one is such as `info` or `info,hyper=warn`")
    })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // What it lets through is a matter of the target alone: the other filter's hint stays good.
    let discreet = filter_fn(is_discreet).with_max_level_hint(LevelFilter::TRACE);
    Ok(Registry::default().with(lines.with_filter(filter.and(discreet))))
}

/// Whether it can be logged whatever the filter says: not what libraries tell below `info` of
/// the messages that pass through them, as these are people's.
fn is_discreet(of: &Metadata<'_>) -> bool {
    *of.level() <= Level::INFO || !PEOPLES_MESSAGES.iter().any(|library| of.target().starts_with(library))
}

/// Log every panic from now on instead of printing it: message, place and thread, and the
/// backtrace if `RUST_BACKTRACE` asks for one.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
        tracing::error!(
            panic.message = panic.payload_as_str().unwrap_or("without a message"),
            panic.place = panic.location().map(tracing::field::display),
            panic.thread = std::thread::current().name(),
            panic.backtrace = backtrace,
            "a thread panicked"
        );
    }));
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use super::*;

    fn logged(format: LogFormat, filter: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        let writer = Arc::new(File::create(file.path()).unwrap());
        tracing::subscriber::with_default(subscriber(format, filter, writer).unwrap(), || {
            tracing::debug!("hidden");
            tracing::trace!(target: "async_nats::connection", payload = "xyzzy");
            tracing::debug!(target: "sqlx::query", statement = "xyzzy");
            let _inside = tracing::info_span!("request", request.id = 7).entered();
            tracing::info!(dialog.id = "5c09", "a message was \"posted\"");
        });
        std::fs::read_to_string(file.path()).unwrap()
    }

    #[test]
    fn no_filter_lets_a_library_tell_what_passes_through_it() {
        let log = logged(LogFormat::Text, "trace,async_nats=trace,sqlx=trace");
        assert!(log.contains("hidden") && !log.contains("xyzzy"), "{log}");
    }

    #[test]
    fn text_is_a_line_for_people() {
        let log = logged(LogFormat::Text, "info");
        let told = r#"a message was "posted" dialog.id="5c09""#;
        assert!(log.lines().count() == 1 && log.contains("INFO") && log.contains(told), "{log}");
    }

    #[test]
    fn json_is_an_object_a_line() {
        let log = logged(LogFormat::Json, "info");
        assert_eq!(log.lines().count(), 1);
        let line: serde_json::Value = serde_json::from_str(&log).unwrap();
        assert_eq!(line["message"], "a message was \"posted\"");
        assert_eq!((&line["dialog.id"], &line["span"]["request.id"]), (&"5c09".into(), &7.into()));
    }

    #[test]
    fn the_filter_decides() {
        assert_eq!(logged(LogFormat::Text, "off"), "");
        assert_eq!(logged(LogFormat::Text, "debug").lines().count(), 2);
    }

    #[test]
    fn what_is_no_filter_is_refused_by_name() {
        let error = subscriber(LogFormat::Text, "info,=louder=", std::io::stderr).err().unwrap();
        assert!(error.to_string().starts_with("\"info,=louder=\" is no log filter"), "{error}");
    }

    #[test]
    fn a_format_is_one_of_two_words() {
        assert_eq!("json".parse(), Ok(LogFormat::Json));
        assert_eq!(serde_json::to_string(&LogFormat::Text).unwrap(), "\"text\"");
        let error = serde_json::from_str::<LogFormat>("\"xml\"").unwrap_err().to_string();
        assert!(error.starts_with("expected `text` or `json`, found \"xml\""), "{error}");
    }
}
