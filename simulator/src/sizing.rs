//! How many clients of each group a run has.

use crate::behaviour::Behaviour;
use crate::scenario::Group;

/// Share of planned requests by which a sized run overshoots, so that its end rarely needs another round.
const SIZE_MARGIN: f64 = 1.1;

/// Share of the wanted requests that a run of several rounds plans for: clients send more or less than is usual for them, and
/// the last round, in which something may happen, must not be cut off.
const ROUNDS_MARGIN: f64 = 0.5;

/// How many times a scenario's clients come, the harmless and the attackers apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    harmless: f64,
    attackers: f64,
    /// Whether the attackers' share was asked for: then they are counted over all groups, and small groups may be empty.
    is_share: bool,
}

impl Sizes {
    /// That many times the scenario's clients.
    pub(crate) const fn scaled(scale: f64) -> Self {
        Self {
            harmless: scale,
            attackers: scale,
            is_share: false,
        }
    }

    /// As many as send so many requests over so many rounds. With a share of attackers, so many of the clients of a round
    /// are attackers, whatever the scenario has; of a scenario without attackers none are.
    pub(crate) fn fitting(
        groups: &[(&'static Behaviour, Group)],
        requests: u64,
        rounds: u32,
        attackers: Option<f64>,
    ) -> Self {
        let sum = |of_attackers: bool, count: fn(&Behaviour, &Group) -> f64| -> f64 {
            groups
                .iter()
                .filter(|(behaviour, _)| behaviour.label.is_attack() == of_attackers)
                .map(|(behaviour, group)| count(behaviour, group))
                .sum()
        };
        let clients = |_: &Behaviour, group: &Group| f64::from(group.clients);
        // Those who hide come on top: a run without them has the same other clients.
        let planned = |behaviour: &Behaviour, group: &Group| match group.cover {
            Some(_) => 0.0,
            None => f64::from(group.clients) * f64::from(behaviour.typical_requests),
        };
        let weight = match attackers {
            Some(share) if sum(true, clients) > 0.0 => {
                share / (1.0 - share) * sum(false, clients) / sum(true, clients)
            }
            _ => 1.0,
        };
        let of_a_round = sum(false, planned) + weight * sum(true, planned);
        let margin = if rounds > 1 { ROUNDS_MARGIN } else { SIZE_MARGIN };
        let scale = requests as f64 * margin / (of_a_round * f64::from(rounds)).max(1.0);
        Self {
            harmless: scale,
            attackers: scale * weight,
            is_share: attackers.is_some(),
        }
    }

    /// How many clients each group has. A group has at least one, unless attackers are a share of all.
    pub(crate) fn clients(self, groups: &[(&'static Behaviour, Group)]) -> Vec<u64> {
        let mut sum = 0.0_f64;
        let counts = groups.iter().map(|(behaviour, group)| {
            let is_attack = behaviour.label.is_attack();
            let scale = if is_attack { self.attackers } else { self.harmless };
            let wanted = f64::from(group.clients) * scale;
            if !(is_attack && self.is_share) {
                return wanted.ceil() as u64;
            }
            // What one group loses to rounding the next one gains.
            let before = sum.round();
            sum += wanted;
            (sum.round() - before) as u64
        });
        counts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::scenario;

    fn groups(name: &str) -> Vec<(&'static Behaviour, Group)> {
        let groups = scenario(name).unwrap().groups;
        groups.iter().map(|group| (group.behaviour(), *group)).collect()
    }

    #[test]
    fn attackers_are_the_share_that_was_asked_for() {
        let groups = groups("mixed");
        for share in [0.005, 0.03, 0.1] {
            let counts = Sizes::fitting(&groups, 300_000, 1, Some(share)).clients(&groups);
            let of = |is_attack: bool| -> u64 {
                let counted = groups.iter().zip(&counts);
                counted
                    .filter(|((behaviour, _), _)| behaviour.label.is_attack() == is_attack)
                    .map(|(_, count)| count)
                    .sum()
            };
            let measured = of(true) as f64 / (of(true) + of(false)) as f64;
            assert!((measured / share - 1.0).abs() < 0.1, "{share}: {measured}");
        }
    }

    #[test]
    fn more_rounds_mean_fewer_clients_and_no_group_is_empty() {
        let groups = groups("mixed");
        let clients = |rounds| -> u64 {
            let counts = Sizes::fitting(&groups, 600_000, rounds, None).clients(&groups);
            assert!(counts.iter().all(|count| *count > 0));
            counts.iter().sum()
        };
        assert!(clients(1) > 5 * clients(6));
    }
}
