//! Formats as a sequence of fields with fixed text between them: compiled once from a gateway's own way of writing
//! them down, then read in one pass from left to right.
//!
//! [`Layout::read`] cuts the usual line without looking back, without regular expressions, and without taking memory:
//! every field ends where the text after it begins. A line that this does not fit was written by somebody who does
//! not escape, or by a client who tries: [`readings`] then counts every way to read it, takes the leftmost, and
//! marks a line with more than one as ambiguous.

mod apache;
mod compile;
mod envoy;
mod field;
mod haproxy;
mod known;
mod nginx;
mod nginx_json;
mod readings;
mod render;
mod sink;
mod time;
mod walk;
mod written;

#[cfg(test)]
mod tests;

pub(super) use apache::APACHE;
pub(super) use envoy::{ENVOY, parse as envoy};
pub(super) use field::{Escape, Field, Kind, Piece};
pub(super) use haproxy::{HAPROXY, parse as haproxy};
pub(super) use known::{Known, compile_all};
pub(super) use nginx::{NGINX, parse as nginx};
pub(super) use sink::Sink;
pub(super) use time::{Civil, Moment};

use super::{Column, Memory};
use crate::raw::RawRequest;
use crate::reject::Reason;

/// Most fields of a layout: HAProxy's longest has 35. What a closer look costs grows with it.
pub(super) const FIELDS_MAX: usize = 80;

/// What is not known where a time names no zone.
const NO_ZONE: &str = "the time zone: times name none, and UTC is assumed";

/// What a description is made of, before it is checked.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// Text that stands in every line.
    Text(String),
    /// What changes from line to line.
    Field(Field),
}

/// One step through a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// This text.
    Literal(Box<str>),
    /// A field, up to the text after it.
    Field {
        field: Field,
        /// The text after it; `None` at the end of the line.
        stop: Option<Box<str>>,
        /// Whether a quote opens it and a quote ends it.
        is_quoted: bool,
        /// Whether where it ends changes nothing but texts that the client chose.
        is_loose: bool,
    },
    /// Text between these two that may be there or not, and says nothing.
    Optional { open: Box<str>, close: Box<str> },
}

/// What may stand behind the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing.
    Nothing,
    /// More fields behind a space: gateways append some from version to version.
    More,
}

/// A compiled format.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    steps: Vec<Step>,
    escape: Escape,
    tail: Tail,
    /// Whether clients' bytes stand unescaped before something that counts.
    is_forgeable: bool,
}

impl Layout {
    /// Reads a line.
    ///
    /// # Errors
    /// Why the line is not of this layout.
    pub(super) fn read<'a>(&self, line: &'a str, memory: &mut Memory) -> Result<RawRequest<'a>, Reason> {
        let mut sink = Sink::new(self.escape);
        if let Some(()) = walk::plain(self, line, &mut sink, memory)? {
            return sink.into_raw();
        }
        let mut sink = Sink::new(self.escape);
        sink.is_ambiguous = readings::closer(self, line, &mut sink, memory)?;
        sink.into_raw()
    }

    /// Whether clients' bytes stand unescaped before something that counts.
    pub(super) fn is_forgeable(&self) -> bool {
        self.is_forgeable
    }

    /// Lets fields follow that are not described.
    pub(super) fn with_tail(mut self) -> Self {
        self.tail = Tail::More;
        self
    }

    /// Every field that says something.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.steps.iter().filter_map(|step| match step {
            Step::Field { field, .. } if field.piece != Piece::Ignored => Some(field),
            _ => None,
        })
    }

    /// The columns with the gateway's names for them.
    pub(super) fn columns(&self) -> Vec<(Column, String)> {
        self.fields()
            .flat_map(|field| {
                let columns = field.piece.columns();
                columns.iter().map(|column| (*column, field.name.clone()))
            })
            .collect()
    }

    /// What cannot be seen in it: what no column holds, and the zone where the time has none.
    pub(super) fn blind_spots(&self) -> Vec<&'static str> {
        let losses = super::losses(&self.columns(), self.resolution_millis());
        let mut spots: Vec<&str> = losses.into_iter().map(|loss| loss.sentence).collect();
        let is = |field: &Field, check: fn(&Moment) -> bool| matches!(&field.kind, Kind::Moment(moment) if check(moment));
        // The zone may stand in a field of its own.
        let has_zone = self.fields().any(|field| is(field, Moment::names_zone));
        if !has_zone && self.fields().any(|field| is(field, Moment::is_zoneless)) {
            spots.push(NO_ZONE);
        }
        spots
    }

    /// How exactly it tells the time, in milliseconds.
    pub(super) fn resolution_millis(&self) -> u32 {
        let times = self.fields().filter_map(|field| match &field.kind {
            Kind::Moment(moment) => Some(moment.resolution_millis()),
            _ => None,
        });
        times.min().unwrap_or(1000)
    }
}
