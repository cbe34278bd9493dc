//! Syslog's messages as they come over a stream: with their length before them (octet counting, RFC 6587 3.4.1, and RFC 5425
//! over TLS), or each to its line break (3.4.2). What is inside is for `envelope` to unwrap.

/// Longest message, in bytes: gateways cap a request's head near 32 KiB. A longer one is cut, so that it is rejected and kept
/// by its beginning.
pub const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// Digits of the length before a message. More are no length.
const DIGITS_MAX: usize = 9;

/// How a connection tells where a message ends: seen from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Counted,
    Lines,
}

/// Cuts a connection's bytes into messages.
#[derive(Debug, Default)]
pub struct SyslogFramer {
    framing: Option<Framing>,
    buffer: Vec<u8>,
    /// Bytes at the buffer's beginning that hold no line break: they are looked through once, however small the pieces are that come.
    searched: usize,
    /// Bytes of a message that is too long, still to be passed over; for lines, until the break.
    skip: usize,
    is_skipping_line: bool,
}

/// A connection whose bytes are no messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection broke its own framing: a length was expected")]
pub struct BrokenFraming;

impl SyslogFramer {
    /// Takes bytes in and hands every whole message to `take`.
    ///
    /// # Errors
    /// When a length was expected and something else stands there: where a message begins is not known any more.
    pub fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8])) -> Result<(), BrokenFraming> {
        self.buffer.extend_from_slice(bytes);
        let mut start = 0;
        let result = loop {
            let left = &self.buffer[start..];
            let framing = match self.framing {
                Some(framing) => framing,
                None => match guess(left) {
                    Some(framing) => *self.framing.insert(framing),
                    None => break Ok(()),
                },
            };
            let step = match framing {
                Framing::Counted => counted(left, &mut self.skip, &mut take),
                Framing::Lines => Ok(line(
                    left,
                    &mut self.searched,
                    &mut self.is_skipping_line,
                    &mut take,
                )),
            };
            match step {
                Ok(0) => break Ok(()),
                Ok(used) => start += used,
                Err(broken) => break Err(broken),
            }
        };
        self.buffer.drain(..start);
        result
    }

    /// The connection has ended: a last line without its break is taken, half of a counted message is not.
    pub fn finish(&mut self, mut take: impl FnMut(&[u8])) {
        let rest = std::mem::take(&mut self.buffer);
        if self.framing != Some(Framing::Counted) && !self.is_skipping_line {
            give(&rest, &mut take);
        }
    }
}

/// Lengths are digits, a space, and the `<` of a message's priority; nothing else begins so. `None` while it cannot be said.
fn guess(bytes: &[u8]) -> Option<Framing> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > DIGITS_MAX || bytes[0] == b'0' {
        return (!bytes.is_empty()).then_some(Framing::Lines);
    }
    match bytes.get(digits..digits + 2) {
        Some(b" <") => Some(Framing::Counted),
        Some(_) => Some(Framing::Lines),
        None => match bytes.get(digits) {
            Some(b' ') | None => None,
            Some(_) => Some(Framing::Lines),
        },
    }
}

/// Takes one counted message or passes a part of it over; how many bytes were used.
fn counted(bytes: &[u8], skip: &mut usize, take: &mut impl FnMut(&[u8])) -> Result<usize, BrokenFraming> {
    if *skip > 0 {
        let used = bytes.len().min(*skip);
        *skip -= used;
        return Ok(used);
    }
    // Some senders end a counted message in a line break all the same.
    if matches!(bytes.first(), Some(b'\n' | b'\r')) {
        return Ok(1);
    }
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_length = (1..=DIGITS_MAX).contains(&digits) && bytes[0] != b'0';
    if (digits > 0 && !is_length) || bytes.get(digits).is_some_and(|byte| *byte != b' ') {
        return Err(BrokenFraming);
    }
    if bytes.len() <= digits {
        return Ok(0);
    }
    let length = std::str::from_utf8(&bytes[..digits])
        .ok()
        .and_then(|text| text.parse().ok());
    let length: usize = length.ok_or(BrokenFraming)?;
    let body = &bytes[digits + 1..];
    let kept = length.min(MESSAGE_BYTES_MAX + 1);
    if body.len() < kept {
        return Ok(0);
    }
    give(&body[..kept], take);
    *skip = length - kept;
    Ok(digits + 1 + kept)
}

/// Takes one line, or the beginning of one that is too long; how many bytes were used.
fn line(bytes: &[u8], searched: &mut usize, is_skipping: &mut bool, take: &mut impl FnMut(&[u8])) -> usize {
    let before = std::mem::take(searched).min(bytes.len());
    match memchr::memchr(b'\n', &bytes[before..]).map(|at| before + at) {
        Some(end) => {
            if !std::mem::take(is_skipping) {
                give(&bytes[..end.min(MESSAGE_BYTES_MAX + 1)], take);
            }
            end + 1
        }
        None if *is_skipping => bytes.len(),
        None if bytes.len() > MESSAGE_BYTES_MAX => {
            *is_skipping = true;
            give(&bytes[..=MESSAGE_BYTES_MAX], take);
            bytes.len()
        }
        None => {
            *searched = bytes.len();
            0
        }
    }
}

fn give(message: &[u8], take: &mut impl FnMut(&[u8])) {
    let message = trim(message);
    if !message.is_empty() {
        take(message);
    }
}

/// A message without what senders end it in: line breaks and a zero byte.
#[must_use]
pub fn trim(message: &[u8]) -> &[u8] {
    let end = message
        .iter()
        .rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0));
    &message[..end.map_or(0, |last| last + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds bytes in pieces of that size.
    fn frames(bytes: &[u8], piece: usize) -> (Vec<Vec<u8>>, bool) {
        let mut framer = SyslogFramer::default();
        let mut found = Vec::new();
        for piece in bytes.chunks(piece.max(1)) {
            if framer
                .feed(piece, |message| found.push(message.to_vec()))
                .is_err()
            {
                return (found, false);
            }
        }
        framer.finish(|message| found.push(message.to_vec()));
        (found, true)
    }

    fn check(bytes: &str, expected: &[&str], is_whole: bool) {
        for piece in 1..=bytes.len() {
            let (found, was_whole) = frames(bytes.as_bytes(), piece);
            let found: Vec<_> = found
                .iter()
                .map(|message| String::from_utf8_lossy(message))
                .collect();
            assert_eq!(
                (found, was_whole),
                (expected.iter().map(|text| (*text).into()).collect(), is_whole),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn the_framing_is_seen_from_the_first_bytes() {
        check("5 <1>ab7 <2>a\nbc", &["<1>ab", "<2>a\nbc"], true);
        check("5 <1>ab\n6 <2>abc", &["<1>ab", "<2>abc"], true);
        check("<1>ab\r\n<2>c\n\n<3>last", &["<1>ab", "<2>c", "<3>last"], true);
        check(
            "192.0.2.1 - - x\n200 GET /\n",
            &["192.0.2.1 - - x", "200 GET /"],
            true,
        );
        check("5 <1>abx", &["<1>ab"], false);
        check("9 <1>ab", &[], true);
    }

    #[test]
    fn a_message_that_is_too_long_is_cut_and_the_next_one_is_read() {
        let long = format!("<1>{}", "x".repeat(3 * MESSAGE_BYTES_MAX));
        for text in [
            format!("{} {long}5 <2>ok", long.len()),
            format!("{long}\n<2>ok\n"),
        ] {
            let (found, is_whole) = frames(text.as_bytes(), 1000);
            assert!(is_whole);
            assert_eq!(
                (found[0].len(), &found[1][..]),
                (MESSAGE_BYTES_MAX + 1, &b"<2>ok"[..])
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_framed_alike_in_pieces_of_any_size(
            bytes in proptest::collection::vec(proptest::sample::select(b"0123 <a\n".to_vec()), 0..60),
            piece in 1..10usize,
        ) {
            prop_assert_eq!(frames(&bytes, piece), frames(&bytes, bytes.len()));
        }
    }
}
