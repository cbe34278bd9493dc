//! A listener's certificate and key, taken up again when their files change.

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at. Renewed certificates overlap with the old ones by weeks.
pub const TLS_POLL: Duration = Duration::from_secs(5);

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or is no PEM.
    #[error("could not read {what} from {}: {why}", path.display())]
    Unreadable {
        /// Certificate or key.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file holds no certificate.
    #[error("could not find a certificate in {}", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// Certificate and key are readable but not usable together.
    #[error("could not use the certificate {} with the key {}: {why}", certificate.display(), key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong with them.
        why: String,
    },
}

/// A certificate with its chain, and its key, both as PEM files.
///
/// While a listener serves, both are looked at every [`TLS_POLL`]; a changed pair serves the connections that come
/// after it. A broken one is logged once and the old one stays.
#[derive(Debug)]
pub struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
    poll: Duration,
    seen: Stamps,
    config: ArcSwap<ServerConfig>,
}

/// Time of the last change and size of both files; `None` for one that cannot be looked at.
type Stamps = [Option<(SystemTime, u64)>; 2];

impl TlsFiles {
    /// Reads both files.
    ///
    /// # Errors
    /// When one cannot be read, or they do not belong together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        // Before reading: a change in between is then seen as one.
        let seen = stamps(certificate, key);
        Ok(Self {
            config: ArcSwap::from_pointee(read(certificate, key)?),
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            poll: TLS_POLL,
            seen,
        })
    }

    /// The same, looking at the files this often.
    #[cfg(test)]
    pub(super) fn polled_every(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// Makes connections with the certificate as it is now.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }

    /// Takes up changed files until told to stop.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let mut seen = self.seen;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.poll) => {}
            }
            let files = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || files.look(seen)).await;
            seen = looked.unwrap_or(seen);
        }
    }

    /// Takes the files up if they changed since `seen`, and says how they are now.
    fn look(&self, seen: Stamps) -> Stamps {
        let now = stamps(&self.certificate, &self.key);
        if now == seen {
            return seen;
        }
        match read(&self.certificate, &self.key) {
            Ok(config) => {
                self.config.store(Arc::new(config));
                tracing::info!("the certificate {} was taken up anew", self.certificate.display());
            }
            // Often only half of a renewal: the other file follows and is a change again.
            Err(error) => tracing::warn!(%error, "the changed certificate is not usable: the old one stays"),
        }
        now
    }
}

fn stamps(certificate: &Path, key: &Path) -> Stamps {
    [certificate, key].map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let unreadable = |what, path: &Path, error: &rustls::pki_types::pem::Error| TlsError::Unreadable {
        what,
        path: path.to_owned(),
        why: error.to_string(),
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable("a certificate", certificate, &error))?;
    if chain.is_empty() {
        return Err(TlsError::Empty {
            path: certificate.to_owned(),
        });
    }
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("a private key", key, &error))?;
    let unusable = |error: rustls::Error| TlsError::Unusable {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        why: error.to_string(),
    };
    // The provider by name: a process-wide default would be another crate's to set.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
