//! JSON that carries many records in one object: CloudWatch Logs, Azure Event Hubs, OTLP.
//!
//! Records are slices of the payload, as everywhere: what a format reads is what was sent. The object is walked byte by
//! byte without being parsed; what is wrong inside a record is the format's to refuse.

use super::split::{element_end, skip_blanks, string_end};
use std::ops::Range;

/// Keys of a list of records, each with the keys of the lists inside its elements.
const LISTS: [(&[u8], &[&[u8]]); 4] = [
    (b"resourceLogs", &[b"scopeLogs", b"logRecords"]),
    (b"logEvents", &[]),
    (b"records", &[]),
    (b"Records", &[]),
];

/// First keys of objects that carry many records. Only these are looked into where the shape of messages has to be
/// seen from each: one look at a message's beginning.
const FIRST_KEYS: [&[u8]; 4] = [b"resourceLogs", b"logEvents", b"records", b"messageType"];

/// Whether a message begins like one of many records.
pub(super) fn begins_like_records(text: &[u8]) -> bool {
    let Some(inside) = text.strip_prefix(b"{") else {
        return false;
    };
    let inside = inside.trim_ascii_start();
    let Some(rest) = inside.strip_prefix(b"\"") else {
        return false;
    };
    FIRST_KEYS.iter().any(|key| {
        rest.strip_prefix(*key)
            .is_some_and(|rest| rest.first() == Some(&b'"'))
    })
}

/// Appends the records of an object, at most `max` of them; `None` when there is no list of records or it breaks off.
/// The second says where the list went on after the last one that was allowed.
pub(super) fn records(payload: &[u8], max: usize, found: &mut Vec<Range<usize>>) -> Option<Option<usize>> {
    let start = skip_blanks(payload, 0);
    let before = found.len();
    for (list, inner) in LISTS {
        if let Some(value) = value_of(payload, start, list) {
            return Finding {
                payload,
                max,
                before,
                found,
            }
            .list(value, inner);
        }
    }
    None
}

/// The record of an object that carries one record; `None` where it carries several or is something else.
#[must_use]
pub fn only_record(line: &str) -> Option<&str> {
    if !begins_like_records(line.as_bytes()) {
        return None;
    }
    let mut found = Vec::new();
    let rest = records(line.as_bytes(), 1, &mut found)?;
    match (rest, found.pop()) {
        (None, Some(record)) => line.get(record),
        _ => None,
    }
}

/// A search for records.
struct Finding<'a> {
    payload: &'a [u8],
    max: usize,
    /// How many ranges were there before.
    before: usize,
    found: &'a mut Vec<Range<usize>>,
}

impl Finding<'_> {
    /// Goes through a list; `inner` are the keys of lists inside its elements, outermost first.
    fn list(&mut self, value: usize, inner: &[&[u8]]) -> Option<Option<usize>> {
        if self.payload.get(value) != Some(&b'[') {
            return None;
        }
        let mut at = skip_blanks(self.payload, value + 1);
        if self.payload.get(at) == Some(&b']') {
            return Some(None);
        }
        loop {
            let end = element_end(self.payload, at)?;
            match inner.split_first() {
                None if self.found.len() - self.before == self.max => return Some(Some(at)),
                None => {
                    let text = self.payload[at..end].trim_ascii_end();
                    if text.is_empty() {
                        return None;
                    }
                    self.found.push(at..at + text.len());
                }
                Some((key, rest)) => {
                    let value = value_of(self.payload, at, key);
                    let stopped = value.map_or(Some(None), |value| self.list(value, rest))?;
                    if stopped.is_some() {
                        return Some(stopped);
                    }
                }
            }
            if self.payload[end] == b']' {
                return Some(None);
            }
            at = skip_blanks(self.payload, end + 1);
        }
    }
}

/// Where the value of a key begins in the object that begins at `start`; `None` when it has no such key.
fn value_of(payload: &[u8], start: usize, wanted: &[u8]) -> Option<usize> {
    if payload.get(start) != Some(&b'{') {
        return None;
    }
    let mut at = skip_blanks(payload, start + 1);
    while payload.get(at) == Some(&b'"') {
        let end = string_end(payload, at + 1)?;
        let colon = skip_blanks(payload, end + 1);
        if payload.get(colon) != Some(&b':') {
            return None;
        }
        let value = skip_blanks(payload, colon + 1);
        if &payload[at + 1..end] == wanted {
            return Some(value);
        }
        at = skip_blanks(payload, member_end(payload, value)? + 1);
    }
    None
}

/// Where the comma behind a member's value stands; `None` at the object's end.
fn member_end(payload: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match payload.get(at)? {
            b'"' => at = string_end(payload, at + 1)?,
            b'{' | b'[' => depth += 1,
            b',' if depth == 0 => return Some(at),
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(payload: &str, max: usize, expected: Option<(&[&str], Option<&str>)>) {
        let mut found = Vec::new();
        let rest = records(payload.as_bytes(), max, &mut found);
        let texts: Vec<&str> = found.into_iter().map(|range| &payload[range]).collect();
        let read = rest.map(|rest| (texts.as_slice(), rest.map(|rest| &payload[rest..])));
        assert_eq!(read, expected, "{payload}");
    }

    #[test]
    fn every_carrier_gives_its_records() {
        let two: &[&str] = &[r#"{"a":"]}"}"#, r#"{"b":2}"#];
        for payload in [
            r#"{"messageType":"DATA_MESSAGE","owner":"1","logEvents":[{"a":"]}"},{"b":2}]}"#,
            r#" { "records" : [ {"a":"]}"} , {"b":2} ] }"#,
            r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"a":"]}"}]}]},{"resource":{"scopeLogs":1},"scopeLogs":[{"logRecords":[]},{"logRecords":[{"b":2}]}]},{}]}"#,
        ] {
            check(payload, 10, Some((two, None)));
        }
        check(r#"{"records":[]}"#, 10, Some((&[], None)));
    }

    #[test]
    fn records_past_the_limit_are_not_taken() {
        check(r#"{"records":[1,2,3]}"#, 2, Some((&["1", "2"], Some("3]}"))));
        check(r#"{"records":[1,2]}"#, 2, Some((&["1", "2"], None)));
    }

    #[test]
    fn what_carries_no_records_is_none() {
        for payload in [
            "",
            "{",
            "[]",
            r#"{"records""#,
            r#"{"records":7}"#,
            r#"{"records":[{"a":1}"#,
            r#"{"records":[,]}"#,
            r#"{"message":"records"}"#,
            r#"{"a":{"records":[1]}}"#,
        ] {
            let mut found = Vec::new();
            assert_eq!(records(payload.as_bytes(), 10, &mut found), None, "{payload}");
        }
    }

    #[test]
    fn only_the_first_key_is_looked_at() {
        assert!(begins_like_records(br#"{ "records":[]}"#));
        assert!(!begins_like_records(br#"{"recordset":[]}"#));
        assert!(!begins_like_records(br#"{"a":1,"records":[]}"#));
        assert_eq!(only_record(r#"{"records":[{"a":1}]}"#), Some(r#"{"a":1}"#));
        assert_eq!(only_record(r#"{"records":[1,2]}"#), None);
    }
}
