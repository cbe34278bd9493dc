//! The OpenAPI document, made from the route table: what a route says of itself, and what they say together.

use super::{Access, Route, Verb};
use crate::problem::Problem;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, InfoBuilder, LicenseBuilder, OpenApiBuilder, PathItem, Ref, RefOr, Required,
    Response, ResponseBuilder, Schema,
};
use utoipa::{IntoParams, ToSchema};

/// What is said of the whole API.
const DESCRIPTION: &str = "Alerts, clients, decisions and orders of Portcullis. Times are RFC 3339 in UTC. \
    Texts that a client of a gateway chose are neutralised: control, C1, bidirectional and invisible characters \
    are written as their code. Errors are `application/problem+json` (RFC 9457). Lists come newest first in \
    slices: pass `next` as `cursor` for the following one.";

/// What a route says of itself.
pub(crate) struct Doc {
    operation: OperationBuilder,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Doc {
    /// Begins with the operation's name and one sentence.
    pub(crate) fn new(id: &str, summary: &str) -> Self {
        let operation = OperationBuilder::new()
            .operation_id(Some(id))
            .summary(Some(summary));
        Self {
            operation,
            schemas: Vec::new(),
        }
    }

    /// The parameters of the query.
    pub(crate) fn query<Q: IntoParams>(mut self) -> Self {
        for parameter in Q::into_params(|| Some(ParameterIn::Query)) {
            self.operation = self.operation.parameter(parameter);
        }
        self
    }

    /// A parameter of the path.
    pub(crate) fn path(mut self, name: &str, description: &str) -> Self {
        self.operation = self
            .operation
            .parameter(text_parameter(name, ParameterIn::Path, description));
        self
    }

    /// A header that is read.
    pub(crate) fn header(mut self, name: &str, description: &str) -> Self {
        self.operation = self
            .operation
            .parameter(text_parameter(name, ParameterIn::Header, description));
        self
    }

    /// The body of the request, as JSON.
    pub(crate) fn body<B: ToSchema>(mut self) -> Self {
        let content = ContentBuilder::new().schema(Some(self.reference::<B>())).build();
        let body = RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(Required::True));
        self.operation = self.operation.request_body(Some(body.build()));
        self
    }

    /// The body of the request, as text.
    pub(crate) fn text_body(mut self, description: &str) -> Self {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let content = ContentBuilder::new().schema(Some(Schema::from(text))).build();
        let body = RequestBodyBuilder::new()
            .description(Some(description))
            .content("text/plain", content.clone())
            .content("application/x-ndjson", content.clone())
            .content("application/json", content)
            .required(Some(Required::True));
        self.operation = self.operation.request_body(Some(body.build()));
        self
    }

    /// An answer in JSON.
    pub(crate) fn answers<T: ToSchema>(mut self, status: u16, description: &str) -> Self {
        let schema = RefOr::Ref(self.reference::<T>());
        self.answer(status, "application/json", schema, description)
    }

    /// A slice of a list in JSON.
    pub(crate) fn answers_slice<T: ToSchema>(mut self, description: &str) -> Self {
        let items = ArrayBuilder::new().items(self.reference::<T>());
        let next = OneOfBuilder::new()
            .item(ObjectBuilder::new().schema_type(Type::Null))
            .item(ObjectBuilder::new().schema_type(Type::String))
            .description(Some("`cursor` of the following slice; null at the end."));
        let slice = ObjectBuilder::new()
            .property("items", items)
            .required("items")
            .property("next", next)
            .required("next");
        self.answer(200, "application/json", RefOr::T(slice.into()), description)
    }

    /// An answer that is no JSON.
    pub(crate) fn answers_text(self, content: &str, description: &str) -> Self {
        let text = ObjectBuilder::new().schema_type(Type::String);
        self.answer(200, content, RefOr::T(text.into()), description)
    }

    /// An answer without a body.
    pub(crate) fn answers_nothing(mut self, description: &str) -> Self {
        let response = ResponseBuilder::new().description(description).build();
        self.operation = self.operation.response("204", response);
        self
    }

    fn answer(mut self, status: u16, content: &str, schema: RefOr<Schema>, description: &str) -> Self {
        let body = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new()
            .description(description)
            .content(content, body)
            .build();
        self.operation = self.operation.response(status.to_string(), response);
        self
    }

    /// Takes the type and what it refers to into the document, and refers to it.
    fn reference<T: ToSchema>(&mut self) -> Ref {
        let name = T::name().into_owned();
        T::schemas(&mut self.schemas);
        self.schemas.push((name.clone(), T::schema()));
        Ref::from_schema_name(name)
    }
}

fn text_parameter(name: &str, place: ParameterIn, description: &str) -> Parameter {
    let required = match place {
        ParameterIn::Path => Required::True,
        _ => Required::False,
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

/// The document of a table, as indented JSON.
pub(crate) fn document(table: &[Route]) -> String {
    let mut paths = PathsBuilder::new();
    let mut components = ComponentsBuilder::new();
    for route in table {
        let doc = (route.doc)();
        let operation = complete(doc.operation, route);
        paths = paths.path(route.path, PathItem::new(method(route.verb), operation));
        components = components.schemas_from_iter(doc.schemas);
    }
    components = components.schema_from::<Problem>();
    for (name, scheme) in security_schemes() {
        components = components.security_scheme(name, scheme);
    }
    let license = LicenseBuilder::new().name(env!("CARGO_PKG_LICENSE")).build();
    let info = InfoBuilder::new()
        .title("Portcullis")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(license));
    let document = OpenApiBuilder::new()
        .info(info.build())
        .paths(paths)
        .components(Some(components.build()))
        .build();
    let mut json = document
        .to_pretty_json()
        .expect("the document is plain data: serialising it to memory cannot fail");
    json.push('\n');
    json
}

/// Adds what every operation has: its group, the role it takes, and how it fails.
fn complete(operation: OperationBuilder, route: &Route) -> OperationBuilder {
    let schemes =
        security_schemes().map(|(name, _)| SecurityRequirement::new::<_, [&str; 0], &str>(name, []));
    let operation = match route.access {
        // An empty list takes the requirement away.
        Access::Anyone => operation.securities(Some([])).description(Some("Needs no key.")),
        Access::Only(role) => operation.securities(Some(schemes)).description(Some(format!(
            "Needs a key of the role `{}`, and no other.",
            role.as_str()
        ))),
        Access::AtLeast(role) => operation.securities(Some(schemes)).description(Some(format!(
            "Needs a key of the role `{}` or of one that may do more.",
            role.as_str()
        ))),
    };
    let tag = route
        .path
        .trim_start_matches("/api/v1/")
        .trim_matches('/')
        .split('/')
        .next();
    let problem = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(Problem::name())))
        .build();
    let failure: Response = ResponseBuilder::new()
        .description("Why it was refused or failed.")
        .content("application/problem+json", problem)
        .build();
    operation.tags(tag.map(|tag| [tag])).response("default", failure)
}

fn security_schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let header = ApiKey::Header(ApiKeyValue::new("X-Api-Key"));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::auth::SESSION_COOKIE));
    [
        ("bearer", SecurityScheme::Http(bearer)),
        ("api_key", SecurityScheme::ApiKey(header)),
        ("session", SecurityScheme::ApiKey(cookie)),
    ]
}

fn method(verb: Verb) -> HttpMethod {
    match verb {
        Verb::Get => HttpMethod::Get,
        Verb::Post => HttpMethod::Post,
        Verb::Delete => HttpMethod::Delete,
    }
}
