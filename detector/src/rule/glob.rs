//! Patterns of rules: a star stands for any text, everything else for itself, and upper case equals lower case.

use crate::limits::{RULE_PATTERN_BYTES_MAX, RULE_PATTERN_STARS_MAX, RULE_TEXT_BYTES_MAX};
use std::fmt;

/// A pattern. It is matched against the whole text: `/api/*` is a beginning, `*.php` an end, `*passwd*` a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// What stands between the stars; at least one.
    parts: Vec<Box<[u8]>>,
}

impl Glob {
    /// Makes a pattern; `\*` is a star itself and `\\` a backslash.
    ///
    /// # Errors
    /// What was expected, when it is empty, too long, or has too many stars.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > RULE_PATTERN_BYTES_MAX {
            return Err(format!("a pattern of 1 to {RULE_PATTERN_BYTES_MAX} bytes"));
        }
        let mut parts = vec![Vec::new()];
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let literal = match byte {
                b'*' => {
                    parts.push(Vec::new());
                    continue;
                }
                b'\\' => bytes.next().unwrap_or(b'\\'),
                byte => byte,
            };
            if let Some(part) = parts.last_mut() {
                part.push(literal.to_ascii_lowercase());
            }
        }
        if parts.len() > RULE_PATTERN_STARS_MAX + 1 {
            return Err(format!("a pattern with at most {RULE_PATTERN_STARS_MAX} stars"));
        }
        Ok(Self {
            parts: parts.into_iter().map(Vec::into_boxed_slice).collect(),
        })
    }

    /// A pattern for a text that merely stands somewhere in what is matched, stars in it taken as they are.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn around(before: &str, text: &str, after: &str) -> Result<Self, String> {
        Self::new(&format!("{before}{}{after}", escape(text)))
    }

    /// Whether the pattern fits the whole text. Only the first bytes of a very long text are looked at.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        let text = &text[..text.len().min(RULE_TEXT_BYTES_MAX)];
        let Some((first, rest)) = self.parts.split_first() else {
            return false;
        };
        let Some((last, middle)) = rest.split_last() else {
            return text.eq_ignore_ascii_case(first);
        };
        if text.len() < first.len() || !text[..first.len()].eq_ignore_ascii_case(first) {
            return false;
        }
        let mut left = &text[first.len()..];
        for part in middle {
            let Some(at) = find(left, part) else {
                return false;
            };
            left = &left[at + part.len()..];
        }
        left.len() >= last.len() && left[left.len() - last.len()..].eq_ignore_ascii_case(last)
    }
}

impl fmt::Display for Glob {
    /// Writes it as [`Glob::new`] reads it, in lower case.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.parts.iter().enumerate() {
            let star = if place == 0 { "" } else { "*" };
            write!(out, "{star}{}", escape(&String::from_utf8_lossy(part)))?;
        }
        Ok(())
    }
}

/// Writes a text so that a pattern takes it as it is.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('*', "\\*")
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    text.windows(part.len())
        .position(|window| window.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text_and_case_does_not_matter() {
        for (pattern, text, expected) in [
            ("/login", "/LOGIN", true),
            ("/login", "/login/", false),
            ("/api/*", "/api/", true),
            ("/api/*", "/ap", false),
            ("*.php", "/x/Y.PHP", true),
            ("*passwd*", "/etc/passwd", true),
            ("/a/*/b", "/a/b", false),
            ("/a/*/b", "/a//b", true),
            ("*aa*aa", "aaa", false),
            ("*aa*aa", "aaaa", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("*", "", true),
            ("é*", "É", false),
        ] {
            let glob = Glob::new(pattern).unwrap();
            assert_eq!(glob.matches(text.as_bytes()), expected, "{pattern} {text}");
            assert_eq!(Glob::new(&glob.to_string()).unwrap(), glob, "{pattern}");
        }
    }

    #[test]
    fn what_costs_too_much_is_refused() {
        assert!(Glob::new("").is_err());
        assert!(Glob::new(&"x".repeat(RULE_PATTERN_BYTES_MAX + 1)).is_err());
        assert!(Glob::new("*a*b*c*d*e*").is_err());
        assert!(Glob::around("*", "a*b", "*").unwrap().matches(b"xa*bx"));
    }
}
