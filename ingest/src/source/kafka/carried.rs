//! What a record carries beside its lines: key, headers, the name of its gateway. Kept for people who look at what could not
//! be read; nothing is decided by it, for whoever writes to a topic writes them too.

use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Most headers that are kept of one record. Tracing adds a handful.
pub const HEADERS_MAX: usize = 64;

/// Most bytes that are kept of one record's key and headers. They come on top of the line in a dead letter, which brokers
/// take up to a megabyte.
pub const CARRIED_BYTES_MAX: usize = 16 * 1024;

/// Longest name of a gateway, in bytes: as long as its setting may be.
pub const GATEWAY_BYTES_MAX: usize = 249;

/// Most names of gateways that headers may bring. An installation has dozens; records beyond are of the gateway
/// [`OTHER_GATEWAY`].
pub const GATEWAYS_MAX: usize = 1024;

/// The name of gateways beyond [`GATEWAYS_MAX`].
pub const OTHER_GATEWAY: &str = "other";

/// Key and headers of one record.
#[derive(Debug, Clone, Copy, Default)]
pub struct Carried<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) key: Option<&'a Range<usize>>,
    pub(super) headers: &'a [HeaderPlace],
    /// Headers that were left out because there were too many or too long ones.
    pub left_out: usize,
}

/// Where a header's name and value stand.
pub(super) type HeaderPlace = (Range<usize>, Option<Range<usize>>);

impl<'a> Carried<'a> {
    /// The record's key.
    #[must_use]
    pub fn key(&self) -> Option<&'a [u8]> {
        self.key.map(|range| &self.bytes[range.clone()])
    }

    /// The record's headers, in their order; a name may come several times.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> {
        let bytes = self.bytes;
        self.headers.iter().filter_map(move |(name, value)| {
            let name = std::str::from_utf8(&bytes[name.clone()]).ok()?;
            Some((name, value.as_ref().map(|range| &bytes[range.clone()])))
        })
    }
}

/// Key and headers of the records of one batch.
#[derive(Debug, Default)]
pub(super) struct Kept {
    bytes: Vec<u8>,
    headers: Vec<HeaderPlace>,
    records: Vec<KeptRecord>,
}

#[derive(Debug, Default)]
struct KeptRecord {
    key: Option<Range<usize>>,
    headers: Range<usize>,
    left_out: usize,
}

impl Kept {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(super::BATCH_BYTES_MAX);
        self.headers.clear();
        self.records.clear();
    }

    /// Keeps a record's key and headers, so far as they may be kept; returns the place for [`Self::get`].
    pub(super) fn push<'m>(
        &mut self,
        key: Option<&[u8]>,
        headers: impl Iterator<Item = (&'m str, Option<&'m [u8]>)>,
    ) -> usize {
        let mut record = KeptRecord {
            headers: self.headers.len()..self.headers.len(),
            ..KeptRecord::default()
        };
        let mut room = CARRIED_BYTES_MAX;
        if let Some(key) = key.filter(|key| key.len() <= room) {
            room -= key.len();
            record.key = Some(self.add(key));
        }
        for (name, value) in headers {
            let length = name.len() + value.map_or(0, <[u8]>::len);
            if record.headers.len() >= HEADERS_MAX || length > room {
                record.left_out += 1;
                continue;
            }
            room -= length;
            let place = (self.add(name.as_bytes()), value.map(|value| self.add(value)));
            self.headers.push(place);
            record.headers.end += 1;
        }
        self.records.push(record);
        self.records.len() - 1
    }

    fn add(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    pub(super) fn get(&self, place: usize) -> Carried<'_> {
        let Some(record) = self.records.get(place) else {
            return Carried::default();
        };
        Carried {
            bytes: &self.bytes,
            key: record.key.as_ref(),
            headers: &self.headers[record.headers.clone()],
            left_out: record.left_out,
        }
    }
}

/// A message's headers as the library has them.
pub(super) fn headers<'m>(
    message: &'m BorrowedMessage<'_>,
) -> impl Iterator<Item = (&'m str, Option<&'m [u8]>)> {
    let headers = message.headers();
    let count = headers.map_or(0, Headers::count);
    (0..count).filter_map(move |place| {
        let header = headers?.try_get(place)?;
        Some((header.key, header.value))
    })
}

/// The names of gateways that headers brought.
#[derive(Debug, Default)]
pub(super) struct Gateways(HashMap<Box<str>, Arc<str>>);

impl Gateways {
    /// The name in a header's value; `None` when that is no name.
    pub(super) fn name(&mut self, value: &[u8]) -> Option<Arc<str>> {
        let text = std::str::from_utf8(value).ok()?.trim();
        if text.is_empty() || text.len() > GATEWAY_BYTES_MAX || text.chars().any(char::is_control) {
            return None;
        }
        if let Some(known) = self.0.get(text) {
            return Some(Arc::clone(known));
        }
        if self.0.len() >= GATEWAYS_MAX {
            return Some(OTHER_GATEWAY.into());
        }
        let name: Arc<str> = text.into();
        self.0.insert(text.into(), Arc::clone(&name));
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_and_headers_are_kept_as_they_came_so_far_as_there_is_room() {
        let mut kept = Kept::default();
        let none = kept.push(None, std::iter::empty());
        let some = [("a", Some(&b"1"[..])), ("a", None), ("b", Some(b""))];
        let some = kept.push(Some(b"key"), some.into_iter());
        let long = vec![b'x'; CARRIED_BYTES_MAX - 2];
        let huge = kept.push(Some(&long), [("c", Some(&b"2"[..])), ("d", None)].into_iter());
        let many = kept.push(None, (0..HEADERS_MAX + 3).map(|_| ("n", None)));

        let carried = kept.get(none);
        assert!(carried.key().is_none() && carried.headers().count() == 0);
        let carried = kept.get(some);
        assert_eq!(carried.key(), Some(&b"key"[..]));
        let headers: Vec<_> = carried.headers().collect();
        assert_eq!(headers, [("a", Some(&b"1"[..])), ("a", None), ("b", Some(b""))]);
        assert_eq!(
            kept.get(huge).headers().collect::<Vec<_>>(),
            [("c", Some(&b"2"[..]))]
        );
        assert_eq!(kept.get(huge).left_out, 1);
        assert_eq!(
            (kept.get(many).headers().count(), kept.get(many).left_out),
            (HEADERS_MAX, 3)
        );
        kept.clear();
        assert!(kept.get(some).key().is_none());
    }

    #[test]
    fn a_gateway_has_a_name_and_there_are_not_too_many() {
        let mut gateways = Gateways::default();
        let mut name = |value: &[u8]| gateways.name(value).map(|name| name.to_string());
        assert_eq!(name(b" edge-1 ").as_deref(), Some("edge-1"));
        for wrong in [&b""[..], b"  ", b"\xff", b"a\nb", &[b'x'; GATEWAY_BYTES_MAX + 1]] {
            assert_eq!(name(wrong), None);
        }
        for number in 1..GATEWAYS_MAX {
            assert!(name(format!("g{number}").as_bytes()).is_some());
        }
        assert_eq!(name(b"one more").as_deref(), Some(OTHER_GATEWAY));
        assert_eq!(name(b"edge-1").as_deref(), Some("edge-1"));
    }
}
