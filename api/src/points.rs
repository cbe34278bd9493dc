//! How far gateways are that are told by this process what to carry out: what the rest of the process says of them.

use domain::Timestamp;

/// Says how each stands.
pub trait PointsSource: Send + Sync {
    /// All of them, in the order of the configuration.
    fn points(&self) -> Vec<PointReport>;
}

/// How one stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PointReport {
    /// Its name.
    pub name: String,
    /// What it is: `haproxy`.
    pub kind: &'static str,
    /// The gateway whose decisions it is told beside those for all.
    pub gateway: Option<String>,
    /// How it stands: `equal`, `changing`, `failing`, `broken`, `standby`, `starting`.
    pub state: &'static str,
    /// What went wrong last.
    pub error: Option<String>,
    /// Since when it fails.
    pub failing_since: Option<Timestamp>,
    /// Clients that it is to act on.
    pub wanted: u64,
    /// Clients that it acts on, of ours.
    pub held: u64,
    /// Decisions in force that are not sent to it: what is in the way, how many.
    pub unexpressed: Vec<(&'static str, u64)>,
    /// When it last confirmed that it holds what it is to.
    pub confirmed_at: Option<Timestamp>,
    /// From a decision's being stored to its being in effect there, the longest of those that were written last, in milliseconds.
    pub last_delay_millis: Option<u64>,
    /// Times that somebody else had changed it, or it was restarted.
    pub drifted: u64,
    /// Attempts that failed.
    pub failures: u64,
}
