//! Lines as shippers wrap them, and what is none of their wrappers.

use super::*;

fn check(line: &str, expected: Option<(Envelope, &str)>) {
    let unwrapped = unwrap(line).expect("a whole line");
    let unwrapped = unwrapped.as_ref().map(|(kind, text)| (*kind, text.as_ref()));
    assert_eq!(unwrapped, expected, "{line}");
}

#[test]
fn shippers_json_gives_its_line() {
    check(
        r#"{"file":"/var/log/nginx/access.log","host":"h","message":"a \"b\" c","source_type":"file"}"#,
        Some((Envelope::Message, r#"a "b" c"#)),
    );
    check(
        r#"{"@timestamp":1.5,"log":"a b\n"}"#,
        Some((Envelope::Log, "a b")),
    );
    check(
        r#"{"log":{"file":{"path":"/x"},"offset":1},"message":"a b","host":{"name":"h"}}"#,
        Some((Envelope::Message, "a b")),
    );
    check(r#"{"message":"a","log":"b"}"#, Some((Envelope::Message, "a")));
    check(r#"{"a":1}"#, None);
    check(r#"{"message":""}"#, None);
    check(r#"{"message":7}"#, None);
    check(r#"{"message":"a""#, None);
}

#[test]
fn what_a_shipper_took_apart_is_taken_from_its_key() {
    let parsed = Some((Envelope::Parsed, r#"{"a":1}"#));
    for key in OBJECTS {
        check(
            &format!(r#"{{"@timestamp":1,"{key}":{{"a":1}},"stream":"stdout"}}"#),
            parsed,
        );
    }
    check(r#"{"message":"request completed","json":{"a":1}}"#, parsed);
    check(
        r#"{"message":"a b c d e","json":{"a":1}}"#,
        Some((Envelope::Message, "a b c d e")),
    );
    check(
        r#"{"message":"{\"a\":1}","nginx":{}}"#,
        Some((Envelope::Message, r#"{"a":1}"#)),
    );
}

#[test]
fn other_holders_give_their_line() {
    let line = "a b c d e";
    for (wrapped, kind) in [
        (
            r#"{"event":{"original":"a b c d e"},"message":"x y z a b c"}"#,
            Envelope::Original,
        ),
        (
            r#"{"event.original":"a b c d e","message":"x"}"#,
            Envelope::Original,
        ),
        (
            r#"{"__CURSOR":"s=1","PRIORITY":"6","MESSAGE":"a b c d e"}"#,
            Envelope::Journal,
        ),
        (
            r#"{"MESSAGE":[97,32,98,32,99,32,100,32,101,10]}"#,
            Envelope::Journal,
        ),
        (
            r#"{"insertId":"1","textPayload":"a b c d e"}"#,
            Envelope::TextPayload,
        ),
        (
            r#"{"timeUnixNano":"1","body":{"stringValue":"a b c d e"}}"#,
            Envelope::Body,
        ),
    ] {
        check(wrapped, Some((kind, line)));
    }
    check(r#""{\"a\":1}""#, Some((Envelope::Quoted, r#"{"a":1}"#)));
    check(r#""GET / HTTP/1.1" 200"#, None);
}

#[test]
fn what_a_client_may_have_sent_is_no_line() {
    for key in ["msg", "body", "data", "payload", "request_body"] {
        check(&format!(r#"{{"method":"POST","{key}":"a b c d e f"}}"#), None);
        check(&format!(r#"{{"method":"POST","{key}":{{"status":200}}}}"#), None);
    }
    check(r#"{"timeUnixNano":"1","body":{"stringValue":"started"}}"#, None);
}

#[test]
fn a_batch_of_one_gives_its_record() {
    for batch in [
        r#"{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"a"}]}"#,
        r#"{"records": [ {"id":"1","message":"a"} ] }"#,
        r#"{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[{"id":"1","message":"a"}]}]}]}"#,
    ] {
        check(batch, Some((Envelope::Batch, r#"{"id":"1","message":"a"}"#)));
    }
    check(r#"{"logEvents":[{"message":"a"},{"message":"b"}]}"#, None);
}

#[test]
fn a_part_of_a_line_is_said_to_be_one() {
    for part in [
        r#"{"stream":"stdout","logtag":"P","log":"half"}"#,
        r#"{"_p":"P","log":"half"}"#,
        r#"{"log":"half","partial_message":"true"}"#,
    ] {
        assert_eq!(unwrap(part), Err(Reason::PartialLine), "{part}");
    }
    check(r#"{"_p":"F","log":"whole"}"#, Some((Envelope::Log, "whole")));
}

#[test]
fn a_container_runtimes_prefix_is_taken_off() {
    check(
        "2026-11-22T23:48:42.493035218+01:00 stdout F {\"a\":1}",
        Some((Envelope::Cri, "{\"a\":1}")),
    );
    check(
        "2026-11-22T23:48:42.493035218Z stdout F",
        Some((Envelope::Cri, "")),
    );
    check("203.0.113.9 - - [22/Nov/2026:23:48:42 +0000]", None);
    assert_eq!(
        unwrap("2026-11-22T23:48:42.1Z stderr P half"),
        Err(Reason::PartialLine)
    );
}

#[test]
fn a_syslog_header_is_taken_off() {
    let line = "203.0.113.9 - - [x]: y";
    for header in [
        "<190>Nov 22 23:48:42 gateway nginx: ",
        "Nov  2 23:48:42 gateway nginx[14389]: ",
        "<190>Nov 22 23:48:42 nginx: ",
        "<134>2026-11-22T23:48:42Z gateway nginx: ",
        "2026-11-22T23:48:42.123456+01:00 gateway nginx[7]: ",
        "<134>1 2026-11-22T23:48:42Z gateway nginx 1 - - ",
        "<134>1 2026-11-22T23:48:42Z gateway nginx 1 - [a@1 b=\"]\\\"\"][c] ",
    ] {
        check(&format!("{header}{line}"), Some((Envelope::Syslog, line)));
    }
    check("GET / HTTP/1.1", None);
    check("<x>Nov 22 23:48:42 gateway nginx: a", None);
    check("<134>1 2026", None);
}
