//! The open hour: what passed in it so far, and what of it was told.

use super::{
    ByRoute, Counts, EVIDENCE_MAX, Expected, HOURS_OF_WEEK, HourView, QUANTITIES, Quantity, Series, Surge,
    Usual, UsualView,
};
use crate::limits::{BASELINE_OPEN_ROUTES_MAX, BASELINE_ROUTES_MAX};
use crate::population::in_order;
use crate::signal::RouteRole;
use domain::{Evidence, Position, Timestamp};
use serde::{Deserialize, Serialize};

/// Milliseconds of an hour.
const HOUR_MILLIS: i64 = 3_600_000;

/// What passed in one tick in one shard.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traffic {
    /// On the whole site.
    pub site: Counts,
    /// On routes that many clients use, a request each.
    pub routes: Vec<Passed>,
    /// Requests that were wanted as evidence.
    pub samples: Vec<Sample>,
}

/// One request on a route that many clients use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Hash of the route's template.
    pub template: u64,
    /// What it is for.
    pub role: RouteRole,
    /// The quantities that it counts for, a bit each.
    pub quantities: u8,
}

/// A request that shows a quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its place in the order of arrival.
    pub seq: u64,
    /// The route, by the hash of its template; `None` for the whole site.
    pub template: Option<u64>,
    /// What it shows.
    pub quantity: Quantity,
    /// The request.
    pub evidence: Evidence,
}

/// The open hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Hour {
    /// Its number since 1970.
    pub(super) index: i64,
    /// Whether it was seen from its beginning.
    pub(super) is_whole: bool,
    pub(super) site: Open,
    #[serde(with = "in_order")]
    pub(super) routes: ByRoute<Open>,
    /// Routes with something that may be a surge, of the present tick: empty between ticks.
    #[serde(skip)]
    pub(super) risen: Vec<u64>,
    /// Routes of which a surge was told: it is none of the site's.
    pub(super) told: Vec<u64>,
}

/// What passed so far of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Open {
    role: RouteRole,
    pub(super) counts: Counts,
    expected: Option<[Expected; QUANTITIES]>,
    /// The least counts that may be surges.
    surge_from: [u32; QUANTITIES],
    told: Option<Told>,
    samples: Vec<SampleForm>,
}

/// What was told of a series in this hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Told {
    quantity: Quantity,
    count: u32,
    at_millis: i64,
}

/// A sample, in a form for checkpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SampleForm {
    quantity: Quantity,
    seq: u64,
    source: u32,
    line: u64,
    millis: i64,
    request: String,
    status: u16,
}

/// A surge, as it was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    quantity: Quantity,
    count: u32,
    expected: Expected,
}

impl Passed {
    /// A request on that route, for that role, that counts for these quantities.
    #[must_use]
    pub fn new(template: u64, role: RouteRole, quantities: impl Iterator<Item = Quantity>) -> Self {
        let quantities = quantities.fold(0, |all, quantity| all | 1 << quantity as u8);
        Self {
            template,
            role,
            quantities,
        }
    }
}

impl Hour {
    pub(super) fn index_of(at: Timestamp) -> i64 {
        at.as_millis().div_euclid(HOUR_MILLIS)
    }

    /// Begins an hour. `last` gives its table: made anew it would grow from nothing every hour, and finding memory for that
    /// was a thirtieth of the time that a busy log took.
    pub(super) fn begin(index: i64, is_whole: bool, last: Option<Self>) -> Self {
        let mut routes = last.map(|last| last.routes).unwrap_or_default();
        routes.clear();
        Self {
            index,
            is_whole,
            site: Open::of(RouteRole::Plain),
            routes,
            risen: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Its place in the week. Weeks begin with the first hour of 1970.
    pub(super) fn hour_of_week(&self) -> usize {
        self.index.rem_euclid(HOURS_OF_WEEK as i64) as usize
    }

    pub(super) fn starts_at(&self) -> Timestamp {
        Timestamp::from_millis(self.index.saturating_mul(HOUR_MILLIS))
    }

    /// As people see it.
    pub(super) fn view(&self) -> HourView {
        let band = |expected: Expected| {
            let (from, to) = expected.band();
            (from as f32, to as f32)
        };
        let (requests, failed) = (Quantity::Requests as usize, Quantity::FailedSignIns as usize);
        HourView {
            at_millis: self.starts_at().as_millis(),
            requests: self.site.counts[requests],
            failed_sign_ins: self.site.counts[failed],
            usual: self.site.expected.map(|all| UsualView {
                requests: band(all[requests]),
                failed_sign_ins: band(all[failed]),
            }),
        }
    }

    /// What passed on the site, without the routes of which a surge was told.
    pub(super) fn rest_of_site(&self) -> Counts {
        let mut rest = self.site.counts;
        let told = self.told.iter().filter_map(|template| self.routes.get(template));
        for open in told {
            for (count, own) in rest.iter_mut().zip(&open.counts) {
                *count = count.saturating_sub(*own);
            }
        }
        rest
    }

    /// Keeps a sample where it is wanted.
    pub(super) fn keep(&mut self, sample: Sample) {
        let open = match sample.template {
            Some(template) => self.routes.get_mut(&template),
            None => Some(&mut self.site),
        };
        if let Some(open) = open {
            open.keep(sample);
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        let routes_max = BASELINE_OPEN_ROUTES_MAX + BASELINE_ROUTES_MAX;
        self.routes.len() <= routes_max
            && self.told.len() <= routes_max
            && self.routes.values().chain([&self.site]).all(Open::is_whole)
    }
}

impl Open {
    pub(super) fn of(role: RouteRole) -> Self {
        Self {
            role,
            counts: Counts::default(),
            expected: None,
            surge_from: [u32::MAX; QUANTITIES],
            told: None,
            samples: Vec::new(),
        }
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.counts == Counts::default()
    }

    /// Looks up what is expected in this hour.
    pub(super) fn expect(&mut self, series: Series, usual: &Usual, hour: usize) {
        let expected = Quantity::ALL.map(|quantity| usual.expected(hour, quantity));
        let [
            Some(requests),
            Some(newcomers),
            Some(errors),
            Some(failed),
            Some(lost),
        ] = expected
        else {
            return;
        };
        let all = [requests, newcomers, errors, failed, lost];
        for quantity in Quantity::ALL {
            let from = all[quantity as usize].surge_from(series, quantity);
            self.surge_from[quantity as usize] = from.unwrap_or(u32::MAX);
        }
        self.expected = Some(all);
    }

    pub(super) fn count(&mut self, counts: &Counts) {
        for (count, more) in self.counts.iter_mut().zip(counts) {
            *count = count.saturating_add(*more);
        }
    }

    /// Counts a request, and says whether something may be a surge.
    pub(super) fn count_passed(&mut self, passed: &Passed) -> bool {
        let mut is_risen = false;
        for (place, count) in self.counts.iter_mut().enumerate() {
            if passed.quantities >> place & 1 == 1 {
                *count = count.saturating_add(1);
                is_risen |= *count >= self.surge_from[place];
            }
        }
        is_risen
    }

    pub(super) fn is_risen(&self) -> bool {
        self.counts
            .iter()
            .zip(&self.surge_from)
            .any(|(count, from)| count >= from)
    }

    /// Whether that much of a quantity is a surge that was not told yet, or has doubled since. What the crowd of this hour
    /// explains is none.
    pub(super) fn surge(
        &self,
        series: Series,
        (quantity, count): (Quantity, u32),
        peak: f64,
    ) -> Option<Found> {
        if count < self.surge_from[quantity as usize] {
            return None;
        }
        let is_news = self
            .told
            .is_none_or(|told| told.quantity == quantity && count / 2 >= told.count);
        let expected = self.expected?[quantity as usize].times(peak);
        (is_news && expected.is_surge(count, series, quantity)).then_some(Found {
            quantity,
            count,
            expected,
        })
    }

    /// Notes that a surge is told, and says it.
    pub(super) fn tell(
        &mut self,
        found: Found,
        template: Option<u64>,
        hour_at: Timestamp,
        now: Timestamp,
    ) -> Surge {
        let Found {
            quantity,
            count,
            expected,
        } = found;
        let at_millis = self.told.map_or(now.as_millis(), |told| told.at_millis);
        self.told = Some(Told {
            quantity,
            count,
            at_millis,
        });
        let series = if template.is_some() {
            Series::Route
        } else {
            Series::Site
        };
        let sign_ins = Quantity::FailedSignIns as usize;
        let is_of_newcomers = self.role.is_sign_in() && quantity == Quantity::LostNewcomers;
        let mut shown: Vec<&SampleForm> = self
            .samples
            .iter()
            .filter(|sample| sample.quantity == quantity)
            .collect();
        shown.sort_unstable_by_key(|sample| sample.seq);
        Surge {
            template,
            role: self.role,
            quantity,
            hour_at,
            told_at: Timestamp::from_millis(at_millis),
            count,
            expected,
            silent_at: expected.surge_from(series, quantity).unwrap_or(count) - 1,
            chance: expected.chance(f64::from(count)),
            sign_ins: self
                .expected
                .filter(|_| is_of_newcomers)
                .map(|all| (self.counts[sign_ins], all[sign_ins])),
            evidence: shown.into_iter().map(Evidence::from).collect(),
        }
    }

    /// Whether requests that show a quantity are wanted: from half of a surge on, a few.
    pub(super) fn wants(&self, quantity: Quantity) -> bool {
        let shown = self.samples.iter().filter(|sample| sample.quantity == quantity);
        self.counts[quantity as usize] >= self.surge_from[quantity as usize] / 2
            && shown.count() < EVIDENCE_MAX
    }

    fn keep(&mut self, sample: Sample) {
        if self.wants(sample.quantity) {
            self.samples.push(sample.into());
        }
    }

    fn is_whole(&self) -> bool {
        let is_number = |expected: &Expected| {
            expected.mean.is_finite()
                && expected.mean >= 0.0
                && expected.spread > 0.0
                && expected.spread <= 1.0
        };
        self.samples.len() <= EVIDENCE_MAX * QUANTITIES
            && self.expected.iter().flatten().all(is_number)
            && self.surge_from.iter().all(|from| *from > 0)
    }
}

impl From<Sample> for SampleForm {
    fn from(sample: Sample) -> Self {
        let Evidence {
            position,
            at,
            request,
            status,
        } = sample.evidence;
        Self {
            quantity: sample.quantity,
            seq: sample.seq,
            source: position.source,
            line: position.line,
            millis: at.as_millis(),
            request,
            status,
        }
    }
}

impl From<&SampleForm> for Evidence {
    fn from(form: &SampleForm) -> Self {
        Self {
            position: Position {
                source: form.source,
                line: form.line,
            },
            at: Timestamp::from_millis(form.millis),
            request: form.request.clone(),
            status: form.status,
        }
    }
}
