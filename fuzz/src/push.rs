//! A body that is pushed to us. The first byte says how it is packed.

use ingest::source::push::{PUSHED_LINES_MAX, UNPACKED_BYTES_MAX, lines, unpack};

/// How bodies are packed.
const ENCODINGS: &[Option<&str>] = &[None, Some("gzip"), Some("zstd")];

/// One input.
pub fn run(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let encoding = ENCODINGS[usize::from(*choice) % ENCODINGS.len()];
    let Ok(body) = unpack(body.to_vec(), encoding) else {
        return;
    };
    assert!(body.len() <= UNPACKED_BYTES_MAX);
    let Ok(lines) = lines(&body) else {
        return;
    };
    assert!(lines.len() <= PUSHED_LINES_MAX);
    let mut end = 0;
    for line in &lines {
        assert!(end <= line.start && line.start < line.end && line.end <= body.len());
        end = line.end;
    }
}
