//! Several files as one stream, merged by the times at their heads.
//!
//! A file's order is its arrival order and stays: nothing is sorted inside a file. Of several files, the one whose
//! next line is the earliest goes next; a line that cannot be read has no time and goes with the line before it.

use super::file::{Line, LineBatch, LineReader};
use crate::detect::{Detection, SAMPLE_LINES, detect};
use crate::format::FormatChoice;
use crate::parser::{Parser, ParserConfig};
use crate::reject::{Reason, Reject};
use domain::{RequestRecord, Timestamp};

/// One file of a merge: its reader, its parser and what its first lines were found to be.
#[derive(Debug)]
pub struct MergedFile {
    /// Where its lines come from.
    pub reader: LineReader,
    /// What reads them, with its counts.
    pub parser: Parser,
    /// What its first lines are; `None` when no format reads any of them.
    pub detection: Option<Detection>,
    batch: LineBatch,
    /// The next line of the batch.
    next: usize,
    /// Time of the last line that had one: a line without a time goes with it.
    last_at: Timestamp,
    is_over: bool,
}

/// Reads files together. Lines of one file keep their order.
#[derive(Debug)]
pub struct Merge {
    files: Vec<MergedFile>,
}

impl Merge {
    /// Opens the merge: reads each file's first lines and detects their format unless the configuration names one.
    #[must_use]
    pub fn new(readers: Vec<LineReader>, config: &ParserConfig) -> Self {
        let with_config = |reader| (reader, config.clone());
        Self::of(readers.into_iter().map(with_config).collect())
    }

    /// Like [`Self::new`], each source with a configuration of its own.
    #[must_use]
    pub fn of(readers: Vec<(LineReader, ParserConfig)>) -> Self {
        let files = readers
            .into_iter()
            .map(|(reader, config)| MergedFile::new(reader, &config))
            .collect();
        Self { files }
    }

    /// The files, with their counts and problems.
    #[must_use]
    pub fn files(&self) -> &[MergedFile] {
        &self.files
    }

    /// Parses the next lines, at most `lines_max`, and hands each over; false when every file is over.
    ///
    /// Fewer lines come when a file's buffer runs out, so that the lines need not be copied.
    pub fn next<'a>(
        &'a mut self,
        lines_max: usize,
        mut take: impl FnMut(Line<'a>, Result<RequestRecord<'a>, Reject>),
    ) -> bool {
        for file in &mut self.files {
            file.refill();
        }
        let mut open: Vec<Cursor<'a>> = self.files.iter_mut().filter_map(MergedFile::cursor).collect();
        if open.is_empty() {
            return false;
        }
        if let [only] = open.as_mut_slice() {
            only.take_all(lines_max, take);
            return true;
        }
        let mut heads: Vec<Head<'a>> = open.iter_mut().map(Cursor::look).collect();
        for _ in 0..lines_max {
            let earliest = (0..heads.len()).min_by_key(|index| (heads[*index].at, *index));
            let Some(earliest) = earliest else { break };
            let cursor = &mut open[earliest];
            let is_last = !cursor.advance();
            let head = if is_last {
                None
            } else {
                Some(cursor.look_from(heads[earliest].at))
            };
            let taken = match head {
                Some(head) => std::mem::replace(&mut heads[earliest], head),
                None => heads.swap_remove(earliest),
            };
            cursor.count(&taken);
            take(taken.line, taken.result);
            if is_last {
                break;
            }
        }
        true
    }
}

impl MergedFile {
    fn new(mut reader: LineReader, config: &ParserConfig) -> Self {
        let mut batch = LineBatch::default();
        let is_over = !reader.fill(&mut batch);
        let mut parser = Parser::new(config.clone());
        let detection = detect(batch.lines().take(SAMPLE_LINES).map(|line| line.bytes));
        if let (FormatChoice::Auto, Some(detection)) = (&config.format, &detection) {
            parser.begin_with(detection);
        }
        Self {
            reader,
            parser,
            detection,
            batch,
            next: 0,
            last_at: Timestamp::from_millis(i64::MIN),
            is_over,
        }
    }

    fn refill(&mut self) {
        if self.next >= self.batch.len() && !self.is_over {
            self.is_over = !self.reader.fill(&mut self.batch);
            self.next = 0;
        }
    }

    fn cursor(&mut self) -> Option<Cursor<'_>> {
        (self.next < self.batch.len()).then_some(Cursor {
            batch: &self.batch,
            parser: &mut self.parser,
            next: &mut self.next,
            last_at: &mut self.last_at,
        })
    }
}

/// A file's next line, read ahead.
struct Head<'a> {
    line: Line<'a>,
    result: Result<RequestRecord<'a>, Reject>,
    at: Timestamp,
}

/// One file within one call: the batch stays still while its parser moves on.
struct Cursor<'a> {
    batch: &'a LineBatch,
    parser: &'a mut Parser,
    next: &'a mut usize,
    last_at: &'a mut Timestamp,
}

impl<'a> Cursor<'a> {
    fn take_all(
        &mut self,
        lines_max: usize,
        mut take: impl FnMut(Line<'a>, Result<RequestRecord<'a>, Reject>),
    ) {
        let end = (*self.next + lines_max).min(self.batch.len());
        while *self.next < end {
            let line = self.line();
            *self.next += 1;
            if line.is_cut {
                let cut = Err(Reject::from(Reason::TooLong));
                self.parser.count(line.bytes, line.position, &cut);
                take(line, cut);
                continue;
            }
            let result = self.parser.parse(line.bytes, line.position);
            if let Ok(record) = &result {
                *self.last_at = record.at;
            }
            take(line, result);
        }
    }

    fn look(&mut self) -> Head<'a> {
        self.look_from(*self.last_at)
    }

    fn look_from(&mut self, before: Timestamp) -> Head<'a> {
        let (line, result) = self.read();
        let at = result.as_ref().map_or(before, |record| record.at);
        Head { line, result, at }
    }

    /// The next line. It is within the batch: by `cursor` at first, by `advance` afterwards.
    fn line(&self) -> Line<'a> {
        self.batch.line(*self.next).unwrap_or(Line {
            bytes: b"",
            position: domain::Position::default(),
            is_cut: false,
        })
    }

    /// Reads the next line and stays there.
    fn read(&mut self) -> (Line<'a>, Result<RequestRecord<'a>, Reject>) {
        let line = self.line();
        let result = if line.is_cut {
            Err(Reject::from(Reason::TooLong))
        } else {
            self.parser.read(line.bytes, line.position)
        };
        (line, result)
    }

    fn count(&mut self, head: &Head<'a>) {
        self.parser
            .count(head.line.bytes, head.line.position, &head.result);
        *self.last_at = head.at;
    }

    fn advance(&mut self) -> bool {
        *self.next += 1;
        *self.next < self.batch.len()
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
