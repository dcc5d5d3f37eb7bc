//! The OpenAPI 3.1 document, made from the operation table and the wire types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use steading_api::BASE;
use steading_api::error::ErrorBody;
use steading_api::operation::{Delivery, Operation};
use steading_api::operations::{Visitor, visit};

/// The document; made anew on each call, which is cheap.
pub fn document() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
    let mut paths = Paths {
        generator: settings.into_generator(),
        paths: Map::new(),
    };
    let error = paths.generator.subschema_for::<ErrorBody>();
    visit(&mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Steading", "version": env!("CARGO_PKG_VERSION"), "description": "Pipelines in one program."},
        "servers": [{"url": BASE}],
        "security": [{"bearer": []}, {"cookie": []}],
        "paths": paths.paths,
        "components": {
            "schemas": paths.generator.take_definitions(true),
            "responses": {"Refused": {"description": "Why not, and what to do.", "content": {"application/json": {"schema": error}}}},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}, "cookie": {"type": "apiKey", "in": "cookie", "name": crate::auth::SESSION_COOKIE}},
        },
    })
}

struct Paths {
    generator: SchemaGenerator,
    paths: Map<String, Value>,
}

impl Visitor for Paths {
    fn visit<O>(&mut self)
    where
        O: Operation,
        O::Query: JsonSchema,
        O::Body: JsonSchema,
        O::Answer: JsonSchema,
    {
        let row = O::ROW;
        let answer = self.generator.subschema_for::<O::Answer>();
        let media = match row.delivery {
            Delivery::Events => "text/event-stream",
            Delivery::Bytes => "*/*",
            Delivery::Json | Delivery::Upload => "application/json",
        };
        let answer = match row.delivery {
            Delivery::Bytes => json!({"type": "string", "format": "binary"}),
            _ => json!(answer),
        };
        let mut operation = json!({
            "operationId": row.id,
            "summary": row.summary.trim(),
            "parameters": self.parameters::<O>(),
            "x-permission": {"verb": row.verb, "kind": row.kind, "reach": row.reach},
            "x-errors": row.errors,
            "responses": {"200": {"description": "Done.", "content": {media: {"schema": answer}}}, "default": {"$ref": "#/components/responses/Refused"}},
        });
        if let (Some(body), Some(object)) = (self.body::<O>(), operation.as_object_mut()) {
            object.insert("requestBody".to_owned(), body);
        }
        let path = self.paths.entry(row.path).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(row.method.as_str().to_ascii_lowercase(), operation);
        }
    }
}

impl Paths {
    fn parameters<O: Operation>(&mut self) -> Vec<Value>
    where
        O::Query: JsonSchema,
    {
        let in_path = O::ROW
            .path
            .split('/')
            .filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'));
        let mut parameters: Vec<Value> =
            in_path.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})).collect();
        let query = SchemaSettings::draft2020_12()
            .with(|s| s.inline_subschemas = true)
            .into_generator()
            .into_root_schema_for::<O::Query>();
        let required: Vec<&str> = query
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, schema) in query
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            parameters.push(json!({"name": name, "in": "query", "required": required.contains(&name.as_str()), "schema": schema}));
        }
        parameters
    }

    fn body<O: Operation>(&mut self) -> Option<Value>
    where
        O::Body: JsonSchema,
    {
        if O::ROW.delivery == Delivery::Upload {
            return Some(
                json!({"required": true, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}),
            );
        }
        let schema = self.generator.subschema_for::<O::Body>();
        let empty = schema.get("type").and_then(Value::as_str) == Some("null");
        (!empty)
            .then(|| json!({"required": true, "content": {"application/json": {"schema": schema}}}))
    }
}

#[cfg(test)]
mod tests {
    use steading_api::operations::TABLE;

    #[test]
    fn the_document_holds_every_operation_once() {
        let document = super::document();
        let operations: usize = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .map(|p| p.as_object().unwrap().len())
            .sum();
        assert_eq!(operations, TABLE.len());
        assert!(document["components"]["schemas"]["RunSummary"].is_object());
        assert_eq!(
            document["paths"]["/tenants/{tenant}/runs"]["get"]["parameters"][0]["name"],
            "tenant"
        );
    }
}
