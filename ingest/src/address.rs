//! From what a line says about addresses to one address, and how far it can be believed.

use crate::raw::RawRequest;
use domain::{AddressSource, TrustedProxies};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Resolves the client's address of a request; `None` when the line names none.
#[must_use]
pub fn resolve(raw: &RawRequest<'_>, trusted: &TrustedProxies) -> Option<(IpAddr, AddressSource)> {
    match (raw.peer, raw.forwarded.as_deref()) {
        // The usual case by far, and nothing to walk.
        (Some(peer), None) => Some((peer, AddressSource::Peer)),
        (peer, forwarded) => trusted.resolve(peer, forwarded.unwrap_or("")),
    }
}

/// Reads a bare address; IPv4 mapped into IPv6 becomes IPv4, an IPv6 zone is dropped.
#[inline]
#[must_use]
pub fn parse_ip(text: &str) -> Option<IpAddr> {
    if let Some(v4) = parse_ipv4(text.as_bytes()) {
        return Some(IpAddr::V4(v4));
    }
    parse_ipv6(text.as_bytes()).map(|address| IpAddr::V6(address).to_canonical())
}

/// Reads an address that may carry a port or brackets: `203.0.113.9:4711`, `[2001:db8::1]:4711`.
#[must_use]
pub fn parse_socket(text: &str) -> Option<IpAddr> {
    if let Some(address) = parse_ip(text) {
        return Some(address);
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some(socket.ip().to_canonical());
    }
    parse_ip(text.strip_prefix('[')?.strip_suffix(']')?)
}

/// Reads a dotted quad without the standard library's error paths: it runs once a line.
#[inline]
fn parse_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let digit = |at: usize| {
        let digit = text.get(at)?.wrapping_sub(b'0');
        (digit < 10).then(|| u32::from(digit))
    };
    let mut octets = [0u8; 4];
    let mut at = 0;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let mut value = digit(at)?;
        at += 1;
        for _ in 0..2 {
            let Some(next) = digit(at) else { break };
            // A leading zero is octal to some and decimal to others: refused, as in the standard library.
            if value == 0 {
                return None;
            }
            value = value * 10 + next;
            at += 1;
        }
        *octet = u8::try_from(value).ok()?;
    }
    (at == text.len()).then(|| Ipv4Addr::from(octets))
}

/// Reads an IPv6 address, its zone dropped, in one pass: the standard library tries every way to write one in turn.
fn parse_ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    let mut groups = Groups::default();
    let mut at = 0;
    if text.starts_with(b"::") {
        groups.open_gap()?;
        at = 2;
    }
    loop {
        let rest = text.get(at..)?;
        let digits = groups.take(rest, groups.gap == Some(groups.len))?;
        at += digits;
        match (text.get(at), text.get(at + 1)) {
            (None | Some(b'%'), _) => return groups.address(),
            (Some(b':'), Some(b':')) => {
                groups.open_gap()?;
                at += 2;
            }
            (Some(b':'), _) if digits > 0 => at += 1,
            _ => return None,
        }
    }
}

/// Groups of an IPv6 address.
const GROUPS: usize = 8;

/// The groups read so far, and after how many of them `::` stood.
#[derive(Default)]
struct Groups {
    values: [u16; GROUPS],
    len: usize,
    gap: Option<usize>,
}

impl Groups {
    fn open_gap(&mut self) -> Option<()> {
        (self.gap.is_none() && self.len < GROUPS).then(|| self.gap = Some(self.len))
    }

    /// Takes a group, or the dotted quad that may end an address; gives its length. None of either may only follow `::`.
    fn take(&mut self, text: &[u8], may_be_empty: bool) -> Option<usize> {
        let (mut value, mut len) = (0u16, 0);
        while let Some(digit) = text.get(len).and_then(|byte| char::from(*byte).to_digit(16)) {
            if len == 4 {
                return None;
            }
            value = value << 4 | u16::try_from(digit).ok()?;
            len += 1;
        }
        match text.get(len) {
            Some(b'.') => {
                let end = text.iter().position(|byte| *byte == b'%').unwrap_or(text.len());
                let [a, b, c, d] = parse_ipv4(&text[..end])?.octets();
                self.push(u16::from_be_bytes([a, b]))?;
                self.push(u16::from_be_bytes([c, d]))?;
                Some(end)
            }
            _ if len > 0 => self.push(value).map(|()| len),
            None | Some(b'%') if may_be_empty => Some(0),
            _ => None,
        }
    }

    fn push(&mut self, value: u16) -> Option<()> {
        *self.values.get_mut(self.len)? = value;
        self.len += 1;
        Some(())
    }

    fn address(mut self) -> Option<Ipv6Addr> {
        match self.gap {
            // The gap stands for one group at least.
            Some(gap) if self.len < GROUPS => {
                self.values[gap..].rotate_right(GROUPS - self.len);
                Some(self.values.into())
            }
            None if self.len == GROUPS => Some(self.values.into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ports_brackets_and_zones_are_understood() {
        for (text, expected) in [
            ("203.0.113.9", Some("203.0.113.9")),
            ("203.0.113.9:4711", Some("203.0.113.9")),
            ("[2001:db8::1]:4711", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("::ffff:203.0.113.9", Some("203.0.113.9")),
            (":60806", None),
            ("", None),
            ("-", None),
            ("unix:", None),
            ("gateway.example", None),
            ("203.0.113", None),
            ("203.0.113.09", None),
            ("4294967297.0.0.1", None),
        ] {
            let read = parse_socket(text).map(|address| address.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_by_hand_equals_the_standard_librarys(text in "[0-9.]{0,16}") {
            prop_assert_eq!(parse_ipv4(text.as_bytes()), text.parse::<Ipv4Addr>().ok());
        }

        #[test]
        fn an_ipv6_address_by_hand_equals_the_standard_librarys(text in "[0-9a-f:]{0,12}|([0-9a-fA-F]{0,5}:){0,9}[0-9a-f]{0,4}|(::)?([0-9a-f]{1,4}:){0,7}:?[0-9.]{0,15}|[0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,4}::([0-9a-f]{1,4}:?){0,4}") {
            prop_assert_eq!(parse_ipv6(text.as_bytes()), text.parse::<Ipv6Addr>().ok(), "{}", text);
        }

        #[test]
        fn every_ipv6_address_is_read(address in any::<[u8; 16]>(), zeros in 0u16..) {
            // Runs of zeros are what is written short.
            let mut groups = Ipv6Addr::from(address).segments();
            for (at, group) in groups.iter_mut().enumerate() {
                if zeros >> at & 1 == 1 {
                    *group = 0;
                }
            }
            let address = Ipv6Addr::from(groups);
            let text = address.to_string();
            prop_assert_eq!(parse_ipv6(text.as_bytes()), Some(address));
            prop_assert_eq!(parse_ipv6(format!("{text}%eth0").as_bytes()), Some(address));
        }

        #[test]
        fn every_address_is_read(address in any::<[u8; 4]>()) {
            let address = Ipv4Addr::from(address);
            prop_assert_eq!(parse_ipv4(address.to_string().as_bytes()), Some(address));
        }
    }
}
