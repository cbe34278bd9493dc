//! The grammar of Common Log Format and its descendants: `combined`, NGINX's `main`, Apache's `vhost_combined`.
//!
//! `[vhost ]address ident user [time] "request" status bytes[ "referer" "user agent"[ "forwarded"]]`
//!
//! The usual line is cut at its quotes in one pass. Gateways escape quotes inside fields, so a line with more
//! quotes than its layout has was written by somebody who does not: every way to read it is then counted, the
//! leftmost is taken, and a line with more than one is marked ambiguous. Text after the last quote is ignored.

use super::escape::{self, Style, unescape};
use super::{Column, Family, Format, Memory, Provenance};
use crate::address::parse_ip;
use crate::clock::{CLF_LEN, write_clf};
use crate::gateway::Gateway;
use crate::raw::{RawRequest, RequestLine, host_without_port, present};
use crate::reject::Reason;
use domain::RequestRecord;
use memchr::memchr;
use std::borrow::Cow;

/// Most quoted fields after the numbers: referer, user agent, forwarded chain.
pub(super) const QUOTED_MAX: usize = 3;

/// Most digits of a size: more would not fit 64 bits.
const SIZE_DIGITS_MAX: usize = 19;

/// One descendant of Common Log Format.
pub(super) struct ClfFormat {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) gateway: Gateway,
    pub(super) provenance: Provenance,
    /// Whether the virtual host stands before the address.
    pub(super) has_host: bool,
    /// Quoted fields after the numbers: 0 (common), 2 (combined) or 3 (with the forwarded chain).
    pub(super) quoted: usize,
    pub(super) style: Style,
}

/// Where the variable pieces of a line stand: byte ranges without their quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) request: (usize, usize),
    pub(super) numbers: Numbers,
    pub(super) quoted: [(usize, usize); QUOTED_MAX],
    pub(super) is_ambiguous: bool,
}

/// Status and size, and where the text after them begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) status: u16,
    pub(super) bytes_out: Option<u64>,
    pub(super) end: usize,
}

impl Format for ClfFormat {
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
        Family::Text
    }

    #[inline]
    fn parse<'a>(&self, line: &'a str, memory: &mut Memory) -> Result<RawRequest<'a>, Reason> {
        let open = request_quote(line.as_bytes()).ok_or(Reason::Missing("request"))?;
        let head = line.get(..open - CLF_LEN - 3).ok_or(Reason::Invalid("time"))?;
        let time = &line.as_bytes()[open - CLF_LEN - 2..open - 2];
        let at = memory.days.parse_clf(time).ok_or(Reason::Invalid("time"))?;
        let (host, address) = self.read_head(head)?;
        let peer = parse_ip(address).ok_or(Reason::Invalid("client address"))?;
        // Asked once for the line: nearly none has an escape, and each field would have to be searched for it.
        let has_escapes = memchr(b'\\', &line.as_bytes()[open..]).is_some();
        let cut = match cut_plain(line.as_bytes(), open, self.quoted, has_escapes) {
            Some(cut) => cut,
            None => super::quotes::cut(line.as_bytes(), open, self.quoted)?,
        };
        let quoted = |index: usize| {
            let (start, end) = cut.quoted[index];
            let text = line.get(start..end).filter(|_| index < self.quoted)?;
            present(if has_escapes {
                unescape(text)
            } else {
                Cow::Borrowed(text)
            })
        };
        Ok(RawRequest {
            at,
            peer: Some(peer),
            host: host.and_then(|host| host_without_port(Cow::Borrowed(host))),
            request: read_request(line.get(cut.request.0..cut.request.1).unwrap_or(""), has_escapes),
            status: cut.numbers.status,
            bytes_out: cut.numbers.bytes_out,
            referer: quoted(0),
            user_agent: quoted(1),
            forwarded: quoted(2),
            is_ambiguous: cut.is_ambiguous,
            ..RawRequest::default()
        })
    }
    fn render(&self, record: &RequestRecord<'_>, out: &mut Vec<u8>) {
        if self.has_host {
            // A host that is no word would be read as several fields, or as a second line.
            let is_word = |host: &&str| host.bytes().all(|byte| byte.is_ascii_graphic());
            let host = record.host.as_deref().filter(is_word).unwrap_or("-");
            out.extend_from_slice(host.as_bytes());
            out.push(b' ');
        }
        match record.address {
            Some(address) => out.extend_from_slice(address.to_string().as_bytes()),
            None => out.push(b'-'),
        }
        out.extend_from_slice(b" - - [");
        write_clf(record.at, out);
        out.extend_from_slice(b"] \"");
        self.render_request(record, out);
        out.extend_from_slice(format!("\" {:03} ", record.status).as_bytes());
        match record.bytes_out {
            Some(bytes) => out.extend_from_slice(bytes.to_string().as_bytes()),
            None => out.push(b'-'),
        }
        let quoted = [record.referer.as_deref(), record.user_agent.as_deref(), None];
        for text in &quoted[..self.quoted] {
            out.extend_from_slice(b" \"");
            escape::escape(text.unwrap_or("-"), self.style, out);
            out.push(b'"');
        }
    }

    fn columns(&self) -> Vec<(Column, String)> {
        let mut columns = vec![
            (Column::Peer, "remote address"),
            (Column::At, "time"),
            (Column::RequestLine, "request"),
            (Column::Status, "status"),
            (Column::BytesOut, "bytes sent"),
        ];
        if self.has_host {
            columns.push((Column::Host, "virtual host"));
        }
        let quoted = [
            (Column::Referer, "referer"),
            (Column::UserAgent, "user agent"),
            (Column::Forwarded, "forwarded chain"),
        ];
        columns.extend(&quoted[..self.quoted]);
        columns
            .into_iter()
            .map(|(column, source)| (column, source.to_owned()))
            .collect()
    }

    fn resolution_millis(&self) -> u32 {
        1000
    }
}

impl ClfFormat {
    /// Splits `[vhost ]address ident user` into the host and the address.
    fn read_head<'a>(&self, head: &'a str) -> Result<(Option<&'a str>, &'a str), Reason> {
        let (host, rest) = if self.has_host {
            let (host, rest) = split_at_space(head).ok_or(Reason::Missing("virtual host"))?;
            (Some(host), rest)
        } else {
            (None, head)
        };
        let (address, rest) = split_at_space(rest).ok_or(Reason::Missing("client address"))?;
        // The user's name may hold spaces; ident and user must at least be there.
        split_at_space(rest).ok_or(Reason::Missing("user"))?;
        Ok((host, address))
    }

    fn render_request(&self, record: &RequestRecord<'_>, out: &mut Vec<u8>) {
        if record.method.is_empty() {
            return render_unreadable(&record.path, self.style, out);
        }
        escape::escape(&record.method, self.style, out);
        out.push(b' ');
        escape::escape(&record.path, self.style, out);
        if let Some(query) = &record.query {
            out.push(b'?');
            escape::escape(query, self.style, out);
        }
        if let Some(protocol) = &record.protocol {
            out.push(b' ');
            escape::escape(protocol, self.style, out);
        }
    }
}

/// Writes a request that was kept as it was logged: its escapes are text already.
fn render_unreadable(text: &str, style: Style, out: &mut Vec<u8>) {
    if text.is_empty() {
        out.push(b'-');
    }
    for (index, part) in text.split('\\').enumerate() {
        if index > 0 {
            out.push(b'\\');
        }
        escape::escape(part, style, out);
    }
}

fn split_at_space(text: &str) -> Option<(&str, &str)> {
    // An address is short: a search for long texts costs more to begin than to end.
    let at = text.bytes().position(|byte| byte == b' ')?;
    Some((&text[..at], &text[at + 1..]))
}

/// Takes a request line apart and undoes its escapes; an unreadable one stays as it was logged.
fn read_request(text: &str, has_escapes: bool) -> RequestLine<'_> {
    let mut request = RequestLine::split(text);
    if has_escapes && !request.method.is_empty() {
        let plain = |text: Cow<'_, str>| unescape(&text).into_owned();
        request.path = Cow::Owned(plain(request.path));
        request.query = request.query.map(|query| Cow::Owned(plain(query)));
    }
    request
}

/// The quote that opens the request: the first one after `[time] `. A user's name may hold a quote, or brackets.
#[inline]
fn request_quote(line: &[u8]) -> Option<usize> {
    let is_request =
        |at: usize| at >= CLF_LEN + 3 && &line[at - 2..at] == b"] " && line[at - CLF_LEN - 3] == b'[';
    let first = memchr(b'"', line)?;
    if is_request(first) {
        return Some(first);
    }
    memchr::memchr_iter(b'"', line).find(|at| is_request(*at))
}

/// Cuts a line that has exactly the quotes of its layout and no escaped one; `None` when it needs a closer look.
#[inline]
fn cut_plain(line: &[u8], open: usize, quoted: usize, has_escapes: bool) -> Option<Cut> {
    let request = (open + 1, plain_quote(line, open + 1, has_escapes)?);
    let numbers = read_numbers(line, request.1 + 1)?;
    let mut cut = Cut {
        request,
        numbers,
        quoted: [(0, 0); QUOTED_MAX],
        is_ambiguous: false,
    };
    let mut end = numbers.end;
    for field in &mut cut.quoted[..quoted] {
        if line.get(end..end + 2) != Some(b" \"") {
            return None;
        }
        let close = plain_quote(line, end + 2, has_escapes)?;
        *field = (end + 2, close);
        end = close + 1;
    }
    let is_over = end == line.len() || (line[end] == b' ' && memchr(b'"', &line[end..]).is_none());
    is_over.then_some(cut)
}

/// The next quote, unless a backslash stands before it.
#[inline]
fn plain_quote(line: &[u8], from: usize, has_escapes: bool) -> Option<usize> {
    let at = from + memchr(b'"', &line[from..])?;
    (!has_escapes || line[at - 1] != b'\\').then_some(at)
}

/// Reads ` 200 512`, as it follows the request's closing quote: status (`-`: none), then size (`-`: none).
#[inline]
pub(super) fn read_numbers(line: &[u8], from: usize) -> Option<Numbers> {
    let rest = line.get(from..)?.strip_prefix(b" ")?;
    let (status, len) = read_number(rest, 3)?;
    let rest = rest[len..].strip_prefix(b" ")?;
    let (bytes_out, size_len) = read_number(rest, SIZE_DIGITS_MAX)?;
    let end = from + 1 + len + 1 + size_len;
    if !matches!(line.get(end), None | Some(b' ')) {
        return None;
    }
    let status = u16::try_from(status.unwrap_or(0)).ok()?;
    Some(Numbers {
        status,
        bytes_out,
        end,
    })
}

/// Reads digits or `-` up to the next space; gives the number and its length.
#[inline]
fn read_number(text: &[u8], digits_max: usize) -> Option<(Option<u64>, usize)> {
    if text.first() == Some(&b'-') {
        return Some((None, 1));
    }
    let (mut value, mut len) = (0u64, 0);
    while let Some(digit) = text
        .get(len)
        .map(|byte| byte.wrapping_sub(b'0'))
        .filter(|digit| *digit < 10)
    {
        if len == digits_max {
            return None;
        }
        value = value * 10 + u64::from(digit);
        len += 1;
    }
    (len > 0).then_some((Some(value), len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_or_refused() {
        let read =
            |text: &str| read_numbers(text.as_bytes(), 0).map(|numbers| (numbers.status, numbers.bytes_out));
        assert_eq!(read(" 200 512"), Some((200, Some(512))));
        assert_eq!(read(" 408 - \"-\""), Some((408, None)));
        assert_eq!(read(" 000 0"), Some((0, Some(0))));
        assert_eq!(read(" - -"), Some((0, None)));
        for text in [
            "",
            " 200",
            " 2000 5",
            " 200 5x",
            "200 5",
            " x 5",
            " 200 99999999999999999999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_request_is_found_behind_a_hostile_user_name() {
        let time = "[22/Nov/2026:23:48:42 +0000]";
        for user in ["-", "a b", "a\"b", "[x] ", "[22/Nov/2026:00:00:00 +0000]"] {
            let line = format!("203.0.113.9 - {user} {time} \"GET / HTTP/1.1\" 200 5");
            let open = request_quote(line.as_bytes()).expect("a request");
            assert_eq!(&line[open..open + 4], "\"GET", "{user}");
        }
    }
}
