//! What NATS nodes say of themselves on their monitoring addresses, for whoever looks after a cluster.

use std::time::{Duration, Instant};

use super::{durability, http};

/// What one node says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitored {
    /// Its name.
    pub server: String,
    /// Its version.
    pub version: String,
    /// Whether it is older than the log may be kept on.
    pub is_too_old: bool,
    /// The time there, as it writes it (RFC 3339), somewhen while it was asked; empty if it does not say.
    pub time: String,
    /// How long asking took: the time may be off by half of that.
    pub took: Duration,
}

/// Ask each address, side by side and each for 3 seconds at most; why one could not be asked is in words for an operator.
pub async fn monitored(urls: &[String]) -> Vec<(String, Result<Monitored, String>)> {
    let asked = urls.iter().map(|url| async move {
        let begun = Instant::now();
        (url.clone(), look(url, begun).await)
    });
    futures::future::join_all(asked).await
}

async fn look(url: &str, begun: Instant) -> Result<Monitored, String> {
    let answer = http::get(url, "/varz").await?;
    let took = begun.elapsed();
    let varz: durability::Varz = serde_json::from_slice(&answer)
        .map_err(|error| format!("it is no NATS monitoring address: {error}"))?;
    Ok(Monitored {
        is_too_old: durability::is_older(&varz.version, super::SERVER_MIN),
        server: if varz.server_name.is_empty() { varz.server_id } else { varz.server_name },
        version: varz.version,
        time: varz.now,
        took,
    })
}
