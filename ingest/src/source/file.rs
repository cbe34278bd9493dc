//! Files and standard input, plain or compressed, read in chunks and cut into lines.
//!
//! A [`LineBatch`] owns its bytes and is filled again and again, so that reading allocates nothing per line. A
//! source that breaks off (a truncated gzip) gives every line before the break and keeps the problem for the end.

use super::{CHUNK_BYTES, LINE_BYTES_MAX};
use domain::Position;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are kept of a line longer than [`LINE_BYTES_MAX`], for the sample of rejected lines.
const CUT_BYTES: usize = 256;

/// Compressed bytes read at once.
const COMPRESSED_BYTES: usize = 128 << 10;

/// A source that could not be opened, or broke off.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file could not be opened.
    #[error("could not open {}: {cause}", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Reading failed in the middle; every whole line before it was read.
    #[error("could not read {} past line {lines} (byte {bytes} of its content): {cause}", path.display())]
    BrokeOff {
        /// Which file.
        path: PathBuf,
        /// Lines read before.
        lines: u64,
        /// Bytes of content (uncompressed) read before.
        bytes: u64,
        /// Why.
        cause: io::Error,
    },
}

/// How far a source was read. Shared with whoever draws the progress.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Progress {
    /// Nothing of that much yet.
    pub(super) fn of(total: u64) -> Self {
        Self {
            read: Arc::default(),
            total: Some(total),
        }
    }

    /// Notes how far it was read.
    pub(super) fn set(&self, read: u64) {
        self.read.store(read, Ordering::Relaxed);
    }

    /// Bytes read so far, as they stand in the file (compressed).
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Size of the file; `None` for a stream.
    #[must_use]
    pub fn bytes_total(&self) -> Option<u64> {
        self.total
    }
}

/// One line of a batch, without its line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its bytes; only the first few when it was too long.
    pub bytes: &'a [u8],
    /// Where it stood.
    pub position: Position,
    /// Whether it was longer than [`LINE_BYTES_MAX`].
    pub is_cut: bool,
}

/// Lines that were read together. Keep one and let [`LineReader::fill`] reuse its memory.
#[derive(Debug, Default)]
pub struct LineBatch {
    /// What was read is at its beginning. What lies behind was read before, or is zero: clearing the memory for each read was
    /// a hundredth of the time of reading a log.
    bytes: Vec<u8>,
    /// Bytes that were read.
    filled: usize,
    spans: Vec<Span>,
    /// Where each line stood, when they are not numbered one after the other.
    places: Vec<u64>,
    first_line: u64,
    source: u32,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    is_cut: bool,
}

impl LineBatch {
    /// How many lines it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Its line of that index from 0.
    #[must_use]
    pub fn line(&self, index: usize) -> Option<Line<'_>> {
        let span = self.spans.get(index)?;
        let counted = self.first_line + index as u64;
        let line = self.places.get(index).copied().unwrap_or(counted);
        Some(Line {
            bytes: &self.bytes[span.start..span.end],
            position: Position {
                source: self.source,
                line,
            },
            is_cut: span.is_cut,
        })
    }

    /// Its lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        (0..self.spans.len()).filter_map(|index| self.line(index))
    }

    /// Forgets its lines, and begins with the beginning of one.
    fn begin(&mut self, carry: &mut Vec<u8>) {
        self.spans.clear();
        self.places.clear();
        if self.bytes.len() < carry.len() {
            self.bytes.resize(carry.len(), 0);
        }
        self.bytes[..carry.len()].copy_from_slice(carry);
        self.filled = carry.len();
        carry.clear();
    }

    /// What was read.
    fn read(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Room for one more chunk.
    fn room(&mut self) -> &mut [u8] {
        let end = self.filled + CHUNK_BYTES;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        &mut self.bytes[self.filled..end]
    }

    /// Appends a line that came by itself, with its place.
    fn append(&mut self, line: &PlacedLine<'_>) {
        let is_cut = line.is_cut || line.bytes.len() > LINE_BYTES_MAX;
        let kept = if is_cut {
            &line.bytes[..line.bytes.len().min(CUT_BYTES)]
        } else {
            line.bytes
        };
        let (start, end) = (self.filled, self.filled + kept.len());
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[start..end].copy_from_slice(kept);
        self.filled = end;
        self.spans.push(Span { start, end, is_cut });
        self.places.push(line.place);
    }

    fn push(&mut self, start: usize, end: usize) {
        let is_cut = end - start > LINE_BYTES_MAX;
        let end = if is_cut { start + CUT_BYTES } else { end };
        // The carriage return of a line break belongs to the break.
        let end = if end > start && self.bytes[end - 1] == b'\r' {
            end - 1
        } else {
            end
        };
        self.spans.push(Span { start, end, is_cut });
    }
}

/// A line that came by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlacedLine<'a> {
    /// Its bytes, or some of them.
    pub(super) bytes: &'a [u8],
    /// Where it stood.
    pub(super) place: u64,
    /// Whether it is more than may be read as one line.
    pub(super) is_cut: bool,
}

/// Something that gives lines, each with its place, where files give bytes.
pub(super) trait PlacedLines: Send {
    /// Hands the next lines over, waiting for them; false when there are no more. No line may come, and more later.
    fn next(&mut self, take: &mut dyn FnMut(PlacedLine<'_>)) -> io::Result<bool>;
}

enum Input {
    Bytes(Box<dyn Read + Send>),
    Lines(Box<dyn PlacedLines>),
}

/// Reads the lines of one source.
pub struct LineReader {
    input: Input,
    path: PathBuf,
    source: u32,
    progress: Progress,
    /// The beginning of a line whose end was not read yet.
    carry: Vec<u8>,
    /// Whether the rest of a line that is too long is being skipped.
    is_skipping: bool,
    is_over: bool,
    lines: u64,
    bytes: u64,
    problem: Option<SourceError>,
}

impl std::fmt::Debug for LineReader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("LineReader")
            .field("path", &self.path)
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}

impl LineReader {
    /// Opens a file; gzip (of several members too) and zstd are told by their first bytes, whatever the name.
    ///
    /// # Errors
    /// When the file cannot be opened or its first bytes cannot be read.
    pub fn open(path: &Path, source: u32) -> Result<Self, SourceError> {
        let fail = |cause| SourceError::Open {
            path: path.to_owned(),
            cause,
        };
        let file = File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if metadata.is_dir() {
            return Err(fail(io::Error::new(
                io::ErrorKind::IsADirectory,
                "it is a folder",
            )));
        }
        let total = metadata.is_file().then_some(metadata.len());
        Self::from_input(Box::new(file), path, source, total).map_err(fail)
    }

    /// Reads standard input, which may be compressed too.
    ///
    /// # Errors
    /// When its first bytes cannot be read.
    pub fn stdin(source: u32) -> Result<Self, SourceError> {
        Self::from_reader(Box::new(io::stdin()), "standard input", source)
    }

    /// Reads anything that gives bytes; `name` stands in messages.
    ///
    /// # Errors
    /// When its first bytes cannot be read.
    pub fn from_reader(input: Box<dyn Read + Send>, name: &str, source: u32) -> Result<Self, SourceError> {
        let path = Path::new(name);
        Self::from_input(input, path, source, None).map_err(|cause| SourceError::Open {
            path: path.to_owned(),
            cause,
        })
    }

    fn from_input(
        input: Box<dyn Read + Send>,
        path: &Path,
        source: u32,
        total: Option<u64>,
    ) -> io::Result<Self> {
        let progress = Progress {
            read: Arc::default(),
            total,
        };
        let counted = Counted {
            input,
            read: Arc::clone(&progress.read),
        };
        let input = Input::Bytes(decompress(counted)?);
        Ok(Self::of(input, path, source, progress))
    }

    /// Reads lines that come with their places.
    pub(super) fn from_lines(lines: Box<dyn PlacedLines>, name: &str, source: u32) -> Self {
        Self::of(Input::Lines(lines), Path::new(name), source, Progress::default())
    }

    fn of(input: Input, path: &Path, source: u32, progress: Progress) -> Self {
        Self {
            input,
            path: path.to_owned(),
            source,
            progress,
            carry: Vec::new(),
            is_skipping: false,
            is_over: false,
            lines: 0,
            bytes: 0,
            problem: None,
        }
    }

    /// The file's path, or the name of the stream.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How far it was read; a handle that stays true while reading goes on.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Lines read so far.
    #[must_use]
    pub fn lines_read(&self) -> u64 {
        self.lines
    }

    /// What ended the source before its end, once [`Self::fill`] has returned false.
    #[must_use]
    pub fn problem(&self) -> Option<&SourceError> {
        self.problem.as_ref()
    }

    /// Fills the batch with the next lines; false when there are no more.
    ///
    /// A stream's lines are handed on as they come: the batch is filled by one read unless a line is incomplete.
    pub fn fill(&mut self, batch: &mut LineBatch) -> bool {
        batch.begin(&mut self.carry);
        batch.source = self.source;
        batch.first_line = self.lines + 1;
        while !self.is_over && batch.is_empty() {
            if matches!(self.input, Input::Lines(_)) {
                self.take_lines(batch);
                continue;
            }
            let known = batch.filled;
            self.read_chunk(batch);
            self.cut(batch, known);
        }
        self.lines += batch.len() as u64;
        !batch.is_empty()
    }

    /// Appends lines that come with their places; at the end or at an error the source is over.
    fn take_lines(&mut self, batch: &mut LineBatch) {
        let Input::Lines(lines) = &mut self.input else {
            return;
        };
        let mut read = 0;
        let outcome = lines.next(&mut |line| {
            read += line.bytes.len() as u64;
            batch.append(&line);
        });
        self.bytes += read;
        self.progress.read.fetch_add(read, Ordering::Relaxed);
        self.is_over = !matches!(outcome, Ok(true));
        if let Err(cause) = outcome {
            self.break_off(cause);
        }
    }

    fn break_off(&mut self, cause: io::Error) {
        let (path, lines, bytes) = (self.path.clone(), self.lines, self.bytes);
        self.problem = Some(SourceError::BrokeOff {
            path,
            lines,
            bytes,
            cause,
        });
    }

    /// Appends one chunk; at the end or at an error the source is over.
    fn read_chunk(&mut self, batch: &mut LineBatch) {
        let Input::Bytes(input) = &mut self.input else {
            return;
        };
        let room = batch.room();
        let outcome = loop {
            match input.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        let read = *outcome.as_ref().unwrap_or(&0);
        batch.filled += read;
        self.bytes += read as u64;
        self.is_over = read == 0;
        if let Err(cause) = outcome {
            self.break_off(cause);
        }
    }

    /// Cuts what was read into lines and carries the incomplete last one over. `known` bytes hold no line break.
    fn cut(&mut self, batch: &mut LineBatch, known: usize) {
        let mut start = 0;
        let mut from = known;
        if self.is_skipping {
            let Some(end) = memchr::memchr(b'\n', batch.read()) else {
                batch.filled = 0;
                return;
            };
            self.is_skipping = false;
            (start, from) = (end + 1, end + 1);
        }
        while let Some(found) = memchr::memchr(b'\n', &batch.read()[from..]) {
            let end = from + found;
            batch.push(start, end);
            (start, from) = (end + 1, end + 1);
        }
        let rest = batch.filled - start;
        // A break in the middle of a line leaves half a line, which would be read as something it is not.
        if self.is_over && rest > 0 && self.problem.is_none() {
            batch.push(start, batch.filled);
        } else if rest > LINE_BYTES_MAX {
            batch.push(start, batch.filled);
            self.is_skipping = true;
            batch.filled = start + CUT_BYTES;
        } else if batch.is_empty() {
            batch.bytes.copy_within(start..batch.filled, 0);
            batch.filled = rest;
        } else {
            self.carry.extend_from_slice(&batch.read()[start..]);
        }
    }
}

/// Puts the right decompressor before a source, told by the first bytes.
fn decompress(mut input: Counted) -> io::Result<Box<dyn Read + Send>> {
    let mut magic = Vec::with_capacity(4);
    // A short read is no end: a pipe may give its first bytes one by one.
    while magic.len() < 4 {
        let mut byte = [0u8; 4];
        let wanted = 4 - magic.len();
        match input.read(&mut byte[..wanted]) {
            Ok(0) => break,
            Ok(read) => magic.extend_from_slice(&byte[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let is_gzip = magic.starts_with(&[0x1f, 0x8b]);
    let is_zstd = magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
    let whole = io::Cursor::new(magic).chain(input);
    if is_gzip {
        let buffered = BufReader::with_capacity(COMPRESSED_BYTES, whole);
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(buffered)));
    }
    if is_zstd {
        return Ok(Box::new(zstd::stream::read::Decoder::new(whole)?));
    }
    Ok(Box::new(whole))
}

/// Counts the bytes that a source gave.
struct Counted {
    input: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
