//! Many people behind one address: an office, a school class that signs up together.

use super::{Behaviour, Start, browser};
use crate::actor::{Actor, FollowsRedirects, Then, Turn};
use crate::agent::Agent;
use crate::random::{chance, log_normal_ms};
use crate::request::Step;
use crate::world::{Need, Role};
use rand::Rng;

pub(super) const OFFICE: Behaviour = Behaviour::benign("office", Need::Pages, 500, |start| {
    let count = start.rng.gen_range(4..45);
    let people = (0..count)
        .map(|_| (browser::person(start, 5.0), spread_ms(start, 3_600_000)))
        .collect();
    Crowd::boxed(people)
});

/// Twenty people who sign up within ten minutes because their teacher said so, and then look around.
pub(super) const CLASSROOM: Behaviour = Behaviour::benign("classroom", Need::SignUp, 120, |start| {
    let count = start.rng.gen_range(12..30);
    let people = (0..count)
        .map(|_| {
            let agent = Agent::browser_for(start.rng, start.site.speaks_http2);
            let first = Some(Box::new(Pupil { agent, steps_done: 0 }) as Box<dyn Actor>);
            let person = Then {
                first,
                pause_ms: 4_000,
                second: browser::person(start, 3.0),
            };
            (Box::new(person) as Box<dyn Actor>, spread_ms(start, 600_000))
        })
        .collect();
    Crowd::boxed(people)
});

fn spread_ms(start: &mut Start<'_>, within_ms: u64) -> u64 {
    start.rng.gen_range(0..within_ms)
}

/// Several actors that share an address; each sees only its own answers.
pub(super) struct Crowd {
    people: Vec<Person>,
    /// Milliseconds since the crowd began, as far as the last step went.
    now_ms: u64,
    last: Option<usize>,
}

struct Person {
    actor: Box<dyn Actor>,
    /// When this person's next step is due; `None` while it has not been asked for.
    due: Option<(u64, Step)>,
    free_at_ms: u64,
    last_status: Option<u16>,
    is_gone: bool,
}

impl Crowd {
    pub(super) fn boxed(people: Vec<(Box<dyn Actor>, u64)>) -> Box<dyn Actor> {
        let people = people
            .into_iter()
            .map(|(actor, free_at_ms)| Person {
                actor: FollowsRedirects::boxed(actor),
                due: None,
                free_at_ms,
                last_status: None,
                is_gone: false,
            })
            .collect();
        Box::new(Self {
            people,
            now_ms: 0,
            last: None,
        })
    }
}

impl Actor for Crowd {
    fn next(&mut self, turn: &mut Turn<'_>) -> Option<Step> {
        if let Some(last) = self.last {
            self.people[last].last_status = turn.last_status;
        }
        for person in self
            .people
            .iter_mut()
            .filter(|person| !person.is_gone && person.due.is_none())
        {
            let last_status = person.last_status;
            let mut turn = Turn {
                rng: turn.rng,
                site: turn.site,
                last_status,
            };
            match person.actor.next(&mut turn) {
                Some(step) => person.due = Some((person.free_at_ms + step.after_ms, step)),
                None => person.is_gone = true,
            }
        }
        let (index, due_ms) = self
            .people
            .iter()
            .enumerate()
            .filter_map(|(index, person)| person.due.as_ref().map(|(due_ms, _)| (index, *due_ms)))
            .min_by_key(|(index, due_ms)| (*due_ms, *index))?;
        let person = &mut self.people[index];
        let (_, step) = person.due.take()?;
        person.free_at_ms = due_ms;
        let gap_ms = due_ms.saturating_sub(self.now_ms);
        self.now_ms = due_ms;
        self.last = Some(index);
        Some(Step::beside(gap_ms, step.request))
    }
}

/// Opens the sign-up form, fills it in, sometimes with a name that is taken.
struct Pupil {
    agent: Agent,
    steps_done: u32,
}

impl Actor for Pupil {
    fn next(&mut self, turn: &mut Turn<'_>) -> Option<Step> {
        let path = turn.site.path_of(Role::SignUp);
        self.steps_done += 1;
        let was_taken = turn.last_status == Some(422);
        match self.steps_done {
            1 => {
                let mut request = self.agent.post(path, turn.rng.gen_range(180..320));
                request.intent.is_invalid = chance(turn.rng, 0.25);
                Some(Step::after(log_normal_ms(turn.rng, 20_000.0, 0.4), request))
            }
            2..6 if was_taken => {
                let request = self.agent.post(path, turn.rng.gen_range(180..320));
                Some(Step::after(log_normal_ms(turn.rng, 8_000.0, 0.5), request))
            }
            _ => None,
        }
    }
}
