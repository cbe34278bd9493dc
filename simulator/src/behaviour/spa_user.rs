//! A person on a single-page application: the page and its scripts once, then API calls and a steady poll.

use super::Behaviour;
use crate::account::Account;
use crate::actor::{Actor, FollowsRedirects, Turn};
use crate::random::{chance, geometric, log_normal_ms};
use crate::request::Step;
use crate::visit::Visitor;
use crate::world::{Need, Role};
use rand::Rng;

pub(super) const SPA_USER: Behaviour = Behaviour::benign("spa_user", Need::Script, 32, |start| {
    let mut account = Account::new(start.rng, start.site);
    account.referer = start.site.pages.get(1).map(|page| page.url.clone());
    let is_signed_in = chance(start.rng, 0.6);
    FollowsRedirects::boxed(Box::new(SpaUser {
        visitor: Visitor::new(start.rng, start.site.speaks_http2),
        account,
        screens_left: geometric(start.rng, 7.0),
        poll_ms: if chance(start.rng, 0.5) {
            start.rng.gen_range(10..60) * 1000
        } else {
            0
        },
        is_signed_in,
        has_begun: false,
    }))
});

struct SpaUser {
    visitor: Visitor,
    account: Account,
    screens_left: u32,
    /// Milliseconds between two polls; zero when the application does not poll.
    poll_ms: u64,
    is_signed_in: bool,
    has_begun: bool,
}

impl SpaUser {
    fn begin(&mut self, turn: &mut Turn<'_>) {
        self.visitor.open_page(turn, 0, 0);
        let agent = &self.visitor.agent;
        let account = agent
            .get(turn.site.path_of(Role::Account))
            .referred_by(self.account.referer.clone());
        if self.is_signed_in {
            self.visitor
                .queue
                .push_back(Step::after(40, account.with_session()));
            return;
        }
        self.visitor.queue.push_back(Step::after(40, account.clone()));
        let tries = if chance(turn.rng, 0.12) { 2 } else { 1 };
        for left in (0..tries).rev() {
            let typing_ms = log_normal_ms(turn.rng, 10_000.0, 0.5);
            let login = agent
                .post(turn.site.path_of(Role::Login), 110)
                .with_credentials(left == 0);
            self.visitor.queue.push_back(Step::after(
                typing_ms,
                login.referred_by(self.account.referer.clone()),
            ));
        }
        self.visitor
            .queue
            .push_back(Step::after(30, account.with_session()));
    }

    /// Queues the polls that happen while the person reads.
    fn poll(&mut self, turn: &mut Turn<'_>, reading_ms: u64) -> u64 {
        let Some(polls) = reading_ms.checked_div(self.poll_ms) else {
            return reading_ms;
        };
        // A tab in the background polls on for a while, not for a day.
        for _ in 0..polls.min(40) {
            let request = self
                .visitor
                .agent
                .get(turn.site.path_of(Role::Config))
                .if_newer(true)
                .with_session()
                .referred_by(self.account.referer.clone());
            self.visitor.queue.push_back(Step::after(self.poll_ms, request));
        }
        reading_ms % self.poll_ms
    }
}

impl Actor for SpaUser {
    fn next(&mut self, turn: &mut Turn<'_>) -> Option<Step> {
        if !self.has_begun {
            self.has_begun = true;
            self.begin(turn);
        }
        if let Some(step) = self.visitor.queue.pop_front() {
            return Some(step);
        }
        if self.screens_left == 0 {
            return None;
        }
        self.screens_left -= 1;
        let reading_ms = log_normal_ms(turn.rng, 15_000.0, 1.1);
        let gap_ms = self.poll(turn, reading_ms);
        self.account
            .open_screen(&self.visitor.agent, turn, &mut self.visitor.queue, gap_ms);
        self.visitor.queue.pop_front()
    }
}
