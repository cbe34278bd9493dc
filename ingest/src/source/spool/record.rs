//! One line as it stands in a segment: its length, a checksum of length and text, the text.

use super::KEPT_BYTES_MAX;

/// Bytes before the text: the length and the checksum, both little-endian.
pub(super) const HEADER_BYTES: usize = 8;

/// What stands at a place of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A line; how many bytes it takes with its header.
    Line(&'a [u8], usize),
    /// Something that is no line any more, of so many bytes, behind which a line stands or the segment ends.
    Damaged(usize),
    /// Something whose end nobody knows.
    Lost,
    /// Less than a line.
    Partial,
}

/// Appends a line.
pub(super) fn write(text: &[u8], out: &mut Vec<u8>) {
    // Lines are cut at KEPT_BYTES_MAX, far below 2^32.
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&checksum(length, text).to_le_bytes());
    out.extend_from_slice(text);
}

/// Bytes that a line takes.
pub(super) fn size(text: &[u8]) -> u64 {
    (HEADER_BYTES + text.len()) as u64
}

/// Reads what stands at the beginning of `bytes`. `is_all` says that nothing follows behind them.
pub(super) fn read(bytes: &[u8], is_all: bool) -> Found<'_> {
    match whole(bytes) {
        Whole::Line(text, size) => Found::Line(text, size),
        Whole::Partial => Found::Partial,
        Whole::Wrong(None) => Found::Lost,
        // The length is believed when it leads to another line or to the end.
        Whole::Wrong(Some(size)) => match whole(&bytes[size..]) {
            Whole::Line(..) => Found::Damaged(size),
            Whole::Partial if bytes.len() == size && is_all => Found::Damaged(size),
            Whole::Partial if !is_all => Found::Partial,
            _ => Found::Lost,
        },
    }
}

enum Whole<'a> {
    Line(&'a [u8], usize),
    /// With the size that it claims, when that is possible.
    Wrong(Option<usize>),
    Partial,
}

fn whole(bytes: &[u8]) -> Whole<'_> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Whole::Partial;
    };
    let claimed = u32::from_le_bytes(*length) as usize;
    if claimed > KEPT_BYTES_MAX {
        return Whole::Wrong(None);
    }
    let Some((sum, rest)) = rest.split_first_chunk::<4>() else {
        return Whole::Partial;
    };
    let Some(text) = rest.get(..claimed) else {
        return Whole::Partial;
    };
    let size = HEADER_BYTES + claimed;
    if checksum(*length, text) == u32::from_le_bytes(*sum) {
        Whole::Line(text, size)
    } else {
        Whole::Wrong(Some(size))
    }
}

fn checksum(length: [u8; 4], text: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(text);
    hasher.finalize()
}
