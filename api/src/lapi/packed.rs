//! A text that is written once and sent to many, plain or compressed.

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::sync::OnceLock;

/// Answers under this are not worth compressing: they fit one packet.
const GZIP_BYTES_MIN: usize = 1_400;

/// The text, and its compressed form once somebody asked for it.
#[derive(Debug)]
pub(super) struct Packed {
    plain: Bytes,
    gzip: OnceLock<Bytes>,
}

impl Packed {
    pub(super) fn new(text: String) -> Self {
        Self {
            plain: Bytes::from(text),
            gzip: OnceLock::new(),
        }
    }

    /// The plain text.
    pub(super) fn plain(&self) -> Bytes {
        self.plain.clone()
    }

    /// Whether compressing is worth it.
    pub(super) fn is_long(&self) -> bool {
        self.plain.len() >= GZIP_BYTES_MIN
    }

    /// The compressed text; compresses when first asked. Long work for a long list: not for the runtime's threads.
    pub(super) fn gzip(&self) -> Bytes {
        self.gzip
            .get_or_init(|| {
                let mut encoder =
                    GzEncoder::new(Vec::with_capacity(self.plain.len() / 8), Compression::fast());
                // Writing to memory cannot fail; were it to, the plain text would be wrong under this name.
                let written = encoder.write_all(&self.plain).and_then(|()| encoder.finish());
                Bytes::from(written.expect("a vector takes every write"))
            })
            .clone()
    }
}
