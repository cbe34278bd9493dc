//! Home-made JSON by the names that people give the pieces of a request, in every spelling (`client_ip`, `clientIp`,
//! `Client-IP`), at the top or inside the objects that usually hold them (`request.headers.user-agent`,
//! `http.response.status_code`, `client.ip`).
//!
//! The names were collected from public log configurations; NGINX's own are in [`super::nginx_json`], which reads by
//! the same table. A number without a unit is no duration: `duration`, `latency` and the like are read only where the
//! text names its unit (`12ms`); `duration_ms`, `duration_ns`, `duration_seconds` name it themselves. `hostname` is
//! mostly the machine that wrote the log, `source` mostly a file, `user` mostly the application's: they are not read.
//! What is named otherwise is written down by the operator ([`super::written`]).

use super::Column::{
    ApiKey, BytesIn, BytesOut, Certificate, Consumer, Duration, Fingerprint, Forwarded, Host, Path, Peer,
    Protocol, Query, Referer, RequestLine, Session, Status, Subject, Tls, Token, Upstream, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Object as Nested, Or, Pairs, Scaled, Text, Timed, Url, Verb};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address, path_and_query};
use crate::clock::EpochUnit::{Guessed, Millis, Seconds};
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "custom_json",
    description: "home-made JSON with the usual names, flat or nested",
    gateway: Gateway::Any,
    provenance: Provenance::documented("https://docs.wpvip.com/logs/http-request-edge/"),
    keys: &KEYS,
    marks: &[Mark::new(super::Column::At, "time"), Mark::new(Status, "status")],
    signs: &[],
    caution: "",
    render,
};

/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

/// Milliseconds in a microsecond.
const MICROSECOND: f64 = 1e-3;

/// Milliseconds in a nanosecond.
const NANOSECOND: f64 = 1e-6;

/// The documented set of `nginx_json` first, in its order; then the names seen elsewhere, each small and without `_`
/// and `-`.
pub(super) const KEYS: Keys = Keys::loose(&[
    ("msec", Moment(Seconds)),
    ("remoteaddr", Text(Peer)),
    ("xforwardedfor", Text(Forwarded)),
    ("method", Verb),
    ("host", Text(Host)),
    ("uri", Url),
    ("protocol", Text(Protocol)),
    ("status", Text(Status)),
    ("bytessent", Text(BytesOut)),
    ("requestlength", Text(BytesIn)),
    ("requesttime", Scaled(Duration, SECOND)),
    ("upstreamresponsetime", Scaled(Upstream, SECOND)),
    ("referer", Text(Referer)),
    ("useragent", Or(&Text(UserAgent), &USER_AGENT)),
    ("sslprotocol", Text(Tls)),
    ("apikey", Text(ApiKey)),
    ("jwtclaimsub", Text(Subject)),
    ("request", Or(&Text(RequestLine), &REQUEST)),
    // When. A time that the shipper added comes last.
    ("at", Moment(Guessed)),
    ("time", Moment(Guessed)),
    ("timeiso8601", Moment(Guessed)),
    ("timelocal", Moment(Guessed)),
    ("timems", Moment(Millis)),
    ("timestamp", Moment(Guessed)),
    ("timestampms", Moment(Millis)),
    ("timestampiso8601", Moment(Guessed)),
    ("ts", Moment(Guessed)),
    ("starttime", Moment(Guessed)),
    ("startedat", Moment(Guessed)),
    ("requesttimestamp", Moment(Guessed)),
    ("eventtime", Moment(Guessed)),
    ("eventtimestamp", Moment(Guessed)),
    ("logtime", Moment(Guessed)),
    ("accesstime", Moment(Guessed)),
    ("datetime", Moment(Guessed)),
    ("date", Moment(Guessed)),
    ("epoch", Moment(Guessed)),
    ("unixtime", Moment(Guessed)),
    ("createdat", Moment(Guessed)),
    ("@timestamp", Moment(Guessed)),
    ("@t", Moment(Guessed)),
    // Who connected.
    ("clientip", Text(Peer)),
    ("remoteip", Text(Peer)),
    ("remoteaddress", Text(Peer)),
    ("remotehost", Text(Peer)),
    ("clientaddr", Text(Peer)),
    ("clientaddress", Text(Peer)),
    ("clienthost", Text(Peer)),
    ("client", Or(&Text(Peer), &CLIENT)),
    ("remote", Or(&Text(Peer), &CLIENT)),
    ("peer", Or(&Text(Peer), &CLIENT)),
    ("peerip", Text(Peer)),
    ("peeraddr", Text(Peer)),
    ("peeraddress", Text(Peer)),
    ("downstreamremoteaddress", Text(Peer)),
    ("sourceip", Text(Peer)),
    ("sourceaddress", Text(Peer)),
    ("source", Nested(&CLIENT)),
    ("srcip", Text(Peer)),
    ("src", Or(&Text(Peer), &CLIENT)),
    ("callerip", Text(Peer)),
    ("userip", Text(Peer)),
    ("ipaddress", Text(Peer)),
    ("ipaddr", Text(Peer)),
    ("ip", Text(Peer)),
    ("cip", Text(Peer)),
    // Who is said to be behind that.
    ("forwarded", Text(Forwarded)),
    ("forwardedfor", Text(Forwarded)),
    ("httpxforwardedfor", Text(Forwarded)),
    ("xff", Text(Forwarded)),
    ("xrealip", Text(Forwarded)),
    ("httpxrealip", Text(Forwarded)),
    ("trueclientip", Text(Forwarded)),
    ("cfconnectingip", Text(Forwarded)),
    // What was asked for.
    ("requestmethod", Verb),
    ("httpmethod", Verb),
    ("httpverb", Verb),
    ("httprequestmethod", Verb),
    ("verb", Verb),
    ("csmethod", Verb),
    ("requesttype", Verb),
    ("target", Url),
    ("requesturi", Url),
    ("originaluri", Url),
    ("requesttarget", Url),
    ("url", Or(&Url, &URL)),
    ("requesturl", Url),
    ("httpurl", Url),
    ("fullurl", Url),
    ("path", Text(Path)),
    ("requestpath", Text(Path)),
    ("httppath", Text(Path)),
    ("urlpath", Text(Path)),
    ("uripath", Text(Path)),
    ("csuristem", Text(Path)),
    ("query", Text(Query)),
    ("requestquery", Text(Query)),
    ("querystring", Text(Query)),
    ("urlquery", Text(Query)),
    ("uriquery", Text(Query)),
    ("csuriquery", Text(Query)),
    ("args", Text(Query)),
    ("requestline", Text(RequestLine)),
    ("httprequest", Or(&Text(RequestLine), &REQUEST)),
    ("req", Or(&Text(RequestLine), &REQUEST)),
    ("http", Nested(&HTTP)),
    ("vhost", Text(Host)),
    ("virtualhost", Text(Host)),
    ("httphost", Text(Host)),
    ("requesthost", Text(Host)),
    ("servername", Text(Host)),
    ("domain", Text(Host)),
    ("authority", Text(Host)),
    (":authority", Text(Host)),
    ("cshost", Text(Host)),
    ("serverprotocol", Text(Protocol)),
    ("requestproto", Text(Protocol)),
    ("requestprotocol", Text(Protocol)),
    ("httpprotocol", Text(Protocol)),
    ("httpversion", Text(Protocol)),
    ("proto", Text(Protocol)),
    ("csversion", Text(Protocol)),
    // What was answered.
    ("statuscode", Text(Status)),
    ("responsestatus", Text(Status)),
    ("responsestatuscode", Text(Status)),
    ("responsecode", Text(Status)),
    ("httpstatus", Text(Status)),
    ("httpstatuscode", Text(Status)),
    ("httpresponsecode", Text(Status)),
    ("httpcode", Text(Status)),
    ("code", Text(Status)),
    ("scstatus", Text(Status)),
    ("response", Nested(&RESPONSE)),
    ("resp", Nested(&RESPONSE)),
    ("res", Nested(&RESPONSE)),
    ("bodybytessent", Text(BytesOut)),
    ("bytes", Text(BytesOut)),
    ("bytesout", Text(BytesOut)),
    ("byteswritten", Text(BytesOut)),
    ("sentbytes", Text(BytesOut)),
    ("responselength", Text(BytesOut)),
    ("responsesize", Text(BytesOut)),
    ("responsebytes", Text(BytesOut)),
    ("scbytes", Text(BytesOut)),
    ("size", Text(BytesOut)),
    ("bytesin", Text(BytesIn)),
    ("bytesreceived", Text(BytesIn)),
    ("receivedbytes", Text(BytesIn)),
    ("requestsize", Text(BytesIn)),
    ("requestbytes", Text(BytesIn)),
    ("csbytes", Text(BytesIn)),
    // How long it took.
    ("durationms", Scaled(Duration, 1.0)),
    ("requesttimems", Scaled(Duration, 1.0)),
    ("responsetimems", Scaled(Duration, 1.0)),
    ("latencyms", Scaled(Duration, 1.0)),
    ("elapsedms", Scaled(Duration, 1.0)),
    ("tookms", Scaled(Duration, 1.0)),
    ("totaltimems", Scaled(Duration, 1.0)),
    ("timetakenms", Scaled(Duration, 1.0)),
    ("durationus", Scaled(Duration, MICROSECOND)),
    ("latencyus", Scaled(Duration, MICROSECOND)),
    ("elapsedus", Scaled(Duration, MICROSECOND)),
    ("durationns", Scaled(Duration, NANOSECOND)),
    ("latencyns", Scaled(Duration, NANOSECOND)),
    ("elapsedns", Scaled(Duration, NANOSECOND)),
    ("durations", Scaled(Duration, SECOND)),
    ("durationsec", Scaled(Duration, SECOND)),
    ("durationseconds", Scaled(Duration, SECOND)),
    ("latencyseconds", Scaled(Duration, SECOND)),
    ("elapsedseconds", Scaled(Duration, SECOND)),
    ("responsetimeseconds", Scaled(Duration, SECOND)),
    ("duration", Timed(Duration)),
    ("latency", Timed(Duration)),
    ("elapsed", Timed(Duration)),
    ("responsetime", Timed(Duration)),
    ("took", Timed(Duration)),
    ("upstreamtime", Scaled(Upstream, SECOND)),
    ("upstreamms", Scaled(Upstream, 1.0)),
    ("upstreamtimems", Scaled(Upstream, 1.0)),
    ("upstreamlatencyms", Scaled(Upstream, 1.0)),
    ("upstreamresponsetimems", Scaled(Upstream, 1.0)),
    ("backendtimems", Scaled(Upstream, 1.0)),
    ("upstreamlatency", Timed(Upstream)),
    // With what.
    ("httpuseragent", Text(UserAgent)),
    ("requestuseragent", Text(UserAgent)),
    ("agent", Text(UserAgent)),
    ("ua", Text(UserAgent)),
    ("cs(useragent)", Text(UserAgent)),
    ("referrer", Text(Referer)),
    ("httpreferer", Text(Referer)),
    ("httpreferrer", Text(Referer)),
    ("cs(referer)", Text(Referer)),
    ("headers", Pairs(&HEADERS)),
    ("requestheaders", Pairs(&HEADERS)),
    ("tls", Or(&Text(Tls), &TLS)),
    ("ssl", Nested(&TLS)),
    ("tlsversion", Text(Tls)),
    ("tlsprotocol", Text(Tls)),
    ("sslversion", Text(Tls)),
    ("ja4", Text(Fingerprint)),
    ("tlsja4", Text(Fingerprint)),
    ("sslja4", Text(Fingerprint)),
    ("ja4fingerprint", Text(Fingerprint)),
    ("ja4hash", Text(Fingerprint)),
    ("httpsslja4", Text(Fingerprint)),
    ("fingerprint", Text(Fingerprint)),
    ("tlsfingerprint", Text(Fingerprint)),
    ("ja3", Text(Fingerprint)),
    ("ja3hash", Text(Fingerprint)),
    ("tlsja3", Text(Fingerprint)),
    ("sslja3", Text(Fingerprint)),
    ("sslja3hash", Text(Fingerprint)),
    ("httpsslja3hash", Text(Fingerprint)),
    // As whom.
    ("httpxapikey", Text(ApiKey)),
    ("xapikey", Text(ApiKey)),
    ("authorization", Text(Token)),
    ("httpauthorization", Text(Token)),
    ("jwt", Text(Token)),
    ("jwtpayload", Text(Token)),
    ("consumer", Or(&Text(Consumer), &CONSUMER)),
    ("consumerid", Text(Consumer)),
    ("consumername", Text(Consumer)),
    ("apikeyid", Text(Consumer)),
    ("subject", Text(Subject)),
    ("sub", Text(Subject)),
    ("jwtsub", Text(Subject)),
    ("jwtsubject", Text(Subject)),
    ("userid", Text(Subject)),
    ("session", Text(Session)),
    ("sessionid", Text(Session)),
    ("certificate", Text(Certificate)),
    ("sslclientsdn", Text(Certificate)),
    ("clientsubjectdn", Text(Certificate)),
    ("tlsclientsubject", Text(Certificate)),
]);

const HTTP: Keys = Keys::loose(&[
    ("method", Verb),
    ("request", Or(&Text(RequestLine), &REQUEST)),
    ("response", Nested(&RESPONSE)),
    ("statuscode", Text(Status)),
    ("status", Text(Status)),
    ("url", Or(&Url, &URL)),
    ("target", Url),
    ("path", Text(Path)),
    ("host", Text(Host)),
    ("version", Text(Protocol)),
    ("flavor", Text(Protocol)),
    ("protocol", Text(Protocol)),
    ("useragent", Or(&Text(UserAgent), &USER_AGENT)),
    ("referer", Text(Referer)),
    ("referrer", Text(Referer)),
    ("clientip", Text(Peer)),
    ("remoteip", Text(Peer)),
]);

const REQUEST: Keys = Keys::loose(&[
    ("method", Verb),
    ("verb", Verb),
    ("uri", Url),
    ("url", Or(&Url, &URL)),
    ("target", Url),
    ("path", Text(Path)),
    ("querystring", Text(Query)),
    ("query", Text(Query)),
    ("host", Text(Host)),
    ("authority", Text(Host)),
    ("protocol", Text(Protocol)),
    ("proto", Text(Protocol)),
    ("httpversion", Text(Protocol)),
    ("version", Text(Protocol)),
    ("size", Text(BytesIn)),
    ("bytes", Text(BytesIn)),
    ("length", Text(BytesIn)),
    ("contentlength", Text(BytesIn)),
    ("body", Nested(&REQUEST_BODY)),
    ("clientip", Text(Peer)),
    ("remoteaddr", Text(Peer)),
    ("remoteaddress", Text(Peer)),
    ("remoteip", Text(Peer)),
    ("ip", Text(Peer)),
    ("xforwardedfor", Text(Forwarded)),
    ("headers", Pairs(&HEADERS)),
    ("header", Pairs(&HEADERS)),
    ("useragent", Or(&Text(UserAgent), &USER_AGENT)),
    ("referer", Text(Referer)),
    ("referrer", Text(Referer)),
    ("tls", Or(&Text(Tls), &TLS)),
]);

const RESPONSE: Keys = Keys::loose(&[
    ("status", Text(Status)),
    ("statuscode", Text(Status)),
    ("code", Text(Status)),
    ("size", Text(BytesOut)),
    ("bytes", Text(BytesOut)),
    ("length", Text(BytesOut)),
    ("contentlength", Text(BytesOut)),
    ("bodysize", Text(BytesOut)),
    ("body", Nested(&RESPONSE_BODY)),
]);

const REQUEST_BODY: Keys = Keys::loose(&[
    ("size", Text(BytesIn)),
    ("bytes", Text(BytesIn)),
    ("length", Text(BytesIn)),
]);

const RESPONSE_BODY: Keys = Keys::loose(&[
    ("size", Text(BytesOut)),
    ("bytes", Text(BytesOut)),
    ("length", Text(BytesOut)),
]);

const CLIENT: Keys = Keys::loose(&[
    ("ip", Text(Peer)),
    ("address", Text(Peer)),
    ("addr", Text(Peer)),
    ("remoteaddress", Text(Peer)),
]);

const USER_AGENT: Keys = Keys::loose(&[("original", Text(UserAgent))]);

const URL: Keys = Keys::loose(&[
    ("original", Url),
    ("full", Url),
    ("path", Text(Path)),
    ("query", Text(Query)),
    ("domain", Text(Host)),
]);

const HEADERS: Keys = Keys::loose(&[
    ("host", Text(Host)),
    (":authority", Text(Host)),
    ("useragent", Text(UserAgent)),
    ("referer", Text(Referer)),
    ("xforwardedfor", Text(Forwarded)),
    ("xapikey", Text(ApiKey)),
    ("apikey", Text(ApiKey)),
    ("authorization", Text(Token)),
]);

const TLS: Keys = Keys::loose(&[
    ("version", Text(Tls)),
    ("protocol", Text(Tls)),
    ("ja4", Text(Fingerprint)),
    ("ja3", Text(Fingerprint)),
    ("fingerprint", Text(Fingerprint)),
    ("client", Nested(&TLS_CLIENT)),
    ("clientsubject", Text(Certificate)),
]);

const TLS_CLIENT: Keys = Keys::loose(&[
    ("ja4", Text(Fingerprint)),
    ("ja3", Text(Fingerprint)),
    ("subject", Text(Certificate)),
]);

const CONSUMER: Keys = Keys::loose(&[
    ("username", Text(Consumer)),
    ("customid", Text(Consumer)),
    ("name", Text(Consumer)),
    ("id", Text(Consumer)),
]);

/// Nested, as most home-made logs of services are.
fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.text("timestamp", &record.at.to_string());
        line.object("client", |client| client.text("ip", &address(record.address)));
        line.object("request", |request| {
            request.text("method", &record.method);
            let (path, query) = path_and_query(&record.path, record.query.as_deref());
            request.text("path", &path);
            request.optional("query", query);
            request.text("protocol", record.protocol.as_deref().unwrap_or(""));
            request.number("bytes", record.bytes_in);
            request.object("headers", |headers| {
                headers.optional("host", record.host.as_deref());
                headers.optional("user-agent", record.user_agent.as_deref());
                headers.optional("referer", record.referer.as_deref());
            });
        });
        line.object("response", |response| {
            response.number("status", Some(record.status));
            response.number("bytes", record.bytes_out);
        });
        line.object("tls", |tls| {
            tls.text("version", record.tls.as_deref().unwrap_or(""));
            tls.text("ja4", record.fingerprint.as_deref().unwrap_or(""));
        });
        line.number("duration_ms", record.duration_ms);
        line.number("upstream_ms", record.upstream_ms);
    });
}
