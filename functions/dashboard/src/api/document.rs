//! The API's document: what is said of it as a whole, and what holds for every route.

use spillway::domain::webhook::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, Content, ObjectBuilder, PathItem, PathsBuilder, Ref, RefOr, Required, Response, Schema, Type,
        path::{HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::AdditionalProperties,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::bodies::{
    DataKindBody, DeliveryBody, FormatBody, FrequencyKindBody, PartnerBody, StatusBody, VerdictBody,
};
use crate::problem::{ProblemBody, ProblemKind};

/// The schemas of variants that go in.
const CLOSED: [&str; 2] = ["Data", "Frequency"];

/// What the document says of the API as a whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Spillway",
        description = "Export to Google Cloud: events and user profiles, as files in a bucket of your own.\n\n\
                       Every refusal is `application/problem+json` (RFC 9457); its `type` is the address of a page that \
                       says what it means. 400 is a request that is not as this document says; 422 is one that is, and \
                       that the rules refuse. An account may ask so often a minute, then it gets 429 with `Retry-After`. \
                       Lists come in pages: send `next` as `cursor`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(
        ProblemBody<'_>, VerdictBody, DataKindBody, DeliveryBody, FormatBody, FrequencyKindBody, PartnerBody,
        StatusBody
    )),
    modifiers(&Login),
    tags(
        (name = "Account", description = "The account's settings"),
        (name = "Buckets", description = "Where the files go"),
        (name = "Data", description = "What there is to export"),
        (name = "Exports", description = "What is exported, and how often"),
        (name = "Runs", description = "What has been delivered"),
    ),
)]
struct Document;

/// People come with a token.
struct Login;

impl Modify for Login {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let mut bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
        bearer =
            bearer.description(Some("A token of the login provider; not needed on a laptop without login"));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
        document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
}

pub(super) fn begin() -> openapi::OpenApi {
    Document::openapi()
}

/// Where nobody logs in, nothing is said of tokens.
pub(super) fn without_login(document: &mut openapi::OpenApi) {
    document.security = None;
    if let Some(components) = &mut document.components {
        components.security_schemes.clear();
    }
}

/// Adds to every operation the problems that any request may meet, and those that follow from what it takes.
pub(super) fn complete(mut document: openapi::OpenApi) -> openapi::OpenApi {
    document.webhooks = Some(PathsBuilder::new().path("delivery", delivery()).build());
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        operations.into_iter().flatten().for_each(add_problems);
    }
    for name in CLOSED {
        let schema = document.components.as_mut().and_then(|components| components.schemas.get_mut(name));
        close_variants(schema);
    }
    document
}

/// What an account's webhook is told.
fn delivery() -> PathItem {
    let header = |name, description| {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(schema))
    };
    let body = Content::new(Some(Ref::from_schema_name("WebhookDelivery")));
    let operation = OperationBuilder::new()
        .tag("Account")
        .operation_id(Some("delivery"))
        .summary(Some("A run has begun or ended, or a bucket's incident has come to something."))
        .description(Some(
            "Sent to the account's webhook by POST. The signature is HMAC-SHA256, in base64, over \
             `<webhook-id>.<webhook-timestamp>.<body>`, by the bytes that the secret behind `whsec_` is in base64 \
             (Standard Webhooks). Refuse what is older than five minutes. A delivery that is not answered with a status \
             from 200 to 299 within ten seconds is repeated, less and less often, under the same id.",
        ))
        .parameter(header(ID_HEADER, "The delivery's id; a repeated one has the same."))
        .parameter(header(TIMESTAMP_HEADER, "The second, since 1970, at which it was sent."))
        .parameter(header(SIGNATURE_HEADER, "`v1,` and the signature; several with blanks between them."))
        .request_body(Some(
            RequestBodyBuilder::new().content("application/json", body).required(Some(Required::True)).build(),
        ))
        .response("2XX", Response::new("It is taken"));
    PathItem::new(HttpMethod::Post, operation)
}

/// Refuses unknown fields in the variants, as reading does; the derived schema says so of plain objects only.
fn close_variants(schema: Option<&mut RefOr<Schema>>) {
    let Some(RefOr::T(Schema::OneOf(variants))) = schema else { return };
    for variant in &mut variants.items {
        if let RefOr::T(Schema::Object(object)) = variant {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

fn add_problems(operation: &mut Operation) {
    use ProblemKind as K;
    let mut kinds = vec![
        K::MalformedRequest,
        K::Unauthorized,
        K::ReadOnly,
        K::WrongHost,
        K::TooManyRequests,
        K::Internal,
        K::Unavailable,
        K::Timeout,
    ];
    let parameters: Vec<_> = operation.parameters.iter().flatten().filter_map(inline).collect();
    if parameters.iter().any(|parameter| parameter.parameter_in == ParameterIn::Path) {
        kinds.push(K::NotFound);
    }
    if parameters.iter().any(|parameter| parameter.name == "If-Match") {
        kinds.extend([K::ChangedMeanwhile, K::IfMatchMissing]);
    }
    if operation.request_body.is_some() {
        kinds.extend([K::TooLarge, K::UnsupportedMediaType, K::Refused]);
    }
    let gives_lines = operation.responses.responses.values().filter_map(inline).any(|response| {
        !response.content.is_empty() && !response.content.contains_key("application/json")
            || response.content.len() > 1
    });
    if gives_lines {
        kinds.push(K::NotAcceptable);
    }
    for kind in kinds {
        let status = kind.status().as_str().to_owned();
        let known = operation.responses.responses.entry(status);
        known.or_insert_with(|| RefOr::T(Response::new(kind.title())));
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
        {
            let schema = Ref::from_schema_name("Problem");
            let content = RefOr::T(Content::new(Some(schema)));
            response.content.insert("application/problem+json".to_owned(), content);
        }
    }
}

fn inline<T>(item: &RefOr<T>) -> Option<&T> {
    match item {
        RefOr::T(item) => Some(item),
        RefOr::Ref(_) => None,
    }
}
