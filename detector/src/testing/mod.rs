//! What the tests of this crate share: short descriptions of requests, and a model that is simple enough to predict.

pub(crate) mod play;

use crate::detector::{Describe, Detector, Output, Settings};
use crate::policy::{Clause, ClauseSet, RoleSet, When};
use crate::rule::{By, Comparison, Condition, DistinctOf, FeatureTest, Limit, Pace, Rule, RuleSet, Who};
use crate::score::{Contribution, Score, Scorer, Standing, Windows};
use crate::signal::RouteRole;
use crate::stage::Executor;
use domain::{
    Action, AddressSource, Client, HashKey, Origin, Position, RequestRecord, Route, Scope, ThreatKind,
    Timestamp,
};
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

/// When the tests' logs begin: late in 2026.
pub(crate) const START_MILLIS: i64 = 1_795_000_000_000;

/// The user agent of whoever says that he is a crawler.
pub(crate) const CRAWLER: u8 = u8::MAX;

/// The tests' key.
pub(crate) const KEY: HashKey = HashKey::new([7; 16]);

/// One request, in short.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) millis: i64,
    pub(crate) address: u32,
    /// Number of the API key, 0 for none.
    pub(crate) name: u8,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) agent: u8,
    /// 0 for none, as the next two.
    pub(crate) fingerprint: u8,
    pub(crate) host: u8,
    pub(crate) network: u32,
    pub(crate) source: u32,
    pub(crate) is_ambiguous: bool,
    pub(crate) is_stopped: bool,
    /// The page it says that it comes from, empty for none.
    pub(crate) referer: &'static str,
}

impl Line {
    /// A GET of that path by that client, so many milliseconds after the tests' beginning.
    pub(crate) fn new(millis: i64, number: u32, path: &str, status: u16) -> Self {
        Self {
            millis: START_MILLIS + millis,
            // Every client has a /24 of its own, so that no test makes a campaign unless it wants one.
            address: 0x2000_0001 + (number << 8),
            name: 0,
            method: "GET",
            path: path.to_owned(),
            status,
            agent: (number % 200) as u8,
            fingerprint: 0,
            host: 0,
            network: 0,
            source: 0,
            is_ambiguous: false,
            is_stopped: false,
            referer: "",
        }
    }

    /// Who sent it.
    pub(crate) fn client(&self) -> Client {
        match self.name {
            0 => Client::Ip(Ipv4Addr::from(self.address)),
            number => Client::parse(Scope::ApiKey, &format!("key-{number}")).expect("a short name"),
        }
    }

    /// The record that a log's line would have become.
    pub(crate) fn record(&self, line: u64) -> RequestRecord<'_> {
        let digits_out: String = self.path.chars().filter(|c| !c.is_ascii_digit()).collect();
        RequestRecord {
            at: Timestamp::from_millis(self.millis),
            client: self.client(),
            former: None,
            claim: None,
            address: Some(IpAddr::V4(Ipv4Addr::from(self.address))),
            address_source: AddressSource::Peer,
            method: Cow::Borrowed(self.method),
            host: shared("host", self.host),
            path: Cow::Borrowed(&self.path),
            query: None,
            route: Route {
                template: KEY.hash(digits_out.as_str()),
                path: KEY.hash(self.path.as_str()),
                depth: 2,
                ..Route::default()
            },
            status: self.status,
            bytes_in: None,
            bytes_out: Some(1700 + u64::from(self.agent)),
            duration_ms: None,
            upstream_ms: None,
            protocol: None,
            user_agent: Some(match self.agent {
                CRAWLER => Cow::Borrowed("Mozilla/5.0 (compatible; Seekbot/2.1; +https://seek.example/bot)"),
                number => Cow::Owned(format!("agent/{number}")),
            }),
            referer: (!self.referer.is_empty()).then_some(Cow::Borrowed(self.referer)),
            tls: None,
            fingerprint: shared("ja4", self.fingerprint),
            network: (self.network != 0).then_some(self.network),
            is_malformed: false,
            is_ambiguous: self.is_ambiguous,
            is_stopped: self.is_stopped,
            position: Position {
                source: self.source,
                line,
            },
        }
    }
}

/// What clients with that number share, named after what it is; nothing for 0.
fn shared(what: &str, number: u8) -> Option<Cow<'static, str>> {
    (number != 0).then(|| Cow::Owned(format!("{what}-{number}")))
}

/// Calls a window the odder, the larger its features are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Simple;

impl Scorer for Simple {
    fn version(&self) -> &'static str {
        "simple"
    }

    fn score(&self, windows: Windows<'_>, out: &mut [Score]) {
        for (row, score) in windows.rows.chunks(crate::feature::COUNT).zip(out) {
            let oddity = row.iter().sum::<f32>().abs();
            let value = oddity / (oddity + 40.0);
            *score = Score {
                value,
                p_value: f64::from(1.0 - value).powi(4),
            };
        }
    }

    fn threshold_for(&self, _per_million: f64) -> Option<f64> {
        Some(0.2)
    }

    fn explain(&self, row: &[f32], _requests: u64, most: usize) -> Vec<Contribution> {
        (0..row.len().min(most))
            .map(|feature| Contribution {
                feature,
                share: 1.0 / row.len() as f32,
                typical: 0.0,
                extreme: 1.0,
            })
            .collect()
    }

    fn standing(&self, _feature: usize, _value: f32) -> Option<Standing> {
        Some(Standing {
            typical: 0.0,
            extreme: 1.0,
        })
    }
}

/// Everything as logged.
const DESCRIBE: Describe = Describe {
    request: |record| format!("{} {}", record.method, record.path),
    name: str::to_owned,
    route: |record| record.path.to_string(),
};

/// The tests' settings.
pub(crate) fn settings(clients_max: usize) -> Settings {
    let mut settings = Settings::new(KEY, DESCRIBE);
    settings.clients_max = clients_max;
    settings
}

/// A detector that remembers so many clients.
pub(crate) fn detector(clients_max: usize) -> Detector<Simple> {
    Detector::new(settings(clients_max), Simple)
}

/// A clause that holds for everybody.
pub(crate) fn clause(name: &str, action: Action) -> Clause {
    Clause {
        name: name.to_owned(),
        description: String::new(),
        when: When::default(),
        action,
        for_secs: Vec::new(),
        memory_secs: None,
        gateways: Vec::new(),
        is_shadow: false,
    }
}

/// Those clauses, as the first version of a policy.
pub(crate) fn clauses(all: Vec<Clause>) -> ClauseSet {
    ClauseSet::new("shop".to_owned(), "1".to_owned(), all).unwrap()
}

/// Clauses of every kind, each for a few clients of random logs.
fn every_clause() -> ClauseSet {
    let mut scanners = clause("scanners", Action::Throttle);
    scanners.when.threats = vec![ThreatKind::Reconnaissance];
    scanners.when.features = vec![FeatureTest {
        feature: 0,
        comparison: Comparison::AtLeast,
        value: 0.0,
    }];
    scanners.when.offences_min = 1;
    scanners.for_secs = vec![5, 10, 20];
    scanners.memory_secs = Some(600);
    let mut edge = clause("edge", Action::Block);
    edge.when.roles = RoleSet::of(&[RouteRole::Login]);
    edge.gateways = vec!["edge-1".to_owned()];
    edge.for_secs = vec![30];
    let mut shadow = clause("shadow", Action::Block);
    shadow.when.origins = vec![Origin::Rule];
    shadow.is_shadow = true;
    clauses(vec![scanners, edge, shadow])
}

/// Rules and clauses of every kind that fire now and then on random logs.
pub(crate) fn with_rules(settings: Settings) -> Settings {
    let rule = |name: &str| Rule {
        name: name.to_owned(),
        description: "a test".to_owned(),
        threat: ThreatKind::DenialOfService,
        by: By {
            who: Some(Who::Client),
            ..By::default()
        },
        when: Vec::new(),
        unless: Condition::default(),
        limit: Limit {
            count: 6,
            distinct: None,
            pace: Pace::Within { secs: 30 },
        },
        action: Action::Throttle,
        for_secs: 20,
    };
    let paths = Rule {
        by: By {
            who: Some(Who::Address),
            ..By::default()
        },
        limit: Limit {
            count: 5,
            distinct: Some(DistinctOf::Path),
            pace: Pace::Leak { millis: 4000 },
        },
        action: Action::Block,
        ..rule("paths")
    };
    let route = Rule {
        by: By {
            route: true,
            ..By::default()
        },
        limit: Limit {
            count: 5,
            distinct: Some(DistinctOf::Client),
            pace: Pace::Within { secs: 60 },
        },
        action: Action::Observe,
        ..rule("route")
    };
    let rules = RuleSet::new(vec![rule("rate"), paths, route], str::to_owned).unwrap();
    Settings {
        rules,
        clauses: every_clause(),
        ..settings
    }
}

/// As [`detector`], with rules.
pub(crate) fn ruled(clients_max: usize) -> Detector<Simple> {
    Detector::new(with_rules(settings(clients_max)), Simple)
}

/// Feeds the lines and ends the log.
pub(crate) fn run(detector: &mut Detector<Simple>, lines: &[Line], executor: &impl Executor) -> Vec<Output> {
    let mut outputs = Vec::new();
    feed(detector, 0, lines, executor, &mut outputs);
    detector.flush(&mut outputs);
    outputs
}

/// Feeds the lines, the first of which stood at `place` in the log.
pub(crate) fn feed(
    detector: &mut Detector<Simple>,
    place: usize,
    lines: &[Line],
    executor: &impl Executor,
    outputs: &mut Vec<Output>,
) {
    let records: Vec<RequestRecord<'_>> = lines
        .iter()
        .enumerate()
        .map(|(step, line)| line.record((place + step) as u64 + 1))
        .collect();
    detector.observe(&records, executor, outputs);
}
