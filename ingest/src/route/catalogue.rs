//! The routes that documents name, as a trie over the segments of their paths: what a person wrote down goes before what the
//! look of a path tells.
//!
//! Looking a path up takes nothing from the allocator and visits each node at most once, since a node stands at one depth: a
//! literal goes before a segment that is a parameter in part, and that before a whole one, as OpenAPI has it. Names of parameters
//! tell nothing here: `/users/{userId}` and `/users/{name}` are one route, `/users/{id}`, and that is what the built-in templates
//! make of it, too, so that what was learned of a route outlives the day on which it is documented.

use super::{REST, SEGMENTS_MAX, VARIABLE, WORD_BYTES_MAX, is_variable};
use std::collections::BTreeMap;
use std::fmt;

/// Most routes of all documents together: the largest published document has a few thousand, and their numbers are 16 bits.
pub const ROUTES_MAX: usize = 20_000;

/// Longest template in bytes, as a document writes it.
pub const DOCUMENTED_BYTES_MAX: usize = 2048;

/// A template that no path can fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongTemplate {
    /// It begins with no slash.
    NoSlash,
    /// A brace is left open, closed before it is opened, or opened twice.
    Braces,
    /// A parameter has no name.
    NoName,
    /// Nothing stands between two parameters.
    NoJoint,
    /// It has more than [`SEGMENTS_MAX`] segments.
    TooDeep,
    /// It is longer than [`DOCUMENTED_BYTES_MAX`].
    TooLong,
    /// More than [`ROUTES_MAX`] routes.
    TooMany,
}

impl fmt::Display for WrongTemplate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSlash => out.write_str("a path that begins with a slash"),
            Self::Braces => out.write_str("a closing brace for every opening one"),
            Self::NoName => out.write_str("a name between the braces"),
            Self::NoJoint => out.write_str("some text between two parameters of a segment"),
            Self::TooDeep => write!(out, "at most {SEGMENTS_MAX} segments"),
            Self::TooLong => write!(out, "at most {DOCUMENTED_BYTES_MAX} bytes"),
            Self::TooMany => write!(out, "at most {ROUTES_MAX} routes in all documents"),
        }
    }
}

impl std::error::Error for WrongTemplate {}

/// Every documented route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteCatalogue {
    nodes: Vec<Node>,
    routes: Vec<DocumentedRoute>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DocumentedRoute {
    template: String,
    /// Whether a segment is written out. Where none is, the template fits everything and says nothing.
    has_words: bool,
}

/// What may come after the segments before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    literals: Vec<Literal>,
    /// Those with the most text first.
    patterns: Vec<(Pattern, u32)>,
    parameter: Option<u32>,
    /// The number of the route that ends here.
    end: Option<u16>,
}

/// A segment that is written out. Sorted by its head, which decides nearly always.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Literal {
    head: u64,
    text: Box<[u8]>,
    next: u32,
}

/// A segment with parameters in it: the texts around them, one more than parameters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern(Vec<Box<[u8]>>);

/// Where something stands in a path. Paths of 64 KiB and more fit nothing: lines are not so long.
type Place = (u16, u16);

/// Places, one for each segment; what has none is empty.
type Places = [Place; SEGMENTS_MAX];

/// A path that fits a documented route.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit<'p> {
    path: &'p [u8],
    pub(super) number: u16,
    /// What stands in the place of each segment's last parameter.
    values: Places,
    /// Number of segments.
    pub(super) depth: usize,
    /// Where the last one begins.
    last: u16,
    /// Whether the path counts as its route, and not only as documented: see [`RouteCatalogue::fit`].
    pub(super) is_plain: bool,
}

impl RouteCatalogue {
    /// Compiles templates as documents write them: `/users/{userId}/orders`. Those that differ in the names of parameters only
    /// are one.
    ///
    /// # Errors
    /// The first template that cannot be used, by its place, and what was expected.
    pub fn new<'t>(templates: impl IntoIterator<Item = &'t str>) -> Result<Self, (usize, WrongTemplate)> {
        let mut sorted = BTreeMap::new();
        for (place, template) in templates.into_iter().enumerate() {
            let segments = segments_of(template).map_err(|wrong| (place, wrong))?;
            sorted.insert(written(&segments), segments);
            if sorted.len() > ROUTES_MAX {
                return Err((place, WrongTemplate::TooMany));
            }
        }
        let mut made = Self {
            nodes: vec![Node::default()],
            routes: Vec::with_capacity(sorted.len()),
        };
        for (template, segments) in sorted {
            made.add(template, segments);
        }
        for node in &mut made.nodes {
            node.literals.sort_unstable();
            node.patterns
                .sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.text_bytes()));
        }
        Ok(made)
    }

    /// Number of routes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// The routes by their numbers, their parameters written as `{id}`.
    pub fn templates(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| route.template.as_str())
    }

    /// The number of the route that a path fits.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<u16> {
        self.fit(path).map(|fit| fit.number)
    }

    /// The template under which a path counts; `None` where the look of the path decides.
    #[must_use]
    pub fn template(&self, path: &str) -> Option<&str> {
        let fit = self.fit(path).filter(|fit| fit.is_plain)?;
        Some(&self.routes[usize::from(fit.number)].template)
    }

    /// Looks a path up.
    ///
    /// A path counts as its route where all that stands in the place of parameters looks like a name: letters, digits, few
    /// marks. What else stands there (`/users/.env`, `/users/7'--`) was documented by nobody, and a route that many clients use
    /// with success must not vouch for it. The same holds of a route that is nothing but parameters.
    #[inline]
    pub(super) fn fit<'p>(&self, path: &'p str) -> Option<Fit<'p>> {
        let path = path.as_bytes();
        let (segments, depth, last) = split(path)?;
        let mut values = Places::default();
        let number = self.walk(0, path, &segments[..depth], &mut values)?;
        let mut fit = Fit {
            path,
            number,
            values,
            depth,
            last,
            is_plain: false,
        };
        fit.is_plain = self.routes[usize::from(number)].has_words && fit.values().flatten().all(is_name);
        Some(fit)
    }

    /// The route that the segments lead to from a node. As deep as there are segments, [`SEGMENTS_MAX`] at most.
    fn walk(&self, node: u32, path: &[u8], segments: &[Place], values: &mut [Place]) -> Option<u16> {
        let node = &self.nodes[node as usize];
        let Some((place, rest)) = segments.split_first() else {
            return node.end;
        };
        let (value, values) = values.split_first_mut()?;
        let segment = &path[usize::from(place.0)..usize::from(place.1)];
        if let Some(next) = node.literal(segment)
            && let Some(found) = self.walk(next, path, rest, values)
        {
            return Some(found);
        }
        for (pattern, next) in &node.patterns {
            let Some((from, to)) = pattern.last_value(segment) else {
                continue;
            };
            if let Some(found) = self.walk(*next, path, rest, values) {
                *value = (place.0 + from, place.0 + to);
                return Some(found);
            }
        }
        // A parameter is never empty: `/users/;v=1` names no user.
        let next = node.parameter.filter(|_| !segment.is_empty())?;
        let found = self.walk(next, path, rest, values)?;
        *value = *place;
        Some(found)
    }

    fn add(&mut self, template: String, segments: Vec<Pattern>) {
        let has_words = segments.is_empty() || segments.iter().any(|segment| segment.0.len() == 1);
        // At most ROUTES_MAX of them.
        let number = u16::try_from(self.routes.len()).unwrap_or(u16::MAX);
        self.routes.push(DocumentedRoute { template, has_words });
        let mut at = 0;
        for segment in segments {
            at = self.step(at, segment);
        }
        self.nodes[at as usize].end = Some(number);
    }

    /// The node behind a segment, made where there is none.
    fn step(&mut self, from: u32, segment: Pattern) -> u32 {
        let fresh = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let node = &mut self.nodes[from as usize];
        let known = match &*segment.0 {
            [text] => {
                // Thousands may stand side by side, and each is compared with all before it.
                let head = head(text);
                let is_same = |known: &&Literal| known.head == head && known.text == *text;
                node.literals.iter().find(is_same).map(|known| known.next)
            }
            [before, after] if before.is_empty() && after.is_empty() => node.parameter,
            _ => node
                .patterns
                .iter()
                .find(|(known, _)| *known == segment)
                .map(|(_, next)| *next),
        };
        if let Some(known) = known {
            return known;
        }
        match &*segment.0 {
            [text] => node.literals.push(Literal {
                head: head(text),
                text: text.clone(),
                next: fresh,
            }),
            [before, after] if before.is_empty() && after.is_empty() => node.parameter = Some(fresh),
            _ => node.patterns.push((segment, fresh)),
        }
        self.nodes.push(Node::default());
        fresh
    }
}

impl<'p> Fit<'p> {
    /// What each segment holds in the place of its last parameter.
    pub(super) fn values(&self) -> impl DoubleEndedIterator<Item = Option<&'p [u8]>> + use<'p> {
        let (path, values) = (self.path, self.values);
        let value = move |(from, to): Place| (from < to).then(|| &path[usize::from(from)..usize::from(to)]);
        values.into_iter().take(self.depth).map(value)
    }

    /// The last segment, for what kind of file it is.
    pub(super) fn last(&self) -> &'p [u8] {
        let rest = &self.path[usize::from(self.last)..];
        rest.split(|byte| *byte == b'/').next().unwrap_or(rest)
    }
}

/// The segments of a path without their parameters (`;jsessionid=…`), how many there are, and where the last one begins.
/// One pass over the bytes: segments are short.
#[inline]
fn split(path: &[u8]) -> Option<(Places, usize, u16)> {
    if path.first() != Some(&b'/') || path.len() > usize::from(u16::MAX) {
        return None;
    }
    let mut places = Places::default();
    let (mut depth, mut last) = (0, 0);
    let mut from = 1;
    while from < path.len() {
        let rest = &path[from..];
        let name = rest
            .iter()
            .position(|byte| matches!(byte, b'/' | b';'))
            .unwrap_or(rest.len());
        let len = match rest.get(name) {
            Some(b';') => memchr::memchr(b'/', rest).unwrap_or(rest.len()),
            _ => name,
        };
        if len > 0 {
            // Lossless: no path is longer.
            *places.get_mut(depth)? = (from as u16, (from + name) as u16);
            last = from as u16;
            depth += 1;
        }
        from += len + 1;
    }
    Some((places, depth, last))
}

impl Node {
    #[inline]
    fn literal(&self, segment: &[u8]) -> Option<u32> {
        let wanted = head(segment);
        let from = self.literals.partition_point(|literal| literal.head < wanted);
        let alike = self.literals[from..]
            .iter()
            .take_while(|literal| literal.head == wanted);
        // The head holds the first eight bytes.
        let is_same = |literal: &&Literal| {
            literal.text.len() == segment.len() && (segment.len() <= 8 || literal.text[8..] == segment[8..])
        };
        alike.into_iter().find(is_same).map(|literal| literal.next)
    }
}

/// The first eight bytes, and the length over the last of them: of the words of one place hardly two share both. Texts of one
/// length with one head begin with the same bytes.
#[inline]
fn head(text: &[u8]) -> u64 {
    let len = text.len();
    let bytes = if let Some(first) = text.first_chunk::<8>() {
        u64::from_le_bytes(*first)
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        // They overlap; shifted into its place the second says the same where they do.
        let last = u64::from(u32::from_le_bytes(*last));
        u64::from(u32::from_le_bytes(*first)) | last << (8 * (len - 4))
    } else {
        text.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    bytes ^ (len as u64) << 56
}

impl Pattern {
    fn text_bytes(&self) -> usize {
        self.0.iter().map(|text| text.len()).sum()
    }

    /// What stands in the place of the last parameter; `None` when the segment does not fit. Each text is looked for behind the
    /// one before it, and no parameter is empty.
    fn last_value(&self, segment: &[u8]) -> Option<Place> {
        let (first, others) = self.0.split_first()?;
        let (last, joints) = others.split_last()?;
        let rest = segment.strip_prefix(&**first)?.strip_suffix(&**last)?;
        let to = first.len() + rest.len();
        let mut from = first.len();
        for joint in joints {
            // Behind a byte of the parameter before.
            let rest = segment.get(from + 1..to)?;
            from += memchr::memmem::find(rest, joint)? + 1 + joint.len();
        }
        // Lossless: a segment is no longer than its path.
        (from < to).then_some((from as u16, to as u16))
    }
}

/// Whether that may be the name of something: a word, a number, whatever the built-in templates take for an id.
fn is_name(value: &[u8]) -> bool {
    let mut has_dot = false;
    value.len() <= WORD_BYTES_MAX
        && value.iter().all(|byte| {
            has_dot |= *byte == b'.';
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'_' | b'~' | b',' | b':' | b'@' | b'+' | b'.')
        })
        && (!has_dot || is_variable(value))
}

/// Takes a template apart.
fn segments_of(template: &str) -> Result<Vec<Pattern>, WrongTemplate> {
    let rest = template.strip_prefix('/').ok_or(WrongTemplate::NoSlash)?;
    if template.len() > DOCUMENTED_BYTES_MAX {
        return Err(WrongTemplate::TooLong);
    }
    let segments: Vec<Pattern> = rest
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(pattern_of)
        .collect::<Result<_, _>>()?;
    if segments.len() > SEGMENTS_MAX {
        return Err(WrongTemplate::TooDeep);
    }
    Ok(segments)
}

fn pattern_of(segment: &str) -> Result<Pattern, WrongTemplate> {
    let mut texts = Vec::new();
    let mut rest = segment;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').ok_or(WrongTemplate::Braces)?;
        if before.contains('}') || name.contains('{') {
            return Err(WrongTemplate::Braces);
        }
        if name.trim().is_empty() {
            return Err(WrongTemplate::NoName);
        }
        if before.is_empty() && !texts.is_empty() {
            return Err(WrongTemplate::NoJoint);
        }
        texts.push(as_sent(before));
        rest = after;
    }
    if rest.contains('}') {
        return Err(WrongTemplate::Braces);
    }
    texts.push(as_sent(rest));
    Ok(Pattern(texts))
}

/// A text as clients send it: what is no ASCII, and spaces, percent-encoded (RFC 3986).
fn as_sent(text: &str) -> Box<[u8]> {
    let mut sent = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            sent.push(byte);
        } else {
            sent.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    sent.into()
}

/// The template with every parameter as `{id}`.
fn written(segments: &[Pattern]) -> String {
    let mut text = String::new();
    for segment in segments {
        text.push('/');
        let parts: Vec<_> = segment
            .0
            .iter()
            .map(|part| String::from_utf8_lossy(part))
            .collect();
        text += &parts.join(&String::from_utf8_lossy(VARIABLE));
    }
    if text.is_empty() {
        text.push('/');
    }
    debug_assert!(
        !text.as_bytes().ends_with(REST),
        "templates are no deeper than that"
    );
    text
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
