//! How full each of the detector's tables is, and what was left out of it. Whoever invents clients, routes or names fills
//! tables; each keeps to its limit, and says so.

use crate::detector::Detector;
use crate::limits::{
    ASKED_MAX, BASELINE_OPEN_ROUTES_MAX, BASELINE_ROUTES_MAX, BLOCKS_MAX, COHORTS_MAX, FOLLOWED_MAX,
    NAMES_MAX, NEIGHBOURS_MAX, OFFENDERS_MAX, ORDERED_ALLOWS_MAX, RANGE_BLOCKS_MAX, REPORTS_MAX,
    ROLE_NAMES_MAX, ROLE_WITNESSES_MAX, ROLES_LEARNED_MAX, ROUTES_MAX, RULE_KEYS_IN_ALL_MAX,
    RULE_VALUES_IN_ALL_MAX, SOURCES_MAX,
};
use crate::policy::HITS_MAX;
use crate::score::Scorer;
use serde::Serialize;

/// One table with its limit. Limits hold at the end of a tick; within one, a table may be larger by the tick's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Table {
    /// What it holds.
    pub name: &'static str,
    /// How many now.
    pub held: u64,
    /// How many at most.
    pub most: u64,
    /// How many were forgotten, or not taken in, because it was full.
    pub left_out: u64,
}

fn table(name: &'static str, held: usize, most: usize, left_out: u64) -> Table {
    Table {
        name,
        held: held as u64,
        most: most as u64,
        left_out,
    }
}

impl<S: Scorer> Detector<S> {
    /// Every table that grows with what is read or ordered.
    #[must_use]
    pub fn tables(&self) -> Vec<Table> {
        let mut tables = self.of_clients().to_vec();
        tables.extend(self.of_routes());
        tables.extend(self.of_actions());
        tables
    }

    fn of_clients(&self) -> [Table; 8] {
        let sum = |size: fn(&crate::stage::client::Shard) -> usize| self.shards.iter().map(size).sum();
        let forgotten = self.shards.iter().map(|shard| shard.slots.forgotten).sum();
        let evidence_left_out = self.shards.iter().map(|shard| shard.suspects.left_out).sum();
        let cohorts = &self.memory.cohorts;
        let claims = &self.memory.sequencer.claims_to_crawl;
        let scores = &self.memory.population.scores;
        let held: usize = sum(|shard| shard.slots.len());
        let suspects: usize = sum(|shard| shard.suspects.as_slice().len());
        [
            table("clients", held, sum(|shard| shard.slots.most()), forgotten),
            table(
                "suspects",
                suspects,
                sum(|shard| shard.suspects.most()),
                evidence_left_out,
            ),
            table("names", self.names.remembered(), NAMES_MAX, self.names.forgotten),
            table(
                "neighbours",
                self.neighbours.remembered(),
                NEIGHBOURS_MAX,
                self.neighbours.forgotten,
            ),
            table("cohorts", cohorts.remembered(), COHORTS_MAX, cohorts.forgotten),
            table("claims_to_crawl", claims.remembered(), ASKED_MAX, claims.left_out),
            table("scores", scores.followed(), FOLLOWED_MAX, scores.unfollowed),
            table(
                "sources",
                self.watermarks.sources(),
                SOURCES_MAX,
                self.watermarks.sharing,
            ),
        ]
    }

    fn of_routes(&self) -> [Table; 6] {
        let population = &self.memory.population;
        let (witnesses, names, learned) = population.roles.sizes();
        let (usual, hour) = population.baselines.sizes();
        let baselines = &population.baselines;
        let routes = &population.routes;
        [
            table("routes", routes.len(), ROUTES_MAX, routes.forgotten),
            table(
                "role_witnesses",
                witnesses,
                ROLE_WITNESSES_MAX,
                population.roles.passed_over(),
            ),
            // What these two leave out is counted with the witnesses.
            table("role_names", names, ROLE_NAMES_MAX, 0),
            table("learned_roles", learned, ROLES_LEARNED_MAX, 0),
            table("usual_routes", usual, BASELINE_ROUTES_MAX, baselines.forgotten),
            table(
                "routes_of_hour",
                hour,
                BASELINE_OPEN_ROUTES_MAX + BASELINE_ROUTES_MAX,
                baselines.uncounted,
            ),
        ]
    }

    fn of_actions(&self) -> [Table; 8] {
        let sequencer = &self.memory.sequencer;
        let (offenders, blocks) = (&sequencer.offenders, &sequencer.blocks);
        let (keys, values) = self.memory.counts.sizes();
        let counts = &self.memory.counts;
        let allows = &self.allowances;
        [
            table(
                "offenders",
                offenders.remembered(),
                OFFENDERS_MAX,
                offenders.forgotten,
            ),
            table("blocks", blocks.remembered(), BLOCKS_MAX, blocks.forgotten),
            // What is left out of blocked ranges is counted with the blocks.
            table("blocked_ranges", blocks.ranges().len(), RANGE_BLOCKS_MAX, 0),
            // Whoever finds no room is held back, and counted by the guard among all that it holds back.
            table("guarded", sequencer.guard.remembered(), HITS_MAX, 0),
            table(
                "ordered_allows",
                allows.ordered().len(),
                ORDERED_ALLOWS_MAX,
                allows.forgotten,
            ),
            table(
                "reports",
                sequencer.reports.remembered(),
                REPORTS_MAX,
                sequencer.reports.left_out,
            ),
            table("rule_keys", keys, RULE_KEYS_IN_ALL_MAX, counts.forgotten),
            // They go with their keys, and are counted as those.
            table("rule_values", values, RULE_VALUES_IN_ALL_MAX, 0),
        ]
    }
}
