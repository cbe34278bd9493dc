//! The path with its variable parts taken out: `/users/7` becomes `/users/{id}`.
//!
//! Numbers, UUIDs, hashes, tokens, dates and mail addresses become `{id}`; words and versions (`v1`) stay. An
//! attacker chooses the path, so everything is bounded: segments, their length, and with them the template.
//! [`digest`] hashes exactly what [`template`] writes, so equal templates mean equal hashes by construction. One kind of
//! path is excepted: where nothing but tokens is left (`/9f86d081`, `/9f86d081/f64b5e2a`), a template would say nothing,
//! and a site whose every page has such an address would be one route. There each path is a route of its own.
//!
//! A path's template is a function of the path alone: nothing is learned, so nothing that came before makes it another, and
//! nobody can teach it wrongly. Where the operator's OpenAPI documents name a route, they decide instead ([`RouteCatalogue`]).

mod catalogue;
mod documents;
mod ids;
mod memo;

pub use catalogue::{DOCUMENTED_BYTES_MAX, ROUTES_MAX, RouteCatalogue, WrongTemplate};
pub use documents::{DocumentedRoutes, RouteUse};
pub use ids::{IdKind, PathId, ids};
pub(crate) use memo::RouteMemo;

use crate::query_object;
use domain::{Documented, HashKey, ObjectId, Route};

/// Most segments that a template shows; the rest becomes [`REST`]. Real routes stay far below.
pub const SEGMENTS_MAX: usize = 16;

/// Longest segment that is taken for a word. Longer ones are data.
pub const WORD_BYTES_MAX: usize = 48;

/// Most bytes of a template: every segment a longest word, and the marks.
const TEMPLATE_BYTES_MAX: usize = SEGMENTS_MAX * (WORD_BYTES_MAX + 16) + 32;

const VARIABLE: &[u8] = b"{id}";
const REST: &[u8] = b"/{rest}";
/// Stands for the scheme and host of an absolute URL: open-proxy tests name a new one each.
const ABSOLUTE: &[u8] = b"{absolute}";
/// Stands for whatever is no path: the raw text of a malformed request.
const OTHER: &[u8] = b"{other}";

/// Shortest run of hexadecimal digits that is taken for a hash.
const HEX_BYTES_MIN: usize = 8;
/// Shortest run of mixed letters and digits that is taken for a random token.
const TOKEN_BYTES_MIN: usize = 16;
/// Digits that a random token of letters and digits has at least.
const TOKEN_DIGITS_MIN: u32 = 2;
/// Longest extension of a file name.
const EXTENSION_BYTES_MAX: usize = 5;

/// Extensions of files that pages load by themselves.
const ASSET_EXTENSIONS: &[&[u8]] = &[
    b"css",
    b"js",
    b"mjs",
    b"map",
    b"png",
    b"jpg",
    b"jpeg",
    b"gif",
    b"svg",
    b"ico",
    b"webp",
    b"avif",
    b"bmp",
    b"woff",
    b"woff2",
    b"ttf",
    b"otf",
    b"eot",
    b"mp4",
    b"webm",
    b"mp3",
    b"ogg",
    b"m4a",
    b"wasm",
    b"webmanifest",
];
/// Longest of them.
const ASSET_EXTENSION_BYTES_MAX: usize = 11;

/// Digests a path, and takes the object from the query where the path names none.
#[must_use]
pub fn of(path: &str, query: Option<&str>, key: &HashKey) -> Route {
    of_digest(digest(path, key), query, key)
}

fn of_digest(mut route: Route, query: Option<&str>, key: &HashKey) -> Route {
    if route.object.is_none() && !route.is_asset {
        route.object = query.and_then(|query| query_object::named(query, key));
    }
    route
}

/// Digests a path without its query.
#[must_use]
pub fn digest(path: &str, key: &HashKey) -> Route {
    digest_hashed(path, key.hash(path.as_bytes()), key)
}

fn digest_hashed(path: &str, path_hash: u64, key: &HashKey) -> Route {
    let mut template = Template::new();
    let shape = template.fill(path);
    let template_hash = if shape.is_opaque() || template.as_bytes() == path.as_bytes() {
        path_hash
    } else {
        key.hash(template.as_bytes())
    };
    Route {
        template: template_hash,
        path: path_hash,
        depth: u8::try_from(shape.depth).unwrap_or(u8::MAX),
        is_asset: shape.is_asset,
        documented: Documented::Unasked,
        object: shape
            .object
            .filter(|_| !shape.is_opaque())
            .map(|text| object(text, key)),
    }
}

/// Digests a path by what documents name; `templates` are the hashes of their routes.
fn digest_documented(
    path: &str,
    path_hash: u64,
    key: &HashKey,
    (catalogue, templates): (&RouteCatalogue, &[u64]),
) -> Route {
    let fit = catalogue.fit(path);
    let documented = fit.map_or(Documented::No, |fit| Documented::As(fit.number));
    match fit.filter(|fit| fit.is_plain) {
        Some(fit) => Route {
            template: templates[usize::from(fit.number)],
            path: path_hash,
            depth: u8::try_from(fit.depth).unwrap_or(u8::MAX),
            is_asset: is_asset(fit.last()),
            documented,
            object: fit.values().rev().flatten().next().map(|text| object(text, key)),
        },
        None => Route {
            documented,
            ..digest_hashed(path, path_hash, key)
        },
    }
}

fn object(text: &[u8], key: &HashKey) -> ObjectId {
    ObjectId {
        hash: key.hash(text),
        number: number(text),
    }
}

/// Writes a path's template.
#[must_use]
pub fn template(path: &str) -> String {
    let mut template = Template::new();
    template.fill(path);
    String::from_utf8_lossy(template.as_bytes()).into_owned()
}

/// What filling a template finds on the way.
struct Shape<'a> {
    depth: usize,
    is_asset: bool,
    /// Whether a segment is a word, a number or a mail address.
    has_meaning: bool,
    object: Option<&'a [u8]>,
}

impl Shape<'_> {
    /// Whether the path holds tokens and nothing else.
    fn is_opaque(&self) -> bool {
        self.depth > 0 && !self.has_meaning
    }
}

/// A template in fixed memory.
struct Template {
    bytes: [u8; TEMPLATE_BYTES_MAX],
    len: usize,
}

impl Template {
    fn new() -> Self {
        Self {
            bytes: [0; TEMPLATE_BYTES_MAX],
            len: 0,
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Appends what fits: the limits of segments leave room for all of it.
    fn push(&mut self, text: &[u8]) {
        let end = (self.len + text.len()).min(TEMPLATE_BYTES_MAX);
        let taken = end - self.len;
        self.bytes[self.len..end].copy_from_slice(&text[..taken]);
        self.len = end;
    }

    fn fill<'a>(&mut self, path: &'a str) -> Shape<'a> {
        let mut shape = Shape {
            depth: 0,
            is_asset: false,
            has_meaning: false,
            object: None,
        };
        let Some(rest) = self.open(path) else {
            return shape;
        };
        let mut last: &[u8] = b"";
        for segment in rest
            .split(|byte| *byte == b'/')
            .filter(|segment| !segment.is_empty())
        {
            shape.depth += 1;
            last = segment;
            if shape.depth <= SEGMENTS_MAX {
                self.push(b"/");
                let object = self.push_segment(segment);
                shape.has_meaning |= object.is_none_or(|text| !is_token(text));
                shape.object = object.or(shape.object);
            }
        }
        if shape.depth > SEGMENTS_MAX {
            self.push(REST);
        } else if shape.depth == 0 {
            self.push(b"/");
        }
        shape.is_asset = is_asset(last);
        shape
    }

    /// Begins the template; gives the part of the path to take apart, or `None` when there is none.
    fn open<'a>(&mut self, path: &'a str) -> Option<&'a [u8]> {
        if path.starts_with('/') {
            return Some(path.as_bytes());
        }
        let is_scheme = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        if let Some((_, rest)) = path.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) {
            self.push(ABSOLUTE);
            return Some(rest.split_once('/').map_or("", |(_host, path)| path).as_bytes());
        }
        self.push(if path == "*" { b"*" } else { OTHER });
        None
    }

    /// Appends one segment, its variable part replaced; gives that part.
    fn push_segment<'a>(&mut self, segment: &'a [u8]) -> Option<&'a [u8]> {
        // `;jsessionid=…` and other parameters of a segment are data.
        let (name, has_parameters) = match memchr::memchr(b';', segment) {
            Some(at) => (&segment[..at], true),
            None => (segment, false),
        };
        let (stem, extension) = split_extension(name);
        let object = if is_variable(stem) {
            self.push(VARIABLE);
            self.push(extension);
            Some(stem)
        } else if extension.is_empty() || !is_variable(name) {
            self.push(name);
            None
        } else {
            self.push(VARIABLE);
            Some(name)
        };
        if has_parameters {
            self.push(b";{id}");
        }
        object
    }
}

/// Splits `7.json` into `7` and `.json`; an extension begins with a letter.
fn split_extension(name: &[u8]) -> (&[u8], &[u8]) {
    let from = name.len().saturating_sub(EXTENSION_BYTES_MAX + 1);
    let Some(dot) = memchr::memrchr(b'.', &name[from..]).map(|at| from + at) else {
        return (name, b"");
    };
    let extension = &name[dot + 1..];
    let is_extension = extension.first().is_some_and(u8::is_ascii_alphabetic)
        && extension.iter().all(u8::is_ascii_alphanumeric);
    if dot > 0 && is_extension {
        (&name[..dot], &name[dot..])
    } else {
        (name, b"")
    }
}

/// Whether a segment names an object rather than a kind of thing.
fn is_variable(segment: &[u8]) -> bool {
    if segment.len() > WORD_BYTES_MAX {
        return true;
    }
    // Most segments are words, and are left at once.
    if !segment.iter().any(|byte| byte.is_ascii_digit() || *byte == b'@') {
        return false;
    }
    let mut counts = Counts::default();
    for &byte in segment {
        counts.add(byte);
    }
    let len = segment.len();
    if counts.at_signs > 0 {
        return is_mail(segment);
    }
    // 7, 2024-01-31, 12.5, 1,2,3, -4
    let is_number = counts.digits + counts.number_marks == len;
    // UUIDs, with dashes or without, and hashes.
    let is_hash = counts.hex + counts.dashes == len
        && counts.hex >= HEX_BYTES_MIN
        && counts.longest_run >= HEX_BYTES_MIN;
    // The longest run of letters and digits decides: slugs are made of short ones.
    let is_token = counts.longest_mixed_run >= TOKEN_BYTES_MIN;
    is_number || is_hash || is_token
}

/// Counts of a segment's bytes by kind, made in one pass.
#[derive(Default)]
struct Counts {
    digits: usize,
    hex: usize,
    dashes: usize,
    number_marks: usize,
    at_signs: usize,
    run: usize,
    run_digits: u32,
    run_letters: u32,
    longest_run: usize,
    longest_mixed_run: usize,
}

impl Counts {
    fn add(&mut self, byte: u8) {
        match byte {
            b'0'..=b'9' => {
                self.digits += 1;
                self.hex += 1;
                self.run_digits += 1;
            }
            b'a'..=b'z' | b'A'..=b'Z' => {
                self.hex += usize::from(byte.is_ascii_hexdigit());
                self.run_letters += 1;
            }
            _ => {
                self.number_marks += usize::from(matches!(byte, b'-' | b'.' | b',' | b':'));
                self.dashes += usize::from(byte == b'-');
                self.at_signs += usize::from(byte == b'@');
                (self.run, self.run_digits, self.run_letters) = (0, 0, 0);
                return;
            }
        }
        self.run += 1;
        self.longest_run = self.longest_run.max(self.run);
        if self.run_digits >= TOKEN_DIGITS_MIN && self.run_letters > 0 {
            self.longest_mixed_run = self.longest_mixed_run.max(self.run);
        }
    }
}

/// `somebody@example.org`, as far as a path shows it.
fn is_mail(segment: &[u8]) -> bool {
    memchr::memchr(b'@', segment).is_some_and(|at| at > 0 && segment[at + 1..].contains(&b'.'))
}

/// Whether a variable part is of letters and digits: no number, date or mail address.
fn is_token(text: &[u8]) -> bool {
    text.len() <= WORD_BYTES_MAX
        && text.iter().any(u8::is_ascii_alphabetic)
        && memchr::memchr(b'@', text).is_none()
}

/// The value of a decimal number below 2^63.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = text
        .iter()
        .fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    (value < 1 << 63).then_some(value)
}

/// Whether the last segment is a file that pages load by themselves.
fn is_asset(segment: &[u8]) -> bool {
    let Some(dot) = memchr::memrchr(b'.', segment) else {
        return false;
    };
    let extension = &segment[dot + 1..];
    extension.len() <= ASSET_EXTENSION_BYTES_MAX
        && ASSET_EXTENSIONS
            .iter()
            .any(|asset| asset.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests;
