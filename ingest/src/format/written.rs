//! Home-made JSON as its operator describes it: `at=event.when client=src.ip status=rc duration_ms=took*1000`.
//!
//! Each word names a column and the path of the key that holds it, joined by dots, with a factor for numbers. Columns
//! that are not mentioned are read by the names that [`super::custom_json`] knows.

use super::choice::WrongFormat;
use super::custom_json;
use super::fields::{Mark, walk};
use super::json_write::{Object, address, target};
use super::keys::Node;
use super::mapping;
use super::walk::Place;
use super::{Column, Family, Format, Language, Memory, Provenance};
use crate::clock::EpochUnit;
use crate::gateway::Gateway;
use crate::raw::RawRequest;
use crate::reject::Reason;
use domain::RequestRecord;
use std::sync::Arc;

/// The language.
pub(super) const LANGUAGE: Language = Language {
    name: "json",
    example: "at=event.when client=src.ip status=rc duration_ms=took*1000 path=req.path",
    read: |text| JsonWritten::from_text(text).map(|format| Arc::new(format) as Arc<dyn Format>),
};

/// Parts of a path. Deeper than this no log nests.
const PARTS_MAX: usize = 8;

/// Longest part of a path, in bytes.
const PART_BYTES_MAX: usize = 64;

/// Factors that lead from one unit to another: nanoseconds to hours are less.
const FACTORS: std::ops::RangeInclusive<f64> = 1e-12..=1e12;

/// A key on the way to what an operator wrote, or at its end.
#[derive(Debug, Default)]
pub(super) struct Branch {
    name: String,
    /// What its own value fills.
    pub(super) leaves: Vec<Leaf>,
    /// Keys inside it.
    pub(super) inside: Vec<Branch>,
}

/// What a value fills.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf {
    pub(super) node: Node,
    pub(super) rank: u64,
}

impl Branch {
    /// The branch of a key; `a.b` is also `b` inside `a`.
    pub(super) fn seek(&self, key: &str) -> Option<&Self> {
        self.inside.iter().find_map(|branch| {
            let rest = key.strip_prefix(branch.name.as_str())?;
            match rest.strip_prefix('.') {
                _ if rest.is_empty() => Some(branch),
                Some(rest) => branch.seek(rest),
                None => None,
            }
        })
    }

    fn add(&mut self, path: &str, leaf: Leaf) {
        let Some((name, rest)) = path
            .split_once('.')
            .or(Some((path, "")))
            .filter(|_| !path.is_empty())
        else {
            self.leaves.push(leaf);
            return;
        };
        let at = self.inside.iter().position(|branch| branch.name == name);
        let at = at.unwrap_or_else(|| {
            self.inside.push(Self {
                name: name.to_owned(),
                ..Self::default()
            });
            self.inside.len() - 1
        });
        self.inside[at].add(rest, leaf);
    }
}

/// One word of the description.
#[derive(Debug)]
struct Word {
    column: Column,
    path: String,
    factor: Option<f64>,
}

/// A format that an operator wrote down.
struct JsonWritten {
    words: Vec<Word>,
    root: Branch,
    settled: u32,
}

impl JsonWritten {
    fn from_text(text: &str) -> Result<Self, WrongFormat> {
        let mut words: Vec<Word> = Vec::new();
        for word in text.split_ascii_whitespace() {
            let word = Word::from_text(word)?;
            if words.iter().any(|known| known.column == word.column) {
                return Err(WrongFormat::new(format!("{} stands twice", word.column.name())));
            }
            words.push(word);
        }
        if words.is_empty() {
            return Err(WrongFormat::new(
                "nothing is described: expected words like status=rc",
            ));
        }
        let mut root = Branch::default();
        for (word, rank) in words.iter().zip(0..) {
            let node = word.node();
            root.add(&word.path, Leaf { node, rank });
        }
        let columns = words.iter().flat_map(|word| settled_by(word.column));
        let settled = columns.fold(0, |set, column| set | 1 << column as u32);
        Ok(Self { words, root, settled })
    }

    fn place(&self) -> Place<'_> {
        Place {
            keys: Some((&custom_json::KEYS, 0)),
            written: Some(&self.root),
            settled: self.settled,
        }
    }

    /// Where a column is written, and what a value there is multiplied with when it is read.
    fn path_of(&self, column: Column) -> Option<(&str, f64)> {
        let word = self.words.iter().find(|word| word.column == column)?;
        Some((&word.path, word.factor.unwrap_or(1.0)))
    }
}

/// The columns for which only what was written counts once one is described: pieces of one request are not taken from
/// two descriptions of it.
fn settled_by(column: Column) -> Vec<Column> {
    use Column::{Method, Path, Query, RequestLine, Target};
    match column {
        RequestLine => vec![RequestLine, Method, Target, Path, Query],
        Target => vec![Target, Path, Query, RequestLine],
        Path => vec![Path, Target, RequestLine],
        column => vec![column],
    }
}

impl Word {
    fn from_text(word: &str) -> Result<Self, WrongFormat> {
        let Some((name, rest)) = word.split_once('=') else {
            return Err(WrongFormat::new(format!(
                "{word:?} names no key: expected a column, an equals sign and a path, as in status=rc"
            )));
        };
        let Some(column) = Column::ALL.into_iter().find(|column| column.name() == name) else {
            let names: Vec<&str> = Column::ALL.iter().map(|column| column.name()).collect();
            return Err(WrongFormat::new(format!(
                "unknown column {name:?}: expected one of {}",
                names.join(", ")
            )));
        };
        let (path, factor) = match rest.split_once('*') {
            Some((path, factor)) => (path, Some(factor_of(column, factor)?)),
            None => (rest, None),
        };
        let parts: Vec<&str> = path.split('.').collect();
        let is_part = |part: &&str| !part.is_empty() && part.len() <= PART_BYTES_MAX;
        if parts.len() > PARTS_MAX || !parts.iter().all(is_part) {
            return Err(WrongFormat::new(format!(
                "{path:?} is no path for {name}: expected at most {PARTS_MAX} keys of 1 to {PART_BYTES_MAX} bytes, joined by dots"
            )));
        }
        Ok(Self {
            column,
            path: path.to_owned(),
            factor,
        })
    }

    fn node(&self) -> Node {
        match (self.column, self.factor) {
            (Column::At, _) => Node::Moment(EpochUnit::Guessed),
            (Column::Target, _) => Node::Url,
            (Column::Method, _) => Node::Verb,
            (column, Some(factor)) => Node::Scaled(column, factor),
            (column, None) if is_number(column) => Node::Scaled(column, 1.0),
            (column, None) => Node::Text(column),
        }
    }
}

/// Whether a column holds a quantity.
fn is_number(column: Column) -> bool {
    matches!(
        column,
        Column::BytesIn | Column::BytesOut | Column::Duration | Column::Upstream
    )
}

fn factor_of(column: Column, text: &str) -> Result<f64, WrongFormat> {
    if !is_number(column) {
        return Err(WrongFormat::new(format!(
            "{} takes no factor: only bytes_in, bytes_out, duration_ms and upstream_ms do",
            column.name()
        )));
    }
    let factor = text.parse().ok().filter(|factor| FACTORS.contains(factor));
    factor.ok_or_else(|| {
        WrongFormat::new(format!(
            "{text:?} is no factor for {}: expected a number from {} to {}",
            column.name(),
            FACTORS.start(),
            FACTORS.end()
        ))
    })
}

impl Format for JsonWritten {
    fn name(&self) -> &'static str {
        LANGUAGE.name
    }

    fn description(&self) -> &'static str {
        "JSON as written down"
    }

    fn gateway(&self) -> Gateway {
        Gateway::Any
    }

    fn provenance(&self) -> Provenance {
        Provenance::documented("the operator's description")
    }

    fn family(&self) -> Family {
        Family::Json
    }

    fn parse<'a>(&self, line: &'a str, _memory: &mut Memory) -> Result<RawRequest<'a>, Reason> {
        const MARKS: &[Mark] = &[Mark::new(Column::At, "at"), Mark::new(Column::Status, "status")];
        walk(self.place(), line, MARKS)?.into_raw()
    }

    fn render(&self, record: &RequestRecord<'_>, out: &mut Vec<u8>) {
        Object::write(out, |line| {
            let key = |column: Column| self.path_of(column).map_or((column.name(), 1.0), |found| found);
            let mut text = |column: Column, value: Option<&str>| {
                if let Some(value) = value {
                    line.text(key(column).0, value);
                }
            };
            text(Column::At, Some(&record.at.to_string()));
            text(Column::Peer, Some(&address(record.address)));
            text(Column::Host, record.host.as_deref());
            text(Column::Protocol, record.protocol.as_deref());
            text(Column::UserAgent, record.user_agent.as_deref());
            text(Column::Referer, record.referer.as_deref());
            text(Column::Tls, record.tls.as_deref());
            text(Column::Fingerprint, record.fingerprint.as_deref());
            let whole = target(&record.path, record.query.as_deref());
            let settled = |column| self.path_of(column).is_some();
            if settled(Column::RequestLine) {
                let protocol = record.protocol.as_deref().unwrap_or("HTTP/1.1");
                text(
                    Column::RequestLine,
                    Some(&format!("{} {whole} {protocol}", record.method)),
                );
            } else {
                text(Column::Method, Some(&record.method));
                match (settled(Column::Path), settled(Column::Query)) {
                    (true, true) => {
                        text(Column::Path, Some(&record.path));
                        text(Column::Query, record.query.as_deref());
                    }
                    (true, false) => text(Column::Path, Some(&whole)),
                    _ => text(Column::Target, Some(&whole)),
                }
            }
            let mut number = |column: Column, value: Option<f64>| {
                let (path, factor) = key(column);
                if value.is_some() {
                    line.number(path, value.map(|value| value / factor));
                }
            };
            number(Column::Status, Some(f64::from(record.status)));
            #[allow(
                clippy::cast_precision_loss,
                reason = "sizes above 2^53 lose nothing that matters"
            )]
            let size = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64);
            number(Column::BytesIn, size(record.bytes_in));
            number(Column::BytesOut, size(record.bytes_out));
            number(Column::Duration, record.duration_ms.map(f64::from));
            number(Column::Upstream, record.upstream_ms.map(f64::from));
        });
    }

    fn columns(&self) -> Vec<(Column, String)> {
        let written = self.words.iter().map(|word| (word.column, word.path.clone()));
        let mut columns: Vec<(Column, String)> = written.collect();
        let mut known = Vec::new();
        super::keys::list(&custom_json::KEYS, "", &mut known);
        known.retain(|(column, _)| self.settled & (1 << *column as u32) == 0);
        columns.extend(known);
        columns
    }

    fn mapping(&self, line: &str) -> Vec<(Column, String)> {
        mapping::of(self.place(), line)
    }

    fn resolution_millis(&self) -> u32 {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::FormatChoice;

    fn read(description: &str, line: &str) -> Result<RawRequest<'static>, Reason> {
        let format = JsonWritten::from_text(description).expect("a description");
        let raw = format.parse(line, &mut Memory::default());
        raw.map(RawRequest::into_owned)
    }

    #[test]
    fn what_is_written_goes_before_the_usual_names() {
        let line = r#"{"event":{"when":1795391322.5},"src.ip":"203.0.113.9","client_ip":"198.51.100.1","rc":404,
            "took":0.031,"req":{"verb":"get","path":"/x?y=1"},"uri":"/other","upstream.ms":7,"user-agent":"curl"}"#;
        let raw = read(LANGUAGE.example, line).expect("a request");
        assert_eq!(raw.at.to_string(), "2026-11-22T23:48:42.500Z");
        assert_eq!(raw.peer, "203.0.113.9".parse().ok());
        assert_eq!((raw.status, raw.duration_ms), (404, Some(31.0)));
        let request = (
            &*raw.request.method,
            &*raw.request.path,
            raw.request.query.as_deref(),
        );
        assert_eq!(request, ("GET", "/x", Some("y=1")));
        assert_eq!(raw.user_agent.as_deref(), Some("curl"));
        assert!(!raw.is_ambiguous);
    }

    #[test]
    fn what_is_written_and_absent_is_not_guessed() {
        let line = r#"{"time":1795391322,"client_ip":"203.0.113.9","status":200,"method":"GET","uri":"/"}"#;
        assert_eq!(read("client=src", line).map(|raw| raw.peer), Ok(None));
        assert_eq!(read("status=rc", line), Err(Reason::Missing("status")));
        assert_eq!(
            read("path=p", line).map(|raw| raw.request.path.into_owned()),
            Ok(String::new())
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_ambiguous() {
        let line = r#"{"time":1795391322,"src":{"ip":"203.0.113.9"},"src.ip":"198.51.100.1","status":200,
            "method":"GET","uri":"/"}"#;
        assert_eq!(read("client=src.ip", line).map(|raw| raw.is_ambiguous), Ok(true));
    }

    #[test]
    fn every_mistake_is_named() {
        for (description, expected) in [
            ("", "nothing is described"),
            ("status", "\"status\" names no key"),
            ("staus=rc", "unknown column \"staus\": expected one of at, client"),
            ("status=rc status=code", "status stands twice"),
            ("client=src*2", "client takes no factor"),
            ("duration_ms=took*fast", "\"fast\" is no factor for duration_ms"),
            ("duration_ms=took*0", "\"0\" is no factor"),
            ("duration_ms=took*inf", "\"inf\" is no factor"),
            ("at=", "\"\" is no path for at"),
            ("at=a..b", "\"a..b\" is no path for at"),
            ("at=a.b.c.d.e.f.g.h.i", "at most 8 keys"),
        ] {
            let wrong = FormatChoice::from_text(&format!("json: {description}")).expect_err(description);
            assert!(wrong.message.contains(expected), "{description}: {wrong}");
        }
        let long = format!("at={}", "x".repeat(PART_BYTES_MAX + 1));
        assert!(JsonWritten::from_text(&long).is_err());
    }

    #[test]
    fn it_writes_what_it_reads() {
        let line = r#"{"event":{"when":"2026-11-22T23:48:42.5Z"},"src":{"ip":"203.0.113.9"},"rc":404,"took":0.031,
            "req":{"path":"/x?y=1"},"method":"GET","bytes_out":12,"host":"shop.example","ua":"curl"}"#;
        for description in [
            LANGUAGE.example,
            "at=event.when client=src.ip status=rc request=line bytes_out=kb*1024",
        ] {
            let example = JsonWritten::from_text(LANGUAGE.example).expect("a description");
            let format = JsonWritten::from_text(description).expect("a description");
            let config = |format: JsonWritten| crate::ParserConfig {
                format: FormatChoice::Written(Arc::new(format)),
                ..crate::ParserConfig::new(domain::HashKey::new([7; 16]))
            };
            let mut parser = crate::Parser::new(config(example));
            let record = parser
                .parse(line.as_bytes(), domain::Position::default())
                .expect("a record");
            let record = crate::into_owned(record);
            let mut written = Vec::new();
            format.render(&record, &mut written);
            let mut again = crate::Parser::new(config(format));
            let again = again
                .parse(&written, domain::Position::default())
                .expect("a record");
            let same = |record: &RequestRecord<'_>| {
                let path = (
                    record.path.to_string(),
                    record.query.as_deref().map(str::to_owned),
                );
                (
                    record.at,
                    record.address,
                    record.status,
                    path,
                    record.bytes_out,
                    record.host.as_deref().map(str::to_owned),
                )
            };
            assert_eq!(
                same(&again),
                same(&record),
                "{}",
                String::from_utf8_lossy(&written)
            );
        }
    }
}
