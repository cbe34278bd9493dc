//! What is wrong with a configuration, in the form in which people and editors read it.

use super::document::Origin;
use std::fmt;

/// Longest shown value, in characters: enough to recognise it.
const FOUND_CHARS_MAX: usize = 80;

/// How alike a word must be to be suggested, from 0 to 1. Under this, suggestions are noise.
const SUGGESTION_LIKENESS: f64 = 0.75;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The setting: `kafka.topics[1].format`. Empty where the file could not be read that far.
    pub(crate) path: String,
    /// Where it was written.
    pub(crate) origin: Origin,
    /// What was found; never a secret.
    pub(crate) found: String,
    /// What was expected.
    pub(crate) expected: String,
    /// What may have been meant.
    pub(crate) suggestion: Option<String>,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// Name of the file.
    pub(crate) file: String,
    /// At least one, in the order of the file.
    pub(crate) problems: Vec<Problem>,
}

impl Report {
    /// Puts problems into the order of the file, then of the environment.
    pub(crate) fn new(file: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|left, right| (&left.origin, &left.path).cmp(&(&right.origin, &right.path)));
        problems.dedup();
        Self {
            file: file.to_owned(),
            problems,
        }
    }
}

impl std::error::Error for Report {}

impl fmt::Display for Report {
    /// One line for each problem, as compilers write them, and how many there are.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            match &problem.origin {
                Origin::File(line) => write!(out, "{}:{line}: ", self.file)?,
                Origin::Environment(name) => write!(out, "{name}: ")?,
                Origin::Default => write!(out, "{}: ", self.file)?,
            }
            writeln!(out, "{problem}")?;
        }
        let count = self.problems.len();
        let plural = if count == 1 { "" } else { "s" };
        write!(out, "{}: {count} problem{plural}", self.file)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(out, "{}: ", printable(&self.path))?;
        }
        write!(
            out,
            "found {}, expected {}",
            printable(&self.found),
            self.expected
        )?;
        match &self.suggestion {
            Some(word) => write!(out, "; did you mean {word}?"),
            None => Ok(()),
        }
    }
}

/// Cuts a text to what fits a line and takes away what a terminal would obey.
fn printable(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(FOUND_CHARS_MAX)
        .map(|letter| {
            if letter.is_control() || is_bidirectional(letter) {
                '\u{fffd}'
            } else {
                letter
            }
        })
        .collect();
    if text.chars().nth(FOUND_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// Whether the character turns the direction of the text around it.
fn is_bidirectional(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The known word that is most like `word`, when one is like it at all.
pub(crate) fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(&word, &candidate.to_ascii_lowercase()),
                candidate,
            )
        })
        .filter(|(likeness, _)| *likeness >= SUGGESTION_LIKENESS)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likest_word_is_suggested_and_nothing_for_what_is_like_none() {
        let known = ["brokers", "group", "topics", "trusted_proxies"];
        let check = |word: &str, expected: Option<&str>| assert_eq!(suggest(word, known), expected, "{word}");
        check("borkers", Some("brokers"));
        check("Group", Some("group"));
        check("trusted_proxy", Some("trusted_proxies"));
        check("zzz", None);
    }

    #[test]
    fn what_a_terminal_would_obey_is_taken_away() {
        assert_eq!(printable("a\u{1b}[2J\u{202e}b"), "a\u{fffd}[2J\u{fffd}b");
        assert_eq!(printable(&"x".repeat(81)).chars().count(), 81);
    }
}
