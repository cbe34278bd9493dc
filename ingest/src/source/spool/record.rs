//! One line as it stands in a segment: its length, a checksum of length and text, the text.

use crate::source::LINE_BYTES_MAX;
use crate::source::door::CUT_BYTES;

/// Bytes before the text: the length and the checksum, both little-endian.
pub(super) const HEADER_BYTES: usize = 8;

/// The bit of a length that says that the line was longer than is read.
const CUT: u32 = 1 << 31;

/// A line to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolLine<'a> {
    text: &'a [u8],
    /// Whether it is the beginning of a line that is too long to be read.
    is_cut: bool,
}

impl<'a> SpoolLine<'a> {
    /// A line of at most so many bytes (and never more than [`LINE_BYTES_MAX`]); of a longer one, the beginning that is kept
    /// for the sample of rejected lines.
    #[must_use]
    pub fn within(text: &'a [u8], bytes_max: usize) -> Self {
        let is_cut = text.len() > bytes_max.min(LINE_BYTES_MAX);
        let kept = if is_cut {
            text.len().min(CUT_BYTES)
        } else {
            text.len()
        };
        Self {
            text: &text[..kept],
            is_cut,
        }
    }

    /// What is kept of it.
    #[must_use]
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Whether it is too long to be read.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Bytes that it takes.
    pub(super) fn size(&self) -> usize {
        HEADER_BYTES + self.text.len()
    }
}

/// What stands at a place of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A line.
    Line(SpoolLine<'a>),
    /// Something that is no line any more, of so many bytes, behind which a line stands or the segment ends.
    Damaged(usize),
    /// Something whose end nobody knows.
    Lost,
    /// Less than a line.
    Partial,
}

/// Appends a line.
pub(super) fn write(line: SpoolLine<'_>, out: &mut Vec<u8>) {
    // A line is made within LINE_BYTES_MAX, far below the bit.
    let length = u32::try_from(line.text.len()).unwrap_or(0);
    let length = (length | if line.is_cut { CUT } else { 0 }).to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&checksum(length, line.text).to_le_bytes());
    out.extend_from_slice(line.text);
}

/// Reads what stands at the beginning of `bytes`. `is_all` says that nothing follows behind them.
pub(super) fn read(bytes: &[u8], is_all: bool) -> Found<'_> {
    match whole(bytes) {
        Whole::Line(line) => Found::Line(line),
        Whole::Partial => Found::Partial,
        Whole::Wrong(None) => Found::Lost,
        // The length is believed when it leads to another line or to the end.
        Whole::Wrong(Some(size)) => match whole(&bytes[size..]) {
            Whole::Line(_) => Found::Damaged(size),
            Whole::Partial if bytes.len() == size && is_all => Found::Damaged(size),
            Whole::Partial if !is_all => Found::Partial,
            _ => Found::Lost,
        },
    }
}

enum Whole<'a> {
    Line(SpoolLine<'a>),
    /// With the size that it claims, when that is possible.
    Wrong(Option<usize>),
    Partial,
}

fn whole(bytes: &[u8]) -> Whole<'_> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Whole::Partial;
    };
    let number = u32::from_le_bytes(*length);
    let (claimed, is_cut) = ((number & !CUT) as usize, number & CUT != 0);
    if claimed > LINE_BYTES_MAX {
        return Whole::Wrong(None);
    }
    let Some((sum, rest)) = rest.split_first_chunk::<4>() else {
        return Whole::Partial;
    };
    let Some(text) = rest.get(..claimed) else {
        return Whole::Partial;
    };
    if checksum(*length, text) == u32::from_le_bytes(*sum) {
        Whole::Line(SpoolLine { text, is_cut })
    } else {
        Whole::Wrong(Some(HEADER_BYTES + claimed))
    }
}

fn checksum(length: [u8; 4], text: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(text);
    hasher.finalize()
}
