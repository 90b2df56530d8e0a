//! TLS in the process itself, with a certificate that can be exchanged while it serves.
//!
//! The new pair is taken when the process is told to look (SIGHUP) and when the files have
//! changed. One that is broken, or whose key is another's, is logged and the old one stays:
//! a mistake in renewing never ends a server that works.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use runtime::Stop;
use runtime::lifecycle::hang_ups;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

/// The only protocol that is spoken inside.
const PROTOCOL: &[u8] = b"http/1.1";
/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The longest chain of certificates.
const CHAIN_MAX: usize = 16;

/// Where the certificate and its key are, in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The server's certificate, followed by those that lead to its root.
    pub certificate: PathBuf,
    /// The private key of the first one.
    pub key: PathBuf,
}

/// What connections are encrypted with. Cheap to clone; all clones change together.
#[derive(Clone)]
pub struct Tls {
    files: Arc<TlsFiles>,
    acceptor: TlsAcceptor,
    current: Arc<Current>,
    handshake_time_max: Duration,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// With the pair in those files; a handshake takes at most that long.
    ///
    /// # Errors
    ///
    /// There is no such pair: in words for the operator.
    pub fn open(files: TlsFiles, handshake_time_max: Duration) -> anyhow::Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let current = Arc::new(Current {
            pair: RwLock::new(Arc::new(files.read(&provider)?)),
            provider: Arc::clone(&provider),
        });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { files: Arc::new(files), acceptor, current, handshake_time_max })
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        timeout(self.handshake_time_max, self.acceptor.accept(stream)).await?
    }

    /// From now on new connections get the pair that is in the files; if there is none, the
    /// old one stays.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn reload(&self) -> anyhow::Result<()> {
        let pair = Arc::new(self.files.read(&self.current.provider)?);
        *self.current.pair.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(())
    }

    /// Take a new pair whenever there is one, until `stop`.
    pub async fn keep_fresh(self, stop: Stop) -> anyhow::Result<()> {
        let mut hang_ups = hang_ups().context("cannot listen for SIGHUP")?;
        let mut taken = self.look().await?;
        loop {
            let told = tokio::select! {
                () = hang_ups.next() => true,
                () = sleep(LOOK_EVERY) => false,
                () = stop.stopped() => return Ok(()),
            };
            let there = self.look().await?;
            if !told && there == taken {
                continue;
            }
            taken = there;
            let tls = self.clone();
            match spawn_blocking(move || tls.reload()).await? {
                Ok(()) => tracing::info!("took the certificate that is in the files now"),
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "the new certificate is of no use, the old one stays");
                }
            }
        }
    }

    async fn look(&self) -> anyhow::Result<[Option<Stamp>; 2]> {
        let files = Arc::clone(&self.files);
        Ok(spawn_blocking(move || [&files.certificate, &files.key].map(|path| Stamp::of(path))).await?)
    }
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

impl Stamp {
    fn of(path: &std::path::Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self { modified: metadata.modified().ok()?, bytes: metadata.len() })
    }
}

impl TlsFiles {
    fn read(&self, provider: &CryptoProvider) -> anyhow::Result<CertifiedKey> {
        let shown = self.certificate.display();
        let certificates = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(|found| found.take(CHAIN_MAX).collect::<Result<Vec<_>, _>>())
            .with_context(|| format!("tls.certificate_file: cannot read {shown}"))?;
        anyhow::ensure!(!certificates.is_empty(), "tls.certificate_file: no certificate in {shown}");
        // Not the parser's own words: they might quote the key.
        let shown = self.key.display();
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|_| anyhow::anyhow!("tls.key_file: no private key in PEM can be read from {shown}"))?;
        CertifiedKey::from_der(certificates, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                anyhow::anyhow!("tls.key_file: {shown} is not the key of that certificate")
            }
            other => anyhow::anyhow!("the certificate and its key cannot be used: {other}"),
        })
    }
}

/// The pair for new connections.
struct Current {
    pair: RwLock<Arc<CertifiedKey>>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.pair.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Writes a new pair for `localhost`; its certificate.
    fn write(files: &TlsFiles) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&files.certificate, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    }

    fn files(folder: &Path) -> TlsFiles {
        TlsFiles { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") }
    }

    fn shown(tls: &Tls) -> CertificateDer<'static> {
        let pair = tls.current.pair.read().unwrap();
        pair.cert[0].clone()
    }

    #[test]
    fn a_new_pair_takes_the_place_of_the_old_one_and_a_broken_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let first = write(&files);
        let tls = Tls::open(files.clone(), LOOK_EVERY).unwrap();
        assert_eq!(shown(&tls), first);
        let second = write(&files);
        tls.reload().unwrap();
        assert_eq!(shown(&tls), second);

        let key = fs::read_to_string(&files.key).unwrap();
        write(&files);
        fs::write(&files.key, &key).unwrap();
        assert!(tls.reload().unwrap_err().to_string().contains("is not the key of that certificate"));
        for (path, text) in [(&files.key, "-----BEGIN PRIVATE KEY-----\nxyzzy"), (&files.certificate, "")] {
            write(&files);
            fs::write(path, text).unwrap();
            let error = format!("{:#}", tls.reload().unwrap_err());
            assert!(error.starts_with("tls.") && !error.contains("xyzzy"), "{error}");
        }
        fs::remove_file(&files.certificate).unwrap();
        tls.reload().unwrap_err();
        assert_eq!(shown(&tls), second, "the old one stays");
    }

    #[test]
    fn a_file_that_was_written_again_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(Stamp::of(&path), None);
        fs::write(&path, "a").unwrap();
        let stamp = Stamp::of(&path);
        assert_eq!(Stamp::of(&path), stamp);
        fs::write(&path, "ab").unwrap();
        assert_ne!(Stamp::of(&path), stamp);
    }
}
