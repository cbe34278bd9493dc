//! Labelled traffic: benign clients and attacks, rendered in any log format.
//!
//! A [`Simulation`] runs a [`Scenario`] in virtual time: clients behave, sites answer, clients react to what they
//! get, and every request comes with the truth about its sender. No clock, no network: the same scenario, seed and
//! start give the same requests, and every client draws from its own stream, so that a behaviour that is added to
//! a scenario leaves the others as they were (but for an address that both would have drawn).
//!
//! It exists for the demo, for tests and benchmarks, and to train the shipped model. For the last it matters that
//! traffic looks like real logs: [`world`] draws sites that differ, [`behaviour`] has a harmless look-alike for
//! every attack, and attackers use browsers' agents as often as tools'.
//!
//! ```
//! use simulator::{Simulation, scenario};
//! let start = domain::Timestamp::from_secs(1_767_571_200);
//! let mixed = scenario("mixed").expect("it is in the list");
//! let requests: Vec<_> = Simulation::sized(mixed, 7, start, 1_000).take(1_000).collect();
//! assert_eq!(requests.len(), 1_000);
//! ```

mod account;
mod actor;
mod address;
mod agent;
pub mod behaviour;
mod label;
mod output;
mod play;
pub mod random;
mod request;
mod scenario;
mod simulation;
mod sizing;
mod truth;
mod visit;
pub mod world;

pub use actor::{Actor, Turn};
pub use address::Neighbourhood;
pub use behaviour::{BEHAVIOURS, Behaviour, behaviour};
pub use label::Label;
pub use output::SimulatedRequest;
pub use request::{Intent, Request, Step};
pub use scenario::{Cover, Group, SCENARIOS, Scenario, Starts, scenario};
pub use simulation::{Attempt, Simulation, Verdict};
pub use truth::{TruthRow, write_truth};
