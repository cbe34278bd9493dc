//! Takes secrets and personal data out of paths, queries and URLs before anybody sees them.
//!
//! Secrets in URLs are common (reset links, API keys, tokens of players and webhooks), and logs, reports and screens are read
//! by more people than may know them. Whatever leaves the process or is stored for people went through a [`Masker`]: a
//! parameter is masked by its name ([`name`]), by what its value is ([`value`]), or by a pattern of the operator's. A request
//! itself keeps what was sent for the moment in which it is looked at; what is remembered of it are hashes.

mod name;
mod value;

use regex::{Regex, RegexBuilder};
use std::borrow::Cow;
use std::sync::LazyLock;

/// What stands where a secret stood.
pub const MASK: &str = "***";

/// Patterns of the operator's at most: each is tried on all that is shown.
pub const PATTERNS_MAX: usize = 32;

/// Longest pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 512;

/// Memory that a compiled pattern may take, in bytes: more is a mistake in it.
const PATTERN_MEMORY_MAX: usize = 1 << 20;

/// What an operator adds to the rules that are built in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MaskRules {
    /// Further names of parameters that hold secrets; case, `_` and `-` do not matter, and a part of the name is enough.
    pub names: Vec<String>,
    /// Names of parameters that hold none here, although their names say so.
    pub keep: Vec<String>,
    /// Regular expressions: what matches is masked, wherever it stands.
    pub patterns: Vec<String>,
}

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("pattern {number}: {reason}")]
pub struct WrongPattern {
    /// Its number, from 1.
    pub number: usize,
    /// Why.
    pub reason: String,
}

/// Masks text by the rules that are built in and those of the operator.
#[derive(Debug, Clone, Default)]
pub struct Masker {
    names: Vec<String>,
    keep: Vec<String>,
    patterns: Vec<Regex>,
}

static BUILT_IN: LazyLock<Masker> = LazyLock::new(Masker::default);

/// Masks a query by the rules that are built in.
#[must_use]
pub fn query(text: &str) -> Cow<'_, str> {
    BUILT_IN.query(text)
}

/// Masks a URL, a path with a query or the raw text of a request by the rules that are built in.
#[must_use]
pub fn url(text: &str) -> Cow<'_, str> {
    BUILT_IN.url(text)
}

impl Masker {
    /// Makes a masker.
    ///
    /// # Errors
    /// When a pattern is no regular expression, is too long or takes too much memory.
    pub fn new(rules: &MaskRules) -> Result<Self, WrongPattern> {
        let plain = |names: &[String]| -> Vec<String> {
            let plain = names.iter().map(|text| name::plain(text));
            plain.filter(|name| !name.is_empty()).collect()
        };
        let patterns = rules.patterns.iter().enumerate().map(|(index, text)| {
            compile(text).map_err(|reason| WrongPattern {
                number: index + 1,
                reason,
            })
        });
        Ok(Self {
            names: plain(&rules.names),
            keep: plain(&rules.keep),
            patterns: patterns.collect::<Result<_, _>>()?,
        })
    }

    /// Masks the values of a query that are secret by name, by what they are, or by a pattern.
    #[must_use]
    pub fn query<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut out = String::new();
        let mut is_changed = false;
        for (pair, end) in pairs(text) {
            let masked = self.pair(pair);
            is_changed |= matches!(masked, Cow::Owned(_));
            out.push_str(&masked);
            out.push_str(end);
        }
        self.patterns(if is_changed {
            Cow::Owned(out)
        } else {
            Cow::Borrowed(text)
        })
    }

    /// Masks a URL, a path with a query or the raw text of a request: its query, its segments, and the password before
    /// its host.
    #[must_use]
    pub fn url<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let (head, tail) = text
            .split_once('?')
            .map_or((text, None), |(head, tail)| (head, Some(tail)));
        let shown_head = self.path(head);
        let shown_tail = tail.map(|tail| self.query(tail));
        match (&shown_head, &shown_tail) {
            (Cow::Borrowed(_), None | Some(Cow::Borrowed(_))) => Cow::Borrowed(text),
            (head, None) => Cow::Owned(head.clone().into_owned()),
            (head, Some(tail)) => Cow::Owned(format!("{head}?{tail}")),
        }
    }

    /// Masks a path, or what stands before the query of a URL.
    fn path<'a>(&self, text: &'a str) -> Cow<'a, str> {
        // Before the segments, because a password may hold their marks; after them, because what they took away may have
        // been the last `@`, and another one now ends the password.
        let without = password(Cow::Borrowed(text));
        let segments = self.segments(&without);
        let shown = if segments == without {
            without
        } else {
            password(Cow::Owned(segments.into_owned()))
        };
        self.patterns(shown)
    }

    /// Masks the segments of a path, and the words of what is no path.
    fn segments<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut out = String::new();
        let mut is_changed = false;
        for (segment, end) in parts(text, &['/', ' ', ';']) {
            let masked = self.pair(segment);
            is_changed |= matches!(masked, Cow::Owned(_));
            out.push_str(&masked);
            out.push_str(end);
        }
        if is_changed {
            Cow::Owned(out)
        } else {
            Cow::Borrowed(text)
        }
    }

    /// Masks `name=value`, or a value alone.
    fn pair<'a>(&self, pair: &'a str) -> Cow<'a, str> {
        let Some((name, value)) = pair.split_once('=') else {
            return match value::mask(pair) {
                Cow::Borrowed(same) if same == pair => Cow::Borrowed(pair),
                masked => Cow::Owned(masked.into_owned()),
            };
        };
        if value.is_empty() || value == MASK {
            return Cow::Borrowed(pair);
        }
        let masked = if self.is_secret_name(name) {
            Cow::Borrowed(MASK)
        } else {
            value::mask(value)
        };
        if masked == value {
            return Cow::Borrowed(pair);
        }
        Cow::Owned(format!("{name}={masked}"))
    }

    fn is_secret_name(&self, text: &str) -> bool {
        let plain = name::plain(text);
        if self.keep.contains(&plain) {
            return false;
        }
        name::is_secret(&plain) || self.names.iter().any(|word| plain.contains(word.as_str()))
    }

    fn patterns<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        self.patterns.iter().fold(text, |text, pattern| {
            match pattern.replace_all(&text, regex::NoExpand(MASK)) {
                Cow::Borrowed(_) => text,
                Cow::Owned(masked) => Cow::Owned(masked),
            }
        })
    }
}

fn compile(text: &str) -> Result<Regex, String> {
    if text.len() > PATTERN_BYTES_MAX {
        return Err(format!(
            "{} bytes: expected at most {PATTERN_BYTES_MAX}",
            text.len()
        ));
    }
    let pattern = RegexBuilder::new(text)
        .size_limit(PATTERN_MEMORY_MAX)
        .build()
        .map_err(|error| error.to_string())?;
    if pattern.is_match("") {
        return Err("it matches nothing at all, and would mask between all characters".to_owned());
    }
    Ok(pattern)
}

/// Masks `user:password@` of every absolute URL in a text.
fn password(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains("://") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        rest = tail;
        let authority = tail.split('/').next().unwrap_or("");
        if let Some((user, _host)) = authority.rsplit_once('@') {
            out.push_str(user.split(':').next().unwrap_or(""));
            out.push(':');
            out.push_str(MASK);
            rest = &tail[user.len()..];
        }
    }
    out.push_str(rest);
    if out == text { text } else { Cow::Owned(out) }
}

/// The pairs of a query, each with the mark that ends it.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    parts(text, &['&', ';'])
}

/// The parts of a text between those marks, each with the mark that ends it.
fn parts<'a>(text: &'a str, marks: &'static [char]) -> impl Iterator<Item = (&'a str, &'a str)> {
    text.split_inclusive(marks).map(move |part| {
        let bare = part.strip_suffix(marks).unwrap_or(part);
        (bare, &part[bare.len()..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(query(text), expected, "{text}");
    }

    #[test]
    fn secrets_are_masked_by_name() {
        check("a=1&token=abc&b=2", "a=1&token=***&b=2");
        check("X-Plex-Token=abc", "X-Plex-Token=***");
        check(
            "X-Amz-Signature=0f&X-Amz-Date=1",
            "X-Amz-Signature=***&X-Amz-Date=1",
        );
        check("user%5Bpassword%5D=x", "user%5Bpassword%5D=***");
        check("pass%77ord=x;api_key=y", "pass%77ord=***;api_key=***");
        check("code=4/0A&state=zz", "code=***&state=***");
        check("key=&token", "key=&token");
    }

    #[test]
    fn other_values_stay() {
        for text in [
            "",
            "a=b",
            "zipcode=12345",
            "keyword=shoes",
            "page=2&sort=key",
            "monkey=1",
            "a=eyJx",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn a_web_token_is_masked_under_any_name() {
        check("x=eyJhbGciOi.eyJzdWIi.c2ln", "x=***");
    }

    #[test]
    fn urls_lose_their_passwords_and_secret_queries() {
        for (text, expected) in [
            (
                "https://a.example/x?token=y&z=1",
                "https://a.example/x?token=***&z=1",
            ),
            ("https://u:p@a.example/x", "https://u:***@a.example/x"),
            (
                "/go/https://a/https://u:p@b.example/x",
                "/go/https://a/https://u:***@b.example/x",
            ),
            ("https://a.example/@u/x", "https://a.example/@u/x"),
            ("https://a@b; key=c:d@e", "https://a:***@b; key=***"),
            ("/users/anna@example.org/keys", "/users/***@example.org/keys"),
            ("/reset/eyJhbGciOi.eyJzdWIi.c2ln", "/reset/***"),
            ("/shop;jsessionid=3F2A/cart", "/shop;jsessionid=***/cart"),
            ("GET /pay/4111111111111111 HTTP/1.1", "GET /pay/*** HTTP/1.1"),
            ("/x?a=1", "/x?a=1"),
            ("/x", "/x"),
        ] {
            assert_eq!(url(text), expected, "{text}");
        }
    }

    #[test]
    fn an_operator_adds_names_and_patterns_and_keeps_what_is_no_secret() {
        let masker = Masker::new(&MaskRules {
            names: vec!["patient_no".to_owned()],
            keep: vec!["code".to_owned()],
            patterns: vec![r"\bAT\d{18}\b".to_owned()],
        })
        .expect("right rules");
        assert_eq!(
            masker.query("patientNo=7&code=4&to=AT611904300234573201&token=x"),
            "patientNo=***&code=4&to=***&token=***"
        );
        assert_eq!(masker.url("/pay/AT611904300234573201"), "/pay/***");
        for wrong in ["(", "a*", &"x".repeat(PATTERN_BYTES_MAX + 1), "(a{1000}){1000}"] {
            let rules = MaskRules {
                patterns: vec!["ok".to_owned(), wrong.to_owned()],
                ..MaskRules::default()
            };
            assert_eq!(
                Masker::new(&rules).map(|_| ()).map_err(|wrong| wrong.number),
                Err(2)
            );
        }
    }

    proptest! {
        #[test]
        fn masking_twice_is_masking_once(text in "([a-z%_=&;?@:/. \\[\\]]|://|token|key=|eyJ|é){0,40}") {
            let once = query(&text).into_owned();
            prop_assert_eq!(query(&once).into_owned(), once);
            let once = url(&text).into_owned();
            prop_assert_eq!(url(&once).into_owned(), once);
        }
    }
}
