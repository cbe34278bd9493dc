//! Logs whose own header names their columns: W3C extended (IIS and others) and CloudFront.

use super::layout::{Civil, Escape, Moment, Piece, Sink};
use super::{Column, Memory};
use crate::raw::RawRequest;
use crate::reject::Reason;
use std::borrow::Cow;

/// Columns that a header may name: CloudFront's longest real-time log has 70.
const COLUMNS_MAX: usize = 128;

/// What the header of a log said last.
#[derive(Debug, Clone, Default)]
pub struct Header {
    columns: Vec<Cell>,
    /// Whether the header speaks of CloudFront.
    is_cloudfront: bool,
    /// Whether Microsoft's server writes it: it counts `time-taken` in milliseconds.
    is_microsoft: bool,
    /// The day that `#Date` named, for logs whose lines name the time of day alone.
    day: Civil,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell {
    Ignored,
    Date,
    Time,
    /// A text in which `+` stands for a space.
    Agent,
    /// Seconds, or milliseconds where Microsoft writes them.
    TimeTaken,
    /// As it stands.
    Piece(Piece),
}

/// How the lines of a log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Spaces between values, perhaps quotes around them.
    W3c,
    /// Tabs between values, which are percent-encoded.
    CloudFront,
}

impl Header {
    /// Takes a line that begins with `#`.
    pub(super) fn note(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        match name.to_ascii_lowercase().as_str() {
            "#fields" => {
                self.is_cloudfront = value.contains("x-edge-location");
                self.columns = value
                    .split_ascii_whitespace()
                    .take(COLUMNS_MAX)
                    .map(cell)
                    .collect();
            }
            "#software" => self.is_microsoft = value.contains("Microsoft") || value.contains("IIS"),
            "#date" | "#start-date" => self.day = day(value.trim()).unwrap_or(self.day),
            _ => {}
        }
    }

    /// A header with those columns.
    pub(super) fn of(fields: &str) -> Self {
        let mut header = Self::default();
        header.note(&format!("#Fields: {fields}"));
        header
    }

    /// Whether it names columns of that dialect.
    pub(super) fn speaks(&self, dialect: Dialect) -> bool {
        !self.columns.is_empty() && self.is_cloudfront == (dialect == Dialect::CloudFront)
    }

    /// The columns with the header's names for them.
    pub(super) fn columns(fields: &str) -> Vec<(Column, String)> {
        let columns = fields.split_ascii_whitespace().flat_map(|name| {
            let columns: &[Column] = match cell(name) {
                Cell::Ignored => &[],
                Cell::Date | Cell::Time => &[Column::At],
                Cell::Agent => &[Column::UserAgent],
                Cell::TimeTaken => &[Column::Duration],
                Cell::Piece(piece) => piece.columns(),
            };
            columns.iter().map(move |column| (*column, name.to_owned()))
        });
        columns.collect()
    }

    /// Reads a line of values. One pass; each value is looked at once more by its own reader.
    pub(super) fn read<'a>(
        &self,
        line: &'a str,
        dialect: Dialect,
        memory: &mut Memory,
    ) -> Result<RawRequest<'a>, Reason> {
        let mut sink = Sink::new(Escape::Nothing);
        sink.civil = self.day;
        match dialect {
            Dialect::CloudFront => self.take(line.split('\t'), dialect, &mut sink, memory)?,
            Dialect::W3c => {
                let count = line.split_ascii_whitespace().count();
                if count == self.columns.len() {
                    self.take(line.split_ascii_whitespace(), dialect, &mut sink, memory)?;
                } else {
                    self.take(Quoted { rest: line }, dialect, &mut sink, memory)?;
                }
            }
        }
        sink.into_raw()
    }

    fn take<'a>(
        &self,
        values: impl Iterator<Item = &'a str>,
        dialect: Dialect,
        sink: &mut Sink<'a>,
        memory: &mut Memory,
    ) -> Result<(), Reason> {
        const MISMATCH: Reason = Reason::Invalid("columns: not as many as the header names");
        let mut taken = 0;
        for value in values {
            let Some(cell) = self.columns.get(taken) else {
                // Fields are only ever added at the end of CloudFront's.
                return if dialect == Dialect::CloudFront {
                    Ok(())
                } else {
                    Err(MISMATCH)
                };
            };
            taken += 1;
            if matches!(value, "-" | "") && *cell != Cell::Piece(Piece::Status) {
                continue;
            }
            self.put(*cell, value, dialect, sink, memory)?;
        }
        // CloudFront's older lines end earlier.
        let is_enough = taken == self.columns.len() || dialect == Dialect::CloudFront;
        if is_enough { Ok(()) } else { Err(MISMATCH) }
    }

    fn put<'a>(
        &self,
        cell: Cell,
        value: &'a str,
        dialect: Dialect,
        sink: &mut Sink<'a>,
        memory: &mut Memory,
    ) -> Result<(), Reason> {
        match cell {
            Cell::Ignored => Ok(()),
            Cell::Date | Cell::Time => {
                let moment = if cell == Cell::Date { &DATE } else { &TIME };
                let len = sink.put_moment(Piece::At, moment, value.as_bytes(), memory);
                let rest = value.get(len.ok_or(Reason::Invalid("time"))?..).unwrap_or("");
                // A fraction of any length.
                sink.civil.put_fraction(rest);
                Ok(())
            }
            Cell::Agent => {
                let text = match dialect {
                    Dialect::CloudFront => percent_decoded(value),
                    Dialect::W3c if !value.contains(' ') && value.contains('+') => {
                        Cow::Owned(value.replace('+', " "))
                    }
                    Dialect::W3c => Cow::Borrowed(value),
                };
                sink.put_plain(Piece::UserAgent, text)
            }
            Cell::TimeTaken => {
                let scale = if self.is_microsoft && dialect == Dialect::W3c {
                    1.0
                } else {
                    1000.0
                };
                sink.put(Piece::Duration(scale), value)
            }
            Cell::Piece(piece) if dialect == Dialect::CloudFront => {
                sink.put_plain(piece, percent_decoded(value))
            }
            Cell::Piece(piece) => sink.put(piece, value),
        }
    }
}

const DATE: Moment = Moment::Date;
const TIME: Moment = Moment::TimeOfDay;

/// The day of `#Date: 2015-01-13 00:32:17`.
fn day(text: &str) -> Option<Civil> {
    let mut civil = Civil::default();
    DATE.read(
        text.as_bytes(),
        &mut civil,
        &mut crate::clock::DayCache::default(),
    )?;
    Some(civil)
}

/// What a column of that name holds.
fn cell(name: &str) -> Cell {
    match name.to_ascii_lowercase().as_str() {
        "date" | "date-local" | "date-utc" => Cell::Date,
        "time" | "time-local" | "time-utc" => Cell::Time,
        "c-ip" => Cell::Piece(Piece::Peer),
        "cs-method" => Cell::Piece(Piece::Method),
        "cs-uri" => Cell::Piece(Piece::Target),
        "cs-uri-stem" => Cell::Piece(Piece::Path),
        "cs-uri-query" => Cell::Piece(Piece::Query),
        "cs-version" | "cs-protocol-version" => Cell::Piece(Piece::Protocol),
        "sc-status" => Cell::Piece(Piece::Status),
        "sc-bytes" | "bytes" => Cell::Piece(Piece::BytesOut),
        "cs-bytes" => Cell::Piece(Piece::BytesIn),
        "time-taken" => Cell::TimeTaken,
        "timetakenms" => Cell::Piece(Piece::Duration(1.0)),
        "cs(user-agent)" => Cell::Agent,
        "cs(referer)" | "cs(referrer)" => Cell::Piece(Piece::Referer),
        // CloudFront's `cs(Host)` is the distribution; what the client asked for stands in a column of its own.
        "cs-host" | "cs(host)" | "x-host-header" => Cell::Piece(Piece::Host),
        "x-forwarded-for" | "cs(x-forwarded-for)" => Cell::Piece(Piece::Forwarded),
        "ssl-protocol" | "cs(ssl-protocol)" => Cell::Piece(Piece::Tls),
        _ => Cell::Ignored,
    }
}

/// Values between spaces, some of them between quotes: those may hold spaces.
struct Quoted<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Quoted<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            return None;
        }
        let (value, after) = match rest.strip_prefix('"') {
            Some(inside) => split_at_quote(inside),
            None => rest.split_once([' ', '\t']).unwrap_or((rest, "")),
        };
        self.rest = after;
        Some(value)
    }
}

/// Splits at the quote that ends a value: one that is doubled belongs to it.
fn split_at_quote(inside: &str) -> (&str, &str) {
    let mut at = 0;
    while let Some(found) = inside.get(at..).and_then(|rest| rest.find('"')) {
        at += found;
        match inside[at + 1..].strip_prefix('"') {
            Some(_) => at += 2,
            None => return (&inside[..at], &inside[at + 1..]),
        }
    }
    (inside, "")
}

/// Undoes `%HH`, once.
fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let value = super::escape::hex(bytes.get(at + 1)).zip(super::escape::hex(bytes.get(at + 2)));
        match (bytes[at], value) {
            (b'%', Some((high, low))) => {
                out.push(high << 4 | low);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(broken) => String::from_utf8_lossy(broken.as_bytes()).into_owned(),
    })
}
