//! The shared words of Portcullis: plain types and pure functions, nothing else.
//!
//! No async, no I/O, no clock, no wire format lives here. Wire types live with their wire, so that renaming a
//! field here cannot silently change a public contract.
//!
//! # Glossary
//!
//! | word | what it means |
//! |---|---|
//! | *client* | who sent requests: an address, an IPv6 /64, or a name a gateway authenticated |
//! | *name* | what a gateway calls a client: a consumer, a subject, an API key, a session, a certificate; secrets by their keyed hash |
//! | *shared* | of a name: many use it, as a key that is built into an app; it is never acted on alone |
//! | *claim* | what a request says of itself and nobody checked: shown, and never acted on |
//! | *whereabouts* | the autonomous system and the country of an address, by databases: shown beside alerts |
//! | *epoch* | the time in which secrets are hashed under one key; its key stays valid for a while after it |
//! | *request* | one line of an access log, as a [`RequestRecord`] |
//! | *source* | where lines come from, with a place, a watermark and a trust of its own: a partition, a file, a spool |
//! | *door* | a way in for sources: Kafka, files, syslog, push, standard input |
//! | *spool* | the files in which lines wait that somebody handed over and keeps no longer |
//! | *trust* | the strongest action that a source's lines may lead to |
//! | *format* | one way in which gateways write a request as a line |
//! | *layout* | a text format as fields and what stands between them, compiled from the gateway's own description |
//! | *tier* | how far a format was compared with the real thing: run, seen, documented |
//! | *loss* | what cannot be seen in a log that lacks a field, and the threats that hide there |
//! | *ambiguous* | of a line: it can be read in more than one way, and is never acted on |
//! | *route* | the path with its variable parts taken out: `/users/{id}` |
//! | *documented* | of a route: an OpenAPI document of the operator's names it |
//! | *catalogue* | all documented routes, compiled so that a path is looked up |
//! | *role* | what a route is for: said by a person, told by the words of its path, or learned |
//! | *witness* | a client whose requests tell what a route is for |
//! | *feature* | one number that describes a client's behaviour |
//! | *window* | the decayed counters and sketches from which features are computed |
//! | *score* | how unlike clean clients a window is, in `[0, 1]` |
//! | *threat* | a named kind of abuse, see [`ThreatKind`] |
//! | *alert* | a client stood out: when, why, with which evidence |
//! | *decision* | what is to be done about a client, with a reason and an expiry |
//! | *scope* | what kind of thing a decision names: `ip`, `range`, `api_key`, … |
//! | *origin* | who decided: the model, a rule, the policy, an operator, an import |
//! | *clause* | one entry of a policy file: for whom it holds, and what is done; the first that fits goes before the thresholds |
//! | *offence* | an earlier episode that ended with a block, or with what a clause with a ladder did |
//! | *order* | a person's word: allow, lift, block, and the verdict on an alert |
//! | *verdict* | a person's word on what an alert was |
//! | *judgement* | what a verdict says: an attack, or a false positive |
//! | *allowlist* | who is never blocked |
//! | *episode* | a run of one client's alerts of one kind without a long pause |
//! | *price* | how many others with a history, and how many successful requests, a decision would hit |
//! | *program* | of an address: what its requests have in common by user agent and TLS fingerprint; what a decision can be narrowed to |
//! | *point* | a gateway that is told what to carry out, as its connector sees it: what it holds, what it can express |
//! | *keeper* | of a point: the one process that compares what it holds with what was decided, by a lease |
//! | *suspend* | to carry nothing out any more, whoever decided it, until *resume* or a moment |
//! | *clause* | one exception of a policy: for whom something else is done than thresholds say |
//! | *established* | a client with a successful history older than the present alert |
//! | *cohort* | clients that share a range, a user agent, a sign-in route, a TLS fingerprint, an autonomous system or a host |
//! | *suspect* | a client against which something speaks, too little to act on by itself |
//! | *hint* | what a small client does and hardly anything else: it makes it a suspect |
//! | *campaign* | an alert whose client is a cohort of clients, each too small to stand out |
//! | *surge* | far more of something that fails than a route, or the site, usually has at that hour of the week |
//! | *disguised* | a client that goes by a browser's name and has none of a browser's habits |
//! | *crowd* | many people behind one address, told by their user agents |
//! | *drift* | clients have changed: a feature is spread otherwise than it was |
//! | *challenger* | a model that scores beside the one that decides, the *champion*, and decides nothing |
//! | *warm-up* | the time in which too little of a site was seen to act on anything but conclusive acts |
//! | *effort* | how much is done for each request: everything, or less while more come than can be handled so |
//! | *completeness* | of evidence: how much of the time that it covers everything was done |
//! | *alarm* | what a person has to look at because it makes us blind or late: about our own seeing, where an alert is about a client |
//! | *asker* | who asks us what to carry out, for a gateway: by `/check` at each request, or as a bouncer |
//! | *unexpressed* | of a decision: in force, and meaning nothing to an asker, who asks for no such scope or cannot look at its condition |
//! | *table* | what the detector remembers of one kind (clients, routes, names, …), with a limit and a count of what was left out |
//! | *outlet* | a webhook or a command by which messages go out |
//! | *tick* | a slice of event time at whose end decisions come into force |

mod action;
mod address;
mod alert;
mod allowlist;
pub mod blocklist;
mod client;
mod decision;
mod effort;
mod hash;
mod order;
mod record;
mod reuse;
mod secret;
mod threat;
mod time;
mod what_if;

pub use action::{Action, UnknownAction};
pub use address::{AddressSource, MAX_FORWARDED_HOPS, TrustedProxies};
pub use alert::{Alert, AlertId, Evidence, Member, Reason, ThreatClaim};
pub use allowlist::{AllowEntry, Allowlist, is_private};
pub use client::{Client, ClientParseError, IPV6_CLIENT_PREFIX, NO_USER_AGENT, Scope};
pub use decision::{Decision, DecisionId, DecisionState, Mode, Origin, Price, StampedDecision};
pub use effort::{Completeness, Effort};
pub use hash::HashKey;
pub use order::{Judgement, Order, OrderKind};
pub use record::{Documented, ObjectId, Position, RequestRecord, Route};
pub use reuse::emptied;
pub use secret::{KeyEpoch, SecretKeys};
pub use threat::ThreatKind;
pub use time::Timestamp;
pub use what_if::{WhatIf, amount};
