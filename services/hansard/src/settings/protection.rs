//! Who may come in and how often: `[protection]`, `[tls]`, and the proxies of `[server]`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use gateway::{ForwardedBy, Proxies, Rate, Rates, TlsFiles};
use ipnet::IpNet;
use runtime::config;
use serde::{Deserialize, Serialize};

use super::Server;

/// The header that the proxies write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded`.
    Forwarded,
}

impl Server {
    /// The proxies in front of this server.
    pub(crate) fn proxies(&self) -> anyhow::Result<Proxies> {
        let network = |text: &String| {
            let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| {
                anyhow::anyhow!("server.trusted_proxies: {text:?} is no network; one is such as 10.0.0.0/8")
            })
        };
        let trusted = self.trusted_proxies.iter().map(network).collect::<Result<_, _>>()?;
        let header = match self.forwarded_header {
            ForwardedHeader::XForwardedFor => ForwardedBy::XForwardedFor,
            ForwardedHeader::Forwarded => ForwardedBy::Forwarded,
        };
        Ok(Proxies::new(trusted, header))
    }
}

/// `[protection]`
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protection {
    pub session_rate: f64,
    pub session_burst: u32,
    pub sign_in_rate: f64,
    pub sign_in_burst: u32,
    pub sign_up_rate: f64,
    pub sign_up_burst: u32,
    pub reset_rate: f64,
    pub reset_burst: u32,
    pub bad_token_rate: f64,
    pub bad_token_burst: u32,
    pub keys_max: usize,
    pub failures_max: u32,
    #[serde(with = "config::duration")]
    pub failure_wait_max: Duration,
}

impl Protection {
    fn each(&self) -> [(&'static str, Rate); 5] {
        let rate = |per_second, burst| Rate { per_second, burst };
        [
            ("session", rate(self.session_rate, self.session_burst)),
            ("sign_in", rate(self.sign_in_rate, self.sign_in_burst)),
            ("sign_up", rate(self.sign_up_rate, self.sign_up_burst)),
            ("reset", rate(self.reset_rate, self.reset_burst)),
            ("bad_token", rate(self.bad_token_rate, self.bad_token_burst)),
        ]
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (name, Rate { per_second, burst }) in self.each() {
            anyhow::ensure!(
                per_second == 0.0 || (0.000_1..=1_000_000.0).contains(&per_second),
                "protection.{name}_rate must be 0, for no limit, or from 0.0001 to 1000000 a second"
            );
            anyhow::ensure!(burst > 0, "protection.{name}_burst must be at least 1");
        }
        anyhow::ensure!(self.keys_max > 0, "protection.keys_max must be at least 1");
        Ok(())
    }

    /// The same, as the gateway takes it.
    pub(crate) fn rates(&self) -> Rates {
        let [session, sign_in, sign_up, reset, bad_token] = self.each().map(|(_, rate)| rate);
        Rates {
            session,
            sign_in,
            sign_up,
            reset,
            bad_token,
            keys_max: self.keys_max,
            failures_max: self.failures_max,
            failure_wait_max: self.failure_wait_max,
        }
    }
}

/// `[tls]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    pub certificate_file: PathBuf,
    pub key_file: PathBuf,
    #[serde(with = "config::duration")]
    pub handshake_time_max: Duration,
}

impl Tls {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.certificate_file.as_os_str().is_empty() == self.key_file.as_os_str().is_empty(),
            "tls.certificate_file and tls.key_file belong together: set both, or neither"
        );
        Ok(())
    }

    /// Where the pair is; none, if connections are not encrypted here.
    pub(crate) fn files(&self) -> Option<TlsFiles> {
        let is_on = !self.certificate_file.as_os_str().is_empty();
        is_on.then(|| TlsFiles { certificate: self.certificate_file.clone(), key: self.key_file.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;

    fn loaded(key: &str, value: &str) -> Result<Settings, String> {
        let given = vec![(key.to_owned(), value.to_owned())];
        Settings::load(None, given).map_err(|error| error.to_string())
    }

    #[test]
    fn proxies_are_networks_or_addresses() {
        loaded("server.trusted_proxies", "10.0.0.0/8, 192.0.2.1,2001:db8::/32").unwrap();
        let error = loaded("server.trusted_proxies", "10.0.0.0/8,proxy.example").unwrap_err();
        assert!(error.contains("\"proxy.example\" is no network"), "{error}");
    }

    #[test]
    fn a_rate_is_none_or_a_sane_one() {
        loaded("protection.session_rate", "0").unwrap();
        loaded("protection.reset_rate", "0.01").unwrap();
        for rate in ["-1", "nan", "inf", "0.00000001"] {
            let error = loaded("protection.session_rate", rate).unwrap_err();
            assert!(error.contains("protection.session_rate must be"), "{error}");
        }
        assert!(loaded("protection.session_burst", "0").unwrap_err().contains("protection.session_burst"));
    }

    #[test]
    fn half_a_pair_is_refused() {
        let error = loaded("tls.key_file", "key.pem").unwrap_err();
        assert!(error.contains("belong together"), "{error}");
    }
}
