//! One open file: what was read of it, and the lines that are still in it.

use super::identity::{Head, Inode, first_bytes, first_bytes_of};
use super::place::FilePlace;
use crate::source::door::DoorBatch;
use crate::source::{CHUNK_BYTES, LINE_BYTES_MAX};
use domain::Position;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Whether a name is one of a compressed file.
pub(super) fn is_packed(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("gz" | "zst"))
}

/// The unpacked content of a compressed file.
pub(super) fn unpack(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let file = BufReader::with_capacity(CHUNK_BYTES, File::open(path)?);
    Ok(match path.extension().and_then(|extension| extension.to_str()) {
        Some("zst") => Box::new(zstd::stream::read::Decoder::with_buffer(file)?),
        _ => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
    })
}

enum Input {
    Plain(File),
    Packed(Box<dyn Read + Send>),
}

/// What reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There may be more.
    More,
    /// Nothing more for now.
    End,
    /// The file was emptied and written anew since: what was read last is not what stood there.
    Emptied,
}

/// A file that lines are taken from.
pub(super) struct OpenFile {
    input: Input,
    pub(super) path: PathBuf,
    pub(super) place: FilePlace,
    /// Bytes behind the place that were read and hold no whole line.
    buffer: Vec<u8>,
    /// Length of the file when it was last read to its end.
    seen_length: u64,
    /// Whether what stands at its beginning was looked at since it was found empty.
    pub(super) is_begun: bool,
}

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("OpenFile")
            .field("path", &self.path)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl OpenFile {
    /// Opens a file from its beginning.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        // Asked before it is opened: opening a pipe waits for whoever writes to it.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is no ordinary file",
            ));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let mut place = FilePlace {
            inode: Inode::of(&metadata),
            ..FilePlace::default()
        };
        let input = if is_packed(path) {
            place.head = Head::of(&first_bytes_of(&mut *unpack(path)?)?);
            Input::Packed(unpack(path)?)
        } else {
            place.head = Head::of(&first_bytes(&file)?);
            Input::Plain(file)
        };
        let mut open = Self {
            input,
            path: path.to_owned(),
            place,
            buffer: Vec::new(),
            seen_length: 0,
            is_begun: false,
        };
        open.is_begun = !open.place.head.is_empty();
        open.note_modified();
        Ok(open)
    }

    /// Opens a file where reading of it stood.
    pub(super) fn at(path: &Path, stood: &FilePlace) -> io::Result<Self> {
        let mut open = Self::new(path)?;
        open.place.offset = stood.offset;
        open.place.is_skipping = stood.is_skipping;
        if let Input::Packed(input) = &mut open.input {
            let skipped = io::copy(&mut input.take(stood.offset), &mut io::sink())?;
            if skipped < stood.offset {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(open)
    }

    /// Goes to the end of what is there, to the next whole line.
    pub(super) fn skip_to_end(&mut self) -> io::Result<()> {
        let Input::Plain(file) = &self.input else {
            return Ok(());
        };
        let length = file.metadata()?.len();
        self.place.offset = length;
        let mut last = [b'\n'];
        if length > 0 {
            file.read_exact_at(&mut last, length - 1)?;
        }
        self.place.is_skipping = last[0] != b'\n';
        Ok(())
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self.input, Input::Packed(_))
    }

    /// Whether no name leads to it any more.
    pub(super) fn is_removed(&self) -> bool {
        match &self.input {
            Input::Plain(file) => file.metadata().is_ok_and(|metadata| metadata.nlink() == 0),
            Input::Packed(_) => false,
        }
    }

    /// Bytes that are known to wait.
    pub(super) fn behind(&self) -> u64 {
        match &self.input {
            Input::Plain(file) => file
                .metadata()
                .map_or(0, |metadata| metadata.len().saturating_sub(self.place.offset)),
            Input::Packed(_) => 0,
        }
    }

    /// Takes the next chunk's lines. `line` counts the log's lines.
    pub(super) fn take(&mut self, batch: &mut DoorBatch, source: u32, line: &mut u64) -> io::Result<Step> {
        if let Input::Plain(file) = &self.input
            && self.buffer.is_empty()
        {
            let metadata = file.metadata()?;
            let is_written = super::place::modified(&metadata) != self.place.modified;
            if !self.is_begun && is_written {
                // It may have been filled, copied away and emptied since it was found empty: nothing in it would tell.
                return Ok(Step::Emptied);
            }
            // Emptied and written anew, it may have the length that it had.
            if metadata.len() == self.seen_length && !is_written {
                return Ok(Step::End);
            }
        }
        let read = self.read_chunk()?;
        if let Input::Plain(file) = &self.input {
            // After the read: what was emptied before it shows here, what is emptied later was read in time.
            let length = file.metadata()?.len();
            let beginning = first_bytes(file)?;
            let is_emptied = length < self.place.offset + self.buffer.len() as u64
                || !self.place.head.is_head_of(&beginning);
            if is_emptied {
                self.buffer = Vec::new();
                return Ok(Step::Emptied);
            }
            self.place.head = Head::of(&beginning);
        }
        self.cut(batch, source, line);
        if read > 0 {
            return Ok(Step::More);
        }
        self.note_modified();
        if let Input::Plain(_) = self.input {
            self.seen_length = self.place.offset + self.buffer.len() as u64;
            self.buffer = Vec::new();
        }
        Ok(Step::End)
    }

    /// Takes what is left as a line: nobody writes to the file any more.
    pub(super) fn take_rest(&mut self, batch: &mut DoorBatch, source: u32, line: &mut u64) -> io::Result<()> {
        self.seen_length = u64::MAX;
        while self.read_chunk()? > 0 {
            self.cut(batch, source, line);
        }
        if !self.place.is_skipping && !self.buffer.is_empty() {
            push(batch, &self.buffer, source, line);
        }
        self.place.offset += self.buffer.len() as u64;
        self.place.is_skipping = false;
        self.buffer = Vec::new();
        Ok(())
    }

    /// Begins the file anew, as one of which nothing was read.
    pub(super) fn begin_anew(&mut self) -> io::Result<()> {
        if let Input::Plain(file) = &self.input {
            self.place.head = Head::of(&first_bytes(file)?);
        }
        self.place.offset = 0;
        self.place.is_skipping = false;
        self.seen_length = 0;
        self.buffer = Vec::new();
        self.note_modified();
        self.is_begun = !self.place.head.is_empty();
        Ok(())
    }

    /// Whether it was emptied since it was last read, or may have been.
    pub(super) fn is_emptied(&self) -> bool {
        let Input::Plain(file) = &self.input else {
            return false;
        };
        let is_shorter = file
            .metadata()
            .is_ok_and(|metadata| metadata.len() < self.place.offset);
        let begins_as_known = first_bytes(file).is_ok_and(|beginning| self.place.head.is_head_of(&beginning));
        !self.is_begun || is_shorter || !begins_as_known
    }

    /// When it was last written to.
    pub(super) fn written(&self) -> i128 {
        let metadata = match &self.input {
            Input::Plain(file) => file.metadata(),
            Input::Packed(_) => std::fs::metadata(&self.path),
        };
        metadata.map_or(self.place.modified, |metadata| super::place::modified(&metadata))
    }

    fn note_modified(&mut self) {
        self.place.modified = self.written();
    }

    fn read_chunk(&mut self) -> io::Result<usize> {
        let known = self.buffer.len();
        self.buffer.resize(known + CHUNK_BYTES, 0);
        let read = loop {
            let room = &mut self.buffer[known..];
            let read = match &mut self.input {
                Input::Plain(file) => file.read_at(room, self.place.offset + known as u64),
                Input::Packed(input) => input.read(room),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(known + read.as_ref().copied().unwrap_or(0));
        read
    }

    /// Cuts the buffer into lines and leaves the beginning of the one that is not whole.
    fn cut(&mut self, batch: &mut DoorBatch, source: u32, line: &mut u64) {
        let mut start = 0;
        while let Some(length) = memchr::memchr(b'\n', &self.buffer[start..]) {
            if !std::mem::take(&mut self.place.is_skipping) {
                push(batch, &self.buffer[start..start + length], source, line);
            }
            start += length + 1;
        }
        let rest = self.buffer.len() - start;
        if self.place.is_skipping {
            start = self.buffer.len();
        } else if rest > LINE_BYTES_MAX {
            push(batch, &self.buffer[start..], source, line);
            self.place.is_skipping = true;
            start = self.buffer.len();
        }
        self.place.offset += start as u64;
        self.buffer.drain(..start);
    }
}

/// Adds a line unless it is empty; its carriage return belongs to the break.
fn push(batch: &mut DoorBatch, text: &[u8], source: u32, line: &mut u64) {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    *line += 1;
    if !text.trim_ascii().is_empty() {
        batch.push(text, Position { source, line: *line });
    }
}
