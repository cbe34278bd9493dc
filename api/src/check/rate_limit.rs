//! Envoy's rate-limit service: `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit`.
//!
//! It counts nothing: who is to be slowed down was decided already, and is over the limit until the decision ends. Everybody else is
//! never over it. Whoever is blocked is, too: an Envoy that asks here alone must not let through what is worse.

use super::envoy::{INVALID_ARGUMENT, UNAUTHENTICATED, failed, framed, message};
use super::{Question, Verdict, client_address_in, decide, is_authorised};
use crate::peer::Peer;
use crate::state::ApiState;
use crate::surface::Entrance;
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::Response;
use domain::Scope;
use prost::Message;
use std::sync::Arc;

/// Where Envoy asks.
pub(super) const PATH: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// Envoy's codes.
const WITHIN: i32 = 1;
const OVER_LIMIT: i32 = 2;

/// Most descriptors that are looked at: a route has a handful.
const DESCRIPTORS_MAX: usize = 16;

#[derive(Clone, PartialEq, Message)]
struct RateLimitRequest {
    #[prost(message, repeated, tag = "2")]
    descriptors: Vec<Descriptor>,
}

#[derive(Clone, PartialEq, Message)]
struct Descriptor {
    #[prost(message, repeated, tag = "1")]
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct RateLimitResponse {
    #[prost(int32, tag = "1")]
    overall_code: i32,
    #[prost(message, repeated, tag = "2")]
    statuses: Vec<DescriptorStatus>,
    #[prost(message, repeated, tag = "3")]
    response_headers: Vec<Header>,
}

#[derive(Clone, PartialEq, Message)]
struct DescriptorStatus {
    #[prost(int32, tag = "1")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Header {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

pub(super) async fn should_limit(
    State(state): State<Arc<ApiState>>,
    Extension(peer): Extension<Peer>,
    Extension(entrance): Extension<Arc<Entrance>>,
    metadata: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_authorised(&entrance, &metadata) {
        state.metrics.check_unauthorised();
        return failed(UNAUTHENTICATED);
    }
    let asked = message(&body).and_then(|message| RateLimitRequest::decode(message).ok());
    let Some(asked) = asked else {
        return failed(INVALID_ARGUMENT);
    };
    let verdicts: Vec<Verdict> = asked
        .descriptors
        .iter()
        .take(DESCRIPTORS_MAX)
        .map(|descriptor| judge(&state, peer, descriptor))
        .collect();
    framed(&answer(&verdicts, asked.descriptors.len()))
}

/// What is to be done about the client that a descriptor describes.
fn judge(state: &ApiState, peer: Peer, descriptor: &Descriptor) -> Verdict {
    let value = |key: &str| {
        let entry = descriptor.entries.iter().find(|entry| entry.key == key);
        entry.map(|entry| entry.value.as_str())
    };
    // Envoy has worked the address out itself: it is the last hop that Envoy's own peer is believed about.
    let address = value("remote_address").unwrap_or_default();
    let question = Question {
        address: client_address_in(&state.check, peer.address.ip(), address),
        key: value("api_key").map(str::as_bytes),
        names: [Scope::Consumer, Scope::Subject, Scope::Certificate]
            .into_iter()
            .filter_map(|scope| Some((scope, value(scope.as_str())?)))
            .collect(),
        gateway: value("gateway"),
        agent: value("user_agent"),
    };
    decide(state, &question)
}

/// One status for each descriptor, as Envoy expects it.
fn answer(verdicts: &[Verdict], descriptors: usize) -> RateLimitResponse {
    let mut decided = None;
    let mut statuses: Vec<DescriptorStatus> = verdicts
        .iter()
        .map(|verdict| match verdict {
            Verdict::Throttle(id) | Verdict::Refuse(id) => {
                decided.get_or_insert(*id);
                DescriptorStatus { code: OVER_LIMIT }
            }
            Verdict::Pass | Verdict::Challenge(_) => DescriptorStatus { code: WITHIN },
        })
        .collect();
    statuses.resize(descriptors, DescriptorStatus { code: WITHIN });
    RateLimitResponse {
        overall_code: if decided.is_some() { OVER_LIMIT } else { WITHIN },
        statuses,
        response_headers: decided
            .map(|id| Header {
                key: "x-portcullis-decision".to_owned(),
                value: id.to_string(),
            })
            .into_iter()
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::CheckSettings;
    use crate::testing::{Rig, request_with};
    use crate::{Surface, router};
    use axum::http::Method;
    use domain::{Action, Client, TrustedProxies};

    async fn rig() -> Rig {
        Rig::with(|parts| {
            parts.check = CheckSettings {
                trusted_proxies: TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()]),
                ..CheckSettings::default()
            };
        })
        .await
    }

    async fn ask(rig: &Rig, descriptors: &[&[(&str, &str)]]) -> RateLimitResponse {
        let entry = |(key, value): &(&str, &str)| Entry {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        };
        let asked = RateLimitRequest {
            descriptors: descriptors
                .iter()
                .map(|entries| Descriptor {
                    entries: entries.iter().map(entry).collect(),
                })
                .collect(),
        };
        let encoded = asked.encode_to_vec();
        let mut body = vec![0];
        body.extend((encoded.len() as u32).to_be_bytes());
        body.extend(encoded);
        let router = router(&rig.state, Entrance::to(&[Surface::Check]));
        let answer = rig
            .send(&router, request_with(Method::POST, PATH, &[], body))
            .await;
        RateLimitResponse::decode(message(&answer.body).expect("a framed answer")).unwrap()
    }

    fn codes(answer: &RateLimitResponse) -> (i32, Vec<i32>) {
        let statuses = answer.statuses.iter().map(|status| status.code);
        (answer.overall_code, statuses.collect())
    }

    #[tokio::test]
    async fn a_throttled_client_is_over_the_limit_and_others_are_not() {
        let rig = rig().await;
        rig.put(|decision| decision.action = Action::Throttle);
        rig.put(|decision| decision.action = Action::Challenge);
        rig.put(|_| {});
        let check = async |address: &str, code: i32| {
            let answer = ask(&rig, &[&[("remote_address", address)]]).await;
            assert_eq!(codes(&answer), (code, vec![code]), "{address}");
            assert_eq!(answer.response_headers.len(), usize::from(code == OVER_LIMIT));
        };
        check("203.0.113.1", OVER_LIMIT).await;
        check("203.0.113.2", WITHIN).await;
        check("203.0.113.3", OVER_LIMIT).await;
        check("203.0.113.4", WITHIN).await;
        check("nobody", WITHIN).await;
        assert_eq!(codes(&ask(&rig, &[]).await), (WITHIN, vec![]));
        let both: [&[(&str, &str)]; 2] = [&[("generic_key", "x")], &[("remote_address", "203.0.113.1")]];
        assert_eq!(
            codes(&ask(&rig, &both).await),
            (OVER_LIMIT, vec![WITHIN, OVER_LIMIT])
        );
    }

    #[tokio::test]
    async fn a_name_and_a_gateway_count_by_a_trusted_envoys_word_alone() {
        let mut rig = rig().await;
        rig.put(|decision| {
            decision.action = Action::Throttle;
            decision.client = Client::parse(Scope::Consumer, "bob").unwrap();
            decision.gateways = vec!["edge-1".to_owned()];
        });
        let bob = [
            ("remote_address", "192.0.2.9"),
            ("consumer", "bob"),
            ("gateway", "edge-1"),
        ];
        assert_eq!(ask(&rig, &[&bob]).await.overall_code, OVER_LIMIT);
        assert_eq!(ask(&rig, &[&bob[..2]]).await.overall_code, WITHIN);
        rig.peer.address = "198.51.100.1:80".parse().unwrap();
        assert_eq!(ask(&rig, &[&bob]).await.overall_code, WITHIN);
    }
}
