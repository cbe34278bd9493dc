//! What is pushed to us in one body: log lines, a JSON array of them, compressed or not.

use super::kafka::{MessageShape, SplitFault, SplitLimits, split_payload};
use std::io::Read;
use std::ops::Range;

/// Longest body as it comes, in bytes: above the 10 MB that Vector's http sink sends at most by default.
pub const BODY_BYTES_MAX: usize = 16 << 20;

/// Longest body once it is unpacked, in bytes: a small body must not become a large memory.
pub const UNPACKED_BYTES_MAX: usize = 32 << 20;

/// Most lines of one body: thirty times what senders put into one by default.
pub const PUSHED_LINES_MAX: usize = 100_000;

/// Why nothing of a body is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// Compressed in a way that is not read.
    #[error("the content encoding {0:?} is not read: send gzip, zstd, or none")]
    Encoding(String),
    /// Longer than anything that is read.
    #[error(
        "the body has more than {UNPACKED_BYTES_MAX} bytes or {PUSHED_LINES_MAX} lines once it is unpacked"
    )]
    TooLarge,
    /// It is not what it says.
    #[error("the body is not what it says it is: {0}")]
    Broken(String),
}

/// A body as it was before it was compressed.
///
/// # Errors
/// When it is not compressed as it says, or becomes too long.
pub fn unpack(body: Vec<u8>, encoding: Option<&str>) -> Result<Vec<u8>, PushError> {
    let broken = |error: std::io::Error| PushError::Broken(error.to_string());
    let unpacked = match encoding.map(str::trim).unwrap_or_default() {
        "" | "identity" => body,
        "gzip" | "x-gzip" => read_limited(flate2::bufread::MultiGzDecoder::new(&body[..])).map_err(broken)?,
        "zstd" => {
            let decoder = zstd::stream::read::Decoder::with_buffer(&body[..]).map_err(broken)?;
            read_limited(decoder).map_err(broken)?
        }
        other => return Err(PushError::Encoding(other.to_owned())),
    };
    if unpacked.len() > UNPACKED_BYTES_MAX {
        return Err(PushError::TooLarge);
    }
    Ok(unpacked)
}

/// The lines of a body, as ranges of it: all of them or none.
///
/// # Errors
/// When there are too many, or an array breaks off.
pub fn lines(body: &[u8]) -> Result<Vec<Range<usize>>, PushError> {
    let limits = SplitLimits {
        payload_bytes_max: UNPACKED_BYTES_MAX,
        lines_max: PUSHED_LINES_MAX,
    };
    let mut lines = Vec::new();
    match split_payload(body, MessageShape::Auto, limits, &mut lines).map(|found| found.fault) {
        None => Ok(lines),
        Some(SplitFault::BrokenArray) => Err(PushError::Broken("the JSON array breaks off".to_owned())),
        Some(SplitFault::BrokenRecords) => {
            Err(PushError::Broken("the list of records breaks off".to_owned()))
        }
        Some(SplitFault::BrokenOtlp) => Err(PushError::Broken("no protobuf of OTLP".to_owned())),
        Some(SplitFault::PayloadTooLong | SplitFault::TooManyLines) => Err(PushError::TooLarge),
    }
}

fn read_limited(input: impl Read) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    // One byte more than is taken says that there is more.
    input.take(UNPACKED_BYTES_MAX as u64 + 1).read_to_end(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn texts(body: &str) -> Result<Vec<&str>, PushError> {
        Ok(lines(body.as_bytes())?
            .into_iter()
            .map(|range| &body[range])
            .collect())
    }

    #[test]
    fn lines_objects_and_arrays_of_them_are_taken_whole_or_not_at_all() {
        assert_eq!(texts("a line\nanother\n\n"), Ok(vec!["a line", "another"]));
        assert_eq!(texts("{\"a\":1}\n{\"a\":2}"), Ok(vec!["{\"a\":1}", "{\"a\":2}"]));
        assert_eq!(
            texts("[{\"message\":\"x\"},{\"message\":\"y\"}]"),
            Ok(vec!["{\"message\":\"x\"}", "{\"message\":\"y\"}"])
        );
        assert_eq!(texts(""), Ok(vec![]));
        assert!(matches!(texts("[{\"a\":1},{\"a\""), Err(PushError::Broken(_))));
        assert_eq!(
            lines("x\n".repeat(PUSHED_LINES_MAX + 1).as_bytes()),
            Err(PushError::TooLarge)
        );
    }

    #[test]
    fn a_body_is_unpacked_as_it_says_and_never_beyond_the_limit() {
        let text = b"one\ntwo\n";
        assert_eq!(unpack(text.to_vec(), None).unwrap(), text);
        assert_eq!(unpack(packed(text), Some("gzip")).unwrap(), text);
        let zstd = zstd::stream::encode_all(&text[..], 1).unwrap();
        assert_eq!(unpack(zstd, Some("zstd")).unwrap(), text);
        let bomb = packed(&vec![b'x'; UNPACKED_BYTES_MAX + 1]);
        assert!(bomb.len() < UNPACKED_BYTES_MAX / 100);
        assert_eq!(unpack(bomb, Some("gzip")), Err(PushError::TooLarge));
        let mut broken = packed(text);
        broken.truncate(broken.len() - 9);
        assert!(matches!(unpack(broken, Some("gzip")), Err(PushError::Broken(_))));
        assert!(matches!(
            unpack(text.to_vec(), Some("zstd")),
            Err(PushError::Broken(_))
        ));
        assert_eq!(
            unpack(text.to_vec(), Some("br")),
            Err(PushError::Encoding("br".to_owned()))
        );
    }
}
