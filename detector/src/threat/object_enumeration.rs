//! Object enumeration: walking through numbered objects, or guessing ids.

use super::{Claim, Lever, OBSERVED_ONLY, Threat, claim};
use crate::window::Window;
use crate::window::decay::{BURST, HABIT};
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::ObjectEnumeration,
    // Partners that run one program walk through their own objects.
    is_common: true,
    assess,
    value: |window| window.objects.estimate(),
    sentence,
    lever: Lever {
        name: "different objects",
        read: |window| window.objects.estimate(),
        scale,
    },
};

/// Refusals and misses among a walker's answers that show that the objects are not its own.
const FOREIGN_SHARE_MIN: f32 = 0.08;

/// Share of misses and refusals from which nothing that it asked for was its own.
const ALL_FOREIGN_SHARE: f32 = 0.8;

/// Steps that make a walk, and of somebody who gets nothing.
const STEPS_MIN: f32 = 12.0;
const STEPS_MIN_IN_VAIN: f32 = 5.0;

/// Different objects that make guesses, and of somebody who gets nothing and goes by a browser's name.
const GUESSES_MIN: f32 = 20.0;
const GUESSES_MIN_IN_VAIN: f32 = 6.0;

/// Different objects within half a day that pass under a browser's name.
const DISGUISED_FREE: f32 = 15.0;

fn assess(window: &Window) -> Option<Claim> {
    if window.share(window.habit.with_object) < 0.6 || window.share(window.habit.assets) > 0.2 {
        return None;
    }
    let foreign = window.share(window.habit.object_misses);
    // Partners walk their own objects one by one and succeed: that alone is only looked at. Nobody's browser does.
    let is_foreign = foreign >= FOREIGN_SHARE_MIN || walks_disguised(window);
    // Whoever asks for heads takes nothing: a checker of links, that finds some of them dead.
    let takes_nothing = window.share(window.habit.heads) > 0.5;
    let ceiling = if is_foreign && !takes_nothing && !window.suspicion.is_declared_crawler {
        0.97
    } else {
        OBSERVED_ONLY
    };
    if is_quick_try(window, foreign) {
        return claim(
            ThreatKind::ObjectEnumeration,
            window.habit.object_misses * 0.2,
            OBSERVED_ONLY,
        );
    }
    claim(
        ThreatKind::ObjectEnumeration,
        walk_points(window, foreign)
            .max(guess_points(window, foreign))
            .max(disguised_points(window)),
        ceiling,
    )
}

fn walk_points(window: &Window, foreign: f32) -> f32 {
    let suspicion = &window.suspicion;
    let share = suspicion.walk_steps / suspicion.steps.max(1.0);
    if foreign > ALL_FOREIGN_SHARE && suspicion.steps >= STEPS_MIN_IN_VAIN && share > 0.8 {
        suspicion.walk_steps * 0.2
    } else if suspicion.steps >= STEPS_MIN && share > 0.6 {
        (suspicion.walk_steps - 6.0) * 0.1
    } else {
        0.0
    }
}

fn guess_points(window: &Window, foreign: f32) -> f32 {
    let misses = window.habit.object_misses;
    let objects = window.objects.estimate();
    if foreign > ALL_FOREIGN_SHARE && objects >= GUESSES_MIN_IN_VAIN && window.is_disguised() {
        (misses - 3.0) * 0.2
    } else if objects >= GUESSES_MIN && foreign >= 0.15 {
        (misses - 6.0) * 0.12
    } else {
        0.0
    }
}

/// Whether a handful of objects were tried in a second or two, half of them in vain: too little to act on, worth a look.
fn is_quick_try(window: &Window, foreign: f32) -> bool {
    let is_handful = (4.5..GUESSES_MIN_IN_VAIN + 2.0).contains(&window.objects.estimate());
    is_handful && foreign > 0.4 && walks_disguised(window) && window.rate_per_second(BURST) > 0.3
}

/// Whether it goes by a browser's name, and takes something else than files that are there to be fetched.
fn walks_disguised(window: &Window) -> bool {
    window.is_disguised() && window.share(window.habit.files) < 0.5
}

/// Points for one object after the other and nothing else, under a browser's name: an app asks for more than objects, and
/// a page says which it is.
fn disguised_points(window: &Window) -> f32 {
    if walks_disguised(window) && window.share(window.habit.with_object) > 0.9 {
        (window.objects.estimate() - DISGUISED_FREE) * 0.05
    } else {
        0.0
    }
}

/// As if it had asked for so many times as many objects in the same way: shares stay what they are.
fn scale(window: &mut Window, factor: f32) {
    window.objects = window.objects.scaled(factor);
    window.suspicion.steps *= factor;
    window.suspicion.walk_steps *= factor;
    window.rate[HABIT] *= factor;
    for count in [
        &mut window.habit.with_object,
        &mut window.habit.object_misses,
        &mut window.habit.assets,
    ] {
        *count *= factor;
    }
}

fn sentence(window: &Window) -> String {
    format!(
        "asked for {:.0} different objects, {:.0}% of its steps to a neighbouring number, {:.0}% of its requests for one that is missing or refused",
        window.objects.estimate(),
        window.suspicion.walk_steps / window.suspicion.steps.max(1.0) * 100.0,
        window.share(window.habit.object_misses) * 100.0
    )
}
