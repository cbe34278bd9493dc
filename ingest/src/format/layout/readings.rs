//! A closer look at a line: all ways to read it are counted, and the leftmost is taken.
//!
//! From the last step to the first, for every place of the line: in how many ways (none, one, more) can the rest of
//! the layout be read from there? That takes time in proportion to the line, whatever stands in it: each step looks
//! at each place once, and what it has to know about the places behind it (the next end of a word, the sum over all
//! ends of a free text) is carried along from right to left.

use super::field::{Field, Kind, Piece};
use super::sink::Sink;
use super::walk::is_list_end;
use super::{Layout, Step, Tail};
use crate::format::Memory;
use crate::reject::Reason;
use memchr::memchr_iter;

/// Longest line that is looked at this closely, in bytes: a gateway's largest request header, every byte of it escaped.
/// Two layouts of eighty steps over a longer one would cost milliseconds.
const CLOSER_LOOK_BYTES_MAX: usize = 64 * 1024;

/// Whose quotes may end a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    /// Those that no backslash escapes.
    Unescaped,
    /// All of them: somebody who escapes nothing may end a field with a backslash.
    All,
    /// All, and the end of the line: relays cut long lines, and a client decides how long his texts are.
    OrCut,
}

/// Reads the leftmost way; whether the line can be read in another.
///
/// # Errors
/// When there is no way to read it, or a field cannot be what it should be.
pub(super) fn closer<'a>(
    layout: &Layout,
    line: &'a str,
    sink: &mut Sink<'a>,
    memory: &mut Memory,
) -> Result<bool, Reason> {
    if line.len() > CLOSER_LOOK_BYTES_MAX {
        return Err(Reason::Invalid("line: too long for a closer look"));
    }
    if !layout.may_begin(line.as_bytes(), memory) {
        return Err(layout.explain(line, memory));
    }
    for quotes in [Quotes::Unescaped, Quotes::All, Quotes::OrCut] {
        // Where nothing is escaped all quotes are alike.
        let is_same = !layout.escape.has_backslash() || !line.contains('\\');
        if quotes == Quotes::All && is_same {
            continue;
        }
        if let Some(ways) = Ways::count(layout, line.as_bytes(), quotes, memory) {
            ways.take(layout, line, sink, memory)?;
            return Ok(ways.of(0, 0) > 1 || quotes != Quotes::Unescaped);
        }
        if quotes == Quotes::Unescaped && !layout.may_have_other_readings(line) {
            break;
        }
    }
    Err(layout.explain(line, memory))
}

/// In how many ways the rest of a layout can be read: none, one, or more, for each step and place.
struct Ways {
    /// One row a step and one more for the end; each has a place for every byte and one more for the end.
    rows: Vec<u8>,
    width: usize,
    /// The next quote that may end a field, at or behind each place.
    quotes: Vec<usize>,
    /// Whether the line may have been cut in its last field.
    is_cut: bool,
}

impl Ways {
    fn of(&self, step: usize, at: usize) -> u8 {
        self.rows[step * self.width + at]
    }

    /// Counts; `None` when there is no way at all, which most lines of another layout show at their last fields.
    fn count(layout: &Layout, line: &[u8], quotes: Quotes, memory: &mut Memory) -> Option<Self> {
        let width = line.len() + 1;
        let steps = layout.steps.len();
        let mut ways = Self {
            rows: vec![0; width * (steps + 1)],
            width,
            quotes: next_quotes(line, quotes == Quotes::Unescaped && layout.escape.has_backslash()),
            is_cut: quotes == Quotes::OrCut,
        };
        for at in 0..width {
            let is_over = at == line.len() || (layout.tail == Tail::More && line[at] == b' ');
            ways.rows[steps * width + at] = u8::from(is_over);
        }
        for (index, step) in layout.steps.iter().enumerate().rev() {
            let (rows, later) = ways.rows.split_at_mut((index + 1) * width);
            let row = &mut rows[index * width..];
            let later = &later[..width];
            match step {
                Step::Literal(text) => literal(line, text.as_bytes(), row, later),
                Step::Optional { open, close } => {
                    optional(line, open.as_bytes(), close.as_bytes(), row, later);
                }
                Step::Field { field, is_quoted, .. } => {
                    let rest = Rest {
                        line,
                        quotes: &ways.quotes,
                        later,
                        is_quoted: *is_quoted,
                        is_last: ways.is_cut && layout.is_last_field(index),
                    };
                    rest.field(layout, step, field, row, memory);
                }
            }
            // What stands behind the last field may be cut off.
            let may_be_missing = ways.is_cut && matches!(step, Step::Literal(_));
            if !may_be_missing && row[..width].iter().all(|ways| *ways == 0) {
                return None;
            }
        }
        Some(ways).filter(|ways| ways.of(0, 0) > 0)
    }

    /// Walks the leftmost way.
    fn take<'a>(
        &self,
        layout: &Layout,
        line: &'a str,
        sink: &mut Sink<'a>,
        memory: &mut Memory,
    ) -> Result<(), Reason> {
        let bytes = line.as_bytes();
        let mut at = 0;
        for (index, step) in layout.steps.iter().enumerate() {
            let later = &self.rows[(index + 1) * self.width..][..self.width];
            match step {
                // The line was cut: what should follow is not there.
                Step::Literal(_) if self.is_cut && at == bytes.len() => {}
                Step::Literal(text) => at += text.len(),
                Step::Optional { open, close } => {
                    let rest = &bytes[at..];
                    if rest.starts_with(open.as_bytes()) {
                        let inside = &rest[open.len()..];
                        let len = memchr::memmem::find(inside, close.as_bytes()).unwrap_or(inside.len());
                        at += open.len() + len + close.len();
                    }
                }
                Step::Field { field, is_quoted, .. } => {
                    let rest = Rest {
                        line: bytes,
                        quotes: &self.quotes,
                        later,
                        is_quoted: *is_quoted,
                        is_last: self.is_cut && layout.is_last_field(index),
                    };
                    let end = rest.leftmost(step, field, at, sink, memory);
                    if !matches!(field.kind, Kind::Moment(_)) {
                        let text = line.get(at..end).ok_or(Reason::Invalid("text"))?;
                        sink.put(field.piece, text)?;
                    }
                    at = end;
                }
            }
        }
        Ok(())
    }
}

/// The rest of a line behind a field, and in how many ways it can be read.
struct Rest<'a> {
    line: &'a [u8],
    quotes: &'a [usize],
    later: &'a [u8],
    is_quoted: bool,
    is_last: bool,
}

impl Rest<'_> {
    /// Fills the row of a field.
    fn field(&self, layout: &Layout, step: &Step, field: &Field, row: &mut [u8], memory: &mut Memory) {
        let Step::Field { is_loose, .. } = step else {
            return;
        };
        match &field.kind {
            Kind::Moment(moment) => {
                for (at, ways) in row.iter_mut().enumerate() {
                    // Reading a moment takes constant time, and most places fail at their first byte.
                    let mut civil = super::Civil::default();
                    let read = moment.read(&self.line[at..], &mut civil, &mut memory.days);
                    *ways = read.map_or(0, |(_, len)| self.later[at + len]);
                }
            }
            Kind::Word | Kind::List => {
                let mut end = self.line.len();
                for at in (0..row.len()).rev() {
                    if at < self.line.len() && is_end(step, field, self.line, at) {
                        end = at;
                    }
                    let ways = self.later[end];
                    let is_it = ways > 0 && field.piece.accepts(&self.line[at..end]);
                    row[at] = if is_it { ways } else { 0 };
                }
            }
            Kind::Free | Kind::Braces => {
                let is_bound = !self.is_quoted && layout.escape != super::Escape::Nothing;
                self.free(is_bound, *is_loose, row);
            }
        }
    }

    /// A free text may end wherever the rest can be read; outside of quotes it holds none that is not escaped.
    fn free(&self, is_bound: bool, is_loose: bool, row: &mut [u8]) {
        // sums[at]: ways of all ends at or behind that place.
        let mut sums = vec![0u32; row.len() + 1];
        let mut first = row.len();
        let mut firsts = vec![first; row.len()];
        for at in (0..row.len()).rev() {
            let ways = self.ends_at(at);
            sums[at] = sums[at + 1] + u32::from(ways);
            if ways > 0 {
                first = at;
            }
            firsts[at] = first;
        }
        for at in 0..row.len() {
            let last = if is_bound {
                self.quotes[at].min(row.len() - 1)
            } else {
                row.len() - 1
            };
            row[at] = if is_loose {
                if firsts[at] <= last {
                    self.ends_at(firsts[at])
                } else {
                    0
                }
            } else {
                u8::try_from((sums[at] - sums[last + 1]).min(2)).unwrap_or(2)
            };
        }
    }

    /// In how many ways the rest can be read when a free text ends there.
    fn ends_at(&self, at: usize) -> u8 {
        if self.is_last && at == self.line.len() {
            return 1;
        }
        let may_end = !self.is_quoted || self.quotes[at] == at;
        if may_end { self.later[at] } else { 0 }
    }

    /// Where the leftmost way ends a field.
    fn leftmost(
        &self,
        step: &Step,
        field: &Field,
        from: usize,
        sink: &mut Sink<'_>,
        memory: &mut Memory,
    ) -> usize {
        match &field.kind {
            Kind::Moment(moment) => {
                let len = sink.put_moment(field.piece, moment, &self.line[from..], memory);
                from + len.unwrap_or(0)
            }
            Kind::Word | Kind::List => (from..self.line.len())
                .find(|at| is_end(step, field, self.line, *at))
                .unwrap_or(self.line.len()),
            Kind::Free | Kind::Braces => {
                let mut ends = from..=self.line.len();
                ends.find(|at| self.ends_at(*at) > 0).unwrap_or(self.line.len())
            }
        }
    }
}

/// Whether a word or a list ends before that byte.
fn is_end(step: &Step, field: &Field, line: &[u8], at: usize) -> bool {
    if field.kind == Kind::List {
        return is_list_end(line, at);
    }
    let Step::Field { stop, .. } = step else {
        return true;
    };
    let last = stop.as_deref().and_then(|stop| stop.as_bytes().first());
    line[at] == *last.unwrap_or(&b' ') || matches!(line[at], b' ' | b'"')
}

fn literal(line: &[u8], text: &[u8], row: &mut [u8], later: &[u8]) {
    let first = text.first().copied().unwrap_or(0);
    for at in memchr_iter(first, line) {
        if line[at..].starts_with(text) {
            row[at] = later[at + text.len()];
        }
    }
}

fn optional(line: &[u8], open: &[u8], close: &[u8], row: &mut [u8], later: &[u8]) {
    // Where the next text that closes it begins, carried from right to left.
    let mut next = None;
    let mut closes = vec![None; line.len() + 1];
    for at in (0..line.len()).rev() {
        if line[at..].starts_with(close) {
            next = Some(at);
        }
        closes[at] = next;
    }
    for (at, ways) in row.iter_mut().enumerate() {
        *ways = if line[at..].starts_with(open) {
            closes[at + open.len()].map_or(0, |end| later[end + close.len()])
        } else {
            later[at]
        };
    }
}

/// For each place, the next quote at or behind it; the line's length when there is none.
fn next_quotes(line: &[u8], has_backslash: bool) -> Vec<usize> {
    let mut is_quote = vec![false; line.len() + 1];
    let mut at = 0;
    while at < line.len() {
        match line[at] {
            // A backslash takes the next byte with it.
            b'\\' if has_backslash => at += 1,
            b'"' => is_quote[at] = true,
            _ => {}
        }
        at += 1;
    }
    let mut next = vec![line.len(); line.len() + 1];
    for at in (0..line.len()).rev() {
        next[at] = if is_quote[at] { at } else { next[at + 1] };
    }
    next
}

impl Layout {
    fn is_last_field(&self, index: usize) -> bool {
        self.steps[index + 1..]
            .iter()
            .all(|step| matches!(step, Step::Literal(_)))
    }

    /// Whether a line begins as the layout does, up to the first field that may end in several places: cheap to see, and
    /// no line of most other formats does.
    fn may_begin(&self, line: &[u8], memory: &mut Memory) -> bool {
        let mut at = 0;
        for step in &self.steps {
            match step {
                Step::Literal(text) if line[at..].starts_with(text.as_bytes()) => at += text.len(),
                Step::Literal(_) => return false,
                Step::Optional { .. } => return true,
                Step::Field { field, .. } => match &field.kind {
                    Kind::Moment(moment) => {
                        match moment.read(&line[at..], &mut super::Civil::default(), &mut memory.days) {
                            Some((_, len)) => at += len,
                            None => return false,
                        }
                    }
                    Kind::Word => {
                        let end = (at..line.len()).find(|at| is_end(step, field, line, *at));
                        at = end.unwrap_or(line.len());
                    }
                    Kind::List | Kind::Free | Kind::Braces => return true,
                },
            }
        }
        true
    }

    /// Whether reading quotes in another way could help.
    fn may_have_other_readings(&self, line: &str) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Field { is_quoted: true, .. }))
            && line.contains('"')
    }

    /// What a line without any reading lacks: the first field that is not where it should be.
    fn explain(&self, line: &str, memory: &mut Memory) -> Reason {
        let has_quotes = self
            .steps
            .iter()
            .any(|step| matches!(step, Step::Field { is_quoted: true, .. }));
        if has_quotes && !line.contains('"') {
            return Reason::Missing("request");
        }
        let mut rest = line.as_bytes();
        for step in &self.steps {
            let Step::Literal(text) = step else {
                let Step::Field { field, stop, .. } = step else {
                    continue;
                };
                if let Kind::Moment(moment) = &field.kind {
                    let mut civil = super::Civil::default();
                    let Some((_, len)) = moment.read(rest, &mut civil, &mut memory.days) else {
                        return Reason::Invalid("time");
                    };
                    rest = &rest[len..];
                    continue;
                }
                let stop = stop.as_deref().unwrap_or("").as_bytes();
                let len = memchr::memmem::find(rest, stop).unwrap_or(rest.len());
                if !field.piece.accepts(&rest[..len]) {
                    return Reason::Invalid(field.piece.word());
                }
                rest = &rest[len..];
                continue;
            };
            match rest.strip_prefix(text.as_bytes()) {
                Some(after) => rest = after,
                None => return Reason::Invalid("layout: the text between two fields is another"),
            }
        }
        Reason::Invalid("end: more follows than the layout has")
    }
}

impl Piece {
    /// What to call it in a message.
    const fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::BytesIn | Self::BytesOut => "size",
            Self::Peer | Self::PeerPort => "client address",
            _ => "field",
        }
    }
}
