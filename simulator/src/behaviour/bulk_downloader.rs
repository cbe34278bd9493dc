//! Somebody who fetches everything of a kind: all files, or a file per day whether it is there or not.

use super::Behaviour;
use crate::actor::{FollowsRedirects, Pace, Repeat, WhenRefused};
use crate::agent::Agent;
use crate::random::{chance, log_normal_ms};
use crate::world::Need;
use rand::Rng;

pub(super) const BULK_DOWNLOADER: Behaviour =
    Behaviour::benign("bulk_downloader", Need::Downloads, 160, |start| {
        let mut agent = Agent::script(start.rng);
        if chance(start.rng, 0.2) {
            agent = Agent::browser(start.rng);
        }
        let count = log_normal_ms(start.rng, 90.0, 1.1).clamp(8, 4_000) as u32;
        let median_ms = log_normal_ms(start.rng, 400.0, 1.2);
        // A script that walks the calendar asks for days on which nothing was published.
        let walks_days = chance(start.rng, 0.35);
        let holes = if chance(start.rng, 0.4) { 0.6 } else { 0.1 };
        let first_day = start.rng.gen_range(0..2_000);
        let is_plain = chance(start.rng, 0.1);
        let mut at = start.rng.gen_range(0..start.site.downloads.len());
        let walk = Repeat::new(
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.5,
            },
            move |turn, number| {
                let site = turn.site;
                at = (at + 1) % site.downloads.len();
                let file = &site.files[site.downloads[at] as usize];
                if walks_days && chance(turn.rng, holes) {
                    let day = first_day + number;
                    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    let (year, month, day) = (2016 + day / 372, day / 31 % 12 + 1, day % 31 + 1);
                    return Some(agent.get(format!("{folder}/{year}-{month:02}-{day:02}.csv")));
                }
                let mut request = agent.get(file.path.as_str()).over_plain_http(is_plain);
                request.intent.wants_part = chance(turn.rng, 0.05);
                Some(request)
            },
        )
        .when_refused(WhenRefused::BackOff { ms: 60_000 });
        FollowsRedirects::boxed(walk.boxed())
    });
