//! Which requests a rule counts.

use super::Glob;
use crate::feature::FEATURES;
use crate::signal::{RouteRole, Signals};
use crate::window::Window;
use domain::{Documented, RequestRecord};
use std::borrow::Cow;
use std::cell::OnceCell;

/// What a request must show. What is empty or `None` is not asked; of a list one entry must fit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Condition {
    /// Methods.
    pub methods: Vec<Box<str>>,
    /// Ranges of statuses, both ends included.
    pub statuses: Vec<(u16, u16)>,
    /// What the route is for.
    pub roles: Vec<RouteRole>,
    /// Paths, as sent or decoded once, without the query.
    pub paths: Vec<Glob>,
    /// Paths with their queries, as sent or decoded once: `/search?q=*`.
    pub targets: Vec<Glob>,
    /// Queries, as sent or decoded once; none is the empty one.
    pub queries: Vec<Glob>,
    /// Virtual hosts; none is the empty one.
    pub hosts: Vec<Glob>,
    /// User agents; none is the empty one.
    pub user_agents: Vec<Glob>,
    /// Referers; none is the empty one.
    pub referers: Vec<Glob>,
    /// Whether there is a query.
    pub has_query: Option<bool>,
    /// Whether there is a user agent.
    pub has_user_agent: Option<bool>,
    /// Whether there is a referer.
    pub has_referer: Option<bool>,
    /// Whether it looks like a static file that pages load by themselves.
    pub is_asset: Option<bool>,
    /// Whether the operator's documents name the route. Where there are none it holds of no request, either way.
    pub is_documented: Option<bool>,
    /// Whether the request line is malformed.
    pub is_malformed: Option<bool>,
    /// Whether the path is one that only scanners ask for.
    pub is_probe: Option<bool>,
    /// Whether an attack payload was found in it.
    pub has_payload: Option<bool>,
    /// What must hold of the client's window: all of these.
    pub features: Vec<FeatureTest>,
}

/// A feature of the client's window held against a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureTest {
    /// Its place in the list of features.
    pub feature: usize,
    /// How it is held against the number.
    pub comparison: Comparison,
    /// The number, in the feature's unit.
    pub value: f32,
}

/// How a value is held against a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Greater.
    Above,
    /// Greater or equal.
    AtLeast,
    /// Less.
    Below,
    /// Less or equal.
    AtMost,
}

impl Comparison {
    /// Every comparison, longer signs first.
    pub const ALL: [Self; 4] = [Self::AtLeast, Self::AtMost, Self::Above, Self::Below];

    /// Its sign.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
        }
    }

    fn holds(self, left: f32, right: f32) -> bool {
        match self {
            Self::Above => left > right,
            Self::AtLeast => left >= right,
            Self::Below => left < right,
            Self::AtMost => left <= right,
        }
    }
}

/// A path and a query.
type Decoded<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// One request beside what is known of its client.
pub struct Facts<'a> {
    record: &'a RequestRecord<'a>,
    signals: &'a Signals,
    window: &'a Window,
    /// Path and query, decoded once: whoever writes `%6c` for `l` means the same page.
    decoded: OnceCell<Decoded<'a>>,
    /// The path with its query, as sent and decoded once.
    targets: OnceCell<[Vec<u8>; 2]>,
}

impl<'a> Facts<'a> {
    /// Puts them together.
    #[must_use]
    pub fn new(record: &'a RequestRecord<'a>, signals: &'a Signals, window: &'a Window) -> Self {
        Self {
            record,
            signals,
            window,
            decoded: OnceCell::new(),
            targets: OnceCell::new(),
        }
    }

    fn targets(&self) -> &[Vec<u8>; 2] {
        self.targets.get_or_init(|| {
            let (path, query) = self.decoded();
            let is_there = self.record.query.is_some();
            let join = |path: &[u8], query: &[u8]| {
                let mark: &[u8] = if is_there { b"?" } else { b"" };
                [path, mark, query].concat()
            };
            let sent = text(self.record.query.as_ref()).as_bytes();
            [join(self.record.path.as_bytes(), sent), join(path, query)]
        })
    }

    fn decoded(&self) -> &Decoded<'a> {
        self.decoded.get_or_init(|| {
            (
                decode(&self.record.path),
                decode(text(self.record.query.as_ref())),
            )
        })
    }
}

/// One thing that can be asked; `None` when a condition does not ask it.
type Check = fn(&Condition, &Facts<'_>) -> Option<bool>;

/// Everything that can be asked, the cheap before the dear.
const CHECKS: &[Check] = &[
    |on, facts| {
        let is_wanted = |(low, high): &(u16, u16)| (*low..=*high).contains(&facts.record.status);
        any(&on.statuses, is_wanted)
    },
    |on, facts| {
        any(&on.methods, |method| {
            method.eq_ignore_ascii_case(&facts.record.method)
        })
    },
    |on, facts| any(&on.roles, |role| *role == facts.signals.role),
    |on, facts| is(on.is_asset, facts.record.route.is_asset),
    |on, facts| {
        on.is_documented
            .map(|wanted| match facts.record.route.documented {
                Documented::Unasked => false,
                Documented::No => !wanted,
                Documented::As(_) => wanted,
            })
    },
    |on, facts| is(on.is_malformed, facts.record.is_malformed),
    |on, facts| is(on.has_query, !text(facts.record.query.as_ref()).is_empty()),
    |on, facts| {
        is(
            on.has_user_agent,
            !text(facts.record.user_agent.as_ref()).is_empty(),
        )
    },
    |on, facts| is(on.has_referer, !text(facts.record.referer.as_ref()).is_empty()),
    |on, facts| is(on.is_probe, facts.signals.probe.weight > 0.0),
    |on, facts| is(on.has_payload, facts.signals.payload.weight > 0.0),
    |on, facts| {
        any(&on.hosts, |glob| {
            glob.matches(text(facts.record.host.as_ref()).as_bytes())
        })
    },
    |on, facts| {
        any(&on.paths, |glob| {
            glob.matches(facts.record.path.as_bytes()) || glob.matches(&facts.decoded().0)
        })
    },
    |on, facts| {
        any(&on.targets, |glob| {
            facts.targets().iter().any(|target| glob.matches(target))
        })
    },
    |on, facts| {
        any(&on.queries, |glob| {
            glob.matches(text(facts.record.query.as_ref()).as_bytes()) || glob.matches(&facts.decoded().1)
        })
    },
    |on, facts| {
        any(&on.user_agents, |glob| {
            glob.matches(text(facts.record.user_agent.as_ref()).as_bytes())
        })
    },
    |on, facts| {
        any(&on.referers, |glob| {
            glob.matches(text(facts.record.referer.as_ref()).as_bytes())
        })
    },
    |on, facts| (!on.features.is_empty()).then(|| on.features.iter().all(|test| test.holds(facts.window))),
];

impl Condition {
    /// Whether everything that is asked holds.
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        CHECKS.iter().all(|check| check(self, facts) != Some(false))
    }

    /// Whether anything that is asked holds.
    #[must_use]
    pub fn holds_in_part(&self, facts: &Facts<'_>) -> bool {
        CHECKS.iter().any(|check| check(self, facts) == Some(true))
    }
}

impl FeatureTest {
    fn holds(self, window: &Window) -> bool {
        let Some(feature) = FEATURES.get(self.feature) else {
            return false;
        };
        self.holds_for((feature.compute)(window))
    }

    /// Whether it holds for a value of the feature, in its unit.
    pub(crate) fn holds_for(self, value: f32) -> bool {
        value.is_finite() && self.comparison.holds(value, self.value)
    }
}

fn any<T>(wanted: &[T], fits: impl Fn(&T) -> bool) -> Option<bool> {
    (!wanted.is_empty()).then(|| wanted.iter().any(fits))
}

fn is(wanted: Option<bool>, found: bool) -> Option<bool> {
    wanted.map(|wanted| wanted == found)
}

fn text<'a>(field: Option<&'a Cow<'a, str>>) -> &'a str {
    field.map_or("", |text| text)
}

/// Undoes one round of percent-encoding; what is no code stays.
fn decode(text: &str) -> Cow<'_, [u8]> {
    let bytes = text.as_bytes();
    if memchr::memchr(b'%', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let bytes = &bytes[..bytes.len().min(crate::limits::RULE_TEXT_BYTES_MAX)];
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    Cow::Owned(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal;
    use crate::testing::Line;

    fn glob(text: &str) -> Vec<Glob> {
        vec![Glob::new(text).unwrap()]
    }

    fn holds(condition: &Condition, line: &Line) -> (bool, bool) {
        let record = line.record(1);
        let signals = signal::read(&record, false, true, u32::MAX);
        let window = Window::default();
        let facts = Facts::new(&record, &signals, &window);
        (condition.holds(&facts), condition.holds_in_part(&facts))
    }

    #[test]
    fn all_that_is_asked_must_hold_and_of_a_list_one() {
        let asked = Condition {
            methods: vec!["post".into(), "put".into()],
            statuses: vec![(401, 401), (500, 599)],
            paths: glob("/api/*"),
            ..Condition::default()
        };
        let right = Line {
            method: "PUT",
            ..Line::new(0, 1, "/api/x", 503)
        };
        assert_eq!(holds(&asked, &right), (true, true));
        let other = Line {
            method: "GET",
            ..right.clone()
        };
        assert_eq!(holds(&asked, &other), (false, true));
        assert_eq!(holds(&asked, &Line::new(0, 1, "/", 200)), (false, false));
    }

    #[test]
    fn nothing_asked_holds_always() {
        assert_eq!(
            holds(&Condition::default(), &Line::new(0, 1, "/", 200)),
            (true, false)
        );
    }

    #[test]
    fn a_path_is_known_behind_its_encoding() {
        let asked = Condition {
            paths: glob("/login"),
            ..Condition::default()
        };
        assert!(holds(&asked, &Line::new(0, 1, "/%6Cogin", 200)).0);
        assert!(!holds(&asked, &Line::new(0, 1, "/%6", 200)).0);
    }

    #[test]
    fn roles_and_signals_are_asked() {
        let asked = Condition {
            roles: vec![RouteRole::Login],
            has_user_agent: Some(true),
            is_probe: Some(false),
            ..Condition::default()
        };
        assert!(holds(&asked, &Line::new(0, 1, "/login", 200)).0);
        assert!(!holds(&asked, &Line::new(0, 1, "/about", 200)).0);
    }

    #[test]
    fn a_feature_is_held_against_a_number() {
        let place = FEATURES
            .iter()
            .position(|feature| feature.name == "client_error_ratio")
            .unwrap();
        let asked = |comparison, value| Condition {
            features: vec![FeatureTest {
                feature: place,
                comparison,
                value,
            }],
            ..Condition::default()
        };
        let line = Line::new(0, 1, "/", 404);
        assert!(
            !holds(&asked(Comparison::Above, 0.0), &line).0,
            "an empty window has no errors"
        );
        assert!(holds(&asked(Comparison::AtMost, 0.0), &line).0);
    }
}
