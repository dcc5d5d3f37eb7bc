//! WorkflowTemplates.

use axum::extract::{Path, Query, Request};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use steading_api::access::{Kind, Verb};
use steading_control::error::ControlError;
use steading_control::templates::Expect;
use steading_domain::selector::LabelSelector;
use steading_spec::{Document, Limits, Mode};
use steading_store::{Owner, Seq, Template, Tenants};
use steading_types::TenantName;

use super::error::ArgoProblem;
use super::fields::Fields;
use super::info::answer;
use super::list::Pairs;
use super::request::Asking;
use super::workflows::{CreateOptions, same_namespace};
use crate::problem::Problem;
use crate::route::read_json;
use steading_control::view::time;

type Answer = Result<Response, ArgoProblem>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TemplateRequest {
    template: Option<Value>,
    create_options: Option<CreateOptions>,
}

fn shown(tenant: &TenantName, row: Template) -> Value {
    let mut object = row.object;
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("namespace".to_owned(), json!(tenant.namespace()));
        metadata.insert("resourceVersion".to_owned(), json!(row.version.to_string()));
        metadata.insert("creationTimestamp".to_owned(), time(row.created));
        metadata.insert(
            "uid".to_owned(),
            json!(uid(tenant, row.name.as_str(), row.created.get())),
        );
    }
    object
}

/// A template's uid: made from what never changes about it.
fn uid(tenant: &TenantName, name: &str, created: u64) -> String {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in tenant
        .as_str()
        .bytes()
        .chain([0])
        .chain(name.bytes())
        .chain(created.to_be_bytes())
    {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    steading_types::RunId::from_bytes(hash.to_be_bytes())
        .uid()
        .to_string()
}

pub(super) async fn list_all(asking: Asking, Query(pairs): Query<Pairs>) -> Answer {
    let tenants = match asking.everywhere() {
        Tenants::All => asking.app.control().tenants().map_err(Problem::from)?,
        Tenants::Of(tenants) => tenants,
    };
    list_of(&asking, &tenants, &pairs)
}

pub(super) async fn list(
    asking: Asking,
    Path(namespace): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Read, Kind::Template)?;
    list_of(&asking, &[tenant], &pairs)
}

fn list_of(asking: &Asking, tenants: &[TenantName], pairs: &Pairs) -> Answer {
    let get = |name: &str| pairs.get(name).map(String::as_str).unwrap_or_default();
    let selector = LabelSelector::parse(get("listOptions.labelSelector"))
        .map_err(|e| Problem::request("request.selector", e.to_string()))?;
    let pattern = get("namePattern");
    let mut items = Vec::new();
    for tenant in tenants {
        for row in asking
            .app
            .control()
            .templates(&Owner::Tenant(tenant.clone()))
            .map_err(Problem::from)?
        {
            let labels = row
                .object
                .pointer("/metadata/labels")
                .cloned()
                .and_then(|labels| serde_json::from_value(labels).ok())
                .unwrap_or_default();
            if selector.matches(&labels) && row.name.as_str().contains(pattern) {
                items.push(shown(tenant, row));
            }
        }
    }
    let seq = asking.app.control().store().latest().to_string();
    let items = if items.is_empty() {
        Value::Null
    } else {
        Value::Array(items)
    };
    let list = json!({"metadata": {"resourceVersion": seq}, "items": items});
    Ok(answer(Fields::parse(get("fields")).filter(list)))
}

pub(super) async fn get(asking: Asking, Path((namespace, name)): Path<(String, String)>) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Read, Kind::Template)?;
    let row = known(&asking, &tenant, &name)?;
    Ok(answer(shown(&tenant, row)))
}

fn known(asking: &Asking, tenant: &TenantName, name: &str) -> Result<Template, Problem> {
    let missing = || ControlError::NoTemplate(name.chars().take(80).collect());
    let found = asking.app.control().template(
        &Owner::Tenant(tenant.clone()),
        &name.parse().map_err(|_| missing())?,
    )?;
    Ok(found.ok_or_else(missing)?)
}

fn document(object: Value, namespace: &str) -> Result<Document, Problem> {
    same_namespace(&object, namespace)?;
    let read = steading_spec::from_json(
        object,
        Some(steading_spec::Kind::WorkflowTemplate),
        Mode::Lenient,
        &Limits::default(),
    );
    Ok(read.map_err(ControlError::Invalid)?)
}

async fn body(request: Request, namespace: &str) -> Result<(Document, bool), Problem> {
    let wanted: TemplateRequest = read_json(request).await?;
    let object = wanted.template.filter(Value::is_object).ok_or_else(|| {
        Problem::request(
            "request.body",
            "workflow template was not found in the request body",
        )
    })?;
    let dry_run = wanted
        .create_options
        .and_then(|options| options.dry_run)
        .is_some_and(|kinds| !kinds.is_empty());
    Ok((document(object, namespace)?, dry_run))
}

pub(super) async fn create(
    asking: Asking,
    Path(namespace): Path<String>,
    request: Request,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Update, Kind::Template)?;
    let (document, dry_run) = body(request, &namespace).await?;
    if dry_run {
        asking
            .app
            .control()
            .check(&tenant, &document.object)
            .map_err(|faults| Problem::from(ControlError::Invalid(faults)))?;
        return Ok(answer(document.raw));
    }
    let row = asking
        .app
        .control()
        .put_template(&tenant, document, Expect::Absent)
        .await
        .map_err(Problem::from)?;
    Ok(answer(shown(&tenant, row)))
}

pub(super) async fn lint(
    asking: Asking,
    Path(namespace): Path<String>,
    request: Request,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Read, Kind::Template)?;
    let (document, _) = body(request, &namespace).await?;
    asking
        .app
        .control()
        .check(&tenant, &document.object)
        .map_err(|faults| Problem::from(ControlError::Invalid(faults)))?;
    Ok(answer(document.raw))
}

pub(super) async fn update(
    asking: Asking,
    Path((namespace, name)): Path<(String, String)>,
    request: Request,
) -> Answer {
    replace(asking, namespace, Some(name), request).await
}

/// The CLI leaves the name out of the path: it stands in the body.
pub(super) async fn update_unnamed(
    asking: Asking,
    Path(namespace): Path<String>,
    request: Request,
) -> Answer {
    replace(asking, namespace, None, request).await
}

async fn replace(
    asking: Asking,
    namespace: String,
    name: Option<String>,
    request: Request,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Update, Kind::Template)?;
    let (document, _) = body(request, &namespace).await?;
    let inner = document
        .raw
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if name.is_some_and(|name| name != inner) {
        return Err(Problem::request(
            "request.name",
            "the name of the path and that of the object differ",
        )
        .into());
    }
    known(&asking, &tenant, &inner)?;
    let version = document
        .raw
        .pointer("/metadata/resourceVersion")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    let expect = match version {
        None => Expect::Anything,
        Some(text) => Expect::Version(Seq(text.parse().map_err(|_| {
            Problem::request(
                "request.version",
                "metadata.resourceVersion is not one of ours",
            )
        })?)),
    };
    let row = asking
        .app
        .control()
        .put_template(&tenant, document, expect)
        .await
        .map_err(Problem::from)?;
    Ok(answer(shown(&tenant, row)))
}

pub(super) async fn delete(
    asking: Asking,
    Path((namespace, name)): Path<(String, String)>,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Delete, Kind::Template)?;
    asking
        .app
        .control()
        .delete_template(&Owner::Tenant(tenant), &name)
        .await
        .map_err(Problem::from)?;
    Ok(answer(json!({})))
}
