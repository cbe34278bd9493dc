//! What the route of a request is for, and by whose word.

use super::Epoch;
use crate::population::Population;
use crate::signal::{RouteRole, Signals};
use crate::threat;
use crate::window::Window;
use domain::{RequestRecord, ThreatKind};

/// Says what the request's route is for: what a person says before its words, and those before what was learned. Gives whether
/// neither of the former says anything.
pub(super) fn assign_role(signals: &mut Signals, record: &RequestRecord<'_>, epoch: Epoch<'_>) -> bool {
    let said = epoch.roles.of(&record.path);
    let is_unnamed = said.is_none() && signals.role == RouteRole::Plain;
    if let Some(role) = said {
        signals.role = role;
    } else if is_unnamed && let Some(role) = epoch.population.roles.of(record.route.template) {
        (signals.role, signals.is_role_learned) = (role, true);
    }
    is_unnamed
}

/// On which route it was, where nobody but other clients' behaviour says that the route is for that.
pub(super) fn on_learned_route(
    threat: usize,
    window: &Window,
    record: &RequestRecord<'_>,
    population: &Population,
) -> String {
    let template = match threat::THREATS[threat].kind {
        ThreatKind::CredentialCracking | ThreatKind::AccountTakeover => window.suspicion.sign_in_route,
        ThreatKind::BusinessFlowAbuse => record.route.template,
        _ => return String::new(),
    };
    let learned = population.roles.get(template);
    learned.map_or_else(String::new, |learned| format!(" ({learned})"))
}
