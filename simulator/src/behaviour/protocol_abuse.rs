//! Requests that no honest client makes: TLS or SSH on a plain port, CONNECT, absolute addresses, odd methods.

use super::Behaviour;
use crate::actor::{Pace, Repeat};
use crate::agent::Agent;
use crate::random::{geometric, log_normal_ms, pick};
use crate::world::Need;
use domain::ThreatKind::ProtocolAbuse;
use rand::Rng;

/// Request lines that are none, as they arrive. Control bytes are left to the format's own escaping.
const GARBAGE: [&str; 8] = [
    "\u{16}\u{3}\u{1}\u{2}",
    "\u{3}\u{0}\u{0}/*\u{0}\u{0}\u{0}\u{0}\u{0}Cookie: mstshash=Administr",
    "SSH-2.0-Go",
    "MGLNDD_198.18.0.1_443",
    "EHLO mail.example",
    "t3 12.1.2",
    "\u{5}\u{1}\u{0}",
    "*1",
];

pub(super) const PROTOCOL_ABUSE: Behaviour =
    Behaviour::attack("protocol_abuse", ProtocolAbuse, Need::Anything, 14, |start| {
        let agent = Agent::attack_tool(start.rng);
        let count = 3 + geometric(start.rng, 12.0);
        let median_ms = log_normal_ms(start.rng, 900.0, 1.3);
        let style = start.rng.gen_range(0..4);
        Repeat::new(
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.9,
            },
            move |turn, _| {
                let request = match (style, turn.rng.gen_range(0..4)) {
                    (0, _) | (3, 0) => {
                        let mut request = agent.send("", *pick(turn.rng, &GARBAGE));
                        request.is_malformed = true;
                        request.user_agent = None;
                        request
                    }
                    (1, _) | (3, 1) => {
                        let method = *pick(turn.rng, &["CONNECT", "CONNECT", "GET"]);
                        let target = *pick(
                            turn.rng,
                            &["mail.example:25", "www.example.net:443", "203.0.113.77:80"],
                        );
                        let path = if method == "GET" {
                            format!("http://{target}/")
                        } else {
                            target.to_owned()
                        };
                        agent.send(method, path)
                    }
                    _ => {
                        let method = *pick(
                            turn.rng,
                            &["TRACE", "TRACK", "PROPFIND", "DEBUG", "SEARCH", "PRI", "LOCK"],
                        );
                        agent.send(method, *pick(turn.rng, &["/", "*", "/index.html", "/api"]))
                    }
                };
                Some(request.hostile())
            },
        )
        .boxed()
    });
