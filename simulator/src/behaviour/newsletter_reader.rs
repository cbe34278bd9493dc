//! Readers of a newsletter: all on one page, with the letter's mark in the query, within minutes of each other.

use super::Behaviour;
use crate::actor::{Actor, FollowsRedirects, Turn};
use crate::address::Neighbourhood;
use crate::random::{chance, geometric, log_normal_ms};
use crate::request::Step;
use crate::visit::Visitor;
use crate::world::Need;
use rand::Rng;

pub(super) const NEWSLETTER_READER: Behaviour =
    Behaviour::benign("newsletter_reader", Need::Pages, 14, |start| {
        let pages = start.site.pages.len();
        FollowsRedirects::boxed(Box::new(Reader {
            visitor: Visitor::new(start.rng, start.site.speaks_http2),
            landing: start.shared.gen_range(0..pages),
            letter: start.shared.gen_range(1..400),
            pages_left: if chance(start.rng, 0.55) {
                0
            } else {
                geometric(start.rng, 1.8)
            },
            has_landed: false,
        }))
    })
    .in_campaign(Neighbourhood::Anywhere);

/// One reader.
struct Reader {
    visitor: Visitor,
    /// The page that the letter links to.
    landing: usize,
    letter: u32,
    pages_left: u32,
    has_landed: bool,
}

impl Reader {
    fn land(&mut self, turn: &mut Turn<'_>) {
        // A mail program says nothing about where one comes from.
        self.visitor.referer = None;
        self.visitor.open_page(turn, self.landing, 0);
        if let Some(step) = self.visitor.queue.front_mut() {
            let mark = format!(
                "utm_source=newsletter&utm_medium=email&utm_campaign={}",
                self.letter
            );
            let query = step.request.query.take();
            step.request.query = Some(query.map_or_else(|| mark.clone(), |query| format!("{query}&{mark}")));
        }
    }
}

impl Actor for Reader {
    fn next(&mut self, turn: &mut Turn<'_>) -> Option<Step> {
        loop {
            if let Some(step) = self.visitor.queue.pop_front() {
                return Some(step);
            }
            if !self.has_landed {
                self.has_landed = true;
                self.land(turn);
            } else if self.pages_left > 0 {
                self.pages_left -= 1;
                let gap_ms = log_normal_ms(turn.rng, 20_000.0, 0.9);
                self.visitor.open_some_page(turn, gap_ms);
            } else {
                return None;
            }
        }
    }
}
