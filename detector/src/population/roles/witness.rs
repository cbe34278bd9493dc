//! What one client's POSTs tell about routes.

use crate::limits::ROLE_USES_MAX;
use serde::{Deserialize, Serialize};

/// How a POST was answered, as far as it tells what the route is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// 200 and its kin: an API's success, or a form shown again.
    Done,
    /// 201: something new is there.
    Created,
    /// 202, 204: taken, with nothing to show for it.
    Taken,
    /// 302, 303: sent on to another page, as a form does that was right.
    SentOn,
    /// 401, 403: who are you.
    Refused,
    /// 400, 402, 409, 422: what was sent is wrong.
    ToldOff,
}

impl Answer {
    /// The answer that a status is; `None` for what tells nothing: missing, broken, busy, sent to another address.
    #[must_use]
    pub fn of(status: u16) -> Option<Self> {
        Some(match status {
            201 => Self::Created,
            202 | 204 => Self::Taken,
            200..=299 => Self::Done,
            302 | 303 => Self::SentOn,
            401 | 403 => Self::Refused,
            400 | 402 | 409 | 422 => Self::ToldOff,
            _ => return None,
        })
    }

    /// Whether the client was told no.
    #[must_use]
    pub fn is_no(self) -> bool {
        matches!(self, Self::Refused | Self::ToldOff)
    }
}

/// One POST of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// Its place in the order of arrival.
    pub seq: u64,
    /// Key of the client's window.
    pub key: u64,
    /// Number of the client's range; a client without one is its own.
    pub range: u64,
    /// Hash of the route's template.
    pub template: u64,
    /// How it was answered.
    pub answer: Answer,
    /// How many requests the client had sent, this one included.
    pub place: u32,
    /// Whether neither the words of the path nor a person say what the route is for.
    pub is_unnamed: bool,
    /// Whether the client is established.
    pub is_established: bool,
    /// The route as people read it, at the client's first use of it.
    pub route: Option<Box<str>>,
}

/// What a client did on one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Use {
    /// Hash of the route's template.
    pub(super) template: u64,
    /// Its requests up to the first POST there.
    pub(super) place: u32,
    /// Its POSTs elsewhere before that.
    pub(super) before: u8,
    /// Answers of each kind.
    answers: [u16; 6],
    /// The latest.
    pub(super) last: Answer,
    /// Its successes on other routes at that moment.
    elsewhere: u16,
    /// Whether it was told no, and succeeded with nothing but trying again.
    has_turned: bool,
    /// Whether it was shown a page, and sent on with nothing but trying again.
    is_sent_on_at_last: bool,
}

/// A client whose POSTs tell what routes are for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Witness {
    /// Number of its range.
    pub(super) range: u64,
    /// Whether it is established, or was: before that it counts for nothing.
    pub(super) is_established: bool,
    /// Its requests, as far as they were told.
    pub(super) requests: u32,
    /// Place of its latest POST in the order of arrival.
    pub(super) last_seq: u64,
    /// POSTs on routes that are not followed, and before those that are.
    posts: u8,
    /// POSTs that succeeded.
    successes: u16,
    /// What it did on each route whose purpose nobody said.
    pub(super) uses: Vec<Use>,
}

impl Use {
    /// Answers of that kind.
    pub(super) fn count(&self, answer: Answer) -> u16 {
        self.answers[answer as usize]
    }

    /// Whether the client was told no, and succeeded with nothing but trying again. Of a form, which is shown again when it
    /// was wrong, that is a success, too.
    pub(super) fn has_turned(&self, is_form: bool) -> bool {
        self.has_turned || (is_form && self.is_sent_on_at_last)
    }

    /// Successes, where a form's only success is to send the client on.
    pub(super) fn successes(&self, is_form: bool) -> u16 {
        let sent_on = self.count(Answer::SentOn);
        if is_form {
            return sent_on;
        }
        [Answer::Done, Answer::Created, Answer::Taken]
            .into_iter()
            .fold(sent_on, |sum, answer| sum.saturating_add(self.count(answer)))
    }

    /// POSTs there, as far as they were counted.
    pub(super) fn posts(&self) -> u32 {
        self.answers.iter().map(|count| u32::from(*count)).sum()
    }

    fn note(&mut self, answer: Answer, elsewhere: u16) {
        // Whoever fetches a new token in between and asks again did not sign in here.
        let is_next = elsewhere == self.elsewhere;
        if is_next && self.last.is_no() && !answer.is_no() {
            self.has_turned = true;
        }
        if is_next && self.last == Answer::Done && answer == Answer::SentOn {
            self.is_sent_on_at_last = true;
        }
        let count = &mut self.answers[answer as usize];
        *count = count.saturating_add(1);
        (self.last, self.elsewhere) = (answer, elsewhere);
    }
}

impl Witness {
    pub(super) fn new(range: u64) -> Self {
        Self {
            range,
            is_established: false,
            requests: 0,
            last_seq: 0,
            posts: 0,
            successes: 0,
            uses: Vec::new(),
        }
    }

    /// Takes in one POST. False when it was on one route too many to be followed.
    pub(super) fn note(&mut self, deed: &Deed) -> bool {
        self.last_seq = deed.seq;
        self.is_established |= deed.is_established;
        self.requests = self.requests.max(deed.place);
        let place = self.uses.iter().position(|known| known.template == deed.template);
        let own = place.map_or(0, |place| self.uses[place].successes(false));
        let elsewhere = self.successes.saturating_sub(own);
        // Counted as far as a route counts its own, so that the difference stays what was done elsewhere.
        let is_counted = place.is_none_or(|place| self.uses[place].count(deed.answer) < u16::MAX);
        let is_followed = match place {
            Some(place) => {
                self.uses[place].note(deed.answer, elsewhere);
                true
            }
            None if !deed.is_unnamed => true,
            None if self.uses.len() >= ROLE_USES_MAX => false,
            None => {
                let mut first = Use {
                    template: deed.template,
                    place: deed.place,
                    before: self.posts,
                    answers: [0; 6],
                    last: deed.answer,
                    elsewhere,
                    has_turned: false,
                    is_sent_on_at_last: false,
                };
                first.note(deed.answer, elsewhere);
                self.uses.push(first);
                true
            }
        };
        self.posts = self.posts.saturating_add(1);
        if !deed.answer.is_no() && is_counted {
            self.successes = self.successes.saturating_add(1);
        }
        is_followed
    }

    /// Whether it holds what it can have been given.
    pub(super) fn is_whole(&self) -> bool {
        self.uses.len() <= ROLE_USES_MAX
    }
}
