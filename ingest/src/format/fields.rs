//! JSON formats as tables: which key holds which piece of a request, and in which unit.
//!
//! A format is a [`Tree`]: keys in order of preference, nested objects inside. Reading walks the object once,
//! keeps the values whose keys are listed, and skips everything else unparsed. A key that stands twice makes the
//! record ambiguous: programs differ in which one they believe.

use super::json_value::{AnyValue, Value};
use super::{Column, Family, Format, Memory, Provenance, escape};
use crate::address::{parse_ip, parse_socket};
use crate::clock::{EpochUnit, from_epoch};
use crate::gateway::Gateway;
use crate::nesting::is_too_deep;
use crate::raw::{RawRequest, RequestLine, host_without_port, present};
use crate::reject::Reason;
use domain::{RequestRecord, Timestamp};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

/// Keys of an object, each with what it holds; earlier ones are preferred where several name the same column.
pub(super) type Tree = &'static [(&'static str, Node)];

/// What a key holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Node {
    /// Text.
    Text(Column),
    /// A number in the unit of the column times this factor (durations: milliseconds).
    Scaled(Column, f64),
    /// A moment: a text, or a number in that unit.
    Moment(EpochUnit),
    /// An object with keys of its own.
    Object(Tree),
}

/// A JSON format: a table, what must be there, and how to write it.
pub(super) struct JsonFormat {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) gateway: Gateway,
    pub(super) provenance: Provenance,
    pub(super) tree: Tree,
    /// Keys of which each must be there: they tell this format from others with similar keys.
    pub(super) marks: &'static [Mark],
    pub(super) render: fn(&RequestRecord<'_>, &mut Vec<u8>),
}

/// A column without which a line is not of the format.
pub(super) struct Mark {
    pub(super) column: Column,
    /// Its usual path, for the message.
    pub(super) path: &'static str,
}

const COLUMNS: usize = Column::ALL.len();

/// The values found so far, one slot a column.
struct Found<'a> {
    values: [Value<'a>; COLUMNS],
    /// Preference of the value in each slot: lower is better.
    ranks: [u32; COLUMNS],
    /// Whether the line has a key of the column, be its value empty.
    is_named: [bool; COLUMNS],
    scales: [f64; COLUMNS],
    unit: EpochUnit,
    is_repeated: bool,
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

    fn parse<'a>(&self, line: &'a str, _memory: &mut Memory) -> Result<RawRequest<'a>, Reason> {
        if is_too_deep(line) {
            return Err(Reason::BrokenJson);
        }
        let mut found = Found::new();
        let mut reader = sonic_rs::Deserializer::from_str(line);
        let walk = Walk {
            tree: self.tree,
            base: 0,
            found: &mut found,
        };
        walk.deserialize(&mut reader).map_err(|_| Reason::BrokenJson)?;
        reader.end().map_err(|_| Reason::BrokenJson)?;
        for mark in self.marks {
            if !found.is_named[mark.column as usize] {
                return Err(Reason::Missing(mark.path));
            }
        }
        found.into_raw()
    }

    fn render(&self, record: &RequestRecord<'_>, out: &mut Vec<u8>) {
        (self.render)(record, out);
    }

    fn columns(&self) -> Vec<(Column, String)> {
        let mut columns = Vec::new();
        list(self.tree, "", &mut columns);
        columns
    }

    fn resolution_millis(&self) -> u32 {
        1
    }
}

/// Lists the columns of a tree with their dotted paths.
fn list(tree: Tree, prefix: &str, columns: &mut Vec<(Column, String)>) {
    for (key, node) in tree {
        let path = format!("{prefix}{key}");
        match node {
            Node::Text(column) | Node::Scaled(column, _) => columns.push((*column, path)),
            Node::Moment(_) => columns.push((Column::At, path)),
            Node::Object(inner) => list(inner, &format!("{path}."), columns),
        }
    }
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

impl<'a> Found<'a> {
    fn new() -> Self {
        Self {
            values: [const { Value::Absent }; COLUMNS],
            ranks: [u32::MAX; COLUMNS],
            is_named: [false; COLUMNS],
            scales: [1.0; COLUMNS],
            unit: EpochUnit::Guessed,
            is_repeated: false,
        }
    }

    fn put(&mut self, node: Node, rank: u32, value: Value<'a>) {
        let (column, scale) = match node {
            Node::Text(column) => (column, 1.0),
            Node::Scaled(column, scale) => (column, scale),
            Node::Moment(_) => (Column::At, 1.0),
            Node::Object(_) => return,
        };
        let slot = column as usize;
        self.is_named[slot] = true;
        self.is_repeated |= self.ranks[slot] == rank;
        // An empty value gives way to any other; a worse or a repeated one never replaces what is there.
        if value == Value::Absent || rank >= self.ranks[slot] {
            return;
        }
        if let Node::Moment(unit) = node {
            self.unit = unit;
        }
        self.values[slot] = value;
        self.ranks[slot] = rank;
        self.scales[slot] = scale;
    }

    fn take(&mut self, column: Column) -> Value<'a> {
        std::mem::take(&mut self.values[column as usize])
    }

    fn text(&mut self, column: Column) -> Option<Cow<'a, str>> {
        match self.take(column) {
            Value::Text(text) => Some(text),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            Value::Absent => None,
        }
    }

    fn number(&mut self, column: Column) -> Option<f64> {
        let scale = self.scales[column as usize];
        let number = match self.take(column) {
            Value::Number(number) => number,
            Value::Text(text) => sum_times(&text)?,
            Value::Absent => return None,
        };
        (number.is_finite() && number >= 0.0).then_some(number * scale)
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float's cast saturates"
    )]
    fn size(&mut self, column: Column) -> Option<u64> {
        self.number(column).map(|bytes| bytes as u64)
    }

    #[allow(clippy::cast_possible_truncation, reason = "a duration needs no more digits")]
    fn millis(&mut self, column: Column) -> Option<f32> {
        self.number(column).map(|millis| millis as f32)
    }

    fn moment(&mut self) -> Option<Timestamp> {
        match self.take(Column::At) {
            Value::Number(number) => from_epoch(number, self.unit),
            Value::Text(text) => Timestamp::parse_rfc3339(&text)
                .or_else(|| Memory::default().days.parse_clf(text.as_bytes()))
                .or_else(|| from_epoch(text.parse().ok()?, self.unit)),
            Value::Absent => None,
        }
    }

    fn status(&mut self) -> Option<u16> {
        let number = match self.take(Column::Status) {
            Value::Number(number) => number,
            // Several upstreams were tried ("502, 200"): the last answer is the client's.
            Value::Text(text) => text.rsplit(',').next()?.trim().parse().ok()?,
            Value::Absent => return Some(0),
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be a status"
        )]
        (number.fract() == 0.0 && (0.0..1000.0).contains(&number)).then_some(number as u16)
    }

    fn address(&mut self) -> Option<IpAddr> {
        match self.take(Column::Peer) {
            Value::Text(text) => parse_ip(&text).or_else(|| parse_socket(&text)),
            _ => None,
        }
    }

    fn request(&mut self) -> Option<RequestLine<'a>> {
        let protocol = self.text(Column::Protocol).and_then(present);
        let line = self.text(Column::RequestLine);
        let method = self.text(Column::Method).and_then(present);
        let target = self.text(Column::Target).and_then(present);
        let path = self.text(Column::Path).and_then(present);
        let query = self.text(Column::Query).and_then(present);
        if method.is_none() || (target.is_none() && path.is_none()) {
            return line.map(|line| match line {
                Cow::Borrowed(text) => RequestLine::split(text),
                Cow::Owned(text) => RequestLine::split(&text).into_owned(),
            });
        }
        let method = method.unwrap_or_default();
        match (target, path) {
            (Some(target), _) => {
                let mut request = RequestLine::from_parts(method, target, protocol);
                request.query = request.query.or(query.map(without_question_mark));
                Some(request)
            }
            (None, path) => {
                let query = query.map(without_question_mark);
                Some(RequestLine::from_path(
                    method,
                    path.unwrap_or_default(),
                    query,
                    protocol,
                ))
            }
        }
    }

    fn into_raw(mut self) -> Result<RawRequest<'a>, Reason> {
        let is_named = |column: Column| self.is_named[column as usize];
        // Keys without values: the gateway could not read the request. No keys: it is no access log.
        let is_unreadable = is_named(Column::Method) || is_named(Column::RequestLine);
        let unreadable = || is_unreadable.then(|| RequestLine::unreadable(""));
        let request = self
            .request()
            .or_else(unreadable)
            .ok_or(Reason::Missing("request"))?;
        Ok(RawRequest {
            at: self.moment().ok_or(Reason::Invalid("time"))?,
            peer: self.address(),
            forwarded: self.text(Column::Forwarded).and_then(present),
            consumer: self.text(Column::Consumer).and_then(present),
            subject: self.text(Column::Subject).and_then(present),
            api_key: self.text(Column::ApiKey).and_then(present),
            session: self.text(Column::Session).and_then(present),
            certificate: self.text(Column::Certificate).and_then(present),
            host: self.text(Column::Host).and_then(host_without_port),
            request,
            status: self.status().ok_or(Reason::Invalid("status"))?,
            bytes_in: self.size(Column::BytesIn),
            bytes_out: self.size(Column::BytesOut),
            duration_ms: self.millis(Column::Duration),
            upstream_ms: self.millis(Column::Upstream),
            user_agent: self.text(Column::UserAgent).and_then(present),
            referer: self.text(Column::Referer).and_then(present),
            tls: self.text(Column::Tls).and_then(present),
            fingerprint: self.text(Column::Fingerprint).and_then(present),
            is_ambiguous: self.is_repeated,
        })
    }
}

fn without_question_mark(query: Cow<'_, str>) -> Cow<'_, str> {
    match query {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_prefix('?').unwrap_or(text)),
        Cow::Owned(text) => Cow::Owned(text.strip_prefix('?').map_or(text.clone(), str::to_owned)),
    }
}

/// Adds up NGINX's list of upstream times (`0.010, 0.020 : 0.005`); `-` parts count nothing.
fn sum_times(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let mut parts = text
        .split([',', ':'])
        .filter_map(|part| part.trim().parse::<f64>().ok());
    let first = parts.next()?;
    Some(parts.fold(first, |sum, part| sum + part))
}

/// Walks one object along its tree.
struct Walk<'found, 'a> {
    tree: Tree,
    /// Rank of the tree's first key.
    base: u32,
    found: &'found mut Found<'a>,
}

impl<'a> DeserializeSeed<'a> for Walk<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Walk<'_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(index) = map.next_key_seed(KeyOf { tree: self.tree })? {
            let Some(index) = index else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let rank = self.base + u32::try_from(index).unwrap_or(u32::MAX / 2);
            match self.tree[index].1 {
                Node::Object(tree) => {
                    map.next_value_seed(Walk {
                        tree,
                        base: (rank + 1).saturating_mul(KEYS_MAX),
                        found: &mut *self.found,
                    })?;
                }
                leaf => {
                    let value = map.next_value_seed(AnyValue)?;
                    self.found.put(leaf, rank, value);
                }
            }
        }
        Ok(())
    }

    // A nested object that is something else in this line holds none of our keys.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<(), S::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// More keys than any object of a tree has: ranks count in this base, so that no two keys of a tree share one.
const KEYS_MAX: u32 = 128;

/// Finds a key in the tree; `None` for one that nobody wants.
struct KeyOf {
    tree: Tree,
}

impl<'a> DeserializeSeed<'a> for KeyOf {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyOf {
    type Value = Option<usize>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.tree.iter().position(|(name, _)| *name == key))
    }
}
