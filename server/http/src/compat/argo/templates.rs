//! WorkflowTemplates of a namespace, and ClusterWorkflowTemplates of the site: the same operations on
//! another shelf.

pub(super) mod cluster;

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

/// Whose templates are meant.
struct Shelf {
    owner: Owner,
    /// Whose templates they may refer to.
    tenant: TenantName,
    /// As the path says it, where it does.
    namespace: Option<String>,
}

impl Shelf {
    fn of(tenant: TenantName, namespace: String) -> Self {
        Self {
            owner: Owner::Tenant(tenant.clone()),
            tenant,
            namespace: Some(namespace),
        }
    }

    fn kind(&self) -> steading_spec::Kind {
        match self.owner {
            Owner::Tenant(_) => steading_spec::Kind::WorkflowTemplate,
            Owner::Site => steading_spec::Kind::ClusterWorkflowTemplate,
        }
    }
}

fn shown(owner: &Owner, row: Template) -> Value {
    let (namespace, whose) = match owner {
        Owner::Tenant(tenant) => (Some(tenant.namespace()), tenant.as_str()),
        Owner::Site => (None, ""),
    };
    let mut object = row.object;
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        if let Some(namespace) = namespace {
            metadata.insert("namespace".to_owned(), json!(namespace));
        }
        metadata.insert("resourceVersion".to_owned(), json!(row.version.to_string()));
        metadata.insert("creationTimestamp".to_owned(), time(row.created));
        metadata.insert(
            "uid".to_owned(),
            json!(uid(whose, row.name.as_str(), row.created.get())),
        );
    }
    object
}

/// A template's uid: made from what never changes about it.
fn uid(whose: &str, name: &str, created: u64) -> String {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in whose
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
    let owners: Vec<Owner> = tenants.into_iter().map(Owner::Tenant).collect();
    list_of(&asking, &owners, &pairs)
}

pub(super) async fn list(
    asking: Asking,
    Path(namespace): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Read, Kind::Template)?;
    list_of(&asking, &[Owner::Tenant(tenant)], &pairs)
}

fn list_of(asking: &Asking, owners: &[Owner], pairs: &Pairs) -> Answer {
    let get = |name: &str| pairs.get(name).map(String::as_str).unwrap_or_default();
    let selector = LabelSelector::parse(get("listOptions.labelSelector"))
        .map_err(|e| Problem::request("request.selector", e.to_string()))?;
    let pattern = get("namePattern");
    let mut items = Vec::new();
    for owner in owners {
        let rows = asking.app.control().templates(owner);
        for row in rows.map_err(Problem::from)? {
            let labels = row
                .object
                .pointer("/metadata/labels")
                .cloned()
                .and_then(|labels| serde_json::from_value(labels).ok())
                .unwrap_or_default();
            if selector.matches(&labels) && row.name.as_str().contains(pattern) {
                items.push(shown(owner, row));
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
    let owner = Owner::Tenant(tenant);
    let row = known(&asking, &owner, &name)?;
    Ok(answer(shown(&owner, row)))
}

pub(super) fn known(asking: &Asking, owner: &Owner, name: &str) -> Result<Template, Problem> {
    let missing = || {
        let kinds = match owner {
            Owner::Tenant(_) => "workflowtemplates",
            Owner::Site => "clusterworkflowtemplates",
        };
        let name: String = name.chars().take(80).collect();
        let message = format!("{kinds}.argoproj.io \"{name}\" not found");
        Problem::not_found("template.not-found", message)
    };
    let name = name.parse().map_err(|_| missing())?;
    let found = asking.app.control().template(owner, &name)?;
    found.ok_or_else(missing)
}

async fn body(request: Request, shelf: &Shelf) -> Result<(Document, bool), Problem> {
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
    if let Some(namespace) = &shelf.namespace {
        same_namespace(&object, namespace)?;
    }
    let read = steading_spec::from_json(
        object,
        Some(shelf.kind()),
        Mode::Lenient,
        &Limits::default(),
    );
    Ok((read.map_err(ControlError::Invalid)?, dry_run))
}

pub(super) async fn create(
    asking: Asking,
    Path(namespace): Path<String>,
    request: Request,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Update, Kind::Template)?;
    create_on(&asking, &Shelf::of(tenant, namespace), request).await
}

async fn create_on(asking: &Asking, shelf: &Shelf, request: Request) -> Answer {
    let (document, dry_run) = body(request, shelf).await?;
    if dry_run {
        return checked(asking, shelf, document);
    }
    keep(asking, shelf, document, Expect::Absent).await
}

fn checked(asking: &Asking, shelf: &Shelf, document: Document) -> Answer {
    let control = asking.app.control();
    control
        .check(&shelf.tenant, &document.object)
        .map_err(|faults| Problem::from(ControlError::Invalid(faults)))?;
    Ok(answer(document.raw))
}

async fn keep(asking: &Asking, shelf: &Shelf, document: Document, expect: Expect) -> Answer {
    let control = asking.app.control();
    let row = control
        .put_template(&shelf.tenant, document, expect)
        .await
        .map_err(Problem::from)?;
    Ok(answer(shown(&shelf.owner, row)))
}

pub(super) async fn lint(
    asking: Asking,
    Path(namespace): Path<String>,
    request: Request,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Read, Kind::Template)?;
    lint_on(&asking, &Shelf::of(tenant, namespace), request).await
}

async fn lint_on(asking: &Asking, shelf: &Shelf, request: Request) -> Answer {
    let (document, _) = body(request, shelf).await?;
    checked(asking, shelf, document)
}

pub(super) async fn update(
    asking: Asking,
    Path((namespace, name)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Update, Kind::Template)?;
    replace_on(&asking, &Shelf::of(tenant, namespace), Some(name), request).await
}

/// The CLI leaves the name out of the path: it stands in the body.
pub(super) async fn update_unnamed(
    asking: Asking,
    Path(namespace): Path<String>,
    request: Request,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Update, Kind::Template)?;
    replace_on(&asking, &Shelf::of(tenant, namespace), None, request).await
}

async fn replace_on(
    asking: &Asking,
    shelf: &Shelf,
    name: Option<String>,
    request: Request,
) -> Answer {
    let (document, _) = body(request, shelf).await?;
    let text = |pointer: &str| {
        let value = document.raw.pointer(pointer);
        value.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let (inner, version) = (text("/metadata/name"), text("/metadata/resourceVersion"));
    if name.is_some_and(|name| name != inner) {
        return Err(Problem::request(
            "request.name",
            "the name of the path and that of the object differ",
        )
        .into());
    }
    known(asking, &shelf.owner, &inner)?;
    let expect = match version.as_str() {
        "" => Expect::Anything,
        text => Expect::Version(Seq(text.parse().map_err(|_| {
            Problem::request(
                "request.version",
                "metadata.resourceVersion is not one of ours",
            )
        })?)),
    };
    keep(asking, shelf, document, expect).await
}

pub(super) async fn delete(
    asking: Asking,
    Path((namespace, name)): Path<(String, String)>,
) -> Answer {
    let tenant = asking.tenant(&namespace, Verb::Delete, Kind::Template)?;
    delete_from(&asking, &Owner::Tenant(tenant), &name).await
}

async fn delete_from(asking: &Asking, owner: &Owner, name: &str) -> Answer {
    known(asking, owner, name)?;
    let control = asking.app.control();
    let gone = control.delete_template(owner, name).await;
    gone.map_err(Problem::from)?;
    Ok(answer(json!({})))
}
