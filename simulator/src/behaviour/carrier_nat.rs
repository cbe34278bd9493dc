//! A carrier's address: hundreds of subscribers who share nothing but their way out.

use super::office::Crowd;
use super::{Behaviour, browser, mobile_app, password_forgetter, script_user, spa_user};
use crate::random::pick;
use crate::world::Need;
use rand::Rng;

/// What most subscribers do, as the site has use for.
const SUBSCRIBERS: [&Behaviour; 7] = [
    &browser::BROWSER,
    &browser::BROWSER,
    &mobile_app::MOBILE_APP,
    &mobile_app::MOBILE_APP,
    &spa_user::SPA_USER,
    &spa_user::SPA_USER,
    &script_user::SCRIPT_USER,
];

/// One in so many searches for odd things, and one in so many forgets a password.
const RARE: u32 = 50;

/// Milliseconds of a day without its last two hours, over which subscribers come.
const DAY_MILLIS: u64 = 22 * 3_600_000;

pub(super) const CARRIER_NAT: Behaviour = Behaviour::benign("carrier_nat", Need::Anything, 4_500, |start| {
    let fitting: Vec<&Behaviour> = SUBSCRIBERS
        .into_iter()
        .filter(|behaviour| start.site.offers(behaviour.need))
        .collect();
    let site = start.site;
    let rare = |behaviour: &'static Behaviour| site.offers(behaviour.need).then_some(behaviour);
    let count = start.rng.gen_range(120..420);
    let people = (0..count)
        .map(|number| {
            let odd = match number % RARE {
                10 => rare(&browser::SEARCH_USER),
                30 => rare(&password_forgetter::PASSWORD_FORGETTER),
                _ => None,
            };
            let usual = *pick(start.rng, &fitting);
            let behaviour = odd.unwrap_or(usual);
            let begins_ms = start.rng.gen_range(0..DAY_MILLIS);
            ((behaviour.plan)(start), begins_ms)
        })
        .collect();
    Crowd::boxed(people)
});
