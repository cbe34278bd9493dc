//! How a client decides what to do next, and the parts that most behaviours share.

use crate::random::{Stream, chance, log_normal_ms};
use crate::request::{Request, Step};
use crate::world::Site;
use rand::Rng;

/// What a client knows when it decides.
pub struct Turn<'a> {
    /// The client's own stream.
    pub(crate) rng: &'a mut Stream,
    /// The site it uses.
    pub(crate) site: &'a Site,
    /// The status of its last answer.
    pub(crate) last_status: Option<u16>,
}

impl Turn<'_> {
    /// Whether the last answer was a refusal that looks like a block or a limit.
    pub(crate) fn was_refused(&self) -> bool {
        matches!(self.last_status, Some(403 | 429))
    }
}

/// A client at work: a state machine that sees its last answer.
pub trait Actor: Send {
    /// The next step; `None` when the client leaves for good.
    fn next(&mut self, turn: &mut Turn<'_>) -> Option<Step>;
}

/// The rhythm between two requests of a loop.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// A scheduler's: the same gap always, but for a few milliseconds.
    Steady { gap_ms: u64 },
    /// Log-normal gaps.
    Varied { median_ms: u64, sigma: f64 },
    /// Runs of quick requests with pauses between.
    Bursts {
        gap_ms: u64,
        pause_ms: u64,
        pause_chance: f64,
    },
}

impl Pace {
    pub(crate) fn gap_ms(self, rng: &mut Stream) -> u64 {
        match self {
            Self::Steady { gap_ms } => gap_ms + rng.gen_range(0..=2),
            Self::Varied { median_ms, sigma } => log_normal_ms(rng, median_ms as f64, sigma),
            Self::Bursts {
                gap_ms,
                pause_ms,
                pause_chance,
            } => {
                let median = if chance(rng, pause_chance) {
                    pause_ms
                } else {
                    gap_ms
                };
                log_normal_ms(rng, median as f64, 0.4)
            }
        }
    }
}

/// What a client does about refusals (403, 429).
#[derive(Debug, Clone, Copy)]
pub(crate) enum WhenRefused {
    /// Goes on as before.
    Continue,
    /// Leaves after that many in a row.
    LeaveAfter(u32),
    /// Waits, and leaves after twenty in a row.
    BackOff { ms: u64 },
}

/// Refusals in a row after which even a patient client leaves.
const BACK_OFF_REFUSALS_MAX: u32 = 20;

/// Draws an attacker's nerve: some tools never look at answers, some people do.
pub(crate) fn attackers_nerve(rng: &mut Stream) -> WhenRefused {
    match rng.gen_range(0..10) {
        0..4 => WhenRefused::Continue,
        4..8 => WhenRefused::LeaveAfter(rng.gen_range(10..60)),
        _ => WhenRefused::BackOff { ms: 30_000 },
    }
}

/// Makes the n-th request of a loop; `None` ends the loop.
pub(crate) type MakeRequest = Box<dyn FnMut(&mut Turn<'_>, u32) -> Option<Request> + Send>;

/// A loop: the same kind of request again and again, at one pace. Most tools are this.
pub(crate) struct Repeat {
    pub(crate) times: u32,
    pub(crate) pace: Pace,
    pub(crate) when_refused: WhenRefused,
    /// Parallel loops do not wait for answers.
    pub(crate) is_parallel: bool,
    make: MakeRequest,
    done: u32,
    refused_in_a_row: u32,
}

impl Repeat {
    pub(crate) fn new(
        times: u32,
        pace: Pace,
        make: impl FnMut(&mut Turn<'_>, u32) -> Option<Request> + Send + 'static,
    ) -> Self {
        Self {
            times,
            pace,
            when_refused: WhenRefused::Continue,
            is_parallel: false,
            make: Box::new(make),
            done: 0,
            refused_in_a_row: 0,
        }
    }

    pub(crate) fn when_refused(mut self, what: WhenRefused) -> Self {
        self.when_refused = what;
        self
    }

    pub(crate) fn parallel(mut self) -> Self {
        self.is_parallel = true;
        self
    }

    pub(crate) fn boxed(self) -> Box<dyn Actor> {
        Box::new(self)
    }
}

impl Actor for Repeat {
    fn next(&mut self, turn: &mut Turn<'_>) -> Option<Step> {
        if self.done >= self.times {
            return None;
        }
        self.refused_in_a_row = if turn.was_refused() {
            self.refused_in_a_row + 1
        } else {
            0
        };
        let mut gap_ms = if self.done == 0 {
            0
        } else {
            self.pace.gap_ms(turn.rng)
        };
        match self.when_refused {
            WhenRefused::LeaveAfter(max) if self.refused_in_a_row >= max => return None,
            WhenRefused::BackOff { .. } if self.refused_in_a_row >= BACK_OFF_REFUSALS_MAX => return None,
            WhenRefused::BackOff { ms } if self.refused_in_a_row > 0 => gap_ms += ms,
            _ => {}
        }
        let request = (self.make)(turn, self.done)?;
        self.done += 1;
        Some(if self.is_parallel {
            Step::beside(gap_ms, request)
        } else {
            Step::after(gap_ms, request)
        })
    }
}

/// One actor after the other; the second starts `pause_ms` after the first has left.
pub(crate) struct Then {
    pub(crate) first: Option<Box<dyn Actor>>,
    pub(crate) pause_ms: u64,
    pub(crate) second: Box<dyn Actor>,
}

impl Actor for Then {
    fn next(&mut self, turn: &mut Turn<'_>) -> Option<Step> {
        if let Some(first) = &mut self.first {
            if let Some(step) = first.next(turn) {
                return Some(step);
            }
            self.first = None;
            let mut step = self.second.next(turn)?;
            step.after_ms += self.pause_ms;
            step.is_parallel = false;
            return Some(step);
        }
        self.second.next(turn)
    }
}

/// Follows redirects, as every browser and most libraries do: a redirect is asked for again where it points.
pub(crate) struct FollowsRedirects {
    inner: Box<dyn Actor>,
    last: Option<Request>,
    /// Redirects followed in a row; browsers stop at 20, a loop of ours would be a fault of the world.
    followed: u32,
}

/// Most redirects followed in a row.
const REDIRECTS_MAX: u32 = 3;

impl FollowsRedirects {
    pub(crate) fn boxed(inner: Box<dyn Actor>) -> Box<dyn Actor> {
        Box::new(Self {
            inner,
            last: None,
            followed: 0,
        })
    }
}

impl Actor for FollowsRedirects {
    fn next(&mut self, turn: &mut Turn<'_>) -> Option<Step> {
        if let Some(last) = self.last.take()
            && turn.last_status == Some(301)
            && self.followed < REDIRECTS_MAX
            && let Some(target) = turn.site.redirect_target(&last)
        {
            self.followed += 1;
            let gap_ms = log_normal_ms(turn.rng, 60.0, 0.6);
            self.last = Some(target.clone());
            return Some(Step::after(gap_ms, target));
        }
        self.followed = 0;
        let step = self.inner.next(turn)?;
        // Only what can be redirected is remembered: copies of every request would cost more than the rest.
        if turn.site.may_redirect(&step.request) {
            self.last = Some(step.request.clone());
        }
        Some(step)
    }
}
