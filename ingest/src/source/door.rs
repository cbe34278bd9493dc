//! Lines of the doors beside Kafka, taken together: files that are followed, the spool, standard input.

use super::LINE_BYTES_MAX;
use domain::Position;
use std::ops::Range;

/// A batch ends at this many lines: sixteen ticks.
pub const DOOR_LINES_MAX: usize = 65_536;

/// A batch ends at this many bytes: the second-level cache of one core and some more. One line may exceed it.
pub const DOOR_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes that are kept of a line that is too long, for the sample of rejected lines.
pub const CUT_BYTES: usize = 256;

/// Why a line that is longer than [`LINE_BYTES_MAX`] is not read.
pub const TOO_LONG: &str = "line too long";

/// One line, or what is kept of one that is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorLine<'a> {
    /// As it was written, without its line break.
    pub text: &'a [u8],
    /// Number of the source, and of the line since reading of that source began, from 1.
    pub position: Position,
}

/// Lines that were taken together. Reuse it: its memory stays.
#[derive(Debug, Default)]
pub struct DoorBatch {
    bytes: Vec<u8>,
    lines: Vec<(Range<usize>, Position)>,
    rejected: Vec<(Range<usize>, Position)>,
}

impl DoorBatch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The lines, in the order in which they came.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = DoorLine<'_>> {
        self.lines.iter().map(|entry| self.line(entry))
    }

    /// The beginnings of lines that are too long to be read.
    pub fn too_long(&self) -> impl ExactSizeIterator<Item = DoorLine<'_>> {
        self.rejected.iter().map(|entry| self.line(entry))
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.rejected.is_empty()
    }

    /// Whether it takes no more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.lines.len() + self.rejected.len() >= DOOR_LINES_MAX || self.bytes.len() >= DOOR_BYTES_MAX
    }

    /// Forgets the content and keeps the memory of an ordinary batch.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(2 * DOOR_BYTES_MAX);
        self.lines.clear();
        self.rejected.clear();
    }

    /// Adds a line; one that is too long is kept by its beginning only. Returns whether it is to be read.
    pub fn push(&mut self, text: &[u8], position: Position) -> bool {
        let is_read = text.len() <= LINE_BYTES_MAX;
        if is_read {
            let range = self.keep(text);
            self.lines.push((range, position));
        } else {
            self.reject(text, position);
        }
        is_read
    }

    /// Adds the beginning of a line that is too long to be read.
    pub fn reject(&mut self, text: &[u8], position: Position) {
        let range = self.keep(&text[..text.len().min(CUT_BYTES)]);
        self.rejected.push((range, position));
    }

    fn keep(&mut self, text: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        start..self.bytes.len()
    }

    fn line(&self, (range, position): &(Range<usize>, Position)) -> DoorLine<'_> {
        DoorLine {
            text: &self.bytes[range.clone()],
            position: *position,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_kept_by_its_beginning_and_not_read() {
        let mut batch = DoorBatch::new();
        let at = |line| Position { source: 3, line };
        assert!(batch.push(b"one", at(1)));
        assert!(!batch.push(&vec![b'x'; LINE_BYTES_MAX + 1], at(2)));
        assert!(batch.push(b"", at(3)));
        let lines: Vec<_> = batch
            .lines()
            .map(|line| (line.text, line.position.line))
            .collect();
        assert_eq!(lines, [(&b"one"[..], 1), (b"", 3)]);
        let long: Vec<_> = batch
            .too_long()
            .map(|line| (line.text.len(), line.position.line))
            .collect();
        assert_eq!(long, [(CUT_BYTES, 2)]);
        batch.clear();
        assert!(batch.is_empty());
    }
}
