//! The scenarios: which clients, how many, from when. One file each, one line in [`SCENARIOS`].

mod attack;
mod baseline;
mod carrier_nat;
mod crawlers;
mod crowd;
mod demo;
mod drift;
mod everyday;
mod low_and_slow;
mod marketing_peak;
mod million;
mod mixed;
mod monitors;
mod nightly_batch;
mod poisoning;
mod retry_loop;
mod slow_stuffing;

use crate::behaviour::{Behaviour, behaviour};
use crate::world::SiteKind;

/// When a group's clients begin, counted from the start of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starts {
    /// At any time of the round.
    Throughout,
    /// At any time, more of them by day: for rounds of a day.
    ByDay,
    /// The same, and on Saturdays and Sundays (UTC) only one in three of them.
    ByWorkday,
    /// That share within so many seconds, the rest at any time: traffic that was there before we looked.
    Present {
        /// Share in percent.
        percent: u32,
        /// Seconds within which they begin.
        within_secs: u32,
    },
    /// At that second, spread over so many.
    At {
        /// Second of the round.
        secs: u32,
        /// Seconds over which they begin.
        within_secs: u32,
    },
}

/// Some clients of one behaviour.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// Name of the behaviour.
    pub name: &'static str,
    /// How many clients, before a run is sized.
    pub clients: u32,
    /// When they begin.
    pub starts: Starts,
    /// Whether the same clients come back in the next round, instead of new ones.
    pub returns: bool,
    /// Median pause after which a client that has finished comes back within the round, in seconds; `None` when it
    /// comes back in the next round at the earliest.
    pub back_after_secs: Option<u32>,
    /// What its clients do at first; `None` when they are themselves from the beginning.
    pub cover: Option<Cover>,
}

/// Another behaviour that clients show until they strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cover {
    /// Name of that behaviour.
    pub name: &'static str,
    /// When they drop it, in seconds from the start of the run.
    pub until_secs: u32,
}

impl Cover {
    /// The behaviour of that name.
    pub(crate) fn behaviour(&self) -> &'static Behaviour {
        behaviour(self.name).expect("a test holds every scenario's names to the list of behaviours")
    }
}

impl Group {
    /// The behaviour of that name.
    pub(crate) fn behaviour(&self) -> &'static Behaviour {
        behaviour(self.name).expect("a test holds every scenario's names to the list of behaviours")
    }
}

/// A mix of clients over time. When the last round's span is over, a new round begins.
#[derive(Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub about: &'static str,
    /// The sites behind the gateway.
    pub sites: &'static [SiteKind],
    /// Length of a round.
    pub span_secs: u32,
    /// Rounds over which the requests of a sized run are spread.
    pub rounds: u32,
    /// When the sites are released anew, with new routes and other sizes: seconds from the start of the run, rising.
    pub releases_at_secs: &'static [u32],
    /// Whether the number of clients follows from the number of requests wanted.
    pub is_resizable: bool,
    /// Its clients.
    pub groups: &'static [Group],
}

impl Scenario {
    /// Whether some of its clients are attackers.
    #[must_use]
    pub fn has_attackers(&self) -> bool {
        self.groups
            .iter()
            .any(|group| group.behaviour().label.is_attack())
    }
}

/// Every scenario.
pub const SCENARIOS: &[&Scenario] = &[
    &baseline::BASELINE,
    &baseline::BASELINE_CONTENT,
    &baseline::BASELINE_API,
    &baseline::BASELINE_CMS,
    &mixed::MIXED,
    &mixed::MIXED_CONTENT,
    &mixed::MIXED_API,
    &mixed::MIXED_CMS,
    &low_and_slow::LOW_AND_SLOW,
    &million::MILLION,
    &crowd::CROWD,
    &demo::DEMO,
    &carrier_nat::CARRIER_NAT,
    &nightly_batch::NIGHTLY_BATCH,
    &marketing_peak::MARKETING_PEAK,
    &retry_loop::RETRY_LOOP,
    &monitors::MONITORS,
    &crawlers::CRAWLERS,
    &drift::DRIFT,
    &drift::SIXTY_DAYS,
    &poisoning::POISONING,
    &poisoning::POISONING_CONTROL,
    &slow_stuffing::SLOW_STUFFING,
    &attack::CREDENTIAL_STUFFING,
    &attack::CREDENTIAL_CRACKING,
    &attack::ACCOUNT_TAKEOVER,
    &attack::TOKEN_ABUSE,
    &attack::OBJECT_ENUMERATION,
    &attack::PRIVILEGE_PROBING,
    &attack::RECONNAISSANCE,
    &attack::INJECTION,
    &attack::SCRAPING,
    &attack::DENIAL_OF_SERVICE,
    &attack::RESOURCE_EXHAUSTION,
    &attack::BUSINESS_FLOW_ABUSE,
    &attack::PROTOCOL_ABUSE,
    &attack::CAMPAIGN,
];

/// The scenario of that name.
#[must_use]
pub fn scenario(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().copied().find(|scenario| scenario.name == name)
}

/// A group that begins at any time of a day, and comes back the next.
const fn by_day(name: &'static str, clients: u32) -> Group {
    Group {
        name,
        clients,
        starts: Starts::ByDay,
        returns: true,
        back_after_secs: None,
        cover: None,
    }
}

/// As [`by_day`], with weekends.
const fn by_workday(name: &'static str, clients: u32) -> Group {
    Group {
        starts: Starts::ByWorkday,
        ..by_day(name, clients)
    }
}

/// A group of new clients at any time of the round: attackers.
const fn any_time(name: &'static str, clients: u32) -> Group {
    Group {
        name,
        clients,
        starts: Starts::Throughout,
        returns: false,
        back_after_secs: None,
        cover: None,
    }
}

/// A group that begins at that second of a round, spread over so many, and comes back in the next one.
const fn daily_at(secs: u32, within_secs: u32, name: &'static str, clients: u32) -> Group {
    Group {
        name,
        clients,
        starts: Starts::At { secs, within_secs },
        returns: true,
        back_after_secs: None,
        cover: None,
    }
}

/// A group that is there all day from its beginning: machines.
const fn all_day(name: &'static str, clients: u32) -> Group {
    let starts = Starts::At {
        secs: 0,
        within_secs: 1_800,
    };
    Group {
        name,
        clients,
        starts,
        returns: true,
        back_after_secs: None,
        cover: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::BEHAVIOURS;
    use std::collections::HashSet;

    #[test]
    fn every_scenario_names_behaviours_that_exist_and_has_its_own_name() {
        let mut names = HashSet::new();
        for scenario in SCENARIOS {
            assert!(names.insert(scenario.name), "{} is there twice", scenario.name);
            for group in scenario.groups {
                for name in [Some(group.name), group.cover.map(|cover| cover.name)]
                    .into_iter()
                    .flatten()
                {
                    assert!(
                        behaviour(name).is_some(),
                        "{}: no behaviour {name}",
                        scenario.name
                    );
                }
            }
        }
    }

    #[test]
    fn the_mixed_scenario_has_every_behaviour() {
        let mixed = scenario("mixed").unwrap();
        for behaviour in BEHAVIOURS {
            assert!(
                mixed.groups.iter().any(|group| group.name == behaviour.name),
                "{}",
                behaviour.name
            );
        }
    }
}
