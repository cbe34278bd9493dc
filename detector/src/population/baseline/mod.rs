//! What is usual here at this hour of the week: of the site, and of the routes that it is used by most.
//!
//! A campaign in which every address sends one or two plausible requests shows nothing per client and little per range. It
//! shows as volume: more failed sign-ins than this route has on a Tuesday at two. Requests that are stopped, or come from whoever
//! is blocked, count nowhere. Requests alone are no surge: a newsletter is none. What may be one is what fails.
//!
//! Hours are of event time, in UTC. The open hour is counted at the end of each tick and learned when it is over.

mod hour;
#[cfg(test)]
mod tests;
mod usual;

pub use hour::{Passed, Sample, Traffic};
pub use usual::Expected;

use crate::limits::{BASELINE_OPEN_ROUTES_MAX, BASELINE_ROUTES_MAX, EVIDENCE_MAX, HOURS_SHOWN, SURGES_MAX};
use crate::population::in_order;
use crate::signal::RouteRole;
use domain::{Evidence, Timestamp};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use hour::{Hour, Open};
use serde::{Deserialize, Serialize};
use usual::Usual;

/// Hours of a week.
pub(super) const HOURS_OF_WEEK: usize = 168;
/// Quantities that are counted.
pub const QUANTITIES: usize = Quantity::ALL.len();
/// A peak of what succeeds lets expect so many times as many failures at most: nobody hides as many as he likes behind
/// requests that succeed.
const PEAK_MAX: f64 = 8.0;

/// What was counted, in the order of [`Quantity::ALL`].
pub type Counts = [u32; QUANTITIES];

/// Routes by the hash of their template.
type ByRoute<T> = HashMap<u64, T, FixedState>;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Quantity {
    /// Requests that counted.
    Requests,
    /// Clients that came for the first time.
    Newcomers,
    /// Requests that failed by the client's doing, the first few of each client: who fails all the time is judged by itself.
    ClientErrors,
    /// Failed sign-ins, the first few in a row of each client.
    FailedSignIns,
    /// Clients whose very first request failed.
    LostNewcomers,
}

/// What a quantity is counted of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Series {
    /// Everything.
    Site,
    /// One route.
    Route,
}

impl Quantity {
    /// Every quantity.
    pub const ALL: [Self; 5] = [
        Self::Requests,
        Self::Newcomers,
        Self::ClientErrors,
        Self::FailedSignIns,
        Self::LostNewcomers,
    ];

    /// Those of which a surge is told, the most telling first.
    pub(crate) const TOLD: [Self; 3] = [Self::FailedSignIns, Self::LostNewcomers, Self::ClientErrors];

    /// The public name, as people read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Newcomers => "new clients",
            Self::ClientErrors => "requests that failed",
            Self::FailedSignIns => "failed sign-ins",
            Self::LostNewcomers => "new clients whose first request failed",
        }
    }

    /// The least count that is worth telling; `None` for what is no surge by itself. Scanners and dead links cost every site
    /// some hundred failures an hour; a route that many use has hardly any.
    const fn surge_min(self, series: Series) -> Option<u32> {
        match (self, series) {
            (Self::Requests | Self::Newcomers, _) => None,
            (Self::FailedSignIns, _) => Some(30),
            (Self::LostNewcomers, Series::Route) => Some(50),
            (Self::ClientErrors, Series::Route) => Some(100),
            (Self::LostNewcomers, Series::Site) => Some(200),
            (Self::ClientErrors, Series::Site) => Some(500),
        }
    }

    /// What is counted of that which succeeds, to tell a peak apart.
    const fn crowd(self) -> Self {
        match self {
            Self::LostNewcomers => Self::Newcomers,
            _ => Self::Requests,
        }
    }
}

/// Far more of something that fails than is usual at this hour.
#[derive(Debug, Clone, PartialEq)]
pub struct Surge {
    /// The route, by the hash of its template; `None` for the whole site.
    pub template: Option<u64>,
    /// What the route is for.
    pub role: RouteRole,
    /// What there is so much of.
    pub quantity: Quantity,
    /// When the hour began.
    pub hour_at: Timestamp,
    /// When it was told first.
    pub told_at: Timestamp,
    /// How much of it there is so far in this hour.
    pub count: u32,
    /// What was expected of the whole hour, at the present crowd.
    pub expected: Expected,
    /// The most of it that would have been no surge.
    pub silent_at: u32,
    /// A bound of its chance.
    pub chance: f64,
    /// Where new clients fail to sign in: all failed sign-ins of this hour, and what was expected of them.
    pub sign_ins: Option<(u32, Expected)>,
    /// Some of the requests that show it.
    pub evidence: Vec<Evidence>,
}

/// What passed on the site in one hour, beside what is usual then.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HourView {
    /// Its beginning, in milliseconds since 1970.
    pub at_millis: i64,
    /// Requests that counted.
    pub requests: u32,
    /// Failed sign-ins, the first few in a row of each client.
    pub failed_sign_ins: u32,
    /// What is usual; `None` before enough was seen to say so.
    pub usual: Option<UsualView>,
}

/// What is usual in one hour: from, to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UsualView {
    /// Requests.
    pub requests: (f32, f32),
    /// Failed sign-ins.
    pub failed_sign_ins: (f32, f32),
}

/// A surge that goes on: who comes now is seen in its light.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// The route, by the hash of its template.
    pub template: u64,
    /// When it was told first, in milliseconds.
    pub since_millis: i64,
    /// The last hour in which it was told.
    hour: i64,
    /// The share of those who fail now that an ordinary hour has as well.
    pub usual_share: f32,
}

/// What is usual here, and what happens now.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Baselines {
    site: Usual,
    #[serde(with = "in_order")]
    routes: ByRoute<Usual>,
    hour: Option<Hour>,
    running: Vec<Running>,
    /// The hours before it, the latest last.
    past: Vec<HourView>,
    /// Routes forgotten because the table was full.
    pub forgotten: u64,
    /// Times that a route was not counted in an hour because too many others were, since the start.
    #[serde(skip)]
    pub uncounted: u64,
}

impl Baselines {
    /// Moves to the hour of `now`: the hours before it are over, and learned.
    pub fn move_to(&mut self, now: Timestamp) {
        let index = Hour::index_of(now);
        if self.hour.as_ref().is_some_and(|hour| hour.index == index) {
            return;
        }
        let last = self.hour.take();
        // Of the first hour, a part was seen. A clock that went back says that the hour was none.
        let is_next = last.as_ref().is_some_and(|last| last.index < index);
        if let Some(last) = &last {
            self.past
                .retain(|past| past.at_millis < last.starts_at().as_millis());
            self.past.push(last.view());
            let surplus = self.past.len().saturating_sub(HOURS_SHOWN);
            self.past.drain(..surplus);
        }
        if let Some(last) = last.as_ref().filter(|last| last.is_whole && is_next) {
            self.learn(last);
        }
        self.running
            .retain(|running| (0..=1).contains(&index.saturating_sub(running.hour)));
        self.hour = Some(Hour::begin(index, is_next, last));
    }

    /// Counts what passed in a tick.
    pub fn count(&mut self, traffic: &mut Traffic) {
        let Self {
            site,
            routes,
            hour: Some(hour),
            uncounted,
            ..
        } = self
        else {
            return;
        };
        let place = hour.hour_of_week();
        if hour.site.is_fresh() {
            hour.site.expect(Series::Site, site, place);
        }
        hour.site.count(&traffic.site);
        for passed in &traffic.routes {
            let is_full = hour.routes.len() >= BASELINE_OPEN_ROUTES_MAX;
            let open = match hour.routes.entry(passed.template) {
                Entry::Occupied(open) => open.into_mut(),
                Entry::Vacant(vacant) => {
                    let usual = routes.get(&passed.template);
                    if is_full && usual.is_none() {
                        *uncounted += 1;
                        continue;
                    }
                    let mut open = Open::of(passed.role);
                    if let Some(usual) = usual {
                        open.expect(Series::Route, usual, place);
                    }
                    vacant.insert(open)
                }
            };
            if open.count_passed(passed) && !hour.risen.contains(&passed.template) {
                hour.risen.push(passed.template);
            }
        }
        for sample in traffic.samples.drain(..) {
            hour.keep(sample);
        }
    }

    /// The surges that began, or doubled, in the tick that ends at `now`.
    pub fn surges(&mut self, now: Timestamp) -> Vec<Surge> {
        let Some(hour) = &mut self.hour else {
            return Vec::new();
        };
        let mut risen = std::mem::take(&mut hour.risen);
        if risen.is_empty() && !hour.site.is_risen() {
            return Vec::new();
        }
        // The order of the shards is not that of arrival: neither is to be told from what is said.
        risen.sort_unstable();
        let place = hour.hour_of_week();
        let hour_at = hour.starts_at();
        let mut surges = Vec::new();
        for template in risen {
            let (Some(usual), Some(open)) = (self.routes.get(&template), hour.routes.get_mut(&template))
            else {
                continue;
            };
            let peak = |quantity| {
                let of_site = peak(&self.site, place, &hour.site.counts, quantity);
                of_site.min(peak(usual, place, &open.counts, quantity))
            };
            let found = Quantity::TOLD.into_iter().find_map(|quantity| {
                let count = open.counts[quantity as usize];
                open.surge(Series::Route, (quantity, count), peak(quantity))
            });
            if let Some(found) = found {
                surges.push(open.tell(found, Some(template), hour_at, now));
                if !hour.told.contains(&template) {
                    hour.told.push(template);
                }
            }
        }
        let rest = hour.rest_of_site();
        let found = Quantity::TOLD.into_iter().find_map(|quantity| {
            let peak = peak(&self.site, place, &hour.site.counts, quantity);
            hour.site
                .surge(Series::Site, (quantity, rest[quantity as usize]), peak)
        });
        if let Some(found) = found {
            surges.push(hour.site.tell(found, None, hour_at, now));
        }
        surges.iter().for_each(|surge| self.go_on(surge));
        surges
    }

    /// Whether a request that shows `quantity` is wanted as evidence, of a route or of the site.
    #[must_use]
    pub fn wants(&self, template: Option<u64>, quantity: Quantity) -> bool {
        let Some(hour) = &self.hour else {
            return false;
        };
        let open = match template {
            Some(template) => hour.routes.get(&template),
            None => Some(&hour.site),
        };
        open.is_some_and(|open| open.wants(quantity))
    }

    /// The surge of new clients that fail to sign in which goes on at a route, if there is one.
    #[must_use]
    pub fn running(&self, template: u64) -> Option<Running> {
        self.running
            .iter()
            .find(|running| running.template == template)
            .copied()
    }

    /// What passed on the site in the latest hours, the present one last.
    #[must_use]
    pub fn hours(&self) -> Vec<HourView> {
        let open = self.hour.as_ref().map(Hour::view);
        let before = |past: &&HourView| open.is_none_or(|open| past.at_millis < open.at_millis);
        let mut hours: Vec<HourView> = self.past.iter().filter(before).copied().collect();
        hours.extend(open);
        let surplus = hours.len().saturating_sub(HOURS_SHOWN);
        hours.drain(..surplus);
        hours
    }

    /// Routes that are remembered, and those that are counted in the present hour.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize) {
        (
            self.routes.len(),
            self.hour.as_ref().map_or(0, |hour| hour.routes.len()),
        )
    }

    /// Whether it holds what it can have learned: what comes from a checkpoint is checked.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.site.is_whole()
            && self.routes.len() <= BASELINE_ROUTES_MAX
            && self.routes.values().all(Usual::is_whole)
            && self.running.len() <= SURGES_MAX
            && self.past.len() <= HOURS_SHOWN
            && self.hour.as_ref().is_none_or(Hour::is_whole)
    }

    fn learn(&mut self, hour: &Hour) {
        let place = hour.hour_of_week();
        self.site.learn(place, &hour.site.counts);
        for (template, usual) in &mut self.routes {
            let counts = hour.routes.get(template).map(|open| open.counts);
            usual.learn(place, &counts.unwrap_or_default());
        }
        for (template, open) in &hour.routes {
            self.routes.entry(*template).or_insert_with(|| {
                let mut usual = Usual::default();
                usual.learn(place, &open.counts);
                usual
            });
        }
        self.forget();
    }

    /// Forgets the least used routes when there are too many. Ties fall by hash, which is keyed: nobody chooses who stays.
    fn forget(&mut self) {
        if self.routes.len() <= BASELINE_ROUTES_MAX {
            return;
        }
        let mut ranked: Vec<(f32, u64)> = self
            .routes
            .iter()
            .map(|(template, usual)| (usual.rank(), *template))
            .collect();
        ranked.sort_unstable_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
        let surplus = ranked.len() - BASELINE_ROUTES_MAX;
        for (_, template) in &ranked[..surplus] {
            self.routes.remove(template);
        }
        self.forgotten += surplus as u64;
    }

    /// Notes a surge of new clients that fail where people sign in.
    fn go_on(&mut self, surge: &Surge) {
        let Some(template) = surge.template.filter(|_| surge.role.is_sign_in()) else {
            return;
        };
        let is_of_newcomers = self
            .hour
            .as_ref()
            .and_then(|hour| hour.routes.get(&template))
            .is_some_and(|open| open.counts[Quantity::LostNewcomers as usize] > surge.silent_at);
        if !is_of_newcomers {
            return;
        }
        let usual_share = (surge.expected.band().1 / f64::from(surge.count)).min(1.0) as f32;
        let hour = Hour::index_of(surge.hour_at);
        if let Some(known) = self.running.iter_mut().find(|known| known.template == template) {
            (known.hour, known.usual_share) = (hour, usual_share);
        } else if self.running.len() < SURGES_MAX {
            self.running.push(Running {
                template,
                since_millis: surge.told_at.as_millis(),
                hour,
                usual_share,
            });
        }
    }
}

/// How many times as busy an hour is as usual, by what succeeds in it: at least once.
fn peak(usual: &Usual, hour: usize, counts: &Counts, quantity: Quantity) -> f64 {
    let crowd = quantity.crowd();
    let (Some(all), Some(failing)) = (usual.expected(hour, crowd), usual.expected(hour, quantity)) else {
        return 1.0;
    };
    let good = counts[crowd as usize].saturating_sub(counts[quantity as usize]);
    let usual = (all.mean - failing.mean).max(1.0);
    (f64::from(good) / usual).clamp(1.0, PEAK_MAX)
}
