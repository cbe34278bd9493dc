//! What one request shows by itself: facts, no memory.

mod date;
mod payload;
mod preview;
mod probe;
mod role;
mod tool;

pub(crate) use payload::ENOUGH;
pub use payload::{PayloadClass, PayloadHits};
use preview::shows_links;
pub use probe::ProbeHit;
pub use role::RouteRole;
pub(crate) use role::{issues_tokens, tells_wrong_password};
pub use tool::{Tool, ToolKind};

use crate::limits::PAYLOAD_BYTES_MAX;
use domain::RequestRecord;

/// What one request shows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Signals {
    /// How the request was answered.
    pub outcome: Outcome,
    /// Method class.
    pub method: MethodClass,
    /// What the route is for.
    pub role: RouteRole,
    /// Whether that was learned: requests before may have gone there while nobody knew.
    pub is_role_learned: bool,
    /// Attack payloads in path, query, user agent and referer.
    pub payload: PayloadHits,
    /// What the path asks for that only scanners ask for.
    pub probe: ProbeHit,
    /// Whether somebody else can have made its sender send it, as far as the log shows: a GET that says that it comes from a page of
    /// another site, or is to show what is behind a link. Said only of what may speak for an attack.
    pub may_be_planted: bool,
    /// The attack tool that a user agent names, sent for the first time.
    pub tool: Tool,
    /// Whether a page that browsers and crawlers ask for unasked (favicon, robots.txt, `.well-known`).
    pub is_convention: bool,
    /// Whether the path ends like a file that somebody fetches to keep.
    pub is_file: bool,
    /// Whether the request failed by the client's doing on a path that names a day.
    pub is_dated_miss: bool,
    /// Length of the query in bytes.
    pub query_bytes: u32,
    /// Characters of path and query that ordinary requests hardly contain.
    pub odd_characters: u32,
    /// What searching for payloads cost, in searched bytes.
    pub work: u32,
    /// Whether something was not searched for payloads, because the client's work for this tick was spent.
    pub is_unsearched: bool,
}

/// How a request was answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx and 304.
    #[default]
    Success,
    /// 3xx but 304.
    Redirect,
    /// 404, 410.
    Missing,
    /// 401, 403, 407.
    Refused,
    /// Any other 4xx, 444 and 499 included.
    OtherClientError,
    /// 5xx.
    ServerError,
    /// No status: the client left.
    None,
}

/// Method class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MethodClass {
    /// GET.
    #[default]
    Read,
    /// HEAD.
    Head,
    /// POST, PUT, PATCH, DELETE.
    Write,
    /// OPTIONS: browsers send it by themselves (CORS).
    Preflight,
    /// Anything else.
    Odd,
}

/// Reads the signals of one request. `is_known` says that many clients use the route with success: then the path
/// itself cannot be a probe, and it is searched for payloads only if it holds a character that paths hardly have. `is_new_agent` says that the client did not
/// send this user agent before: one that it repeats is searched once. `work_left` is what may still be spent on searching for
/// payloads, in searched bytes; [`Signals::work`] says what was.
#[must_use]
pub fn read(record: &RequestRecord<'_>, is_known: bool, is_new_agent: bool, work_left: u32) -> Signals {
    let outcome = Outcome::of(record.status);
    let query = record.query.as_deref().unwrap_or("");
    let mut signals = Signals {
        outcome,
        method: MethodClass::of(&record.method),
        is_file: is_file(&record.path),
        role: RouteRole::of(&record.path),
        query_bytes: u32::try_from(query.len()).unwrap_or(u32::MAX),
        is_dated_miss: outcome.is_client_error() && date::names_day(clip(&record.path)),
        ..Signals::default()
    };
    let mut budget = payload::Budget::within(work_left);
    if !is_known {
        let path = clip(&record.path);
        // A long path must not use up what its query is searched with.
        budget.keep_half(!query.is_empty());
        signals.is_convention = probe::is_convention(path);
        signals.probe = probe::find(path);
        payload::search(path, &mut budget, &mut signals.payload);
        signals.odd_characters += odd_characters(path);
    } else if payload::may_be_written_in(record.path.as_bytes()) {
        // Whatever stands where others have an id belongs to their route, a payload too.
        budget.keep_half(!query.is_empty());
        payload::search(clip(&record.path), &mut budget, &mut signals.payload);
    }
    budget.keep_half(false);
    if !query.is_empty() {
        let query = clip(query);
        payload::search(query, &mut budget, &mut signals.payload);
        signals.odd_characters += odd_characters(query);
    }
    if let Some(agent) = record.user_agent.as_deref().filter(|_| is_new_agent) {
        signals.tool = tool::named(agent);
        payload::search_agent(clip(agent), &mut budget, &mut signals.payload);
    }
    if let Some(referer) = record.referer.as_deref() {
        payload::search_header(clip(referer), &mut budget, &mut signals.payload);
    }
    signals.work = budget.spent();
    signals.is_unsearched = budget.is_denied();
    signals.may_be_planted = signals.may_speak_for_an_attack() && can_be_planted(record);
    signals
}

impl Signals {
    /// Whether it failed, or asked for what only attackers ask for: few requests do, and only of these it matters who made them.
    pub(crate) fn may_speak_for_an_attack(&self) -> bool {
        self.outcome != Outcome::Success || self.probe.weight > 0.0 || self.payload.weight > 0.0
    }
}

/// Whether somebody else can have made its sender send it.
fn can_be_planted(record: &RequestRecord<'_>) -> bool {
    let shows_links = || record.user_agent.as_deref().is_some_and(shows_links);
    record.method == "GET" && (is_foreign(record) || shows_links())
}

impl Outcome {
    /// The class of a status.
    #[must_use]
    pub fn of(status: u16) -> Self {
        match status {
            200..=299 | 304 => Self::Success,
            300..=399 => Self::Redirect,
            404 | 410 => Self::Missing,
            401 | 403 | 407 => Self::Refused,
            400..=499 => Self::OtherClientError,
            500..=599 => Self::ServerError,
            _ => Self::None,
        }
    }

    /// Whether the request failed by the client's doing.
    #[must_use]
    pub fn is_client_error(self) -> bool {
        matches!(self, Self::Missing | Self::Refused | Self::OtherClientError)
    }
}

impl MethodClass {
    pub(crate) fn of(method: &str) -> Self {
        match method {
            "GET" => Self::Read,
            "HEAD" => Self::Head,
            "POST" | "PUT" | "PATCH" | "DELETE" => Self::Write,
            "OPTIONS" => Self::Preflight,
            _ => Self::Odd,
        }
    }
}

/// Whether a request comes from a page of another site. Where the log does not name the host, nobody can tell.
fn is_foreign(record: &RequestRecord<'_>) -> bool {
    let (Some(host), Some(from)) = (record.host.as_deref(), referer_name(record)) else {
        return false;
    };
    !is_same_site(from, name_of(host))
}

/// The name of the site whose page a request says that it comes from.
pub(crate) fn referer_name<'r>(record: &'r RequestRecord<'_>) -> Option<&'r str> {
    let (_, rest) = record.referer.as_deref()?.split_once("://")?;
    Some(name_of(rest.split(['/', '?', '#']).next().unwrap_or("")))
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether two hosts are one, or one lies under the other: `shop.example` and `www.shop.example`.
fn is_same_site(left: &str, right: &str) -> bool {
    let (short, long) = if left.len() < right.len() {
        (left.as_bytes(), right.as_bytes())
    } else {
        (right.as_bytes(), left.as_bytes())
    };
    let (head, tail) = long.split_at(long.len() - short.len());
    tail.eq_ignore_ascii_case(short) && (head.is_empty() || head.ends_with(b"."))
}

/// Endings of files that are fetched to be kept: archives, tables, documents, packages, images of disks.
const FILES: [u64; 28] = [
    word(b"7z"),
    word(b"bz2"),
    word(b"csv"),
    word(b"deb"),
    word(b"doc"),
    word(b"docx"),
    word(b"epub"),
    word(b"gz"),
    word(b"img"),
    word(b"iso"),
    word(b"jar"),
    word(b"log"),
    word(b"ndjson"),
    word(b"ods"),
    word(b"odt"),
    word(b"parquet"),
    word(b"pcap"),
    word(b"pdf"),
    word(b"rpm"),
    word(b"tar"),
    word(b"tgz"),
    word(b"tsv"),
    word(b"whl"),
    word(b"xls"),
    word(b"xlsx"),
    word(b"xz"),
    word(b"zip"),
    word(b"zst"),
];

/// Up to eight letters as one number, small: comparing a path's ending with each of the table letter by letter was a fortieth of
/// the time of reading a log.
const fn word(letters: &[u8]) -> u64 {
    let (mut word, mut at) = (0, 0);
    while at < letters.len() && at < 8 {
        word = word << 8 | letters[at].to_ascii_lowercase() as u64;
        at += 1;
    }
    word
}

fn is_file(path: &str) -> bool {
    let path = path.as_bytes();
    let tail = &path[path.len().saturating_sub(8)..];
    let dot = tail.iter().rposition(|byte| *byte == b'.');
    dot.is_some_and(|dot| FILES.contains(&word(&tail[dot + 1..])))
}

/// Cuts a text to the bytes that are searched, at a character boundary.
fn clip(text: &str) -> &str {
    if text.len() <= PAYLOAD_BYTES_MAX {
        return text;
    }
    let mut end = PAYLOAD_BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Bytes that paths and queries of ordinary clients hardly contain: quotes, brackets, control and non-ASCII bytes.
fn odd_characters(text: &str) -> u32 {
    let is_odd = |byte: &u8| matches!(byte, b'\'' | b'"' | b'<' | b'>' | b'`' | b'|' | b'{' | b'}' | b'$' | b'\\' | b';' | b'(' | b')' | b'*' | 0..=31 | 127..);
    u32::try_from(text.as_bytes().iter().filter(|byte| is_odd(byte)).count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Line;

    #[test]
    fn statuses_and_methods_have_a_class() {
        assert_eq!(Outcome::of(304), Outcome::Success);
        assert_eq!(Outcome::of(301), Outcome::Redirect);
        assert_eq!(Outcome::of(499), Outcome::OtherClientError);
        assert_eq!(Outcome::of(0), Outcome::None);
        assert_eq!(MethodClass::of("PROPFIND"), MethodClass::Odd);
    }

    #[test]
    fn a_payload_is_found_where_others_have_an_id() {
        let weight = |path: &str, is_known| {
            let line = Line::new(0, 1, path, 200);
            read(&line.record(1), is_known, false, u32::MAX).payload.weight
        };
        let payload = "/users/0a1b2c3d4e5f60718293a4b5' or 1=1 union select password from users--";
        assert!(weight(payload, false) > 0.0);
        assert_eq!(weight(payload, true), weight(payload, false));
        for path in [
            "/users/0a1b2c3d4e5f60718293a4b5",
            "/wiki/%E3%83%86%E3%82%B9%E3%83%88",
            "/it's/(new)",
        ] {
            assert!(weight(path, true) <= 0.0, "{path}");
        }
    }

    #[test]
    fn files_are_told_by_their_ending() {
        for (path, expected) in [
            ("/a.zip", true),
            ("/dump/2026.PARQUET", true),
            (".gz", true),
            ("/a.tar.gz", true),
            ("/a.parquets", false),
            ("/a.zip/", false),
            ("/zip", false),
            ("/a.", false),
            ("", false),
            ("/page.html", false),
        ] {
            assert_eq!(is_file(path), expected, "{path}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_told_by_its_host() {
        for (host, referer, expected) in [
            (Some("shop.example"), Some("https://shop.example/a?b"), false),
            (Some("shop.example:8443"), Some("https://SHOP.example"), false),
            (Some("www.shop.example"), Some("https://shop.example/"), false),
            (Some("shop.example"), Some("https://evilshop.example/"), true),
            (Some("shop.example"), Some("https://news.example/x"), true),
            (Some("shop.com"), Some("https://www.com/"), true),
            (Some("[::1]:80"), Some("http://[::1]/"), false),
            (Some(""), Some("http:///"), false),
            (Some("shop.example"), None, false),
            (Some("shop.example"), Some("android-app"), false),
            (None, Some("https://news.example/x"), false),
        ] {
            let mut record = crate::testing::Line::new(0, 1, "/", 404);
            record.method = "GET";
            let mut record = record.record(1);
            record.host = host.map(Into::into);
            record.referer = referer.map(Into::into);
            assert_eq!(is_foreign(&record), expected, "{host:?} {referer:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let text = "é".repeat(PAYLOAD_BYTES_MAX);
        assert_eq!(clip(&text).len(), PAYLOAD_BYTES_MAX);
        assert_eq!(clip(&text[..4]), "éé");
    }
}
