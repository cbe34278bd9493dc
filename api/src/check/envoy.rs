//! Envoy's external authorization over gRPC: `envoy.service.auth.v3.Authorization/Check`.
//!
//! One unary call with two small messages, of which only what is needed is read: the fields keep Envoy's numbers, and others are
//! skipped. The server is the one that answers `/check`, so that nothing has to be told twice: listener, secret, trusted proxies.

use super::{Question, Verdict, client_address_in, decide, is_authorised, told};
use crate::peer::Peer;
use crate::state::ApiState;
use crate::surface::Entrance;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::NO_USER_AGENT;
use futures::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use prost::Message;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

/// Where Envoy asks.
pub(super) const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

/// A message's flag and length stand before it.
const FRAME_HEAD: usize = 5;

/// gRPC's codes, as far as they are used here.
const OK: i32 = 0;
pub(super) const INVALID_ARGUMENT: i32 = 3;
const PERMISSION_DENIED: i32 = 7;
pub(super) const UNAUTHENTICATED: i32 = 16;

#[derive(Clone, PartialEq, Message)]
struct CheckRequest {
    #[prost(message, optional, tag = "1")]
    attributes: Option<Attributes>,
}

#[derive(Clone, PartialEq, Message)]
struct Attributes {
    #[prost(message, optional, tag = "1")]
    source: Option<Source>,
    #[prost(message, optional, tag = "4")]
    request: Option<Request>,
    #[prost(map = "string, string", tag = "10")]
    extensions: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
struct Source {
    #[prost(message, optional, tag = "1")]
    address: Option<Address>,
}

#[derive(Clone, PartialEq, Message)]
struct Address {
    #[prost(message, optional, tag = "1")]
    socket: Option<SocketAddress>,
}

#[derive(Clone, PartialEq, Message)]
struct SocketAddress {
    #[prost(string, tag = "2")]
    address: String,
}

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, optional, tag = "2")]
    http: Option<HttpRequest>,
}

#[derive(Clone, PartialEq, Message)]
struct HttpRequest {
    #[prost(map = "string, string", tag = "3")]
    headers: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    status: Option<Status>,
    #[prost(message, optional, tag = "2")]
    denied: Option<Denied>,
    #[prost(message, optional, tag = "3")]
    ok: Option<Passed>,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Denied {
    #[prost(message, optional, tag = "1")]
    status: Option<HttpStatus>,
    #[prost(message, repeated, tag = "2")]
    headers: Vec<HeaderOption>,
    #[prost(string, tag = "3")]
    body: String,
}

#[derive(Clone, PartialEq, Message)]
struct HttpStatus {
    #[prost(int32, tag = "1")]
    code: i32,
}

/// Headers that Envoy adds to the request before it hands it on.
#[derive(Clone, PartialEq, Message)]
struct Passed {
    #[prost(message, repeated, tag = "2")]
    headers: Vec<HeaderOption>,
}

#[derive(Clone, PartialEq, Message)]
struct HeaderOption {
    #[prost(message, optional, tag = "1")]
    header: Option<Header>,
}

#[derive(Clone, PartialEq, Message)]
struct Header {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

pub(super) async fn check(
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
    let Some(attributes) = read(&body) else {
        return failed(INVALID_ARGUMENT);
    };
    let http = attributes
        .request
        .and_then(|request| request.http)
        .unwrap_or_default();
    let socket = attributes
        .source
        .and_then(|source| source.address?.socket)
        .unwrap_or_default();
    // Envoy names its own peer beside the chain of those before it: the chain with that peer at its end.
    let forwarded = http.headers.get("x-forwarded-for").map_or("", String::as_str);
    let chain = format!("{forwarded},{}", socket.address);
    let key = state
        .check
        .presented
        .as_ref()
        .and_then(|presented| http.headers.get(presented.header.as_str()));
    let question = Question {
        address: client_address_in(&state.check, peer.address.ip(), &chain),
        key: key.map(String::as_bytes),
        names: state
            .check
            .named
            .iter()
            .filter_map(|named| Some((named.scope, http.headers.get(named.header.as_str())?.as_str())))
            .collect(),
        gateway: attributes.extensions.get("gateway").map(String::as_str),
        agent: Some(
            http.headers
                .get("user-agent")
                .map_or(NO_USER_AGENT, String::as_str),
        ),
    };
    let has_429 = attributes
        .extensions
        .get("throttle")
        .is_some_and(|wanted| wanted == "429");
    framed(&answer(decide(&state, &question), has_429))
}

fn read(body: &[u8]) -> Option<Attributes> {
    CheckRequest::decode(message(body)?).ok()?.attributes
}

/// The message of a body that holds exactly one, not packed.
pub(super) fn message(body: &[u8]) -> Option<&[u8]> {
    let (head, message) = body.split_at_checked(FRAME_HEAD)?;
    let length = u32::from_be_bytes(head[1..].try_into().ok()?) as usize;
    (head[0] == 0 && message.len() == length).then_some(message)
}

fn answer(verdict: Verdict, has_429: bool) -> CheckResponse {
    let header = |key: &str, value: String| HeaderOption {
        header: Some(Header {
            key: key.to_owned(),
            value,
        }),
    };
    let decided = |id: domain::DecisionId| header("x-portcullis-decision", id.to_string());
    let refused = |status: i32, id: domain::DecisionId| CheckResponse {
        status: Some(Status {
            code: PERMISSION_DENIED,
        }),
        denied: Some(Denied {
            status: Some(HttpStatus { code: status }),
            headers: vec![decided(id), header("cache-control", "no-store".to_owned())],
            body: told(id),
        }),
        ok: None,
    };
    let passed = |headers| CheckResponse {
        status: Some(Status { code: OK }),
        denied: None,
        ok: Some(Passed { headers }),
    };
    match verdict {
        Verdict::Pass => passed(Vec::new()),
        Verdict::Challenge(id) => passed(vec![
            decided(id),
            header("x-portcullis-challenge", "1".to_owned()),
        ]),
        Verdict::Throttle(id) if has_429 => refused(429, id),
        Verdict::Throttle(id) => passed(vec![decided(id), header("x-portcullis-throttle", "1".to_owned())]),
        Verdict::Refuse(id) => refused(403, id),
    }
}

/// A message as gRPC answers it: head, message, and the status behind it.
pub(super) fn framed(message: &impl Message) -> Response {
    let encoded = message.encode_to_vec();
    let mut data = Vec::with_capacity(FRAME_HEAD + encoded.len());
    data.push(0);
    data.extend((encoded.len() as u32).to_be_bytes());
    data.extend(encoded);
    let frames = [Frame::data(Bytes::from(data)), Frame::trailers(status(OK))];
    let body = StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>)));
    typed(Body::new(body).into_response())
}

/// A call that failed: the status alone.
pub(super) fn failed(code: i32) -> Response {
    let mut response = typed(Body::empty().into_response());
    response.headers_mut().extend(status(code));
    response
}

fn status(code: i32) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(code));
    trailers
}

fn typed(mut response: Response) -> Response {
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(header::CONTENT_TYPE, grpc);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::CheckSettings;
    use crate::testing::{Rig, request};
    use crate::{Surface, router};
    use axum::http::Method;
    use domain::TrustedProxies;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    fn asked(source: &str, forwarded: &str) -> CheckRequest {
        CheckRequest {
            attributes: Some(Attributes {
                source: Some(Source {
                    address: Some(Address {
                        socket: Some(SocketAddress {
                            address: source.to_owned(),
                        }),
                    }),
                }),
                request: Some(Request {
                    http: Some(HttpRequest {
                        headers: [("x-forwarded-for".to_owned(), forwarded.to_owned())].into(),
                    }),
                }),
                extensions: HashMap::new(),
            }),
        }
    }

    fn frame(message: &[u8]) -> Vec<u8> {
        let mut framed = vec![0];
        framed.extend((message.len() as u32).to_be_bytes());
        framed.extend(message);
        framed
    }

    /// The answer's message, if there is one, and the call's status.
    async fn call(rig: &Rig, body: Vec<u8>) -> (Option<CheckResponse>, String) {
        let mut question = request(Method::POST, PATH, &[]);
        *question.body_mut() = Body::from(body);
        question.extensions_mut().insert(rig.peer);
        let router = router(&rig.state, Entrance::to(&[Surface::Check]));
        let answer = router.oneshot(question).await.expect("it answers");
        let in_head = answer.headers().get("grpc-status").cloned();
        let collected = answer.into_body().collect().await.expect("a body");
        let behind = collected
            .trailers()
            .and_then(|trailers| trailers.get("grpc-status").cloned());
        let status = in_head.or(behind).expect("a status");
        let bytes = collected.to_bytes();
        let message = bytes
            .get(FRAME_HEAD..)
            .and_then(|message| CheckResponse::decode(message).ok());
        (
            message.filter(|_| !bytes.is_empty()),
            status.to_str().unwrap_or_default().to_owned(),
        )
    }

    async fn rig() -> Rig {
        let settings = CheckSettings {
            trusted_proxies: TrustedProxies::new(vec!["127.0.0.0/8".parse().expect("a range")]),
            ..CheckSettings::default()
        };
        let rig = Rig::with(move |parts| parts.check = settings).await;
        rig.put(|_| {});
        rig
    }

    #[tokio::test]
    async fn the_hop_that_envoy_saw_is_refused_or_the_one_before_when_it_is_trusted() {
        let rig = rig().await;
        for (source, forwarded, code) in [
            ("203.0.113.1", "", PERMISSION_DENIED),
            ("203.0.113.1", "192.0.2.7", PERMISSION_DENIED),
            ("192.0.2.7", "203.0.113.1", OK),
            ("127.0.0.1", "192.0.2.7, 203.0.113.1", PERMISSION_DENIED),
            ("127.0.0.1", "203.0.113.1, 192.0.2.7", OK),
            ("", "203.0.113.1", OK),
        ] {
            let (message, status) = call(&rig, frame(&asked(source, forwarded).encode_to_vec())).await;
            assert_eq!(status, "0");
            let answered = message
                .and_then(|message| message.status)
                .map(|status| status.code);
            assert_eq!(answered, Some(code), "{source}, {forwarded}");
        }
    }

    #[tokio::test]
    async fn what_is_no_question_is_no_answer() {
        let rig = rig().await;
        let whole = frame(&asked("203.0.113.1", "").encode_to_vec());
        let packed: Vec<u8> = [1].iter().chain(&whole[1..]).copied().collect();
        let long = [&whole[..], &[0]].concat();
        for body in [
            Vec::new(),
            whole[..4].to_vec(),
            whole[..whole.len() - 1].to_vec(),
            packed,
            long,
            frame(&[255; 9]),
        ] {
            let (message, status) = call(&rig, body).await;
            assert_eq!((message, status.as_str()), (None, "3"));
        }
    }
}
