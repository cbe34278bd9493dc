//! Keys, sessions, bouncers and others who ask, in JSON. A secret appears in one answer only: when its key is made.

use super::shown;
use crate::askers::Standing;
use crate::points::PointReport;
use domain::Scope;
use serde::{Deserialize, Serialize};
use storage::{ApiKey, Bouncer};
use utoipa::ToSchema;

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    /// Its name.
    name: String,
    /// What it may do.
    role: String,
    /// The gateway that a bouncer's key is limited to, and that a key for pushing lines speaks for.
    gateway: Option<String>,
    /// When it was made.
    created_at: String,
    /// Name of the key that made it.
    created_by: String,
    /// When it was last used, to the minute or so.
    last_used_at: Option<String>,
    /// When it was revoked.
    revoked_at: Option<String>,
    /// Who revoked it.
    revoked_by: Option<String>,
}

impl KeyView {
    pub(crate) fn new(key: &ApiKey) -> Self {
        Self {
            name: shown(&key.name),
            role: key.role.as_str().to_owned(),
            gateway: key.gateway.as_deref().map(shown),
            created_at: key.created_at.to_string(),
            created_by: shown(&key.created_by),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
            revoked_at: key.revoked_at.map(|at| at.to_string()),
            revoked_by: key.revoked_by.as_deref().map(shown),
        }
    }
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewKey {
    /// Its name: 1 to 64 letters, digits, dots, dashes or underscores, unique for good.
    pub(crate) name: String,
    /// `ingest`, `bouncer`, `viewer`, `operator` or `admin`.
    pub(crate) role: String,
    /// The gateway that a bouncer's key is limited to, and that a key for pushing lines speaks for.
    pub(crate) gateway: Option<String>,
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKeyView {
    /// The key.
    pub(crate) key: KeyView,
    /// Its secret. Shown here and never again.
    pub(crate) secret: String,
}

/// Signing in.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SignIn {
    /// The secret of a key.
    pub(crate) key: String,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// Name of the key.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) role: String,
}

/// A gateway's bouncer and when it last asked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BouncerView {
    /// Name of its key.
    name: String,
    /// The gateway its key is limited to.
    gateway: Option<String>,
    /// From its user agent.
    kind: String,
    /// From its user agent.
    version: String,
    /// Where it asked from; null while it never did.
    address: Option<String>,
    /// When it last asked anything.
    last_seen: Option<String>,
    /// Start of its last complete pull.
    last_pull: Option<String>,
}

impl BouncerView {
    pub(crate) fn new(key: &ApiKey, bouncer: Option<&Bouncer>) -> Self {
        let text = |part: fn(&Bouncer) -> &String| bouncer.map(|bouncer| shown(part(bouncer)));
        Self {
            name: shown(&key.name),
            gateway: key.gateway.as_deref().map(shown),
            kind: text(|bouncer| &bouncer.kind).unwrap_or_default(),
            version: text(|bouncer| &bouncer.version).unwrap_or_default(),
            address: text(|bouncer| &bouncer.address),
            last_seen: bouncer.map(|bouncer| bouncer.last_seen.to_string()),
            last_pull: bouncer
                .and_then(|bouncer| bouncer.last_pull)
                .map(|at| at.to_string()),
        }
    }
}

/// Who asks what to carry out, and which decisions in force he cannot.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AskerView {
    /// How he asks: `check` at each request, or `bouncer`.
    way: String,
    /// A bouncer's key; of `/check` the gateway that was named, empty when none was.
    name: String,
    /// The gateway whose decisions he gets beside those for all.
    gateway: Option<String>,
    /// When he last asked this process, to some seconds.
    asked_at: String,
    /// Scopes of the decisions that he has asked this process for.
    scopes: Vec<String>,
    /// Decisions in force that are meant for him.
    in_force: u64,
    /// Those of them that he cannot carry out, by what stands in the way.
    unexpressed: Vec<UnexpressedView>,
}

/// Decisions in force that somebody cannot carry out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnexpressedView {
    /// What stands in the way: the scope that is not asked for, or `condition`.
    obstacle: String,
    /// How many they are.
    decisions: u64,
    /// Why, and what would help.
    why: String,
}

impl AskerView {
    pub(crate) fn new(standing: &Standing) -> Self {
        let scopes = Scope::ALL.into_iter().filter(|scope| standing.scopes.has(*scope));
        let unexpressed = standing.unexpressed.iter();
        Self {
            way: standing.way.as_str().to_owned(),
            name: shown(&standing.name),
            gateway: standing.gateway.as_deref().map(shown),
            asked_at: standing.asked_at.to_string(),
            scopes: scopes.map(|scope| scope.as_str().to_owned()).collect(),
            in_force: standing.in_force,
            unexpressed: unexpressed
                .map(|(obstacle, decisions)| UnexpressedView {
                    obstacle: obstacle.as_str().to_owned(),
                    decisions: *decisions,
                    why: obstacle.why(standing.way).to_owned(),
                })
                .collect(),
        }
    }
}

/// A gateway that is told what to carry out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GatewayView {
    /// Its name.
    name: String,
    /// What it is: `nginx`, `haproxy`.
    kind: String,
    /// The gateway whose decisions it is told beside those for all.
    gateway: Option<String>,
    /// How it stands: `equal` (it holds what it is to), `changing`, `failing` (tried again), `broken` (failed often in a row),
    /// `standby` (another process keeps it), `starting`.
    state: String,
    /// What went wrong last; null while all is well.
    error: Option<String>,
    /// Since when it fails; null while all is well.
    failing_since: Option<String>,
    /// Clients that it is to act on.
    wanted: u64,
    /// Clients that it acts on, of ours.
    held: u64,
    /// Decisions in force that are not sent to it, by what stands in the way.
    unexpressed: Vec<UnsentView>,
    /// When it last confirmed that it holds what it is to.
    confirmed_at: Option<String>,
    /// From a decision's being stored to its being in effect there: the longest of those that were written last.
    last_delay_ms: Option<u64>,
    /// Times that somebody else had changed it, or it was restarted, and it was put right.
    drifted: u64,
    /// Attempts that failed.
    failures: u64,
}

/// Decisions in force that are not sent to a gateway.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnsentView {
    /// What stands in the way: a scope or an action that it cannot carry out, `condition`, `capacity`, `allowlist`
    /// (the gateway's own).
    obstacle: String,
    /// How many they are.
    decisions: u64,
}

impl GatewayView {
    pub(crate) fn new(report: &PointReport) -> Self {
        let unsent = report.unexpressed.iter();
        Self {
            name: shown(&report.name),
            kind: report.kind.to_owned(),
            gateway: report.gateway.as_deref().map(shown),
            state: report.state.to_owned(),
            error: report.error.as_deref().map(shown),
            failing_since: report.failing_since.map(|at| at.to_string()),
            wanted: report.wanted,
            held: report.held,
            unexpressed: unsent
                .map(|(obstacle, decisions)| UnsentView {
                    obstacle: (*obstacle).to_owned(),
                    decisions: *decisions,
                })
                .collect(),
            confirmed_at: report.confirmed_at.map(|at| at.to_string()),
            last_delay_ms: report.last_delay_millis,
            drifted: report.drifted,
            failures: report.failures,
        }
    }
}
