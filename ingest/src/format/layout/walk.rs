//! One pass over the usual line: every field ends where the text after it begins.
//!
//! Linear: each step begins where the last one ended, and what a field looks at beyond its own end is the stretch
//! up to the next quote, which at most the fields that stand before that quote look at: their number is fixed.

use super::field::{Escape, Field, Kind};
use super::sink::Sink;
use super::{Layout, Step, Tail};
use crate::format::Memory;
use crate::reject::Reason;
use memchr::{memchr, memchr2, memmem};

/// Reads a line that can be read in one way only; `None` when that takes a closer look.
///
/// Every quote in such a line is one that stands in the layout: a field between quotes ends at its first, a field
/// outside of them holds none. So no field could end at another.
///
/// # Errors
/// When a field was found and cannot be what it should be.
#[inline]
pub(super) fn plain<'a>(
    layout: &Layout,
    line: &'a str,
    sink: &mut Sink<'a>,
    memory: &mut Memory,
) -> Result<Option<()>, Reason> {
    let bytes = line.as_bytes();
    let mut at = 0;
    for step in &layout.steps {
        match step {
            Step::Literal(text) => {
                if !bytes[at..].starts_with(text.as_bytes()) {
                    return Ok(None);
                }
                at += text.len();
            }
            Step::Optional { open, close } => match skip_optional(&bytes[at..], open, close) {
                Some(len) => at += len,
                None => return Ok(None),
            },
            Step::Field {
                field,
                stop,
                is_quoted,
                is_loose,
            } => {
                if let Kind::Moment(moment) = &field.kind {
                    match sink.put_moment(field.piece, moment, &bytes[at..], memory) {
                        Some(len) => at += len,
                        None => return Ok(None),
                    }
                    continue;
                }
                let stop = stop.as_deref().map(str::as_bytes);
                let Some(len) = length(field, stop, *is_quoted, *is_loose, layout.escape, &bytes[at..])
                else {
                    return Ok(None);
                };
                let Some(text) = line.get(at..at + len) else {
                    return Ok(None);
                };
                if !field.piece.accepts(text.as_bytes()) {
                    return Ok(None);
                }
                sink.put(field.piece, text)?;
                at += len;
            }
        }
    }
    let is_over = match layout.tail {
        Tail::Nothing => at == bytes.len(),
        Tail::More => at == bytes.len() || bytes[at] == b' ',
    };
    Ok(is_over.then_some(()))
}

/// How long an optional text is: nothing when it does not begin here.
fn skip_optional(rest: &[u8], open: &str, close: &str) -> Option<usize> {
    let Some(inside) = rest.strip_prefix(open.as_bytes()) else {
        return Some(0);
    };
    let len = memmem::find(inside, close.as_bytes())?;
    // A quote in there is one that the layout does not know.
    memchr(b'"', &inside[..len])
        .is_none()
        .then_some(open.len() + len + close.len())
}

/// How long the field at the beginning of `rest` is, when only one length is possible.
#[inline]
fn length(
    field: &Field,
    stop: Option<&[u8]>,
    is_quoted: bool,
    is_loose: bool,
    escape: Escape,
    rest: &[u8],
) -> Option<usize> {
    match field.kind {
        Kind::Word | Kind::Moment(_) => {
            let last = stop.and_then(|stop| stop.first()).copied().unwrap_or(b' ');
            Some(word(rest, last))
        }
        Kind::List => Some(list(rest)),
        Kind::Free | Kind::Braces if is_quoted => quoted(rest, escape),
        Kind::Free | Kind::Braces => unquoted(rest, stop, is_loose),
    }
}

/// A word ends at a space, a quote, or where the text after it may begin.
#[inline]
pub(super) fn word(rest: &[u8], last: u8) -> usize {
    let is_end = |byte: &u8| *byte == last || matches!(byte, b' ' | b'"');
    rest.iter().position(is_end).unwrap_or(rest.len())
}

/// A list ends at a quote, or at a space that stands neither behind a comma nor beside a colon.
fn list(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr2(b' ', b'"', &rest[at..]) {
        at += found;
        if is_list_end(rest, at) {
            return at;
        }
        at += 1;
    }
    rest.len()
}

/// Whether a list could end before that byte.
pub(super) fn is_list_end(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| bytes[before]);
    match bytes[at] {
        b'"' => true,
        b' ' => {
            let is_after = before == Some(b',') || (before == Some(b':') && at > 1 && bytes[at - 2] == b' ');
            let is_before = bytes.get(at + 1) == Some(&b':') && bytes.get(at + 2) == Some(&b' ');
            !is_after && !is_before
        }
        _ => false,
    }
}

/// A field between quotes ends at the first quote that is not escaped.
#[inline]
fn quoted(rest: &[u8], escape: Escape) -> Option<usize> {
    if !escape.has_backslash() {
        return memchr(b'"', rest);
    }
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', rest.get(at..)?)?;
        if rest[at] == b'"' {
            return Some(at);
        }
        // A backslash takes the next byte with it.
        at += 2;
    }
}

/// A field without quotes ends where the text after it stands, if that is in one place only before the next quote.
fn unquoted(rest: &[u8], stop: Option<&[u8]>, is_loose: bool) -> Option<usize> {
    let Some(stop) = stop else {
        return memchr(b'"', rest).is_none().then_some(rest.len());
    };
    let quote = memchr(b'"', rest);
    // The text after it may begin at that quote, or hold it.
    let end = quote.map_or(rest.len(), |at| (at + stop.len()).min(rest.len()));
    let mut found = memmem::find_iter(&rest[..end], stop).filter(|at| quote.is_none_or(|quote| *at <= quote));
    let first = found.next()?;
    (is_loose || found.next().is_none()).then_some(first)
}
