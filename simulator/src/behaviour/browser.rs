//! People with browsers: a few pages with their files, referers, pauses to read, now and then a dead link.

use super::{Behaviour, Start};
use crate::account::search_words;
use crate::actor::{Actor, FollowsRedirects, Turn};
use crate::random::{Stream, chance, geometric, log_normal_ms};
use crate::request::Step;
use crate::visit::Visitor;
use crate::world::{Need, Role, Site};

pub(super) const BROWSER: Behaviour = Behaviour::benign("browser", Need::Pages, 16, |start| {
    FollowsRedirects::boxed(Box::new(Browser::new(start.rng, start.site)))
});

/// Opens many pages at once and reads them later.
pub(super) const TAB_OPENER: Behaviour = Behaviour::benign("tab_opener", Need::Pages, 75, |start| {
    let mut browser = Browser::new(start.rng, start.site);
    browser.pages_left = 10 + geometric(start.rng, 12.0);
    browser.reading_ms = 900.0;
    FollowsRedirects::boxed(Box::new(browser))
});

/// Searches a lot, with whatever characters the matter has.
pub(super) const SEARCH_USER: Behaviour = Behaviour::benign("search_user", Need::Search, 14, |start| {
    let mut browser = Browser::new(start.rng, start.site);
    browser.pages_left = 2 + geometric(start.rng, 6.0);
    browser.search_chance = 0.7;
    FollowsRedirects::boxed(Box::new(browser))
});

/// One person.
pub(super) struct Browser {
    visitor: Visitor,
    pub(super) pages_left: u32,
    visits_left: u32,
    pub(super) reading_ms: f64,
    search_chance: f64,
    login_chance: f64,
    has_begun: bool,
}

impl Browser {
    pub(super) fn new(rng: &mut Stream, site: &Site) -> Self {
        Self {
            visitor: Visitor::new(rng, site.speaks_http2),
            pages_left: geometric(rng, 1.9),
            visits_left: if chance(rng, 0.8) {
                1
            } else {
                1 + geometric(rng, 1.6)
            },
            reading_ms: log_normal_ms(rng, 24_000.0, 0.6) as f64,
            search_chance: 0.05,
            login_chance: if chance(rng, 0.03) { 0.5 } else { 0.0 },
            has_begun: false,
        }
    }

    fn browse(&mut self, turn: &mut Turn<'_>, gap_ms: u64) {
        let has_search = turn.site.endpoint(Role::Search).is_some();
        if has_search && chance(turn.rng, self.search_chance) {
            let query = search_words(turn.rng);
            let request = self
                .visitor
                .agent
                .get(turn.site.path_of(Role::Search))
                .query(query);
            let referer = self.visitor.referer.clone();
            self.visitor
                .queue
                .push_back(Step::after(gap_ms, request.referred_by(referer)));
        } else if chance(turn.rng, 0.018) {
            self.visitor.open_dead_link(turn, gap_ms);
        } else if chance(turn.rng, 0.02) && !turn.site.downloads.is_empty() {
            self.download(turn, gap_ms);
        } else if self.has_begun && chance(turn.rng, self.login_chance) {
            self.log_in(turn, gap_ms);
        } else if self.has_begun && chance(turn.rng, 0.02) {
            self.comment(turn, gap_ms);
        } else {
            self.visitor.open_some_page(turn, gap_ms);
        }
        self.has_begun = true;
    }

    fn download(&mut self, turn: &mut Turn<'_>, gap_ms: u64) {
        let index = *crate::random::pick(turn.rng, &turn.site.downloads);
        let mut request = self
            .visitor
            .agent
            .get(turn.site.files[index as usize].path.as_str());
        request.intent.wants_part = chance(turn.rng, 0.3);
        let referer = self.visitor.referer.clone();
        self.visitor
            .queue
            .push_back(Step::after(gap_ms, request.referred_by(referer)));
    }

    fn comment(&mut self, turn: &mut Turn<'_>, gap_ms: u64) {
        let Some(endpoint) = turn.site.endpoint(Role::Comment) else {
            return;
        };
        let request = self
            .visitor
            .agent
            .post(endpoint.path.as_str(), 640)
            .referred_by(self.visitor.referer.clone());
        self.visitor
            .queue
            .push_back(Step::after(gap_ms + 20_000, request));
    }

    fn log_in(&mut self, turn: &mut Turn<'_>, gap_ms: u64) {
        let Some(endpoint) = turn.site.endpoint(Role::Login) else {
            return;
        };
        let referer = Some(std::sync::Arc::from(format!(
            "{}{}",
            turn.site.origin, endpoint.path
        )));
        let agent = &self.visitor.agent;
        let form = agent
            .get(endpoint.path.as_str())
            .referred_by(self.visitor.referer.clone());
        self.visitor.queue.push_back(Step::after(gap_ms, form));
        // Some mistype once.
        let tries = if chance(turn.rng, 0.15) { 2 } else { 1 };
        for left in (0..tries).rev() {
            let typing_ms = log_normal_ms(turn.rng, 9_000.0, 0.5);
            let request = agent.post(endpoint.path.as_str(), 96).with_credentials(left == 0);
            self.visitor
                .queue
                .push_back(Step::after(typing_ms, request.referred_by(referer.clone())));
        }
        let account = agent
            .get(turn.site.path_of(Role::Account))
            .with_session()
            .referred_by(referer);
        self.visitor.queue.push_back(Step::after(80, account));
        self.login_chance = 0.0;
    }
}

impl Actor for Browser {
    fn next(&mut self, turn: &mut Turn<'_>) -> Option<Step> {
        loop {
            if let Some(step) = self.visitor.queue.pop_front() {
                return Some(step);
            }
            let mut gap_ms = if self.has_begun {
                log_normal_ms(turn.rng, self.reading_ms, 1.0)
            } else {
                0
            };
            if self.pages_left == 0 {
                self.visits_left -= 1;
                if self.visits_left == 0 {
                    return None;
                }
                // Comes back later in the day.
                self.pages_left = geometric(turn.rng, 1.9);
                self.visitor.referer = None;
                gap_ms = log_normal_ms(turn.rng, 5_400_000.0, 1.0);
            }
            self.pages_left -= 1;
            self.browse(turn, gap_ms);
        }
    }
}

/// A browser for behaviours that put several people behind one address.
pub(super) fn person(start: &mut Start<'_>, pages: f64) -> Box<dyn Actor> {
    let mut browser = Browser::new(start.rng, start.site);
    browser.pages_left = geometric(start.rng, pages);
    Box::new(browser)
}
