//! The reading end.

use super::record::{self, Found};
use super::writer::{Mark, Spool};
use super::{file_of, segments};
use crate::source::CHUNK_BYTES;
use crate::source::door::DoorBatch;
use domain::Position;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// Where reading of a spool stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpoolPlace {
    /// Segment.
    pub segment: u64,
    /// Byte within it.
    pub byte: u64,
    /// Lines counted so far.
    pub line: u64,
}

/// Reads a spool from a place on.
#[derive(Debug)]
pub struct SpoolReader {
    spool: Arc<Spool>,
    place: SpoolPlace,
    open: Option<(u64, File)>,
    buffer: Vec<u8>,
    /// Bytes that could not be read as they were written.
    damaged: u64,
}

impl SpoolReader {
    /// Goes on at a place; without one, or where its segment is gone, at the oldest segment that is there.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn new(spool: Arc<Spool>, stood: Option<SpoolPlace>) -> io::Result<Self> {
        let known = segments(spool.folder())?;
        let oldest = known.first().map_or(0, |(oldest, _)| *oldest);
        let newest = spool.durable().segment;
        let stood = stood.unwrap_or_default();
        let is_there = (oldest..=newest).contains(&stood.segment);
        let place = SpoolPlace {
            segment: if is_there { stood.segment } else { oldest },
            byte: if is_there { stood.byte } else { 0 },
            line: stood.line,
        };
        Ok(Self {
            spool,
            place,
            open: None,
            buffer: Vec::new(),
            damaged: 0,
        })
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> SpoolPlace {
        self.place
    }

    /// The writing end.
    #[must_use]
    pub fn spool(&self) -> &Arc<Spool> {
        &self.spool
    }

    /// Bytes that were not read yet: exact in the newest segment, and at most so many before it.
    #[must_use]
    pub fn unread(&self) -> u64 {
        let durable = self.spool.durable();
        if self.place.segment >= durable.segment {
            durable.bytes.saturating_sub(self.place.byte)
        } else {
            self.spool.bytes().saturating_sub(self.place.byte)
        }
    }

    /// Bytes that could not be read as they were written, since this reader was made.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Takes lines until the batch is full or there are no more; whether there may be more.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn poll(&mut self, batch: &mut DoorBatch, source: u32) -> io::Result<bool> {
        let durable = self.spool.durable();
        while !batch.is_full() {
            if !self.read_chunk(durable, batch, source)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes the segments before a place that a checkpoint stands for.
    ///
    /// # Errors
    /// When a file cannot be deleted.
    pub fn release(&self, place: SpoolPlace) -> io::Result<()> {
        for (segment, bytes) in segments(self.spool.folder())? {
            if segment < place.segment {
                std::fs::remove_file(file_of(self.spool.folder(), segment))?;
                self.spool.forget(bytes);
            }
        }
        Ok(())
    }

    /// Reads the next chunk; false when there is nothing more.
    fn read_chunk(&mut self, durable: Mark, batch: &mut DoorBatch, source: u32) -> io::Result<bool> {
        if self.place.segment > durable.segment {
            return Ok(false);
        }
        let is_last = self.place.segment == durable.segment;
        let Some(file) = open(&mut self.open, &self.spool, self.place.segment)? else {
            // Nobody but us deletes segments; one that is gone all the same has no lines.
            return Ok(self.next_segment(is_last));
        };
        let end = if is_last {
            durable.bytes
        } else {
            file.metadata()?.len()
        };
        let left = end.saturating_sub(self.place.byte);
        let known = self.buffer.len() as u64;
        let wanted = (left - known.min(left)).min(CHUNK_BYTES as u64);
        let start = self.buffer.len();
        self.buffer
            .resize(start + usize::try_from(wanted).unwrap_or(0), 0);
        file.read_exact_at(&mut self.buffer[start..], self.place.byte + known)?;
        let is_all = known + wanted >= left;
        let before = self.place;
        self.cut(is_all, batch, source);
        if is_all && !is_last && !self.buffer.is_empty() && self.place == before {
            // The half of a line that a crash left.
            self.damaged += self.buffer.len() as u64;
        }
        if self.place != before || !is_all {
            return Ok(true);
        }
        self.buffer.clear();
        Ok(self.next_segment(is_last))
    }

    /// Goes on with the next segment, unless this is the last one.
    fn next_segment(&mut self, is_last: bool) -> bool {
        if !is_last {
            self.place.segment += 1;
            self.place.byte = 0;
            self.buffer.clear();
            self.open = None;
        }
        !is_last
    }

    /// Takes whole lines from the buffer.
    fn cut(&mut self, is_all: bool, batch: &mut DoorBatch, source: u32) {
        let mut start = 0;
        while !batch.is_full() {
            match record::read(&self.buffer[start..], is_all) {
                Found::Line(line) => {
                    self.place.line += 1;
                    let position = Position {
                        source,
                        line: self.place.line,
                    };
                    if line.is_cut() {
                        batch.reject(line.text(), position);
                    } else {
                        batch.push(line.text(), position);
                    }
                    start += line.size();
                }
                Found::Damaged(size) => {
                    self.damaged += size as u64;
                    start += size;
                }
                Found::Lost => {
                    // Its end is unknown: the rest of the segment is given up.
                    self.damaged += (self.buffer.len() - start) as u64;
                    start = self.buffer.len();
                }
                Found::Partial => break,
            }
        }
        self.place.byte += start as u64;
        self.buffer.drain(..start);
    }
}

/// The open file of a segment; `None` when it is gone.
fn open<'f>(slot: &'f mut Option<(u64, File)>, spool: &Spool, segment: u64) -> io::Result<Option<&'f File>> {
    if slot.as_ref().is_none_or(|(number, _)| *number != segment) {
        *slot = match File::open(file_of(spool.folder(), segment)) {
            Ok(file) => Some((segment, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
    }
    Ok(slot.as_ref().map(|(_, file)| file))
}
