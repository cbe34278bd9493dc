//! An app on a phone: bursts of API calls per screen, an expired token now and then (401, refresh, again).

use super::Behaviour;
use crate::account::Account;
use crate::actor::{Actor, Turn};
use crate::agent::Agent;
use crate::random::{chance, geometric, log_normal_ms};
use crate::request::Step;
use crate::world::{Need, Role};
use std::collections::VecDeque;

pub(super) const MOBILE_APP: Behaviour = Behaviour::benign("mobile_app", Need::OwnedObjects, 30, |start| {
    Box::new(App {
        agent: Agent::mobile_app(start.rng),
        account: Account::new(start.rng, start.site),
        queue: VecDeque::new(),
        screens_left: geometric(start.rng, 4.0),
        sessions_left: geometric(start.rng, 1.7),
        is_launched: false,
    })
});

struct App {
    agent: Agent,
    account: Account,
    queue: VecDeque<Step>,
    screens_left: u32,
    sessions_left: u32,
    is_launched: bool,
}

impl App {
    fn launch(&mut self, turn: &mut Turn<'_>, gap_ms: u64) {
        let site = turn.site;
        let config = self
            .agent
            .get(site.path_of(Role::Config))
            .if_newer(chance(turn.rng, 0.6));
        self.queue.push_back(Step::after(gap_ms, config));
        let account = self.agent.get(site.path_of(Role::Account));
        if chance(turn.rng, 0.3) {
            // The token ran out while the phone was in the pocket.
            self.queue.push_back(Step::beside(15, account.clone()));
            if chance(turn.rng, 0.8) {
                let refresh = self.agent.post(site.path_of(Role::Refresh), 310);
                self.queue.push_back(Step::after(20, refresh));
            } else {
                let login = self
                    .agent
                    .post(site.path_of(Role::Login), 120)
                    .with_credentials(true);
                self.queue
                    .push_back(Step::after(log_normal_ms(turn.rng, 9_000.0, 0.5), login));
            }
            self.queue.push_back(Step::after(12, account.with_session()));
        } else {
            self.queue.push_back(Step::beside(15, account.with_session()));
        }
    }
}

impl Actor for App {
    fn next(&mut self, turn: &mut Turn<'_>) -> Option<Step> {
        loop {
            if let Some(step) = self.queue.pop_front() {
                return Some(step);
            }
            if !self.is_launched {
                self.is_launched = true;
                self.launch(turn, 0);
            } else if self.screens_left > 0 {
                self.screens_left -= 1;
                let gap_ms = log_normal_ms(turn.rng, 7_000.0, 0.9);
                self.account
                    .open_screen(&self.agent, turn, &mut self.queue, gap_ms);
            } else {
                self.sessions_left -= 1;
                if self.sessions_left == 0 {
                    return None;
                }
                self.screens_left = geometric(turn.rng, 4.0);
                let gap_ms = log_normal_ms(turn.rng, 3_600_000.0, 1.0);
                self.launch(turn, gap_ms);
            }
        }
    }
}
