//! Clauses in words, for people who read what a file comes to.

use detector::feature::FEATURES;
use detector::policy::{Clause, Hours, RoleSet, WEEKDAYS, When};
use std::fmt::Write as _;

/// For whom a clause holds and what is done, as one sentence.
pub(crate) fn of_clause(clause: &Clause) -> String {
    let mut sentence = format!("{} -> {}", when(&clause.when), clause.action);
    if !clause.for_secs.is_empty() {
        sentence = format!("{sentence} for {}", for_secs(&clause.for_secs));
    }
    if let Some(secs) = clause.memory_secs {
        // Writing to a string cannot fail, here and below.
        let _ = write!(sentence, ", remembered for {secs} s");
    }
    if !clause.gateways.is_empty() {
        let _ = write!(sentence, ", {}", at_gateways(&clause.gateways));
    }
    if clause.is_shadow {
        sentence.push_str(", in shadow");
    }
    sentence
}

/// One time, or the steps of a ladder.
fn for_secs(all: &[u32]) -> String {
    let texts: Vec<String> = all.iter().map(u32::to_string).collect();
    format!("{} s", texts.join(", then "))
}

/// Which gateways carry it out.
pub(super) fn at_gateways(names: &[String]) -> String {
    if names.is_empty() {
        "at all gateways".to_owned()
    } else {
        format!("at {}", names.join(", "))
    }
}

fn when(when: &When) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut list = |what: &str, texts: Vec<String>| {
        if !texts.is_empty() {
            parts.push(format!("{what} {}", texts.join(" or ")));
        }
    };
    list("threat", texts(&when.threats, |kind| kind.as_str().to_owned()));
    list("some evidence on", roles(when.roles));
    list("all evidence on", roles(when.only_roles));
    list("scope", texts(&when.scopes, |scope| scope.as_str().to_owned()));
    list("client", texts(&when.clients, ToString::to_string));
    list(
        "found by",
        texts(&when.origins, |origin| origin.as_str().to_owned()),
    );
    for (what, least) in [
        ("confidence", when.confidence_min),
        ("evidence", when.evidence_min),
    ] {
        if least > 0.0 {
            parts.push(format!("{what} {least} or more"));
        }
    }
    for (what, least) in [
        ("requests", when.requests_min),
        ("earlier offences", when.offences_min),
    ] {
        if least > 0 {
            parts.push(format!("{least} or more {what}"));
        }
    }
    for (what, wanted) in [
        ("conclusive", when.is_conclusive),
        ("established", when.is_established),
        ("a declared crawler", when.is_declared_crawler),
        ("a crowd", when.is_crowd),
    ] {
        parts.extend(wanted.map(|is_it| {
            if is_it {
                what.to_owned()
            } else {
                format!("not {what}")
            }
        }));
    }
    parts.extend(hours(&when.hours));
    parts.extend(when.features.iter().map(|test| {
        let name = FEATURES.get(test.feature).map_or("?", |feature| feature.name);
        format!("{name} {} {}", test.comparison.as_str(), test.value)
    }));
    if parts.is_empty() {
        "everybody".to_owned()
    } else {
        parts.join(", ")
    }
}

fn texts<T>(all: &[T], write: impl Fn(&T) -> String) -> Vec<String> {
    all.iter().map(write).collect()
}

fn roles(set: RoleSet) -> Vec<String> {
    set.iter().map(|role| role.as_str().to_owned()).collect()
}

fn hours(hours: &Hours) -> Option<String> {
    if hours.spans.is_empty() && hours.days.is_empty() {
        return None;
    }
    let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let days = hours
        .days
        .iter()
        .filter_map(|day| WEEKDAYS.get(usize::from(*day)));
    let days: Vec<&str> = days.copied().collect();
    let spans = texts(&hours.spans, |span| {
        format!("{}-{}", clock(span.from), clock(span.until))
    });
    let offset = hours.offset_minutes;
    let sign = if offset < 0 { '-' } else { '+' };
    let zone = match offset {
        0 => "UTC".to_owned(),
        _ => format!("UTC{sign}{}", clock(offset.unsigned_abs())),
    };
    let parts = [days.join(" or "), spans.join(" or "), zone];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Some(format!("on {}", parts.join(" ")))
}
