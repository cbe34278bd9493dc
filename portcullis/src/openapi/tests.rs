use super::*;

/// The templates of documents' texts, or what is wrong with them.
fn read_texts(texts: &[&str]) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = (0..texts.len())
        .map(|number| folder.path().join(format!("{number}.yaml")))
        .collect();
    for (file, text) in files.iter().zip(texts) {
        std::fs::write(file, text).unwrap();
    }
    let read = read(&files).map_err(|wrong| format!("{}: {}, {}", wrong.place, wrong.found, wrong.expected));
    read.map(|catalogue| catalogue.templates().map(str::to_owned).collect())
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(
        read_texts(&[text]),
        Ok(expected.iter().map(|text| (*text).to_owned()).collect()),
        "{text}"
    );
}

const YAML: &str = r#"
openapi: 3.1.0
info: { title: Shop, version: "1" }
servers:
  - url: https://api.example.com/v1
  - url: "https://{region}.example.com/{version}/"
    variables:
      region: { default: eu }
      version: { default: v1, enum: [v1, v2] }
x-common: &servers [{ url: /internal }]
paths:
  x-note: [anything]
  /users/{userId}:
    parameters: [{ name: userId, in: path, required: true, schema: { type: integer } }]
    get: { responses: { "200": { description: ok } } }
  /health:
    servers: *servers
    get: {}
  /upload:
    get: {}
    post: { servers: [{ url: "//files.example.com/up?x=1" }] }
  /empty:
components: { schemas: { Any: {} } }
"#;

#[test]
fn paths_stand_behind_the_base_paths_of_their_servers() {
    check(
        YAML,
        &[
            "/internal/health",
            "/up/upload",
            "/v1/empty",
            "/v1/upload",
            "/v1/users/{id}",
            "/v2/empty",
            "/v2/upload",
            "/v2/users/{id}",
        ],
    );
}

#[test]
fn swagger_and_json_are_read_too() {
    check(
        r#"{"swagger":"2.0","host":"api.example.com","basePath":"/v2/","paths":{"/pets/{petId}":{"get":{}},"/pets":{}}}"#,
        &["/v2/pets", "/v2/pets/{id}"],
    );
    check("swagger: 2.0\npaths: { /a: { get: {} } }\n", &["/a"]);
    check("\u{feff}{\"openapi\":\"3.0.3\",\"paths\":{\"/\":{}}}", &["/"]);
    check(
        "openapi: 3.0.0\nservers: [{ url: v3 }, { url: . }]\npaths: { \"/a/{b}\": { } }\n",
        &["/a/{id}", "/v3/a/{id}"],
    );
}

#[test]
fn several_documents_are_one_catalogue() {
    let one = "openapi: 3.0.0\npaths: { \"/a/{b}\": {}, /c: {} }\n";
    let two = "openapi: 3.0.0\npaths: { \"/a/{x}\": {}, /d: {} }\n";
    assert_eq!(read_texts(&[one, two]).unwrap(), ["/a/{id}", "/c", "/d"]);
}

#[test]
fn what_is_wrong_with_a_document_is_named_with_what_was_expected() {
    let good = "openapi: 3.0.0\npaths: { /a: {} }\n";
    let kinds = "a document of OpenAPI 3.0, 3.1 or 3.2, or Swagger 2.0, as JSON or YAML";
    for (text, expected) in [
        (
            "openapi: 4.0.0\npaths: { /a: {} }\n",
            format!("1: openapi: 4.0.0, {kinds}"),
        ),
        (
            "swagger: \"1.2\"\npaths: { /a: {} }\n",
            format!("1: swagger: 1.2, {kinds}"),
        ),
        (
            "title: x\n",
            format!("1: neither `openapi` nor `swagger` in it, {kinds}"),
        ),
        (
            "openapi: 3.0.0\npaths: {}\n",
            "1: no path in it, a document with at least one path".to_owned(),
        ),
        (
            "openapi: 3.0.0\npaths: { \"/users/{id\": {} }\n",
            "1: the path \"/users/{id\", a closing brace for every opening one".to_owned(),
        ),
        (
            "openapi: 3.0.0\npaths: { users: {} }\n",
            "1: the path \"users\", a path that begins with a slash".to_owned(),
        ),
    ] {
        assert_eq!(read_texts(&[good, text]), Err(expected), "{text}");
    }
    for broken in [
        "{\"openapi\": \"3.0.0\", ",
        "openapi: [",
        "openapi: 3.0.0\npaths: 7\n",
        "",
        "\u{0}",
    ] {
        let told = read_texts(&[broken]).unwrap_err();
        assert!(
            told.starts_with("0: ") && told.contains(kinds) && !told.contains('\n'),
            "{told}"
        );
    }
    let missing = read(&[PathBuf::from("/nowhere/api.yaml")])
        .unwrap_err()
        .to_string();
    assert_eq!(
        missing,
        format!("/nowhere/api.yaml: found a file that cannot be read (entity not found), expected {kinds}")
    );
}

#[test]
fn a_document_that_grows_or_nests_without_end_is_refused() {
    let nested = format!(
        "{{\"openapi\":\"3.0.0\",\"x\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(read_texts(&[&nested]).is_err());
    let nested = format!(
        "openapi: 3.0.0\nx: {}{}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(read_texts(&[&nested]).is_err());
    // Ten aliases of ten aliases of ten aliases, and so on.
    let mut laughs = "openapi: 3.0.0\nl0: &l0 [x]\n".to_owned();
    for level in 1..10 {
        let before = vec![format!("*l{}", level - 1); 10].join(", ");
        laughs += &format!("l{level}: &l{level} [{before}]\n");
    }
    assert!(read_texts(&[&(laughs + "paths: { /a: {} }\n")]).is_err());
    let many: String = (0..=ROUTES_MAX)
        .map(|number| format!("  /{number}: {{}}\n"))
        .collect();
    let told = read_texts(&[&format!("openapi: 3.0.0\npaths:\n{many}")]).unwrap_err();
    assert_eq!(
        told,
        format!("0: too many paths, at most {ROUTES_MAX} routes in all documents")
    );
    let large = " ".repeat(DOCUMENT_BYTES_MAX as usize + 1);
    assert_eq!(
        read_texts(&[&large]).unwrap_err(),
        "0: 20971521 bytes, at most 20971520"
    );
}

#[test]
fn variables_and_bases_that_multiply_are_cut_and_refused_as_too_long() {
    // Each value holds the next variable ten times: 10^20 bytes, were they filled in.
    let mut variables = "z: { default: x }".to_owned();
    let mut url = "{z}".to_owned();
    for letter in 'a'..='t' {
        let next = char::from(u8::try_from(letter).unwrap() + 1);
        variables += &format!(
            ", {letter}: {{ default: \"{}\" }}",
            format!("{{{next}}}").repeat(10)
        );
        url += &format!("{{{letter}}}");
    }
    let servers = format!("servers: [{{ url: \"/{url}\", variables: {{ {variables} }} }}]");
    let long = "x".repeat(1_000_000);
    for text in [
        format!("openapi: 3.0.0\n{servers}\npaths: {{ /a: {{}} }}\n"),
        format!("swagger: 2.0\nbasePath: /{long}\npaths: {{ /a: {{}} }}\n"),
        format!("{{\"openapi\":\"3.0.0\",\"paths\":{{\"/{long}\":{{}}}}}}"),
    ] {
        let told = read_texts(&[&text]).unwrap_err();
        assert!(told.ends_with("at most 2048 bytes"), "{told}");
    }
}

#[test]
fn a_document_of_thousands_of_paths_is_read_as_json_and_as_yaml() {
    let (mut json, mut yaml) = (String::new(), String::new());
    for number in 0..3000 {
        let path = format!("/api/kind-{number}/{{id}}/part");
        json += &format!(
            ",\"{path}\":{{\"get\":{{\"responses\":{{\"200\":{{\"description\":\"{}\"}}}}}}}}",
            "x".repeat(500)
        );
        yaml += &format!(
            "  {path}:\n    get:\n      responses:\n        \"200\": {{ description: {} }}\n",
            "x".repeat(500)
        );
    }
    let json = format!("{{\"openapi\":\"3.0.0\",\"paths\":{{\"/\":{{}}{json}}}}}");
    let yaml = format!("openapi: 3.0.0\npaths:\n  /: {{}}\n{yaml}");
    let read = read_texts(&[&json]).unwrap();
    assert_eq!(read.len(), 3001);
    assert_eq!(read_texts(&[&yaml]).unwrap(), read);
}
