//! Takes secrets out of queries and URLs before people see them.
//!
//! Secrets in URLs are common (reset links, API keys, tokens of players and webhooks), and logs, reports and
//! screens are read by more people than may know them. Masking is for display only: records keep what was sent.

use std::borrow::Cow;

/// What stands where a secret stood.
pub const MASK: &str = "***";

/// Names that hold a secret when they are exactly this, in lower case and without `_`, `-`, `.`, `[`, `]`.
const EXACT: &[&str] = &[
    "key",
    "sig",
    "sign",
    "code",
    "pass",
    "pin",
    "otp",
    "totp",
    "sid",
    "hmac",
    "hash",
    "auth",
    "state",
    "nonce",
    "ticket",
    "assertion",
    "samlresponse",
    "wresult",
    "credentials",
];

/// Names that hold a secret when they contain this.
const CONTAINED: &[&str] = &[
    "token",
    "apikey",
    "accesskey",
    "secret",
    "passw",
    "passphrase",
    "pwd",
    "signature",
    "credential",
    "jwt",
    "bearer",
    "authorization",
    "authcode",
    "authkey",
    "session",
    "sessid",
    "privatekey",
    "clientkey",
    "subscriptionkey",
    "cookie",
];

/// Masks the values of a query that are secret by name, or are a JSON Web Token under any name.
#[must_use]
pub fn query(text: &str) -> Cow<'_, str> {
    if !text.split(['&', ';']).any(|pair| secret_from(pair).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (pair, end) in pairs(text) {
        match secret_from(pair) {
            Some(from) => {
                out.push_str(&pair[..from]);
                out.push_str(MASK);
            }
            None => out.push_str(pair),
        }
        out.push_str(end);
    }
    Cow::Owned(out)
}

/// Masks a URL, a path with a query or the raw text of a request: its query, and the password before its host.
#[must_use]
pub fn url(text: &str) -> Cow<'_, str> {
    let (head, tail) = text
        .split_once('?')
        .map_or((text, None), |(head, tail)| (head, Some(tail)));
    let shown_head = password(head);
    let shown_tail = tail.map(query);
    match (&shown_head, &shown_tail) {
        (Cow::Borrowed(_), None | Some(Cow::Borrowed(_))) => Cow::Borrowed(text),
        (head, None) => Cow::Owned(head.clone().into_owned()),
        (head, Some(tail)) => Cow::Owned(format!("{head}?{tail}")),
    }
}

/// Masks `user:password@` of an absolute URL.
fn password(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Cow::Borrowed(text);
    };
    let authority = rest.split('/').next().unwrap_or("");
    match authority.rsplit_once('@') {
        Some((user, _host)) => {
            let name = user.split(':').next().unwrap_or("");
            Cow::Owned(format!("{scheme}://{name}:{MASK}{}", &rest[user.len()..]))
        }
        None => Cow::Borrowed(text),
    }
}

/// The pairs of a query, each with the mark that ends it.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split_inclusive(['&', ';'])
        .map(|pair| match pair.strip_suffix(['&', ';']) {
            Some(bare) => (bare, &pair[bare.len()..]),
            None => (pair, ""),
        })
}

/// Where the secret of `name=value` begins, if it holds one.
fn secret_from(pair: &str) -> Option<usize> {
    let (name, value) = pair.split_once('=')?;
    let is_secret = !value.is_empty() && (is_token(value) || is_secret_name(name));
    is_secret.then_some(name.len() + 1)
}

fn is_secret_name(name: &str) -> bool {
    let plain = plain_name(name);
    EXACT.contains(&plain.as_str()) || CONTAINED.iter().any(|word| plain.contains(word))
}

/// The name as its program will read it: percent-decoded, in lower case, letters and digits only.
fn plain_name(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut plain = String::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = (bytes[at] == b'%').then(|| name.get(at + 1..at + 3)).flatten();
        let decoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let byte = decoded.unwrap_or(bytes[at]);
        at += if decoded.is_some() { 3 } else { 1 };
        if byte.is_ascii_alphanumeric() {
            plain.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    plain
}

/// Whether it looks like a JSON Web Token: `eyJ…` in three parts.
fn is_token(value: &str) -> bool {
    value.starts_with("eyJ") && value.split('.').count() == 3
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
            ("https://a.example/@u/x", "https://a.example/@u/x"),
            ("/x?a=1", "/x?a=1"),
            ("/x", "/x"),
        ] {
            assert_eq!(url(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn masking_twice_is_masking_once(text in "([a-z%_=&;?@:/.\\[\\]]|token|key|é){0,40}") {
            let once = query(&text).into_owned();
            prop_assert_eq!(query(&once).into_owned(), once);
            let once = url(&text).into_owned();
            prop_assert_eq!(url(&once).into_owned(), once);
        }
    }
}
