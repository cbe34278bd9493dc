//! A crawler that takes all it can get: no robots.txt, no pause, several connections, a list of pages from years ago. It says
//! who it is and reads what is public: harmless by intent, and whether to slow it down is policy.

use super::Behaviour;
use crate::actor::{Pace, Repeat, WhenRefused};
use crate::agent::Agent;
use crate::random::{chance, log_normal_ms, pick};
use crate::world::Need;
use rand::Rng;

pub(super) const RUDE_CRAWLER: Behaviour = Behaviour::benign("rude_crawler", Need::Pages, 800, |start| {
    let agent = Agent::crawler(start.rng);
    let count = log_normal_ms(start.rng, 700.0, 0.6).clamp(200, 3_000) as u32;
    let median_ms = start.rng.gen_range(60..900);
    let gone_share = start.rng.gen_range(5..25);
    let mut at = start.rng.gen_range(0..start.site.pages.len());
    let crawl = Repeat::new(
        count,
        Pace::Varied {
            median_ms,
            sigma: 0.6,
        },
        move |turn, _| {
            at = (at + turn.rng.gen_range(1..3)) % turn.site.pages.len();
            let page = &turn.site.pages[at];
            let mut request = agent.get(page.path.as_str());
            request.query.clone_from(&page.query);
            if turn.rng.gen_range(0..100) < gone_share {
                let ending = *pick(turn.rng, &["-old", "/print", "/page/9/", "-2016", ".html"]);
                request.path.push_str(ending);
            }
            Some(request)
        },
    )
    .when_refused(WhenRefused::Continue);
    if chance(start.rng, 0.6) {
        crawl.parallel().boxed()
    } else {
        crawl.boxed()
    }
});
