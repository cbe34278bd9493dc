//! How the detect role is, part by part.

use super::Figures;
use api::{HealthPart, HealthSource};
use detector::population::LearnedRole;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

impl Figures {
    /// Whether what the files say is what holds.
    fn settings_part(&self) -> HealthPart {
        let refused = self
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        HealthPart {
            name: "settings",
            is_ok: refused.is_none(),
            is_required: false,
            detail: refused.unwrap_or_else(|| "as the files say".to_owned()),
        }
    }

    /// What was learned of routes whose words tell nothing.
    fn roles_part(&self) -> HealthPart {
        let roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        let in_words = |learned: &LearnedRole| api::neutralise(&learned.to_string()).into_owned();
        let shown: Vec<String> = roles.iter().take(ROLES_SHOWN).map(in_words).collect();
        let left = roles.len().saturating_sub(shown.len());
        let detail = match (shown.is_empty(), left) {
            (true, _) => "no route's purpose was learned from what clients do there".to_owned(),
            (false, 0) => shown.join("; "),
            (false, left) => format!("{}; and {left} more", shown.join("; ")),
        };
        HealthPart {
            name: "learned_roles",
            is_ok: true,
            is_required: false,
            detail,
        }
    }
}

/// Learned roles that the health report names: a site has a handful.
const ROLES_SHOWN: usize = 16;

impl HealthSource for Figures {
    fn parts(&self) -> Vec<HealthPart> {
        let trouble = self
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let is_reading = self.is_reading.load(Ordering::Relaxed);
        let lost = self.offsets_lost.load(Ordering::Relaxed) + self.rewinds.load(Ordering::Relaxed);
        let reading = HealthPart {
            name: "reading",
            is_ok: trouble.is_none() && is_reading,
            is_required: false,
            detail: trouble.unwrap_or_else(|| {
                if is_reading {
                    format!("{} messages behind", self.lag())
                } else {
                    "waits for partitions".to_owned()
                }
            }),
        };
        let completeness = HealthPart {
            name: "completeness",
            is_ok: lost == 0,
            is_required: false,
            detail: format!(
                "{} offsets were deleted before they were read, {} times a topic began anew",
                self.offsets_lost.load(Ordering::Relaxed),
                self.rewinds.load(Ordering::Relaxed)
            ),
        };
        vec![
            reading,
            completeness,
            self.alarms.effort_part(),
            self.settings_part(),
            self.roles_part(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detector::signal::RouteRole;

    fn part(figures: &Figures, name: &str) -> (bool, String) {
        let part = figures.parts().into_iter().find(|part| part.name == name);
        let part = part.unwrap();
        (part.is_ok, part.detail)
    }

    #[test]
    fn health_shows_what_was_learned_and_which_files_do_not_hold() {
        let figures = Figures::default();
        assert!(part(&figures, "learned_roles").1.starts_with("no route"));
        let learned = |number: usize| LearnedRole {
            route: format!("/a{number}\u{1b}[2J").into(),
            role: RouteRole::Login,
            confidence: 0.76,
            clients: 20,
        };
        figures.set_roles((0..ROLES_SHOWN + 3).map(learned).collect());
        let (is_ok, detail) = part(&figures, "learned_roles");
        let first = "[2J is taken for login, 76% sure, by what 20 established clients do there; ";
        assert!(
            is_ok && detail.starts_with("/a0") && detail.contains(first),
            "{detail}"
        );
        assert!(
            detail.ends_with("; and 3 more") && !detail.contains('\u{1b}'),
            "{detail}"
        );
        assert_eq!(part(&figures, "settings"), (true, "as the files say".to_owned()));
        figures.set_refused(Some("the rules stay as they were: line 7".to_owned()));
        assert_eq!(
            part(&figures, "settings"),
            (false, "the rules stay as they were: line 7".to_owned())
        );
        figures.set_refused(None);
        assert!(part(&figures, "settings").0);
    }
}
