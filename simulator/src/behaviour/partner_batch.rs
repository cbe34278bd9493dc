//! Another company's nightly job, and people who pull their reports: steady, authenticated, expensive.

use super::Behaviour;
use crate::actor::{Pace, Repeat, Then, WhenRefused};
use crate::agent::Agent;
use crate::random::{chance, log_normal_ms, pick};
use crate::world::{Access, Need, Role};
use rand::Rng;

/// Logs in, then walks the pages of a listing, or the objects of its own that the listing named.
pub(super) const PARTNER_BATCH: Behaviour =
    Behaviour::benign("partner_batch", Need::OwnedObjects, 220, |start| {
        let agent = Agent::script(start.rng);
        let login_agent = agent.clone();
        let login = Repeat::new(1, Pace::Steady { gap_ms: 0 }, move |turn, _| {
            Some(
                login_agent
                    .post(turn.site.path_of(Role::Login), 150)
                    .with_credentials(true),
            )
        });
        let collection = start
            .site
            .some_collection(start.rng, Access::Session)
            .map_or("/", |c| c.path.as_str());
        let path = collection.to_owned();
        let size = *pick(start.rng, &[50, 100, 200, 500]);
        let is_steady = chance(start.rng, 0.5);
        let gap_ms = start.rng.gen_range(40..2_000);
        let pace = if is_steady {
            Pace::Steady { gap_ms }
        } else {
            Pace::Varied {
                median_ms: gap_ms,
                sigma: 0.5,
            }
        };
        let walks_objects = chance(start.rng, 0.4);
        // Its own objects were made over time between other people's: rising numbers with holes.
        let mut number = start.rng.gen_range(1_000..4_000_u64);
        let pages = log_normal_ms(start.rng, 120.0, 0.9).clamp(5, 3_000) as u32;
        let walk = Repeat::new(pages, pace, move |turn, page| {
            if walks_objects && page % 20 != 0 {
                number += turn.rng.gen_range(1..60);
                return Some(agent.get(format!("{path}/{number}")).for_own_object());
            }
            let query = format!("page={}&per_page={size}", page + 1);
            Some(agent.get(path.as_str()).query(query).for_own_object())
        })
        .when_refused(WhenRefused::BackOff { ms: 60_000 });
        Box::new(Then {
            first: Some(login.boxed()),
            pause_ms: 50,
            second: walk.boxed(),
        })
    });

/// Pulls a few large reports a day: the same cost as an attack on it, and quite in order.
pub(super) const REPORT_READER: Behaviour = Behaviour::benign("report_reader", Need::Expensive, 8, |start| {
    let agent = Agent::browser(start.rng);
    let count = start.rng.gen_range(2..14);
    let pace = Pace::Varied {
        median_ms: 50_000,
        sigma: 1.2,
    };
    Repeat::new(count, pace, move |turn, _| {
        let month = turn.rng.gen_range(1..13);
        let query = format!("from=2025-{month:02}-01&to=2025-{month:02}-28&format=csv");
        Some(
            agent
                .get(turn.site.path_of(Role::Expensive))
                .query(query)
                .with_session(),
        )
    })
    .boxed()
});
