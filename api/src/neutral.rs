//! Text from logs and people, made harmless before a terminal, a page or a spreadsheet shows it.
//!
//! An attacker chooses paths, user agents and names. Control characters drive terminals, bidirectional ones make
//! text read as something else, and a cell that begins with `=` is a program. Everything that this crate sends for
//! display passes through here; nothing else knows the rules.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Replaces what a reader cannot see or would be fooled by with its visible code: `\u{1b}`, `\u{202e}`.
#[must_use]
pub fn neutralise(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_deceptive(character) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Neutralises every string inside a JSON value, names of members included.
#[must_use]
pub fn neutralise_json(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(text) => Value::String(neutralise(&text).into_owned()),
        Value::Array(items) => Value::Array(items.into_iter().map(neutralise_json).collect()),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (neutralise(&name).into_owned(), neutralise_json(value)))
                .collect(),
        ),
        plain => plain,
    }
}

/// Appends one CSV field: neutralised, always quoted, and prefixed by an apostrophe where a spreadsheet would
/// read a formula (OWASP, "CSV Injection").
pub fn push_csv_field(out: &mut String, text: &str) {
    out.push('"');
    if starts_formula(text) {
        out.push('\'');
    }
    for character in neutralise(text).chars() {
        if character == '"' {
            out.push('"');
        }
        out.push(character);
    }
    out.push('"');
}

/// Whether a spreadsheet would take the cell for a formula: an operator first, perhaps behind blanks or a quote,
/// full-width forms included.
fn starts_formula(text: &str) -> bool {
    let text = text.trim_start_matches(|character: char| {
        character.is_whitespace() || character == '"' || is_deceptive(character)
    });
    text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// C0 and C1 controls, line and paragraph separators, bidirectional controls, and characters without width that
/// hide inside words.
const fn is_deceptive(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Texts that an attacker would send, for the tests of everything that prints text.
#[cfg(test)]
pub(crate) const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "\u{1b}[2J\u{1b}]0;owned\u{7}",
    "nul\u{0}tab\tline\r\nSet-Cookie: a=b",
    "c1\u{9b}31m\u{85}next",
    "\u{202e}gpj.exe\u{202c}",
    "\u{2066}isolate\u{2069}\u{200f}",
    "=HYPERLINK(\"http://203.0.113.9\",\"x\")",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1,1)",
    "\t=1+1",
    "＝1+1",
    "zero\u{200b}width\u{feff}",
    "{{7*7}}${7*7}",
    "line\u{2028}separator",
];

/// Whether a text still holds something that [`neutralise`] takes out.
#[cfg(test)]
pub(crate) fn is_harmless(text: &str) -> bool {
    !text.chars().any(is_deceptive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_be_seen_is_written_as_its_code() {
        assert_eq!(neutralise("GET /users/7"), "GET /users/7");
        assert_eq!(neutralise("\u{1b}[2J"), "\\u{1b}[2J");
        assert_eq!(neutralise("a\u{202e}b\u{9b}c"), "a\\u{202e}b\\u{9b}c");
        assert_eq!(neutralise("Grüße, 世界"), "Grüße, 世界");
    }

    #[test]
    fn no_cell_begins_with_a_formula() {
        let check = |text: &str, expected: &str| {
            let mut out = String::new();
            push_csv_field(&mut out, text);
            assert_eq!(out, expected, "{text:?}");
        };
        check("plain", "\"plain\"");
        check("say \"hi\"", "\"say \"\"hi\"\"\"");
        check("=1+1", "\"'=1+1\"");
        check("\t@SUM(1)", "\"'\\u{9}@SUM(1)\"");
        check("\"=1", "\"'\"\"=1\"");
        check("a,b", "\"a,b\"");
    }

    #[test]
    fn json_is_neutralised_to_its_leaves_and_names() {
        let value = serde_json::json!({"a\u{202e}": ["\u{7}", 1, {"b": "\u{85}"}]});
        let clean = neutralise_json(value);
        assert_eq!(
            clean,
            serde_json::json!({"a\\u{202e}": ["\\u{7}", 1, {"b": "\\u{85}"}]})
        );
    }

    proptest! {
        #[test]
        fn nothing_deceptive_is_left(text in any::<String>()) {
            prop_assert!(is_harmless(&neutralise(&text)));
        }
    }
}
