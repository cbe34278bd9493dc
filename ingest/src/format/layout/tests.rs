//! The languages, what they refuse, and what a line is that could be read in more than one way.

use super::super::{FORMATS, Format, FormatChoice, LANGUAGES, Memory};
use super::*;
use crate::format::{aws, envoy_text, haproxy as known_haproxy, nginx_products, traefik_clf};
use crate::raw::RawRequest;
use proptest::prelude::*;
use std::fmt::Write;
use std::sync::Arc;

fn format(text: &str) -> Arc<dyn Format> {
    match FormatChoice::from_text(text) {
        Ok(FormatChoice::Written(format)) => format,
        other => panic!("{text}: {other:?}"),
    }
}

/// What was read, in one line: only what is there.
fn describe(raw: &RawRequest<'_>) -> String {
    let mut out = format!("{} {}", raw.at, raw.status);
    let mut text = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(out, " {name}={value}");
        }
    };
    let own = |value: &Option<std::borrow::Cow<'_, str>>| value.as_ref().map(ToString::to_string);
    text("peer", raw.peer.map(|peer| peer.to_string()));
    text("forwarded", own(&raw.forwarded));
    text("host", own(&raw.host));
    text(
        "method",
        Some(raw.request.method.to_string()).filter(|method| !method.is_empty()),
    );
    text("path", Some(raw.request.path.to_string()));
    text("query", own(&raw.request.query));
    text("protocol", own(&raw.request.protocol));
    text("in", raw.bytes_in.map(|bytes| bytes.to_string()));
    text("out", raw.bytes_out.map(|bytes| bytes.to_string()));
    text("ms", raw.duration_ms.map(|millis| millis.to_string()));
    text("upstream", raw.upstream_ms.map(|millis| millis.to_string()));
    text("agent", own(&raw.user_agent));
    text("referer", own(&raw.referer));
    text("key", own(&raw.api_key));
    text("tls", own(&raw.tls));
    text("certificate", own(&raw.certificate));
    text("ambiguous", raw.is_ambiguous.then(|| "yes".to_owned()));
    out
}

fn check(description: &str, line: &str, expected: &str) {
    let format = format(description);
    let read = match format.parse(line, &mut Memory::default()) {
        Ok(raw) => describe(&raw),
        Err(reason) => format!("rejected: {reason:?}"),
    };
    assert_eq!(read, expected, "{description}\n{line}");
}

fn refused(description: &str, expected: &str) {
    match FormatChoice::from_text(description) {
        Err(wrong) => assert_eq!(wrong.message, expected, "{description}"),
        Ok(_) => panic!("{description} was taken"),
    }
}

const NGINX_LINE: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

#[test]
fn nginx_formats_are_read() {
    check(
        r#"nginx: $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for" rt=$request_time uct="$upstream_connect_time" urt="$upstream_response_time" ua="$upstream_addr" us="$upstream_status""#,
        r#"203.0.113.9 - a b [22/Nov/2026:23:48:42 +0000] "GET /a?b=c HTTP/1.1" 200 5 "-" "curl/8" "-" rt=0.250 uct="0.001, 0.002" urt="0.100, 0.125 : 0.025" ua="10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80" us="502, 200 : 200""#,
        "2026-11-22T23:48:42Z 200 peer=203.0.113.9 method=GET path=/a query=b=c protocol=HTTP/1.1 out=5 ms=250 upstream=250 agent=curl/8",
    );
    check(
        "nginx: log_format x '$msec|$remote_addr|${request_method} $request_uri $server_protocol|$status|'\n '$host|$request_length|$upstream_response_time $upstream_status';",
        "1795391322.512|2001:db8::1|POST /a b?c HTTP/2.0|404|shop.example|77|0.1, 0.2 502, 404",
        "2026-11-22T23:48:42.512Z 404 peer=2001:db8::1 host=shop.example method=POST path=/a b query=c protocol=HTTP/2.0 in=77 upstream=300",
    );
    check(
        r#"nginx: escape=json '$time_iso8601 $remote_addr "$request" $status "$http_user_agent"'"#,
        r#"2026-11-22T23:48:42+01:00 203.0.113.9 "GET /\"x HTTP/1.1" 200 "a\"b\u001fc""#,
        "2026-11-22T22:48:42Z 200 peer=203.0.113.9 method=GET path=/\"x protocol=HTTP/1.1 agent=a\"b\u{1f}c",
    );
}

#[test]
fn json_in_an_nginx_format_is_read_by_its_keys() {
    let format = r#"nginx: log_format j escape=json '{"t":"$time_iso8601","ip":"$remote_addr",'
        '"req":{"m":"$request_method","u":"$request_uri","line":"$request_method $request_uri $server_protocol"},'
        '"s":$status,"b":$body_bytes_sent,"rt":$request_time,"ua":"$http_user_agent","key":"$http_x_api_key"}';"#;
    check(
        format,
        r#"{"s":404,"extra":[1,2],"ip":"203.0.113.9","b":12,"t":"2026-11-22T23:48:42+00:00","ua":"a\"b","rt":0.012,"req":{"u":"/a?b","m":"GET","line":"GET /a?b HTTP/1.1"},"key":""}"#,
        "2026-11-22T23:48:42Z 404 peer=203.0.113.9 method=GET path=/a query=b protocol=HTTP/1.1 out=12 ms=12 agent=a\"b",
    );
    check(
        format,
        r#"{"s":404,"s":200,"ip":"203.0.113.9","t":"2026-11-22T23:48:42+00:00","req":{"m":"GET","u":"/"}}"#,
        "2026-11-22T23:48:42Z 404 peer=203.0.113.9 method=GET path=/ ambiguous=yes",
    );
    refused(
        "nginx: '{\"t\":$time_local,'",
        "the format begins like JSON and is none once its variables are filled in",
    );
    refused(
        "nginx: '{\"t\":\"$time_local\",\"s\":$status}'",
        "the format lacks the request (or method and path), the client's address",
    );
}

#[test]
fn apache_formats_are_read() {
    check(
        r#"apache: LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D %{X-Forwarded-For}i" vhost"#,
        r#"shop.example:443 203.0.113.9 - - [22/Nov/2026:23:48:42 +0000] "GET /\"a HTTP/1.1" 200 512 "-" "x \"y\"" 2500 198.51.100.7, 192.0.2.1"#,
        "2026-11-22T23:48:42Z 200 peer=203.0.113.9 forwarded=198.51.100.7, 192.0.2.1 host=shop.example method=GET path=/\"a protocol=HTTP/1.1 out=512 ms=2.5 agent=x \"y\"",
    );
    check(
        "apache: %a %{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t %m %U%q %H %>s %b %{ms}T",
        "203.0.113.9 22/Nov/2026:23:48:42.125 +0100 GET /a b?c=d HTTP/1.1 404 - 12",
        "2026-11-22T22:48:42.125Z 404 peer=203.0.113.9 method=GET path=/a b query=c=d protocol=HTTP/1.1 ms=12",
    );
}

#[test]
fn haproxy_formats_are_read() {
    let format = r#"haproxy: log-format "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r %{+Q,+E}[capture.req.hdr(0)] %sslv""#;
    check(
        format,
        r#"2001:db8::1:33317 [06/Feb/2009:12:14:14.655] http-in static/<NOSRV> 10/0/-1/-1/+109 200 +2750 - - PR-- 1/1/1/1/0 0/0 {1wt.eu|a} {} "GET /a#22b HTTP/1.1" "z\"z" TLSv1.3"#,
        "2009-02-06T12:14:14.655Z 200 peer=2001:db8::1 method=GET path=/a\"b protocol=HTTP/1.1 out=2750 ms=109 tls=TLSv1.3",
    );
    check(
        format,
        r#"203.0.113.9:33317 [06/Feb/2009:12:14:14.655] http-in static/<NOSRV> -1/-1/-1/-1/6001 -1 0 - - CR-- 1/1/1/1/0 0/0 "<BADREQ>" "" -"#,
        "2009-02-06T12:14:14.655Z 0 peer=203.0.113.9 path= out=0 ms=6001",
    );
    check(
        "haproxy: %{+Q}o %{-Q}ci - - [%trg] %r %ST %B %ms %HM",
        r#"203.0.113.9 - - [22/Nov/2026:23:48:42 +0000] "GET https://shop.example/x HTTP/2.0" 200 512 7 "GET""#,
        "2026-11-22T23:48:42.007Z 200 peer=203.0.113.9 host=shop.example method=GET path=/x protocol=HTTP/2.0 out=512",
    );
    refused(
        "haproxy: %{+json}o %ci",
        "+json is not read: expected a text format",
    );
}

#[test]
fn envoy_formats_are_read() {
    check(
        r#"envoy: [%START_TIME(%Y/%m/%dT%H:%M:%S.%3f%z)%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH):256% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %DOWNSTREAM_REMOTE_ADDRESS% "%REQ(USER-AGENT)%"\n"#,
        r#"[2026/11/22T23:48:42.125+0000] "GET /a?b HTTP/2" 200 - 0 12 3 [2001:db8::1]:4711 "curl/8""#,
        "2026-11-22T23:48:42.125Z 200 peer=2001:db8::1 method=GET path=/a query=b protocol=HTTP/2 in=0 out=12 ms=3 agent=curl/8",
    );
}

#[test]
fn a_description_that_cannot_be_read_is_refused_with_what_it_lacks() {
    refused(
        "nginx: $remote_addr$http_user_agent $status",
        "nothing stands between $remote_addr and $http_user_agent: where the one ends cannot be told",
    );
    refused(
        r#"nginx: $remote_addr "$http_user_agent""#,
        "the format lacks the time, the status, the request (or method and path)",
    );
    refused(
        "nginx: escape=xml '$status'",
        "escape=xml: expected default, json or none",
    );
    refused("nginx: '$status", "the piece that begins with ' is not closed");
    refused("nginx: ${status", "a ${ without its }");
    refused("apache: %{x", "a directive without its letter at \"%{x\"");
    refused("apache: %{%Q}t", "%{%Q}t: %Q is not read in a time");
    refused("haproxy: %[src", "a %[ without its ]");
    refused("envoy: %START_TIME", "an operator without its closing %");
}

#[test]
fn a_quote_that_could_end_a_field_in_two_places_makes_a_line_ambiguous() {
    let format = format!("nginx: {NGINX_LINE}");
    let head = r#"203.0.113.9 - - [22/Nov/2026:23:48:42 +0000] ""#;
    let read = "2026-11-22T23:48:42Z 200 peer=203.0.113.9 method=GET";
    for (tail, expected) in [
        (
            r#"GET / HTTP/1.1" 200 5 "-" "a "b" c""#,
            r#" path=/ protocol=HTTP/1.1 out=5 agent=a "b" c"#,
        ),
        (
            r#"GET /"x HTTP/1.1" 200 5 "-" "-""#,
            r#" path=/"x protocol=HTTP/1.1 out=5"#,
        ),
        (
            r#"GET / HTTP/1.1" 200 5 "a" "b" "c""#,
            r#" path=/ protocol=HTTP/1.1 out=5 agent=b" "c referer=a ambiguous=yes"#,
        ),
        (
            r#"GET / HTTP/1.1" 200 5 "-" "x" 404 6 "-" "y""#,
            r#" path=/ protocol=HTTP/1.1 out=5 agent=x" 404 6 "-" "y ambiguous=yes"#,
        ),
        (
            r#"GET / HTTP/1.1" 200 5 "-" "a\""#,
            r" path=/ protocol=HTTP/1.1 out=5 agent=a\ ambiguous=yes",
        ),
        (
            r#"GET / HTTP/1.1" 200 5 "-" "Mozilla/5."#,
            " path=/ protocol=HTTP/1.1 out=5 agent=Mozilla/5. ambiguous=yes",
        ),
    ] {
        check(&format, &format!("{head}{tail}"), &format!("{read}{expected}"));
    }
    check(
        &format,
        &format!(r#"{head}GET / HTTP/1.1" 200 5 "-""#),
        "rejected: Invalid(\"layout: the text between two fields is another\")",
    );
}

#[test]
fn a_user_name_that_looks_like_a_line_shifts_nothing() {
    check(
        &format!("nginx: {NGINX_LINE}"),
        r#"203.0.113.9 - x [22/Nov/2026:00:00:00 +0000] \x22GET /y HTTP/1.1\x22 200 5 [22/Nov/2026:23:48:42 +0000] "GET / HTTP/1.1" 200 5 "-" "-""#,
        "2026-11-22T23:48:42Z 200 peer=203.0.113.9 method=GET path=/ protocol=HTTP/1.1 out=5",
    );
}

#[test]
fn clients_bytes_that_are_not_escaped_make_a_format_forgeable() {
    for (description, expected) in [
        (r#"nginx: $remote_addr [$time_local] "$request" $status"#, false),
        (
            r#"nginx: escape=none '$remote_addr [$time_local] "$request" $status'"#,
            true,
        ),
        (r#"apache: %h %t "%r" %>s"#, false),
        ("haproxy: %ci [%tr] %{+Q}r %ST", false),
        ("haproxy: %[capture.req.hdr(0)] %ci [%tr] %{+Q}r %ST", true),
        (
            "haproxy: %{+Q,+E}[capture.req.hdr(0)] %ci [%tr] %{+Q}r %ST",
            false,
        ),
        ("haproxy: %ci [%tr] %{+Q}r %ST %[capture.req.hdr(0)]", false),
    ] {
        assert_eq!(format(description).is_forgeable(), expected, "{description}");
    }
    assert!(format(&format!("envoy: {}", ENVOY.example)).is_forgeable());
}

/// Every layout that has a name.
fn known() -> Vec<(&'static str, &'static Layout)> {
    let known = [
        known_haproxy::HTTP,
        known_haproxy::HTTPS,
        known_haproxy::CLF,
        envoy_text::ENVOY,
        envoy_text::ISTIO,
        traefik_clf::FORMAT,
        nginx_products::APISIX,
        nginx_products::PROXY_MANAGER,
        nginx_products::NPMPLUS,
        nginx_products::BUNKERWEB,
        aws::ALB,
        aws::ELB,
    ];
    let layouts = |known: &Known| {
        (known.layouts)()
            .iter()
            .map(|layout| (known.name, layout))
            .collect::<Vec<_>>()
    };
    known.iter().flat_map(layouts).collect()
}

#[test]
fn every_known_layout_compiles_and_lacks_nothing() {
    for (name, layout) in known() {
        assert_eq!(layout.check(), Ok(()), "{name}");
    }
}

#[test]
fn a_time_without_a_zone_is_said_to_be_blind() {
    for (description, expected) in [
        ("haproxy: %ci [%tr] %{+Q}r %ST", true),
        ("haproxy: %ci [%trg] %{+Q}r %ST", false),
        (r#"apache: %h %{%F %T}t "%r" %>s"#, true),
        (r#"apache: %h %{%F %T %z}t "%r" %>s"#, false),
        (r#"apache: %h %{%F %T}t %{%z}t "%r" %>s"#, false),
    ] {
        let spots = format(description).blind_spots();
        assert_eq!(spots.contains(&NO_ZONE), expected, "{description}");
    }
}

fn fixture_lines() -> Vec<String> {
    let read = |format: &&dyn Format| {
        let path = format!("{}/fixtures/{}.txt", env!("CARGO_MANIFEST_DIR"), format.name());
        std::fs::read_to_string(path).expect("every format has fixtures")
    };
    let texts = FORMATS.iter().map(read);
    texts
        .flat_map(|text| {
            text.lines()
                .filter_map(|line| line.strip_prefix("> "))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What spoils a line: bytes that end fields, and some that do not.
fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, &'static str)>> {
    let texts = prop::sample::select(vec![
        "\"",
        "\" \"",
        "\\\"",
        "\\",
        " ",
        " - ",
        "] \"",
        " [",
        "/",
        ":",
        "-",
        "1",
        "{",
        "} ",
        "\" 200 5 \"",
        "x",
        "é",
    ]);
    proptest::collection::vec((any::<prop::sample::Index>(), texts), 0..4)
}

fn spoil(line: &str, damage: &[(prop::sample::Index, &'static str)]) -> String {
    let mut letters: Vec<String> = line.chars().map(String::from).collect();
    for (at, text) in damage {
        let at = at.index(letters.len() + 1);
        letters.insert(at, (*text).to_owned());
    }
    letters.concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_one_pass_reads_is_the_only_reading(
        pick in any::<prop::sample::Index>(),
        layout in any::<prop::sample::Index>(),
        damage in damage(),
    ) {
        let lines = fixture_lines();
        let line = spoil(pick.get::<String>(&lines), &damage);
        let layouts = known();
        // Any line as any layout would hardly ever fit: half of the time the layout is one that fits.
        let fits = |(_, layout): &&(&str, &Layout)| {
            walk::plain(layout, &line, &mut Sink::new(layout.escape), &mut Memory::default()) == Ok(Some(()))
        };
        let fitting: Vec<_> = layouts.iter().filter(fits).collect();
        let (name, layout) = if fitting.is_empty() { layout.get(&layouts) } else { layout.get(&fitting) };
        let mut memory = Memory::default();
        let mut plain = Sink::new(layout.escape);
        let is_plain = walk::plain(layout, &line, &mut plain, &mut memory) == Ok(Some(()));
        let mut close = Sink::new(layout.escape);
        let closer = readings::closer(layout, &line, &mut close, &mut memory);
        if is_plain && layout.tail == Tail::Nothing {
            prop_assert_eq!(closer, Ok(false), "{}: {}", name, line);
            prop_assert_eq!(plain.into_raw(), close.into_raw(), "{}: {}", name, line);
        }
    }

    #[test]
    fn any_description_is_taken_or_refused(
        language in prop::sample::select(LANGUAGES.iter().map(|language| (language.name, language.example)).collect::<Vec<_>>()),
        damage in damage(),
        more in "[ -~]{0,12}",
        pick in any::<prop::sample::Index>(),
    ) {
        let description = format!("{}: {}{more}", language.0, spoil(language.1, &damage));
        let lines = fixture_lines();
        if let Ok(FormatChoice::Written(format)) = FormatChoice::from_text(&description) {
            let _ = format.parse(pick.get::<String>(&lines), &mut Memory::default());
        }
    }
}
