//! Who comes from one address: its programs, and the names that are one client's.

use super::many::Many;
use super::sliding::{DAY_MILLIS, HOUR_MILLIS, Sliding};
use super::{Name, Use};
use crate::limits::{ACCUSED_MAX, PROGRAMS_MAX};
use crate::population::has_history;
use domain::{Client, Scope, Timestamp};
use serde::{Deserialize, Serialize};

/// Programs tell their acts apart from so many telling requests on; before it is their requests that are compared.
const TELLING_MIN: u32 = 2;
/// Share of what speaks against an address that one program must have done, for the others to be let out of it.
const OWN_SHARE: f64 = 0.8;
/// Whose requests tell so often is no neighbour to be spared.
const TELLING_SHARE_MAX: f64 = 0.1;

/// One program behind an address: a user agent, with the TLS fingerprint where it keeps still.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Program {
    /// Hash of the user agent, 0 for none.
    pub(crate) agent: u32,
    /// Hash of the TLS fingerprint, 0 for none.
    pub(crate) fingerprint: u32,
    /// Whether it came before the address was looked at: of which agent it is has not been seen yet.
    is_earlier: bool,
    first_millis: i64,
    last_millis: i64,
    requests: u32,
    successes: u32,
    /// Requests that show what their client is about.
    pub(crate) telling: u32,
    hour: Sliding<HOUR_MILLIS>,
    day: Sliding<DAY_MILLIS>,
    lately: Sliding<HOUR_MILLIS>,
    /// As a gateway can compare it; empty where it cannot be told, or nothing spoke against it yet.
    name: Name,
}

/// Who comes from one address.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Behind {
    programs: Vec<Program>,
    /// Programs for which there is no room.
    crowd: Many,
    crowd_telling: u32,
    crowd_lately: Sliding<HOUR_MILLIS>,
    /// Names that are one client's.
    names: Many,
}

/// Whom a decision would hit besides those whom it is about.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Others {
    /// Programs with a history, and names that are one client's, over the latest day.
    pub(crate) clients: f64,
    /// Of these the names: nobody can invent them.
    pub(crate) names: f64,
    /// Their successful requests of the latest hour.
    pub(crate) hour: f64,
    /// Their successful requests of the latest day.
    pub(crate) day: f64,
    /// How wrong the counts may be, as a part of them.
    pub(crate) error: f64,
    /// Successful requests of the latest day of the one at fault, where it is known; nothing where all of the address came under names.
    pub(crate) own: f64,
}

impl Behind {
    /// Takes in one request under no name.
    pub(crate) fn note(&mut self, used: &Use) {
        match self.place(used) {
            Some(place) => self.programs[place].note(used),
            None => self.note_crowd(used),
        }
    }

    /// Takes in one accepted request under a name that is one client's.
    pub(crate) fn note_name(&mut self, number: u64, at_millis: i64) {
        self.names.add(number, at_millis, (1, 1));
    }

    /// The program that is at fault for what speaks against the address, where that is one's doing; the place of it.
    /// Those of `besides` are left out: something was done about them already.
    pub(crate) fn culprit(&self, besides: &[u32], at: Timestamp) -> Option<usize> {
        let is_open = |program: &&Program| !besides.contains(&program.hash());
        let telling: u32 = self.programs.iter().filter(is_open).map(|p| p.telling).sum();
        let is_told = telling + self.crowd_telling >= TELLING_MIN;
        let weight = |program: &Program| {
            if is_told {
                f64::from(program.telling)
            } else {
                program.lately.estimate(at).0
            }
        };
        let all: f64 = self.programs.iter().filter(is_open).map(weight).sum();
        let gone = if is_told {
            f64::from(self.crowd_telling)
        } else {
            self.crowd_lately.estimate(at).0
        };
        let (place, worst) = self
            .programs
            .iter()
            .enumerate()
            .filter(|(_, program)| is_open(program))
            .map(|(place, program)| (place, weight(program)))
            .max_by(|left, right| left.1.total_cmp(&right.1).then(right.0.cmp(&left.0)))?;
        (worst > 0.0 && worst >= OWN_SHARE * (all + gone)).then_some(place)
    }

    /// Whether it was seen with more than one.
    pub(crate) fn has_programs(&self) -> bool {
        !self.programs.is_empty()
    }

    /// A program, by its place.
    pub(crate) fn program(&self, place: usize) -> Option<&Program> {
        self.programs.get(place)
    }

    /// What a gateway has to compare beside the address to tell the program at that place from the others; `None` where it cannot be
    /// written down. The fingerprint is asked for only where the user agent does not do: fewer gateways know it.
    pub(crate) fn conditions(&self, place: usize) -> Option<Vec<Client>> {
        let program = self.programs.get(place)?;
        let agent = Client::parse(Scope::UserAgent, &program.name.agent).ok()?;
        let alike = self.programs.iter().filter(|other| other.agent == program.agent);
        if alike.count() == 1 {
            return Some(vec![agent]);
        }
        let fingerprint = Client::parse(Scope::Ja4, &program.name.fingerprint).ok()?;
        Some(vec![agent, fingerprint])
    }

    /// Telling requests of all programs but those.
    pub(crate) fn telling_besides(&self, besides: &[u32]) -> u32 {
        let others = self
            .programs
            .iter()
            .filter(|program| !besides.contains(&program.hash()));
        others.fold(self.crowd_telling, |sum, program| {
            sum.saturating_add(program.telling)
        })
    }

    /// Who would be hit besides `culprit`, were all of the address refused.
    pub(crate) fn others(&self, culprit: Option<usize>, at: Timestamp) -> Others {
        let mut sum = Sum::default();
        for (place, program) in self.programs.iter().enumerate() {
            if Some(place) != culprit && program.has_history(at) {
                sum.clients += 1.0;
                sum.add(program.hour.estimate(at), program.day.estimate(at));
            }
        }
        // Where there is no culprit one of the programs is at fault, and nobody knows which.
        if culprit.is_none() {
            sum.clients = (sum.clients - 1.0).max(0.0);
        }
        let names = self.names.different(at);
        // Of a crowd nobody knows who has a history: no more than have the successes of one.
        let with_history = self.crowd.day.estimate(at).0 / HISTORY_SUCCESSES;
        let crowd = self.crowd.different(at).min(with_history);
        for many in [&self.crowd, &self.names] {
            sum.add(many.hour.estimate(at), many.day.estimate(at));
        }
        sum.clients += crowd;
        sum.clients_error = (crowd + names) * LINEAR_COUNTING_ERROR;
        Others {
            clients: sum.clients + names,
            names,
            hour: sum.hour,
            day: sum.day,
            error: sum.error(names),
            own: culprit
                .and_then(|place| self.programs.get(place))
                .map_or(0.0, |program| program.day.estimate(at).0),
        }
    }

    /// What it would be worth to remember it, for choosing whom to forget: who would be hit, how often, and when last.
    pub(crate) fn worth(&self) -> (u32, i64) {
        let successes = self.programs.iter().map(|program| program.successes);
        let last = self.programs.iter().map(|program| program.last_millis).max();
        let at = Timestamp::from_millis(self.names.last_millis().max(self.crowd.last_millis()));
        let many = self.names.different(at) + self.crowd.day.estimate(at).0;
        (
            successes.fold(many as u32, u32::saturating_add),
            last.unwrap_or(0).max(at.as_millis()),
        )
    }

    /// The place of a request's program, made when it is new; `None` where there is no room for it.
    fn place(&mut self, used: &Use) -> Option<usize> {
        let is_it = |program: &Program| {
            !program.is_earlier && program.agent == used.agent && program.fingerprint == used.fingerprint
        };
        if let Some(place) = self.programs.iter().position(is_it) {
            return Some(place);
        }
        if let Some(earlier) = used.earlier.as_ref().filter(|_| self.programs.is_empty()) {
            self.programs.push(Program::earlier(earlier));
        }
        // An agent that is not new here, and is none of those that are known, is the one from before.
        let earlier = self.programs.iter().position(|program| program.is_earlier);
        if let Some(place) = earlier.filter(|_| !used.is_new_agent) {
            let program = &mut self.programs[place];
            (program.agent, program.fingerprint) = (used.agent, used.fingerprint);
            program.is_earlier = false;
            return Some(place);
        }
        if !self.has_room(used.is_telling) && !self.make_room(used) {
            return None;
        }
        self.programs.push(Program::new(used));
        Some(self.programs.len() - 1)
    }

    /// Whether a further program fits in, one that shows what it is about or one that does not.
    fn has_room(&self, is_telling: bool) -> bool {
        let alike = self
            .programs
            .iter()
            .filter(|program| (program.telling > 0) == is_telling);
        let most = if is_telling { ACCUSED_MAX } else { PROGRAMS_MAX };
        alike.count() < most && self.programs.len() < PROGRAMS_MAX + ACCUSED_MAX
    }

    /// Lets one of the programs give way, where it is worth less than a new one; what it did stays counted for the address. Who
    /// shows what he is about takes the place of one that does, too: nobody can push out the others.
    fn make_room(&mut self, used: &Use) -> bool {
        let at = Timestamp::from_millis(used.at_millis);
        let may_go = |program: &Program| {
            let pause_millis = used.at_millis.saturating_sub(program.last_millis);
            let is_gone =
                pause_millis > DAY_MILLIS || (pause_millis > HOUR_MILLIS && !program.has_history(at));
            is_gone || (used.is_telling && program.telling > 0)
        };
        let least = self
            .programs
            .iter()
            .enumerate()
            .filter(|(_, program)| may_go(program))
            .min_by_key(|(place, program)| (program.successes, program.last_millis, *place));
        let Some(place) = least.map(|(place, _)| place) else {
            return false;
        };
        let program = self.programs.remove(place);
        let successes = (
            program.hour.estimate(at).0 as u32,
            program.day.estimate(at).0 as u32,
        );
        if successes.1 > 0 {
            self.crowd.add(program.spread(), used.at_millis, successes);
        }
        self.crowd_telling = self.crowd_telling.saturating_add(program.telling);
        self.crowd_lately
            .add(used.at_millis, program.lately.estimate(at).0 as u32);
        true
    }

    fn note_crowd(&mut self, used: &Use) {
        self.crowd_lately.add(used.at_millis, 1);
        if used.is_success {
            let hash = spread(program_hash(used.agent, used.fingerprint));
            self.crowd.add(hash, used.at_millis, (1, 1));
        }
        if used.is_telling {
            self.crowd_telling = self.crowd_telling.saturating_add(1);
        }
    }
}

/// Over all the bits that a sketch looks at.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Successes that make a history.
const HISTORY_SUCCESSES: f64 = 10.0;

/// Twice the standard error of linear counting in 256 bits, up to some 200 different things (Whang, Vander-Zanden, Taylor 1990).
const LINEAR_COUNTING_ERROR: f64 = 0.1;

#[derive(Default)]
struct Sum {
    clients: f64,
    clients_error: f64,
    hour: f64,
    day: f64,
    day_error: f64,
}

impl Sum {
    fn add(&mut self, (hour, _): (f64, f64), (day, error): (f64, f64)) {
        self.hour += hour;
        self.day += day;
        self.day_error += error;
    }

    /// The larger of the two counts' errors, as a part of them.
    fn error(&self, names: f64) -> f64 {
        let clients = self.clients_error / (self.clients + names).max(1.0);
        (self.day_error / self.day.max(1.0)).max(clients).min(1.0)
    }
}

impl Program {
    fn new(used: &Use) -> Self {
        Self {
            agent: used.agent,
            fingerprint: used.fingerprint,
            is_earlier: false,
            first_millis: used.at_millis,
            last_millis: used.at_millis,
            requests: 0,
            successes: 0,
            telling: 0,
            hour: Sliding::default(),
            day: Sliding::default(),
            lately: Sliding::default(),
            name: Name::default(),
        }
    }

    fn earlier(earlier: &super::Earlier) -> Self {
        let mut program = Self {
            agent: 0,
            fingerprint: 0,
            is_earlier: true,
            first_millis: earlier.first_millis,
            last_millis: earlier.last_millis,
            requests: earlier.requests,
            successes: earlier.successes,
            telling: 0,
            hour: Sliding::default(),
            day: Sliding::default(),
            lately: Sliding::default(),
            name: Name::default(),
        };
        program.hour.add(earlier.last_millis, earlier.successes);
        program.day.add(earlier.last_millis, earlier.successes);
        program.lately.add(earlier.last_millis, earlier.requests);
        program
    }

    fn note(&mut self, used: &Use) {
        self.requests = self.requests.saturating_add(1);
        self.lately.add(used.at_millis, 1);
        self.first_millis = self.first_millis.min(used.at_millis);
        self.last_millis = self.last_millis.max(used.at_millis);
        if used.is_success {
            self.successes = self.successes.saturating_add(1);
            self.hour.add(used.at_millis, 1);
            self.day.add(used.at_millis, 1);
        }
        if used.is_telling {
            self.telling = self.telling.saturating_add(1);
        }
        if self.name.is_empty()
            && let Some(name) = &used.name
        {
            self.name = name.clone();
        }
    }

    /// What tells it from others in few bytes; never 0.
    pub(crate) fn hash(&self) -> u32 {
        program_hash(self.agent, self.fingerprint)
    }

    fn spread(&self) -> u64 {
        spread(self.hash())
    }

    /// Whether it succeeded often and long enough to be somebody.
    fn has_history(&self, at: Timestamp) -> bool {
        let age_millis = at.as_millis().saturating_sub(self.first_millis);
        has_history(age_millis, self.successes as f32, self.requests as f32)
            && f64::from(self.telling) <= TELLING_SHARE_MAX * f64::from(self.requests)
    }
}

/// What tells a program from others in few bytes; never 0.
pub(crate) fn program_hash(agent: u32, fingerprint: u32) -> u32 {
    (agent ^ fingerprint.rotate_left(13)) | 1
}
