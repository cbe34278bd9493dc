//! The escapes inside quoted fields of text logs: NGINX writes `\x22`, Apache also `\"`, `\\`, `\n`, `\t`.

use std::borrow::Cow;

/// Whose way of escaping to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `"`, `\`, control characters and everything above ASCII as `\xHH`.
    Nginx,
    /// `\"` and `\\`, names for some control characters, the rest as `\xhh`.
    Apache,
}

/// Undoes both styles. What is no known escape stays as it is; bytes that are no UTF-8 become U+FFFD.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let (byte, len) = decode(&rest[at..]);
        out.push(byte);
        rest = &rest[at + len..];
    }
    out.extend_from_slice(rest);
    Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(broken) => String::from_utf8_lossy(broken.as_bytes()).into_owned(),
    })
}

/// The byte that the escape at the start stands for, and the escape's length.
fn decode(escape: &[u8]) -> (u8, usize) {
    match escape.get(1) {
        Some(b'x') => match (hex(escape.get(2)), hex(escape.get(3))) {
            (Some(high), Some(low)) => (high << 4 | low, 4),
            _ => (b'\\', 1),
        },
        Some(b'"') => (b'"', 2),
        Some(b'\\') => (b'\\', 2),
        Some(b'n') => (b'\n', 2),
        Some(b't') => (b'\t', 2),
        Some(b'r') => (b'\r', 2),
        Some(b'b') => (0x08, 2),
        Some(b'v') => (0x0b, 2),
        Some(b'f') => (0x0c, 2),
        _ => (b'\\', 1),
    }
}

/// The value of a hexadecimal digit.
pub(super) fn hex(byte: Option<&u8>) -> Option<u8> {
    let value = char::from(*byte?).to_digit(16)?;
    u8::try_from(value).ok()
}

/// Writes text so that [`unescape`] gives it back.
pub(super) fn escape(text: &str, style: Style, out: &mut Vec<u8>) {
    const UPPER: &[u8; 16] = b"0123456789ABCDEF";
    const LOWER: &[u8; 16] = b"0123456789abcdef";
    for &byte in text.as_bytes() {
        match (style, byte) {
            (Style::Apache, b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            (Style::Apache, b'\n') => out.extend_from_slice(b"\\n"),
            (Style::Apache, b'\t') => out.extend_from_slice(b"\\t"),
            (Style::Apache, b'\r') => out.extend_from_slice(b"\\r"),
            (_, b' '..=b'~') if byte != b'"' && byte != b'\\' => out.push(byte),
            _ => {
                let digits = if style == Style::Nginx { UPPER } else { LOWER };
                let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
                out.extend_from_slice(&[b'\\', b'x', digits[high], digits[low]]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(escaped: &str, plain: &str) {
        assert_eq!(unescape(escaped), plain, "{escaped}");
    }

    #[test]
    fn both_styles_are_undone() {
        check("plain", "plain");
        check(r"a\x22b\x5Cc", "a\"b\\c");
        check(r#"a\"b\\c\n"#, "a\"b\\c\n");
        check(r"\xD0\xB6", "ж");
        check(r"\xff!", "\u{fffd}!");
    }

    #[test]
    fn what_is_no_escape_stays() {
        check(r"C:\Users", r"C:\Users");
        check(r"\x2", r"\x2");
        check(r"\xzz", r"\xzz");
        check("\\", "\\");
    }

    proptest! {
        #[test]
        fn unescaping_undoes_escaping(text in "\\PC*|[\\x00-\\x7f]*", is_apache in any::<bool>()) {
            let style = if is_apache { Style::Apache } else { Style::Nginx };
            let mut escaped = Vec::new();
            escape(&text, style, &mut escaped);
            let escaped = String::from_utf8(escaped).expect("escaped text is ASCII");
            prop_assert_eq!(unescape(&escaped), text.as_str());
        }
    }
}
