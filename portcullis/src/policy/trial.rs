//! Tests of a policy, as data beside its clauses: what speaks against a client, and what is to be decided.

use super::read::{CLIENT_FORM, Written, action, client, line, mode, roles};
use super::words;
use crate::config::Problem;
use crate::config::document::{Origin, Raw, Table};
use crate::rules::reader::{Reader, text};
use detector::feature::FEATURES;
use detector::policy::{Bounds, Charge, PolicySettings, RoleSet};
use domain::{Action, Client, Mode, Origin as DecidedBy, ThreatKind, Timestamp};
use std::collections::BTreeMap;

/// A moment for tests that name none.
const MOMENT: &str = "2026-11-25T12:00:00Z";

/// A test of a policy.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    /// What it shows.
    pub(crate) name: String,
    /// The line at which it begins.
    pub(crate) line: usize,
    given: Given,
    /// What is to be decided.
    pub(crate) expected: Expected,
}

/// What speaks against a client.
#[derive(Debug, Clone)]
struct Given {
    threat: ThreatKind,
    confidence: f32,
    evidence: f32,
    is_conclusive: bool,
    is_by_score: bool,
    roles: RoleSet,
    client: Client,
    requests: u32,
    is_established: bool,
    is_declared_crawler: bool,
    is_crowd: bool,
    offences: u32,
    at: Timestamp,
    origin: DecidedBy,
    /// The action of the rule that found it.
    by_rule: Option<Action>,
    features: BTreeMap<usize, f32>,
}

/// What is to be decided. What is `None` is not looked at.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    /// What is done; `None` when the client is not even shown.
    action: Option<Action>,
    for_secs: Option<u32>,
    is_shadow: Option<bool>,
    gateways: Option<Vec<String>>,
    /// The clause that decides; empty for none.
    pub(crate) clause: Option<String>,
}

/// What a test came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// What is done; `None` when the client is not even shown.
    pub(crate) action: Option<Action>,
    /// For how long; 0 when nothing is done, or as long as a rule says.
    pub(crate) for_secs: u32,
    /// Whether it is only recorded.
    pub(crate) is_shadow: bool,
    /// Where; empty for everywhere.
    pub(crate) gateways: Vec<String>,
    /// By which clause; empty for none.
    pub(crate) clause: String,
}

/// What nobody is shown is called, beside actions.
const NOTHING: &str = "nothing";

/// What stands for no clause.
const THRESHOLDS: &str = "";

/// Reads a test; `names` are those of the clauses.
pub(super) fn read(
    (path, table, origin): (String, &Table, &Origin),
    names: &[&str],
    problems: &mut Vec<Problem>,
) -> Trial {
    let mut reader = Reader::new(path, table, origin, problems);
    reader.required("name", "what the test shows");
    let name = reader.text("name").unwrap_or_default();
    let empty = Table::new();
    reader.required("given", "a table of what speaks against a client");
    let given = reader.tables("given").pop();
    let (given_path, given_table, given_origin) =
        given.unwrap_or_else(|| (reader.at("given"), &empty, origin));
    let is_missing = |key: &str| table.get(key).is_none();
    let mut unheard = Vec::new();
    let given = {
        let is_there = !is_missing("given");
        let sink = if is_there { reader.problems() } else { &mut unheard };
        read_given(given_path, given_table, given_origin, sink)
    };
    reader.required("expect", "a table of what is to be decided");
    let expected = reader.tables("expect").pop();
    let (path, expect_table, expect_origin) =
        expected.unwrap_or_else(|| (reader.at("expect"), &empty, origin));
    let expected = {
        let is_there = !is_missing("expect");
        let sink = if is_there { reader.problems() } else { &mut unheard };
        read_expected(path, (expect_table, expect_origin), names, sink)
    };
    reader.finish();
    Trial {
        name,
        line: line(origin),
        given,
        expected,
    }
}

fn read_given(path: String, table: &Table, origin: &Origin, problems: &mut Vec<Problem>) -> Given {
    let mut reader = Reader::new(path, table, origin, problems);
    let threats: Vec<&str> = ThreatKind::ALL.iter().map(|kind| kind.as_str()).collect();
    reader.required("threat", "what its acts name");
    let threat = reader.word("threat", &threats, ThreatKind::from_name);
    let actions = Action::ALL.map(Action::as_str);
    let by_rule = reader.word("by_rule", &actions, |word| word.parse().ok());
    if by_rule.is_none() {
        reader.required("confidence", "how surely, from 0 to 1");
    }
    let confidence = reader.number("confidence").unwrap_or_default();
    let evidence = reader.number("evidence").unwrap_or(confidence);
    for (key, share) in [("confidence", confidence), ("evidence", evidence)] {
        if share > 1.0 {
            reader.refuse(key, share.to_string(), "0 to 1");
        }
    }
    let is_on = |reader: &mut Reader<'_>, key| reader.switch(key).unwrap_or(false);
    let who = reader.several("client", |node| {
        let named = text(node).and_then(|text| client(&text));
        named.ok_or_else(|| CLIENT_FORM.to_owned())
    });
    let at = reader.several("at", |node| {
        let written = match &node.raw {
            Raw::Text(text) | Raw::Other(text) => Timestamp::parse_rfc3339(text),
            _ => None,
        };
        written.ok_or_else(|| format!("a moment such as \"{MOMENT}\""))
    });
    let given = Given {
        threat: threat.unwrap_or(ThreatKind::Anomaly),
        confidence: confidence as f32,
        evidence: evidence as f32,
        is_conclusive: is_on(&mut reader, "is_conclusive"),
        is_by_score: is_on(&mut reader, "is_by_score"),
        roles: roles(&mut reader, "role"),
        client: who
            .into_iter()
            .next()
            .unwrap_or(Client::Ip([203, 0, 113, 9].into())),
        requests: reader.integer("requests").unwrap_or(100),
        is_established: is_on(&mut reader, "is_established"),
        is_declared_crawler: is_on(&mut reader, "is_declared_crawler"),
        is_crowd: is_on(&mut reader, "is_crowd"),
        offences: reader.integer("offences").unwrap_or_default(),
        at: at
            .first()
            .copied()
            .or_else(|| Timestamp::parse_rfc3339(MOMENT))
            .unwrap_or_default(),
        origin: if by_rule.is_some() {
            DecidedBy::Rule
        } else {
            DecidedBy::Model
        },
        by_rule,
        features: read_features(&mut reader),
    };
    reader.finish();
    given
}

fn read_features(reader: &mut Reader<'_>) -> BTreeMap<usize, f32> {
    let mut values = BTreeMap::new();
    for (path, table, origin) in reader.tables("features") {
        let mut inner = Reader::new(path, table, origin, reader.problems());
        for (place, feature) in FEATURES.iter().enumerate() {
            if let Some(value) = inner.number(feature.name) {
                values.insert(place, value as f32);
            }
        }
        inner.finish();
    }
    values
}

fn read_expected(
    path: String,
    (table, origin): (&Table, &Origin),
    names: &[&str],
    problems: &mut Vec<Problem>,
) -> Expected {
    let mut reader = Reader::new(path, table, origin, problems);
    let is_nothing = matches!(table.get("action"), Some(node) if text(node).as_deref() == Some(NOTHING));
    let action = if is_nothing {
        let _ = reader.node("action");
        None
    } else {
        action(&mut reader)
    };
    let clause = reader.text("clause");
    if let Some(name) = clause
        .as_deref()
        .filter(|name| *name != THRESHOLDS && !names.contains(name))
    {
        reader.refuse(
            "clause",
            format!("{name:?}"),
            format!("one of {}", names.join(", ")),
        );
    }
    let gateways = reader.several("gateways", |node| {
        text(node).ok_or_else(|| "a gateway's name".to_owned())
    });
    let expected = Expected {
        action,
        for_secs: reader.integer("for_secs"),
        is_shadow: mode(&mut reader),
        gateways: reader.node("gateways").is_some().then_some(gateways),
        clause,
    };
    reader.finish();
    expected
}

impl Expected {
    /// Whether what was found is that.
    pub(crate) fn is_met(&self, found: &Finding) -> bool {
        self.action == found.action
            && self.for_secs.is_none_or(|secs| secs == found.for_secs)
            && self
                .is_shadow
                .is_none_or(|is_shadow| is_shadow == found.is_shadow)
            && self
                .gateways
                .as_ref()
                .is_none_or(|names| *names == found.gateways)
            && self.clause.as_ref().is_none_or(|name| *name == found.clause)
    }

    /// In words, as far as it is asked for.
    pub(crate) fn words(&self) -> String {
        let mut parts = vec![self.action.map_or(NOTHING, Action::as_str).to_owned()];
        parts.extend(self.for_secs.map(|secs| format!("for {secs} s")));
        parts.extend(self.is_shadow.map(in_mode));
        parts.extend(self.gateways.as_deref().map(words::at_gateways));
        parts.extend(self.clause.as_deref().map(by_clause));
        parts.join(", ")
    }
}

impl Finding {
    /// In words.
    pub(crate) fn words(&self) -> String {
        let mut parts = vec![self.action.map_or(NOTHING, Action::as_str).to_owned()];
        if self.for_secs > 0 {
            parts.push(format!("for {} s", self.for_secs));
        }
        parts.push(in_mode(self.is_shadow));
        parts.push(words::at_gateways(&self.gateways));
        parts.push(by_clause(&self.clause));
        parts.join(", ")
    }
}

fn in_mode(is_shadow: bool) -> String {
    let mode = if is_shadow { Mode::Shadow } else { Mode::Enforced };
    mode.as_str().to_owned()
}

fn by_clause(name: &str) -> String {
    match name {
        THRESHOLDS => "by no clause".to_owned(),
        name => format!("by clause {name}"),
    }
}

impl Trial {
    /// Says what the policy decides beside those thresholds. Mercy, guard and caps come after it, and are not tested here.
    pub(crate) fn run(&self, written: &Written, settings: &PolicySettings) -> Finding {
        let given = &self.given;
        let shown = match given.by_rule {
            Some(action) => Some(action),
            None if given.is_by_score => Some(Action::Block),
            None => settings.action(given.confidence),
        };
        let Some(usual) = shown else {
            return Finding {
                action: None,
                for_secs: 0,
                is_shadow: settings.is_shadow,
                gateways: Vec::new(),
                clause: String::new(),
            };
        };
        let is_unnamed = given.threat == ThreatKind::Anomaly;
        let bounds = if is_unnamed || given.by_rule.is_some() {
            Bounds::no_stronger(usual)
        } else {
            let most = settings.most(given.evidence, given.is_conclusive);
            Bounds { usual, most }
        };
        let feature = |place: usize| given.features.get(&place).copied();
        let measure = written.clauses.measure(&given.charge(&feature), bounds);
        let is_done = measure.action.is_enforced();
        // A rule's own time is not known here, and holds unless the clause's is shorter.
        let secs = match given.by_rule {
            Some(_) => measure.step_secs(settings, measure.action, given.offences),
            None => Some(measure.ttl_secs(settings, measure.action, given.offences)),
        };
        Finding {
            action: Some(measure.action),
            for_secs: secs
                .filter(|_| is_done)
                .map_or(0, |secs| settings.within_epoch(&given.client, secs)),
            is_shadow: settings.is_shadow || measure.is_shadow(),
            gateways: measure.gateways().to_vec(),
            clause: measure
                .clause
                .map(|clause| clause.name.clone())
                .unwrap_or_default(),
        }
    }
}

impl Given {
    fn charge<'a>(&'a self, feature: &'a dyn Fn(usize) -> Option<f32>) -> Charge<'a> {
        Charge {
            threat: self.threat,
            confidence: self.confidence,
            evidence: self.evidence,
            is_conclusive: self.is_conclusive,
            roles: self.roles,
            client: &self.client,
            requests: u64::from(self.requests),
            is_established: self.is_established,
            is_declared_crawler: self.is_declared_crawler,
            is_crowd: self.is_crowd,
            offences: self.offences,
            at: self.at,
            origin: self.origin,
            feature,
        }
    }
}
