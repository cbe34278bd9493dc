//! JSON formats as tables: which key holds which piece of a request, and in which unit.
//!
//! A format is a table of [`Keys`]: keys in order of preference, nested objects inside. Reading walks the object once,
//! keeps the values whose keys are listed, and skips everything else unparsed. A key that stands twice makes the
//! record ambiguous: programs differ in which one they believe.

use super::found::Found;
pub(super) use super::keys::{Keys, Node};
use super::mapping;
use super::walk::Place;
use super::{Column, Family, Format, Memory, Provenance, escape, keys};
use crate::gateway::Gateway;
use crate::nesting::is_too_deep;
use crate::raw::RawRequest;
use crate::reject::Reason;
use domain::RequestRecord;

/// A JSON format: a table, what must be there, and how to write it.
pub(super) struct JsonFormat {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) gateway: Gateway,
    pub(super) provenance: Provenance,
    pub(super) keys: &'static Keys,
    /// Columns that each must be there: they tell this format from others with similar keys.
    pub(super) marks: &'static [Mark],
    /// Keys of which one stands in every line of the format, quotes included. Empty: any line may be one.
    pub(super) signs: &'static [&'static str],
    /// What to know about its address, where that is not simply the connection's; else empty.
    pub(super) caution: &'static str,
    pub(super) render: fn(&RequestRecord<'_>, &mut Vec<u8>),
}

/// A column without which a line is not of the format.
pub(super) struct Mark {
    pub(super) column: Column,
    /// Its usual path, for the message.
    pub(super) path: &'static str,
}

impl Mark {
    pub(super) const fn new(column: Column, path: &'static str) -> Self {
        Self { column, path }
    }
}

impl Format for JsonFormat {
    fn name(&self) -> &'static str {
        self.name
    }

    fn description(&self) -> &'static str {
        self.description
    }

    fn gateway(&self) -> Gateway {
        self.gateway
    }

    fn provenance(&self) -> Provenance {
        self.provenance
    }

    fn family(&self) -> Family {
        Family::Json
    }

    // A line that nobody reads is looked at for each format's signs and walked by the few whose signs stand in it: an
    // eighth of the time of all walks, for 442 bytes of an application's JSON and 17 formats. A client cannot write a
    // sign: gateways escape the quotes of what clients send.
    fn could_be(&self, line: &str) -> bool {
        let stands = |sign: &&str| memchr::memmem::find(line.as_bytes(), sign.as_bytes()).is_some();
        self.signs.is_empty() || self.signs.iter().any(stands)
    }

    fn parse<'a>(&self, line: &'a str, _memory: &mut Memory) -> Result<RawRequest<'a>, Reason> {
        let place = Place {
            keys: Some((self.keys, 0)),
            ..Place::default()
        };
        walk(place, line, self.marks)?.into_raw()
    }

    fn render(&self, record: &RequestRecord<'_>, out: &mut Vec<u8>) {
        (self.render)(record, out);
    }

    fn columns(&self) -> Vec<(Column, String)> {
        let mut columns = Vec::new();
        keys::list(self.keys, "", &mut columns);
        columns
    }

    fn mapping(&self, line: &str) -> Vec<(Column, String)> {
        let place = Place {
            keys: Some((self.keys, 0)),
            ..Place::default()
        };
        mapping::of(place, line)
    }

    fn resolution_millis(&self) -> u32 {
        1
    }

    fn blind_spots(&self) -> Vec<&'static str> {
        let caution = Some(self.caution).filter(|caution| !caution.is_empty());
        let lost = self.losses().into_iter().map(|loss| loss.sentence);
        caution.into_iter().chain(lost).collect()
    }
}

/// Walks a line, and looks for what must be there.
pub(super) fn walk<'a>(place: Place<'_>, line: &'a str, marks: &[Mark]) -> Result<Found<'a>, Reason> {
    if is_too_deep(line) {
        return Err(Reason::BrokenJson);
    }
    let mut found = Found::new();
    place.walk(line, &mut found).ok_or(Reason::BrokenJson)?;
    let missing = marks.iter().find(|mark| !found.is_named(mark.column));
    missing.map_or(Ok(found), |mark| Err(Reason::Missing(mark.path)))
}

/// Rewrites `\xHH`, which NGINX writes into JSON without `escape=json`, so that the line becomes JSON again.
/// `None` when there is nothing to rewrite.
pub(crate) fn repair_escapes(line: &str) -> Option<String> {
    if !line.contains("\\x") {
        return None;
    }
    let bytes = line.as_bytes();
    let mut out = Vec::with_capacity(bytes.len() + 16);
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let next = bytes.get(at + 1);
        let value = escape::hex(bytes.get(at + 2)).zip(escape::hex(bytes.get(at + 3)));
        match (byte, next, value) {
            (b'\\', Some(b'x'), Some((high, low))) => {
                write_byte(high << 4 | low, &mut out);
                at += 4;
            }
            (b'\\', Some(next), _) => {
                out.extend_from_slice(&[b'\\', *next]);
                at += 2;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn write_byte(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        _ => out.push(byte),
    }
}
