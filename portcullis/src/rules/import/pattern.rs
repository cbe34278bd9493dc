//! Regular expressions of the plain kind as patterns.

use detector::rule::Glob;

/// Patterns that one expression may become.
const PATTERNS_MAX: usize = 64;

/// The patterns that fit exactly what the expression does, case apart; `None` when there are none.
pub(super) fn of_regex(regex: &str) -> Option<Vec<String>> {
    let regex = regex.strip_prefix("(?i)").unwrap_or(regex);
    let branches = split(regex)?;
    let mut patterns = Vec::new();
    for branch in branches {
        let (branch, is_begun) = match branch.strip_prefix('^') {
            Some(rest) => (rest, true),
            None => (branch, false),
        };
        let (branch, is_ended) = match branch.strip_suffix('$') {
            Some(rest) if !rest.ends_with('\\') => (rest, true),
            _ => (branch, false),
        };
        for text in expand(branch)? {
            let before = if is_begun { "" } else { "*" };
            let after = if is_ended { "" } else { "*" };
            let pattern = format!("{before}{text}{after}");
            patterns.push(Glob::new(&pattern).ok()?.to_string());
        }
        if patterns.len() > PATTERNS_MAX {
            return None;
        }
    }
    Some(patterns)
}

/// Cuts at bars outside groups.
fn split(regex: &str) -> Option<Vec<&str>> {
    let (mut depth, mut start, mut branches) = (0usize, 0, Vec::new());
    let mut is_escaped = false;
    for (at, letter) in regex.char_indices() {
        match letter {
            _ if std::mem::take(&mut is_escaped) => {}
            '\\' => is_escaped = true,
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            '|' if depth == 0 => {
                branches.push(&regex[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    branches.push(&regex[start..]);
    (depth == 0 && !is_escaped).then_some(branches)
}

/// Every text that a branch stands for, with stars for `.*`.
fn expand(branch: &str) -> Option<Vec<String>> {
    let mut texts = vec![String::new()];
    let mut rest = branch;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        let (parts, left): (Vec<String>, &str) = match letter {
            '.' => (vec!["*".to_owned()], after.strip_prefix('*')?),
            '\\' => {
                let escaped = after.chars().next().filter(|letter| !letter.is_alphanumeric())?;
                (vec![literal(escaped)], &after[escaped.len_utf8()..])
            }
            '(' => {
                let end = closing(rest)?;
                let inner = &rest[1..end];
                let inner = inner.strip_prefix("?:").unwrap_or(inner);
                let mut parts = Vec::new();
                for part in split(inner)? {
                    parts.extend(expand(part)?);
                }
                (parts, &rest[end + 1..])
            }
            '[' | ']' | '{' | '}' | '*' | '+' | '?' | '^' | '$' | '|' | ')' => return None,
            letter => (vec![literal(letter)], after),
        };
        if left.starts_with(['*', '+', '?', '{']) {
            return None;
        }
        rest = left;
        texts = texts
            .iter()
            .flat_map(|text| parts.iter().map(move |part| format!("{text}{part}")))
            .collect();
        if texts.len() > PATTERNS_MAX {
            return None;
        }
    }
    Some(texts)
}

fn literal(letter: char) -> String {
    match letter {
        '*' => "\\*".to_owned(),
        '\\' => "\\\\".to_owned(),
        letter => letter.to_string(),
    }
}

fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut is_escaped) = (0usize, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if std::mem::take(&mut is_escaped) => {}
            '\\' => is_escaped = true,
            '(' => depth += 1,
            ')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::of_regex;

    #[test]
    fn plain_expressions_become_patterns_and_others_none() {
        let check = |regex: &str, expected: &[&str]| {
            assert_eq!(of_regex(regex).unwrap_or_default(), expected, "{regex}");
        };
        check("^/wp-login\\.php$", &["/wp-login.php"]);
        check("(?i)\\.git/", &["*.git/*"]);
        check(
            "^/(a|b)/.*\\.(php|asp)",
            &["/a/*.php*", "/a/*.asp*", "/b/*.php*", "/b/*.asp*"],
        );
        check("a|^b", &["*a*", "b*"]);
        check("\\d+", &[]);
        check("a+", &[]);
        check("a.b", &[]);
        check("(ab", &[]);
        check("[ab]", &[]);
        check("(a|b|c|d)(a|b|c|d)(a|b|c|d)(a|b|c|d)", &[]);
        check("a*", &[]);
        check("(ab)?", &[]);
        check("\\", &[]);
    }
}
