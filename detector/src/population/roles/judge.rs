//! What a route is for, by what established clients do there.

use super::witness::{Answer, Use, Witness};
use crate::signal::RouteRole;
use std::collections::BTreeMap;

/// Established clients that must have been told no and then let in, each from a range of its own: one person's bad day is no
/// login page, and one range must not make one.
const TURNED_MIN: usize = 5;

/// And the least share of those that write there: on a route with a thousand users five accidents are no habit.
const TURNED_SHARE_MIN: f64 = 0.02;

/// Established clients from one range that count on a route: an office is two witnesses, and so is a rented range.
const RANGE_WITNESSES_MAX: usize = 2;

/// Most successes of whoever signs in: people sign in seldom, and use often what they signed in for.
const SIGN_INS_MAX: u16 = 6;

/// Most POSTs before a login's first: signing in comes early.
const BEFORE_SIGN_IN_MAX: u8 = 4;

/// The same where nothing was refused and only what was sent is told to be wrong: an order may be wrong, too.
const BEFORE_TOLD_OFF_MAX: u8 = 1;

/// Established clients that must have signed up, or paid: seldom use alone is weak, so it takes more of them.
const SELDOM_MIN: usize = 20;

/// Most POSTs before signing up.
const BEFORE_SIGN_UP_MAX: u8 = 2;

/// Most successes of whoever pays, and fewest requests before: people look around first, then pay once or twice.
const PAYMENTS_MAX: u16 = 3;
/// See [`PAYMENTS_MAX`].
const REQUESTS_BEFORE_PAYMENT_MIN: u32 = 8;

/// Share of a client's requests that POSTs on one form may make up, in percent, when hardly any of them was right: beyond it
/// the client is there to guess, and where wrong guesses are answered 200 they are all the history it has.
const GUESSES_SHARE_MAX: u32 = 40;
/// Share of them that was right, in percent, of whoever guesses.
const GUESSED_SHARE_MAX: u32 = 20;

/// A route is a form when one in so many of those who post to it is sent on: where many guess, most are not.
const FORM_SHARE: usize = 4;

/// How surely a role must be shown to be taken: more likely than not, at the lower end of what so few can show.
const SURE: f64 = 0.5;

/// A role that is less sure than this is given up: between the two it stays what it was.
const DOUBTFUL: f64 = 0.35;

/// Fewest established clients that can speak against a role that a route has.
pub(super) const DISSENTERS_MIN: usize = TURNED_MIN;

/// What established clients did on one route.
#[derive(Debug, Default)]
pub(super) struct Testimony<'a> {
    /// Everybody's, before it is known whether the route is a form.
    all: Vec<(&'a Witness, &'a Use)>,
    /// What counts.
    uses: Vec<&'a Use>,
    /// Whether a success there sends the client on: a form that is shown again when it was wrong.
    is_form: bool,
    /// Ranges with a client that turned.
    turned: usize,
}

/// How a route looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    pub(super) role: RouteRole,
    /// The lower end of the 95% interval of the share of its users that use it as one uses such a route.
    pub(super) confidence: f64,
    /// Established clients that were counted.
    pub(super) clients: usize,
}

impl<'a> Testimony<'a> {
    /// Hears one client.
    pub(super) fn add(&mut self, witness: &'a Witness, used: &'a Use) {
        self.all.push((witness, used));
    }

    /// Counts what was heard: of each range as many as may speak for it, and nobody who is only there to guess.
    pub(super) fn weigh(&mut self) {
        let sent_on = |(_, used): &&(&Witness, &Use)| used.count(Answer::SentOn) > 0;
        let sent_on = self.all.iter().filter(sent_on).count();
        self.is_form = sent_on >= TURNED_MIN && sent_on * FORM_SHARE >= self.all.len();
        let mut by_range: BTreeMap<u64, (usize, bool)> = BTreeMap::new();
        for (witness, used) in &self.all {
            if self.is_form && guesses(witness, used) {
                continue;
            }
            let (counted, has_turned) = by_range.entry(witness.range).or_default();
            if *counted < RANGE_WITNESSES_MAX {
                *counted += 1;
                *has_turned |= used.has_turned(self.is_form);
                self.uses.push(used);
            }
        }
        self.turned = by_range.values().filter(|(_, has_turned)| *has_turned).count();
    }

    /// Clients that count.
    pub(super) fn clients(&self) -> usize {
        self.uses.len()
    }

    /// What the route looks like: of what is sure enough, that for which the evidence is the most particular. The role that
    /// the route `has` need not be as sure as one that would be new. `None` when it looks like nothing in particular.
    pub(super) fn look(&self, has: Option<RouteRole>) -> Option<Look> {
        let is_enough = |look: &Look| {
            let least = if has == Some(look.role) { DOUBTFUL } else { SURE };
            look.confidence >= least
        };
        let looks = [self.as_login(has), self.as_sign_up(has), self.as_payment()];
        looks.into_iter().flatten().find(is_enough)
    }

    /// Signing in: told no, then in with nothing but trying again; seldom, early, and with a success at the end.
    fn as_login(&self, has: Option<RouteRole>) -> Option<Look> {
        let is_form = self.is_form;
        let is_shown =
            self.turned >= TURNED_MIN && self.turned as f64 >= TURNED_SHARE_MIN * self.clients() as f64;
        if !is_shown && has != Some(RouteRole::Login) {
            return None;
        }
        let refused = self.count(|used| used.count(Answer::Refused) > 0);
        let told_off = self.count(|used| used.count(Answer::ToldOff) > 0);
        let is_refusing = is_form || refused >= told_off;
        if !is_refusing && self.is_creating() {
            return None;
        }
        let before_max = if is_refusing {
            BEFORE_SIGN_IN_MAX
        } else {
            BEFORE_TOLD_OFF_MAX
        };
        let is_alike = |used: &Use| {
            (1..=SIGN_INS_MAX).contains(&used.successes(is_form))
                && used.before <= before_max
                && !used.last.is_no()
                && !(is_form && used.last == Answer::Done)
        };
        Some(self.look_like(RouteRole::Login, is_alike))
    }

    /// Signing up: something new is made, once and early; a few are told first that something is wrong with it.
    fn as_sign_up(&self, has: Option<RouteRole>) -> Option<Look> {
        let is_shown = self.clients() >= SELDOM_MIN
            && self.turned >= TURNED_MIN
            && self.is_creating()
            && !self.is_refusing_any();
        let is_alike = |used: &Use| used.successes(false) == 1 && used.before <= BEFORE_SIGN_UP_MAX;
        (is_shown || has == Some(RouteRole::SignUp)).then(|| self.look_like(RouteRole::SignUp, is_alike))
    }

    /// Paying: seldom, after looking around, with an answer that has something in it.
    fn as_payment(&self) -> Option<Look> {
        let has_result = |used: &Use| used.count(Answer::Done) > 0 || used.count(Answer::Created) > 0;
        let is_alike = |used: &Use| {
            has_result(used)
                && used.successes(false) <= PAYMENTS_MAX
                && used.place >= REQUESTS_BEFORE_PAYMENT_MIN
                && used.count(Answer::SentOn) + used.count(Answer::Taken) == 0
        };
        let is_shown = self.clients() >= SELDOM_MIN && !self.is_refusing_any();
        is_shown.then(|| self.look_like(RouteRole::Payment, is_alike))
    }

    /// Whether more than a stray client is asked who it is: then that is what the route is about.
    fn is_refusing_any(&self) -> bool {
        self.count(|used| used.count(Answer::Refused) > 0) * 20 > self.clients()
    }

    fn is_creating(&self) -> bool {
        self.count(|used| used.count(Answer::Created) > 0) * 2 > self.clients()
    }

    fn count(&self, is_so: impl Fn(&Use) -> bool) -> usize {
        self.uses.iter().filter(|used| is_so(used)).count()
    }

    fn look_like(&self, role: RouteRole, is_alike: impl Fn(&Use) -> bool) -> Look {
        Look {
            role,
            confidence: lower_end(self.count(is_alike), self.clients()),
            clients: self.clients(),
        }
    }
}

/// Whether a client is there to guess: hardly anything that it sends to the form is right, and it sends hardly anything else.
fn guesses(witness: &Witness, used: &Use) -> bool {
    let (posts, right) = (used.posts(), u32::from(used.successes(true)));
    u64::from(posts) * 100 > u64::from(witness.requests) * u64::from(GUESSES_SHARE_MAX)
        && right * 100 <= posts * GUESSED_SHARE_MAX
}

/// The lower end of the 95% interval of a share (Wilson 1927): few clients make nothing sure.
fn lower_end(part: usize, all: usize) -> f64 {
    if all == 0 {
        return 0.0;
    }
    const Z: f64 = 1.96;
    let (part, all) = (part as f64, all as f64);
    let share = part / all;
    let middle = share + Z * Z / (2.0 * all);
    let half = Z * (share * (1.0 - share) / all + Z * Z / (4.0 * all * all)).sqrt();
    ((middle - half) / (1.0 + Z * Z / all)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::lower_end;

    #[test]
    fn few_clients_make_nothing_sure() {
        assert!(lower_end(0, 0) == 0.0 && lower_end(0, 9) < 1e-9);
        assert!((lower_end(5, 5) - 0.566).abs() < 0.001);
        assert!((lower_end(90, 100) - 0.826).abs() < 0.001);
    }
}
