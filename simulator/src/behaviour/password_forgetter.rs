//! A person who has forgotten the password: three to six failures at typing speed, perhaps a reset, then in.

use super::Behaviour;
use crate::account::Account;
use crate::actor::{Actor, FollowsRedirects, Turn};
use crate::random::{chance, geometric, log_normal_ms};
use crate::request::Step;
use crate::visit::Visitor;
use crate::world::{Need, Role, SiteKind};
use rand::Rng;
use std::sync::Arc;

pub(super) const PASSWORD_FORGETTER: Behaviour =
    Behaviour::benign("password_forgetter", Need::Login, 30, |start| {
        FollowsRedirects::boxed(Box::new(Forgetter {
            visitor: Visitor::new(start.rng, start.site.speaks_http2),
            account: Account::new(start.rng, start.site),
            failures_left: start.rng.gen_range(3..7),
            calls_left: 2 + geometric(start.rng, 6.0),
            stage: Stage::Arrives,
        }))
    });

struct Forgetter {
    visitor: Visitor,
    account: Account,
    failures_left: u32,
    calls_left: u32,
    stage: Stage,
}

enum Stage {
    Arrives,
    Tries,
    Inside,
}

impl Forgetter {
    fn arrive(&mut self, turn: &mut Turn<'_>) {
        self.visitor.open_some_page(turn, 0);
        self.stage = Stage::Tries;
        let path = turn.site.path_of(Role::Login);
        self.account.referer = Some(Arc::from(format!("{}{path}", turn.site.origin)));
        if turn.site.kind() != SiteKind::ShopApi {
            let form = self
                .visitor
                .agent
                .get(path)
                .referred_by(self.visitor.referer.clone());
            self.visitor.queue.push_back(Step::after(6_000, form));
        }
    }

    fn try_again(&mut self, turn: &mut Turn<'_>) -> Step {
        let gap_ms = log_normal_ms(turn.rng, 11_000.0, 0.6);
        let agent = &self.visitor.agent;
        let is_right = self.failures_left == 0;
        if !is_right {
            self.failures_left -= 1;
            if self.failures_left == 0 && chance(turn.rng, 0.5) {
                let reset = agent.post(turn.site.path_of(Role::PasswordReset), 60);
                let reset = reset.referred_by(self.account.referer.clone());
                self.visitor.queue.push_back(Step::after(15_000, reset));
            }
        } else {
            self.stage = Stage::Inside;
        }
        let body_bytes = turn.rng.gen_range(80..120);
        let login = agent
            .post(turn.site.path_of(Role::Login), body_bytes)
            .with_credentials(is_right);
        Step::after(gap_ms, login.referred_by(self.account.referer.clone()))
    }
}

impl Actor for Forgetter {
    fn next(&mut self, turn: &mut Turn<'_>) -> Option<Step> {
        if matches!(self.stage, Stage::Arrives) {
            self.arrive(turn);
        }
        if let Some(step) = self.visitor.queue.pop_front() {
            return Some(step);
        }
        match self.stage {
            Stage::Arrives | Stage::Tries => Some(self.try_again(turn)),
            Stage::Inside if self.calls_left == 0 => None,
            Stage::Inside => {
                self.calls_left -= 1;
                let gap_ms = log_normal_ms(turn.rng, 9_000.0, 0.9);
                if turn.site.offers(Need::OwnedObjects) {
                    self.account
                        .open_screen(&self.visitor.agent, turn, &mut self.visitor.queue, gap_ms);
                } else {
                    self.visitor.open_some_page(turn, gap_ms);
                }
                self.visitor.queue.pop_front()
            }
        }
    }
}
