//! Every alarm there is: its name, how bad it is, and what to do about it.

use serde::{Deserialize, Serialize};

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// A source sends nothing, against its own usual rate at that hour.
    SourceSilent,
    /// More of a source's lines than usual cannot be read.
    LinesUnreadable,
    /// A field that a source's lines always had is gone.
    FieldVanished,
    /// One address sends more than half of a source's requests.
    OneAddress,
    /// Requests are dated later than they arrive.
    ClockAhead,
    /// Requests are dated long before they arrive.
    ClockBehind,
    /// What waits grows or stays.
    Lag,
    /// Something waits and nothing is read.
    NotReading,
    /// Lines were lost before they were read.
    LinesLost,
    /// It cannot keep up, and does less.
    Degraded,
    /// A gateway goes on serving clients that are blocked.
    NotEnforced,
    /// The guard holds decisions about established clients back.
    GuardHolds,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Attacks of a source are missed.
    Critical,
    /// Something is seen less well than it could be.
    Warning,
}

impl Severity {
    /// The public name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

/// What is the same of every alarm of a kind.
struct Fixed {
    name: &'static str,
    severity: Severity,
    /// Minutes in a row that it has to be seen before it is raised.
    raise_after: u16,
    /// Minutes in a row that it has to be seen no more before it is cleared.
    clear_after: u16,
    /// Whether what has lasted a week is taken for usual.
    may_become_usual: bool,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 12] = [
        Self::SourceSilent,
        Self::LinesUnreadable,
        Self::FieldVanished,
        Self::OneAddress,
        Self::ClockAhead,
        Self::ClockBehind,
        Self::Lag,
        Self::NotReading,
        Self::LinesLost,
        Self::Degraded,
        Self::NotEnforced,
        Self::GuardHolds,
    ];

    /// The public name, which stays the same.
    pub(crate) const fn as_str(self) -> &'static str {
        self.fixed().name
    }

    /// The kind of that public name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// How bad it is.
    pub(crate) const fn severity(self) -> Severity {
        self.fixed().severity
    }

    /// Minutes in a row that it has to be seen before it is raised: one odd minute is none.
    pub(super) const fn raise_after(self) -> u16 {
        self.fixed().raise_after
    }

    /// Minutes in a row that it has to be seen no more before it is cleared: it is told once, not at every flicker.
    pub(super) const fn clear_after(self) -> u16 {
        self.fixed().clear_after
    }

    /// Whether what has lasted a week is taken for usual: then it is the site, and no fault.
    pub(super) const fn may_become_usual(self) -> bool {
        self.fixed().may_become_usual
    }

    /// What to do next.
    pub(crate) const fn next(self) -> &'static str {
        match self {
            Self::SourceSilent => {
                "Look whether the gateway serves requests and whether its shipper runs; then whether the source is still the one that \
                 the setting names."
            }
            Self::LinesUnreadable => {
                "Look at the samples under System, Rejected lines; `portcullis formats explain FILE` says what is wrong with a line."
            }
            Self::FieldVanished => {
                "Compare the gateway's log configuration with what `portcullis gateways` prints for it; was it changed, or a shipper \
                 put between?"
            }
            Self::OneAddress => {
                "Find out whose address it is. Is it a proxy or load balancer of yours, add it to the setting and have it send \
                 X-Forwarded-For; is it a client, look at its page."
            }
            Self::ClockAhead => {
                "Compare the clocks of the gateway and of this machine (NTP), and look whether the log's times carry their zone."
            }
            Self::ClockBehind => {
                "Compare the gateway's clock and time zone; then look whether its shipper holds lines back. Decisions come as late as \
                 the lines."
            }
            Self::Lag => {
                "Give detection more threads or a faster machine; look at portcullis_effort_step and at what else runs here."
            }
            Self::NotReading => {
                "Look at System, Health: it says what is in the way. Nothing is lost as long as the source keeps its lines."
            }
            Self::LinesLost => {
                "Nothing brings them back. Find out why reading was behind, and let the source keep more."
            }
            Self::NotEnforced => {
                "Look at System, Bouncers: does the gateway ask, or is it told, and does it fail? Then whether its configuration still \
                 refuses whom it is told to, on every route."
            }
            Self::GuardHolds => {
                "Look at the latest alerts that were held back. Is it an attack, block who is left over from their pages; is it none, \
                 judge one alert as a false positive and look at what they have in common: a page that broke, a rule, a new model."
            }
            Self::Degraded => {
                "Every request is still counted. Alerts say how complete their evidence is; give detection more threads or a \
                     faster machine."
            }
        }
    }

    const fn fixed(self) -> Fixed {
        use Severity::{Critical, Warning};
        match self {
            Self::SourceSilent => of_baseline("source_silent", Critical),
            Self::LinesUnreadable => of_baseline("lines_unreadable", Critical),
            Self::FieldVanished => of_baseline("field_vanished", Warning),
            Self::OneAddress => of_baseline("one_address", Warning),
            Self::ClockAhead => of_baseline("clock_ahead", Warning),
            Self::ClockBehind => of_baseline("clock_behind", Warning),
            Self::Lag => Fixed {
                may_become_usual: false,
                ..of_baseline("lag", Warning)
            },
            Self::NotReading => Fixed {
                may_become_usual: false,
                ..of_baseline("not_reading", Critical)
            },
            Self::LinesLost => Fixed {
                raise_after: 1,
                clear_after: 60,
                may_become_usual: false,
                ..of_baseline("lines_lost", Critical)
            },
            Self::Degraded => Fixed {
                raise_after: 1,
                may_become_usual: false,
                ..of_baseline("degraded", Warning)
            },
            Self::NotEnforced => Fixed {
                may_become_usual: false,
                ..of_baseline("not_enforced", Critical)
            },
            Self::GuardHolds => Fixed {
                raise_after: 1,
                clear_after: 60,
                may_become_usual: false,
                ..of_baseline("guard_holds", Critical)
            },
        }
    }
}

/// Of a kind that is held against what is usual.
const fn of_baseline(name: &'static str, severity: Severity) -> Fixed {
    Fixed {
        name,
        severity,
        raise_after: 3,
        clear_after: 5,
        may_become_usual: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_kinds_are_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.as_str()), Some(kind));
            assert!(!kind.next().is_empty());
        }
        assert_eq!(Kind::from_name("another"), None);
    }

    #[test]
    fn the_settings_name_every_kind() {
        let names = Kind::ALL.map(Kind::as_str);
        assert_eq!(crate::config::alarm_names(), names);
    }

    #[test]
    fn the_page_names_every_kind_and_its_text_is_what_is_sent() {
        let page = include_str!("../../../docs/alarms.md");
        for kind in Kind::ALL {
            assert!(
                page.contains(&format!("| `{}` |", kind.as_str())),
                "{}",
                kind.as_str()
            );
        }
        assert!(page.contains(Kind::SourceSilent.next()));
    }
}
