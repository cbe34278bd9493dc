//! Previews of a link that somebody posted: the page, perhaps its picture, and gone.

use super::Behaviour;
use crate::actor::{FollowsRedirects, Pace, Repeat};
use crate::agent::Agent;
use crate::random::chance;
use crate::world::Need;
use rand::Rng;

pub(super) const LINK_PREVIEW: Behaviour = Behaviour::benign("link_preview", Need::Pages, 2, |start| {
    let agent = Agent::link_preview(start.rng);
    let count = start.rng.gen_range(1..4);
    let index = crate::random::popular(start.rng, start.site.pages.len());
    let begins_with_head = chance(start.rng, 0.2);
    let is_plain = chance(start.rng, 0.15);
    let preview = Repeat::new(
        count,
        Pace::Varied {
            median_ms: 350,
            sigma: 0.8,
        },
        move |turn, number| {
            let page = &turn.site.pages[index];
            let image = page
                .images
                .first()
                .map(|image| turn.site.files[*image as usize].path.as_str());
            let mut request = match (number, image) {
                (0, _) if begins_with_head => agent.head(page.path.as_str()),
                (1.., Some(image)) => agent.get(image),
                _ => agent.get(page.path.as_str()),
            };
            if number == 0 || image.is_none() {
                request.query.clone_from(&page.query);
                request.intent.wants_part = chance(turn.rng, 0.2);
            }
            Some(request.over_plain_http(is_plain))
        },
    );
    FollowsRedirects::boxed(preview.boxed())
});
