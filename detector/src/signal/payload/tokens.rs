//! Values read as the database or the browser would read them: by tokens, not by words.
//!
//! Fragments know payloads that were seen; libinjection knows what SQL and markup are made of, and so finds the ones that
//! were written differently. It judges texts by the shape of their first five tokens, which prose can have by accident:
//! alone it weighs less than a fragment.

use super::{PayloadClass, PayloadHits};
use libinjectionrs::{detect_sqli, detect_xss};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// The shape is that of an injection. Prose of that shape is rare but exists, so that it takes five requests, not three, to
/// be sure.
const SHAPE: f32 = 0.6;

/// Reads one decoded, lower-cased value.
pub(super) fn read(value: &[u8], hits: &mut PayloadHits) {
    if may_be_sql(value) && detect_sqli(value).is_injection() {
        hits.add(PayloadClass::Sql, SHAPE);
    }
    if may_be_markup(value) && detect_xss(value).is_injection() {
        hits.add(PayloadClass::Script, SHAPE);
    }
}

/// SQL needs a quote or a comment; or else something between its words, and a comparison, a separator or a word of its own.
/// Brackets alone are prose, and `C=M;O=A` is how directory listings are sorted.
fn may_be_sql(value: &[u8]) -> bool {
    if value
        .iter()
        .any(|byte| matches!(byte, b'\'' | b'"' | b'`' | b'#'))
    {
        return true;
    }
    let is_between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'(' | b'*');
    value.iter().any(is_between)
        && (memchr::memchr2(b'=', b';', value).is_some()
            || WORDS.iter().any(|word| word.find(value).is_some()))
}

/// What SQL is written with when it needs none of the characters.
static WORDS: LazyLock<[Finder<'static>; 5]> =
    LazyLock::new(|| ["--", "/*", "union", "select", "sleep("].map(Finder::new));

/// Markup needs a tag, or a quote that ends an attribute. XML documents begin like script to libinjection and are none.
fn may_be_markup(value: &[u8]) -> bool {
    let opens =
        |pair: &[u8]| pair[0] == b'<' && (pair[1].is_ascii_alphabetic() || matches!(pair[1], b'/' | b'!'));
    let is_attribute =
        || memchr::memchr2(b'"', b'\'', value).is_some() && memchr::memchr(b'=', value).is_some();
    !value.starts_with(b"<?xml") && (value.windows(2).any(opens) || is_attribute())
}
