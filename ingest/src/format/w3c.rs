//! W3C extended log files: IIS, and others. A `#Fields:` line names the columns of the lines behind it.
//!
//! A parser remembers the last such line of its source; a shipper that drops lines that begin with `#` has to be
//! told what they said (`w3c: date time …`).

use super::choice::Language;
use super::tabular::{Dialect, Header};
use super::{Column, Family, Format, Memory, Provenance, WrongFormat};
use crate::gateway::Gateway;
use crate::raw::RawRequest;
use crate::reject::Reason;
use domain::RequestRecord;
use std::fmt::Write;
use std::sync::Arc;

/// IIS' default columns since version 7, and the sizes.
const FIELDS: &str = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-version \
                      cs(User-Agent) cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken";

const PAGE: &str = "https://learn.microsoft.com/en-us/windows/win32/http/w3c-logging";

pub(super) static FORMAT: W3c = W3c { written: None };

/// The columns that a header would have named, where a shipper drops it.
pub(super) const LANGUAGE: Language = Language {
    name: "w3c",
    example: "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken",
    read,
};

/// Lines behind a header, which stands in the log or was written down.
pub(super) struct W3c {
    /// `None`: the log says it.
    written: Option<Columns>,
}

/// The columns that an operator wrote down.
struct Columns {
    fields: String,
    header: Header,
}

fn read(text: &str) -> Result<Arc<dyn Format>, WrongFormat> {
    let fields = text.trim_start_matches("#Fields:").trim().to_owned();
    let columns = Header::columns(&fields);
    let has = |column: Column| columns.iter().any(|(known, _)| *known == column);
    for (column, name) in [
        (Column::At, "date and time"),
        (Column::Peer, "c-ip"),
        (Column::Method, "cs-method"),
        (Column::Status, "sc-status"),
    ] {
        if !has(column) {
            return Err(WrongFormat::new(format!("the format lacks {name}")));
        }
    }
    let mut header = Header::of(&fields);
    // Who writes no header is asked by IIS' users: `time-taken` is in milliseconds.
    header.note("#Software: Microsoft Internet Information Services");
    let written = Some(Columns { fields, header });
    Ok(Arc::new(W3c { written }))
}

impl W3c {
    /// The names of its columns, as far as they are known before a log is read.
    fn fields(&self) -> &str {
        self.written.as_ref().map_or(FIELDS, |written| &written.fields)
    }
}

impl Format for W3c {
    fn name(&self) -> &'static str {
        "w3c"
    }

    fn description(&self) -> &'static str {
        match self.written {
            None => "W3C extended: IIS and others, by their own header",
            Some(_) => "W3C extended with columns that you wrote down",
        }
    }

    fn gateway(&self) -> Gateway {
        Gateway::Iis
    }

    fn provenance(&self) -> Provenance {
        Provenance::documented(PAGE)
    }

    fn family(&self) -> Family {
        Family::Text
    }

    fn header(&self) -> Option<String> {
        let software = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0";
        let is_in_log = self.written.is_none();
        is_in_log.then(|| format!("{software}\n#Fields: {FIELDS}"))
    }

    fn parse<'a>(&self, line: &'a str, memory: &mut Memory) -> Result<RawRequest<'a>, Reason> {
        if line.starts_with('#') {
            if self.written.is_none() {
                memory.header.note(line);
            }
            return Err(Reason::Comment);
        }
        if let Some(written) = &self.written {
            return written.header.read(line, Dialect::W3c, memory);
        }
        if !memory.header.speaks(Dialect::W3c) {
            return Err(Reason::NoHeader);
        }
        let header = std::mem::take(&mut memory.header);
        let result = header.read(line, Dialect::W3c, memory);
        memory.header = header;
        result
    }

    fn render(&self, record: &RequestRecord<'_>, out: &mut Vec<u8>) {
        render(record, self.fields(), out);
    }

    fn columns(&self) -> Vec<(Column, String)> {
        Header::columns(self.fields())
    }

    fn resolution_millis(&self) -> u32 {
        1000
    }
}

/// Writes the values of those columns with a space between them.
fn render(record: &RequestRecord<'_>, fields: &str, out: &mut Vec<u8>) {
    for (index, field) in fields.split_ascii_whitespace().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        let text = value(record, field);
        let is_there = !text.is_empty();
        // A space would end the value, a line break the line.
        out.extend(text.bytes().map(|byte| {
            if byte.is_ascii_graphic() || byte >= 0x80 {
                byte
            } else {
                b'+'
            }
        }));
        if !is_there {
            out.push(b'-');
        }
    }
}

/// The value of a column; empty when there is none.
pub(super) fn value(record: &RequestRecord<'_>, field: &str) -> String {
    let mut text = String::new();
    let at = record.at.to_string();
    let written = match field.to_ascii_lowercase().as_str() {
        "date" | "date-local" | "date-utc" => text.write_str(at.get(..10).unwrap_or("")),
        "time" | "time-local" | "time-utc" => text.write_str(at.get(11..19).unwrap_or("")),
        "c-ip" => record.address.map_or(Ok(()), |address| write!(text, "{address}")),
        "cs-method" => text.write_str(&record.method),
        "cs-uri-stem" => text.write_str(&record.path),
        "cs-uri-query" => text.write_str(record.query.as_deref().unwrap_or("")),
        "cs-version" | "cs-protocol-version" => text.write_str(record.protocol.as_deref().unwrap_or("")),
        "sc-status" => write!(text, "{:03}", record.status),
        "sc-bytes" => record.bytes_out.map_or(Ok(()), |bytes| write!(text, "{bytes}")),
        "cs-bytes" => record.bytes_in.map_or(Ok(()), |bytes| write!(text, "{bytes}")),
        "time-taken" => record
            .duration_ms
            .map_or(Ok(()), |millis| write!(text, "{millis}")),
        "cs(user-agent)" => text.write_str(record.user_agent.as_deref().unwrap_or("")),
        "cs(referer)" => text.write_str(record.referer.as_deref().unwrap_or("")),
        "cs-host" | "x-host-header" => text.write_str(record.host.as_deref().unwrap_or("")),
        "ssl-protocol" => text.write_str(record.tls.as_deref().unwrap_or("")),
        _ => Ok(()),
    };
    debug_assert!(written.is_ok(), "a string takes everything");
    text
}
