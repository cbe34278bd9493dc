//! The list of settings as a JSON Schema (draft 2020-12), for editors.

use super::check::{inner_sections, key_of};
use super::document::{Node, Origin, Raw, parse_value};
use super::setting::{Fallback, Kind, Setting, format_names};
use super::settings::{SECTIONS, Section};
use serde_json::{Map, Value, json};

/// Writes the schema of a configuration file.
pub(crate) fn schema() -> Value {
    let mut root = Map::new();
    for section in SECTIONS.iter().filter(|section| !section.path.contains('.')) {
        root.insert(key_of(section.path).to_owned(), section_schema(section));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of Portcullis",
        "type": "object",
        "additionalProperties": false,
        "properties": root,
    })
}

fn section_schema(section: &Section) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for setting in section.settings {
        properties.insert(key_of(setting.path).to_owned(), setting_schema(setting));
        if matches!(setting.fallback, Fallback::Required(_)) {
            required.push(key_of(setting.path));
        }
    }
    for inner in inner_sections(section) {
        properties.insert(key_of(inner.path).to_owned(), section_schema(inner));
    }
    let table = json!({
        "description": section.about,
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "required": required,
    });
    if section.path.ends_with("[]") {
        json!({"type": "array", "items": table})
    } else {
        table
    }
}

fn setting_schema(setting: &Setting) -> Value {
    let mut schema = kind_schema(setting.kind);
    if let Value::Object(fields) = &mut schema {
        fields.insert("description".to_owned(), json!(setting.about));
        if let Fallback::Value(text) = setting.fallback {
            let node = parse_value(text, &Origin::Default);
            fields.insert("default".to_owned(), node.as_ref().map_or(Value::Null, json_of));
        }
    }
    schema
}

fn kind_schema(kind: Kind) -> Value {
    match kind {
        Kind::Text(bytes) => json!({"type": "string", "minLength": 1, "maxLength": bytes}),
        Kind::Choice(words) => json!({"enum": words}),
        Kind::ChoiceOrMoment(words) => {
            json!({"anyOf": [{"enum": words}, {"type": "string", "format": "date-time"}]})
        }
        Kind::Format => {
            let names: Vec<&str> = std::iter::once("auto").chain(format_names()).collect();
            let languages: Vec<&str> = ingest::LANGUAGES.iter().map(|language| language.name).collect();
            let written = format!("^({}):", languages.join("|"));
            json!({"anyOf": [{"enum": names}, {"type": "string", "pattern": written}]})
        }
        Kind::Integer(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Kind::Share => json!({"type": "number", "minimum": 0, "maximum": 1}),
        Kind::Switch => json!({"type": "boolean"}),
        Kind::List(inner, least, most) => {
            json!({"type": "array", "minItems": least, "maxItems": most, "items": kind_schema(*inner)})
        }
        Kind::Moment => json!({"type": "string", "format": "date-time"}),
        Kind::Secret | Kind::Key | Kind::Url(_) => json!({"oneOf": [
            {"type": "string", "minLength": 1},
            reference("file"),
            reference("env"),
        ]}),
        Kind::Listen
        | Kind::Remote
        | Kind::Range
        | Kind::Proxies
        | Kind::File
        | Kind::Pattern
        | Kind::Topic
        | Kind::TopicPattern => {
            json!({"type": "string", "minLength": 1})
        }
    }
}

fn reference(key: &str) -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {key: {"type": "string"}},
        "required": [key],
    })
}

fn json_of(node: &Node) -> Value {
    match &node.raw {
        Raw::Text(text) | Raw::Other(text) => json!(text),
        Raw::Integer(number) => json!(number),
        Raw::Float(number) => json!(number),
        Raw::Switch(is_on) => json!(is_on),
        Raw::List(nodes) => nodes.iter().map(json_of).collect(),
        Raw::Table(table) => Value::Object(
            table
                .iter()
                .map(|(key, node)| (key.clone(), json_of(node)))
                .collect(),
        ),
    }
}
