//! From what a line says about addresses to one address, and how far it can be believed.

use crate::raw::RawRequest;
use domain::{AddressSource, TrustedProxies};
use std::net::{IpAddr, Ipv4Addr};

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
    let bare = text.split_once('%').map_or(text, |(address, _zone)| address);
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
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
    let mut octets = [0u8; 4];
    let (mut index, mut value, mut digits) = (0, 0u32, 0);
    if text.len() > 15 {
        return None;
    }
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            // A leading zero is octal to some and decimal to others: refused, as in the standard library.
            if (digits > 0 && value == 0) || digits == 3 {
                return None;
            }
            value = value * 10 + u32::from(digit);
            digits += 1;
        } else if byte == b'.' && digits > 0 && index < 3 {
            octets[index] = u8::try_from(value).ok()?;
            (index, value, digits) = (index + 1, 0, 0);
        } else {
            return None;
        }
    }
    if index != 3 || digits == 0 {
        return None;
    }
    octets[3] = u8::try_from(value).ok()?;
    Some(Ipv4Addr::from(octets))
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
        fn every_address_is_read(address in any::<[u8; 4]>()) {
            let address = Ipv4Addr::from(address);
            prop_assert_eq!(parse_ipv4(address.to_string().as_bytes()), Some(address));
        }
    }
}
