//! Load balancers of AWS: application (ALB) and classic (ELB). Lines name the moment of the response.
//!
//! How long a request took is told in three parts, of which only the target's is read.

use super::layout::{Escape, Field, Kind, Known, Layout, Moment, Piece, Token, compile_all};
use super::{Provenance, WrongFormat};
use crate::gateway::Gateway;
use std::sync::LazyLock;

/// Application load balancer.
pub(super) const ALB: Known = Known {
    name: "aws_alb",
    description: "AWS application load balancer",
    gateway: Gateway::AwsLoadBalancer,
    provenance: Provenance::documented(
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html",
    ),
    layouts: || &ALB_LAYOUTS,
};

/// Classic load balancer. Lines before 2015 end with the request.
pub(super) const ELB: Known = Known {
    name: "aws_elb",
    description: "AWS classic load balancer",
    gateway: Gateway::AwsLoadBalancer,
    provenance: Provenance::documented(
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html",
    ),
    layouts: || &ELB_LAYOUTS,
};

static ALB_LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    let described = r#"<type> <time> <elb> <client:port> <target:port> <request_processing_time> <target_processing_time> <response_processing_time> <elb_status_code> <target_status_code> <received_bytes> <sent_bytes> "<request>" "<user_agent>" <ssl_cipher> <ssl_protocol> <target_group_arn> "<trace_id>" "<domain_name>" "<chosen_cert_arn>" <matched_rule_priority> <request_creation_time> "<actions_executed>" "<redirect_url>" "<error_reason>" "<target:port_list>" "<target_status_code_list>" "<classification>" "<classification_reason>""#;
    let newer = format!(
        r#"{described} <conn_trace_id> "<transformed_host>" "<transformed_uri>" "<request_transform_status>""#
    );
    // Fields are only ever added at the end.
    let conn = format!("{described} <conn_trace_id>");
    let layouts = compile_all(read, &[&newer, &conn, described]);
    let longer = layouts.first().cloned().map(Layout::with_tail);
    layouts.into_iter().chain(longer).collect()
});

static ELB_LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    let described = r#"<time> <elb> <client:port> <target:port> <request_processing_time> <target_processing_time> <response_processing_time> <elb_status_code> <target_status_code> <received_bytes> <sent_bytes> "<request>""#;
    let newer = format!(r#"{described} "<user_agent>" <ssl_cipher> <ssl_protocol>"#);
    compile_all(read, &[&newer, described])
});

/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

/// A description with the names of AWS' pages between angle brackets.
fn read(text: &str) -> Result<(Vec<Token>, Escape), WrongFormat> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let (name, after) = after
            .split_once('>')
            .ok_or_else(|| WrongFormat::new("a < without its >"))?;
        tokens.push(Token::Text(before.to_owned()));
        tokens.push(Token::Field(field(name)));
        rest = after;
    }
    tokens.push(Token::Text(rest.to_owned()));
    Ok((tokens, Escape::Nginx))
}

fn field(name: &str) -> Field {
    let (piece, kind) = match name {
        "time" => (Piece::At, Kind::Moment(Moment::Rfc3339)),
        "client:port" => (Piece::PeerPort, Kind::Word),
        "target_processing_time" => (Piece::Upstream(SECOND), Kind::Word),
        "elb_status_code" => (Piece::Status, Kind::Word),
        "received_bytes" => (Piece::BytesIn, Kind::Word),
        "sent_bytes" => (Piece::BytesOut, Kind::Word),
        "request" => (Piece::RequestUrl, Kind::Free),
        "user_agent" => (Piece::UserAgent, Kind::Free),
        "ssl_protocol" => (Piece::Tls, Kind::Word),
        "trace_id"
        | "domain_name"
        | "chosen_cert_arn"
        | "actions_executed"
        | "redirect_url"
        | "error_reason"
        | "target:port_list"
        | "target_status_code_list"
        | "classification"
        | "classification_reason"
        | "transformed_host"
        | "transformed_uri"
        | "request_transform_status" => (Piece::Ignored, Kind::Free),
        _ => (Piece::Ignored, Kind::Word),
    };
    Field::new(name, piece, kind)
}
