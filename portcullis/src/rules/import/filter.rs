//! From filter expressions to conditions. What cannot be said leaves its alternative out: the rule then counts
//! fewer requests than the scenario.

use super::expression::{Expression, Operator};
use super::pattern;
use detector::rule::Glob;
use std::collections::{BTreeMap, BTreeSet};

/// Alternatives that a filter may have on the way: each is compared with every other, again and again.
const ALTERNATIVES_MAX: usize = 256;

/// A condition as it will be written: each key with its values, not yet quoted.
pub(super) type Keys = BTreeMap<&'static str, BTreeSet<String>>;

/// What a filter comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// The alternatives; one without keys for every request.
    pub(super) when: Vec<Keys>,
    /// What does not count.
    pub(super) unless: Keys,
    /// What was left out, and what reads differently.
    pub(super) notes: BTreeSet<String>,
}

/// One thing that must hold, or must not.
#[derive(Debug, Clone)]
enum Literal {
    /// It always does.
    Always,
    /// It never does.
    Never,
    /// The key has one of the values.
    Is(&'static str, BTreeSet<String>),
    /// The key has none of the values.
    IsNot(&'static str, BTreeSet<String>),
    /// Nobody can say.
    Unknown(String),
}

/// Translates an expression.
///
/// # Errors
/// Why nothing is left of it.
pub(super) fn translate(expression: &Expression) -> Result<Filter, String> {
    let mut filter = Filter::default();
    let alternatives = alternatives(expression, false)?;
    let mut kept: Vec<(Keys, Keys)> = Vec::new();
    for literals in alternatives {
        match join(&literals) {
            Ok(Some(joined)) => kept.push(joined),
            Ok(None) => {}
            Err(note) => {
                filter
                    .notes
                    .insert(format!("filter: without the alternative that needs {note}"));
            }
        }
    }
    let Some((_, unless)) = kept.first().cloned() else {
        if filter.notes.is_empty() {
            return Err("its filter asks for what no line of an access log is".to_owned());
        }
        let notes: Vec<String> = filter.notes.into_iter().collect();
        return Err(format!(
            "nothing of its filter can be said ({})",
            notes.join("; ")
        ));
    };
    // What does not count is said once for all alternatives.
    let before = kept.len();
    kept.retain(|(_, other)| *other == unless);
    if kept.len() < before {
        let left_out = before - kept.len();
        filter.notes.insert(format!(
            "filter: without {left_out} alternatives that exclude other requests than the first"
        ));
    }
    filter.unless = unless;
    filter.when = merge(kept.into_iter().map(|(when, _)| when).collect());
    if filter.when.len() > detector::limits::RULE_ALTERNATIVES_MAX {
        return Err(format!("its filter has {} alternatives", filter.when.len()));
    }
    Ok(filter)
}

/// The expression as alternatives of things that must all hold.
fn alternatives(expression: &Expression, is_negated: bool) -> Result<Vec<Vec<Literal>>, String> {
    let (parts, is_all) = match expression {
        Expression::Not(inner) => return alternatives(inner, !is_negated),
        Expression::And(parts) => (parts, !is_negated),
        Expression::Or(parts) => (parts, is_negated),
        Expression::Test {
            field,
            operator,
            values,
        } => return Ok(vec![vec![literal(field, *operator, values, is_negated)]]),
        Expression::Unknown(text) => return Ok(vec![vec![Literal::Unknown(text.clone())]]),
    };
    let mut all: Vec<Vec<Literal>> = if is_all { vec![Vec::new()] } else { Vec::new() };
    for part in parts {
        let part = alternatives(part, is_negated)?;
        if is_all {
            if all.len() * part.len() > ALTERNATIVES_MAX {
                return Err("its filter has too many alternatives".to_owned());
            }
            all = all
                .iter()
                .flat_map(|left| part.iter().map(move |right| [left.as_slice(), right].concat()))
                .collect();
        } else {
            all.extend(part);
        }
        if all.len() > ALTERNATIVES_MAX {
            return Err("its filter has too many alternatives".to_owned());
        }
    }
    Ok(all)
}

/// What must hold and what must not; `None` for what never holds.
fn join(literals: &[Literal]) -> Result<Option<(Keys, Keys)>, String> {
    let (mut when, mut unless) = (Keys::new(), Keys::new());
    for literal in literals {
        match literal {
            Literal::Always => {}
            Literal::Never => return Ok(None),
            Literal::Unknown(text) => return Err(text.clone()),
            Literal::IsNot(key, values) => unless.entry(key).or_default().extend(values.iter().cloned()),
            Literal::Is(key, values) => match when.get_mut(key) {
                None => {
                    when.insert(key, values.clone());
                }
                Some(known) if known == values => {}
                Some(known)
                    if matches!(*key, "method" | "status")
                        || key.starts_with("has_")
                        || *key == "is_asset" =>
                {
                    known.retain(|value| values.contains(value));
                    if known.is_empty() {
                        return Ok(None);
                    }
                }
                Some(known) => {
                    let both = both(known, values);
                    *known = both.ok_or_else(|| format!("two things of {key} at once"))?;
                }
            },
        }
    }
    Ok(Some((when, unless)))
}

/// Patterns that fit only what a pattern of each side fits; `None` when there are none.
fn both(left: &BTreeSet<String>, right: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let mut patterns = BTreeSet::new();
    for (one, other) in left
        .iter()
        .flat_map(|one| right.iter().map(move |other| (one, other)))
    {
        for (first, second) in [(one, other), (other, one)] {
            // `a*` and `*b` both hold where `a*b` does.
            let is_open = first.ends_with('*') && !first.ends_with("\\*");
            if let Some(rest) = second.strip_prefix('*').filter(|_| is_open) {
                patterns.insert(Glob::new(&format!("{first}{rest}")).ok()?.to_string());
            }
        }
    }
    (!patterns.is_empty()).then_some(patterns)
}

/// Makes one alternative of two that differ in the values of one key.
fn merge(mut all: Vec<Keys>) -> Vec<Keys> {
    if all.iter().any(Keys::is_empty) {
        return vec![Keys::new()];
    }
    let mut place = 0;
    while place < all.len() {
        let differs = |other: &Keys| {
            let keys = &all[place];
            let same_keys = keys.len() == other.len() && keys.keys().eq(other.keys());
            let mut different = keys
                .iter()
                .filter(|(key, values)| other.get(*key) != Some(values));
            let (first, second) = (different.next(), different.next());
            (same_keys && second.is_none()).then(|| first.map(|(key, _)| *key))
        };
        let found = (place + 1..all.len()).find_map(|other| Some((other, differs(&all[other])?)));
        let Some((other, key)) = found else {
            place += 1;
            continue;
        };
        let gone = all.remove(other);
        if let Some(key) = key {
            let more = gone.get(key).cloned().unwrap_or_default();
            if let Some(values) = all[place].get_mut(key) {
                values.extend(more);
            }
        }
        place = 0;
    }
    all
}

fn literal(field: &str, operator: Operator, values: &[String], is_negated: bool) -> Literal {
    let unknown = || {
        let not = if is_negated { "not " } else { "" };
        Literal::Unknown(format!("{not}{field} {operator:?} {values:?}"))
    };
    let always = |holds: bool| {
        if holds == is_negated {
            Literal::Never
        } else {
            Literal::Always
        }
    };
    let name = field
        .strip_prefix("evt.Meta.")
        .or_else(|| field.strip_prefix("evt.Parsed."))
        .unwrap_or(field);
    let is_equal = operator == Operator::Equals;
    let is_any = |wanted: &str| values.iter().any(|value| value == wanted);
    match name {
        // Everything that we read is an access log.
        "service" if is_equal => always(is_any("http")),
        "log_type" if is_equal => always(is_any("http_access-log")),
        // Only logs of other kinds have one; whoever writes the rule says so.
        "sub_type" if is_equal => always(false),
        "static_ressource" if is_equal && values.len() == 1 => {
            switch("is_asset", is_any("true") != is_negated)
        }
        "http_verb" | "verb" if is_equal => sided("method", values.iter().cloned().collect(), is_negated),
        "http_status" | "status" => match statuses(operator, values, is_negated) {
            Some(set) if set.is_empty() => Literal::Never,
            Some(set) => Literal::Is("status", set),
            None => unknown(),
        },
        _ => {
            let Some((key, has)) = text_key(name) else {
                return unknown();
            };
            if is_equal && values == [String::new()] {
                return has.map_or_else(unknown, |has| switch(has, is_negated));
            }
            let patterns: Option<Vec<BTreeSet<String>>> = values
                .iter()
                .map(|value| patterns(name, operator, value))
                .collect();
            match patterns {
                Some(patterns) => sided(key, patterns.into_iter().flatten().collect(), is_negated),
                None => unknown(),
            }
        }
    }
}

/// The key of a text field, and the key that tells whether there is any.
fn text_key(name: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match name {
        "http_path" | "request" | "uri" => ("target", None),
        "http_args" => ("query", Some("has_query")),
        "http_user_agent" => ("user_agent", Some("has_user_agent")),
        "http_referer" | "referrer" | "http_referrer" => ("referer", Some("has_referer")),
        "target_fqdn" | "target_host" => ("host", None),
        "file_ext" | "file_name" => ("path", None),
        _ => return None,
    })
}

fn switch(key: &'static str, is_on: bool) -> Literal {
    Literal::Is(key, BTreeSet::from([is_on.to_string()]))
}

fn sided(key: &'static str, values: BTreeSet<String>, is_negated: bool) -> Literal {
    if is_negated {
        Literal::IsNot(key, values)
    } else {
        Literal::Is(key, values)
    }
}

/// The patterns that fit a text as the operator does; `None` when there are none.
fn patterns(name: &str, operator: Operator, value: &str) -> Option<BTreeSet<String>> {
    let around = |before: &str, after: &str| {
        let glob = Glob::around(before, value, after).ok()?;
        Some(BTreeSet::from([glob.to_string()]))
    };
    match (name, operator) {
        // The last part of a path: only its end can be told.
        ("file_name", Operator::Equals) => around("*/", ""),
        ("file_name" | "file_ext", Operator::EndsWith) | ("file_ext", Operator::Equals) => around("*", ""),
        ("file_name" | "file_ext", _) => None,
        (_, Operator::Equals) => around("", ""),
        (_, Operator::Contains) => around("*", "*"),
        (_, Operator::StartsWith) => around("", "*"),
        (_, Operator::EndsWith) => around("*", ""),
        (_, Operator::Matches) => Some(pattern::of_regex(value)?.into_iter().collect()),
        _ => None,
    }
}

/// The statuses that are meant, one by one.
fn statuses(operator: Operator, values: &[String], is_negated: bool) -> Option<BTreeSet<String>> {
    let holds = |status: u16, value: &str| -> Option<bool> {
        let text = status.to_string();
        Some(match operator {
            Operator::Equals => text == value,
            Operator::StartsWith => text.starts_with(value),
            Operator::EndsWith => text.ends_with(value),
            Operator::Contains => text.contains(value),
            Operator::Above => status > value.parse().ok()?,
            Operator::AtLeast => status >= value.parse().ok()?,
            Operator::Below => status < value.parse().ok()?,
            Operator::AtMost => status <= value.parse().ok()?,
            Operator::Matches => return None,
        })
    };
    let mut set = BTreeSet::new();
    for status in 100..=599u16 {
        let mut is_meant = false;
        for value in values {
            is_meant |= holds(status, value)?;
        }
        if is_meant != is_negated {
            set.insert(status.to_string());
        }
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::super::expression::parse;
    use super::*;

    fn check(text: &str, when: &str, unless: &str, notes: usize) {
        let filter = translate(&parse(text).unwrap()).unwrap();
        let show = |keys: &Keys| {
            let pairs: Vec<String> = keys
                .iter()
                .map(|(key, values)| {
                    format!("{key}={}", values.iter().cloned().collect::<Vec<_>>().join(","))
                })
                .collect();
            pairs.join(" ")
        };
        let alternatives: Vec<String> = filter.when.iter().map(show).collect();
        assert_eq!(alternatives.join(" | "), when, "{text}");
        assert_eq!(show(&filter.unless), unless, "{text}");
        assert_eq!(filter.notes.len(), notes, "{text}: {:?}", filter.notes);
    }

    #[test]
    fn filters_become_conditions() {
        check("evt.Meta.service == 'http'", "", "", 0);
        check(
            "evt.Meta.http_status in ['404', '403'] && evt.Parsed.static_ressource == 'false'",
            "is_asset=false status=403,404",
            "",
            0,
        );
        check(
            "evt.Meta.http_path contains '/a' || Lower(evt.Meta.http_path) startsWith '/b'",
            "target=*/a*,/b*",
            "",
            0,
        );
        check(
            "evt.Meta.http_verb == 'POST' && not (evt.Meta.http_path == '/x' || evt.Parsed.http_user_agent contains 'y')",
            "method=POST",
            "target=/x user_agent=*y*",
            0,
        );
        check(
            "evt.Parsed.http_args != '' && evt.Parsed.file_ext == '.php'",
            "has_query=true path=*.php",
            "",
            0,
        );
        check(
            "evt.Meta.http_status in ['401'] && evt.Meta.http_status != '401' || evt.Parsed.verb == 'GET'",
            "method=GET",
            "",
            0,
        );
    }

    #[test]
    fn what_cannot_be_said_makes_a_rule_narrower_and_never_wider() {
        check(
            "evt.Parsed.verb == 'GET' || evt.Meta.sub_type == 'auth_fail'",
            "method=GET",
            "",
            0,
        );
        check(
            "evt.Parsed.verb == 'GET' || len(evt.Meta.http_path) > 5",
            "method=GET",
            "",
            1,
        );
        check(
            "evt.Meta.http_path contains '/wp-' && evt.Meta.http_path endsWith '.php'",
            "target=*/wp-*.php",
            "",
            0,
        );
        check(
            "evt.Meta.http_path contains 'a' && evt.Meta.http_path contains 'b'",
            "target=*a*b*,*b*a*",
            "",
            0,
        );
        let nothing = |text: &str| translate(&parse(text).unwrap()).unwrap_err();
        assert!(
            nothing("evt.Parsed.verb == 'GET' && len(evt.Meta.http_path) > 5")
                .contains("len(evt.Meta.http_path) > 5")
        );
        nothing("evt.Meta.log_type == 'ssh_failed-auth'");
        nothing("evt.Meta.http_path startsWith 'a' && evt.Meta.http_path == 'b'");
        nothing("not (len(evt.Meta.http_path) > 5 || evt.Parsed.verb == 'GET')");
    }
}
