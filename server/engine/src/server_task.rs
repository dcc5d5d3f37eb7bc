//! From a node of an `http`, `data` or `resource` template to the work that the server does for it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use steading_spec::model::{
    Data, Http, HttpHeader, IntOrString, Parameter, ResourceTemplate, Template, TemplateType,
};
use steading_types::server_task::{
    Absence, Certificate, DataTask, HeaderValue, HttpTask, MergeStrategy, OutputQuery, Ownership,
    QuerySource, ResourceAction, ResourceTask, SecretKey, ServerTask, ServerWork,
};
use steading_types::{AttemptId, Millis};

use crate::error::EngineError;
use crate::run::Run;
use crate::scope::View;
use crate::text;

/// Argo's figure for a request that says nothing.
const HTTP_TIMEOUT: i64 = 30;

/// Who carries an attempt out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// A compute environment: ask [`Run::task`].
    Backend,
    /// The server itself: ask [`Run::server_task`].
    Server,
}

/// The parts of a template that are filled in for each attempt.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    http: Option<Http>,
    data: Option<Data>,
    resource: Option<ResourceTemplate>,
    active_deadline_seconds: Option<IntOrString>,
    outputs: Vec<Parameter>,
}

/// Collects those parts, once for a template.
pub(crate) fn body(template: &Template) -> Value {
    json!({
        "http": template.http,
        "data": template.data,
        "resource": template.resource,
        "activeDeadlineSeconds": template.active_deadline_seconds,
        "outputs": template.output_parameters(),
    })
}

impl Run {
    /// Who carries an attempt out.
    pub fn worker(&self, attempt: AttemptId) -> Worker {
        let template = self.live(attempt.node).and_then(|live| live.template);
        let template = template.and_then(|template| self.plan.template(template).ok());
        let served = template
            .and_then(Template::template_type)
            .is_some_and(TemplateType::is_served);
        if served {
            Worker::Server
        } else {
            Worker::Backend
        }
    }

    /// The work of an attempt that the server carries out. An error is reported to the run as the end of
    /// the attempt (`End::Unprepared`).
    ///
    /// # Errors
    /// [`EngineError`] when the attempt is over, or its template can not be filled in.
    pub fn server_task(&self, attempt: AttemptId, now: Millis) -> Result<ServerTask, EngineError> {
        let node = self.node(attempt.node).filter(|node| {
            node.kind.is_attempt() && !node.phase.completed() && self.attempt(node) == attempt
        });
        let node = node.ok_or(EngineError::NoAttempt)?;
        let template = self.live(node.ix).and_then(|live| live.template);
        let template = template.ok_or(EngineError::NoAttempt)?;
        let view = View::node(self, now, node.ix);
        let body = self.plan.sheet(template)?.body.as_ref();
        let filled = text::render_compiled(body.ok_or(EngineError::NoAttempt)?, &view)?;
        let body = Body::deserialize(&filled)
            .map_err(|error| EngineError::Value(format!("the filled-in template: {error}")))?;
        let deadline = body.active_deadline_seconds.as_ref();
        let deadline = deadline.map(|seconds| text::number(seconds, &view));
        let deadline = deadline.transpose()?.map(|seconds| {
            let whole = Millis(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000));
            let end = node.started.unwrap_or(now).plus(whole);
            end.since(now).max(Millis(1))
        });
        let outputs = body.outputs.into_iter().filter_map(query).collect();
        let work = match (body.http, body.data, body.resource) {
            (Some(http), _, _) => ServerWork::Http(http_task(http)?),
            (_, Some(data), _) => ServerWork::Data(data_task(data)),
            (_, _, Some(resource)) => ServerWork::Resource(resource_task(resource)?),
            _ => return Err(EngineError::NoAttempt),
        };
        Ok(ServerTask {
            work,
            outputs,
            deadline,
            priority: self.head.priority,
        })
    }
}

fn query(output: Parameter) -> Option<OutputQuery> {
    let from = output.value_from?;
    let source = if !from.json_path.is_empty() {
        QuerySource::JsonPath(from.json_path)
    } else if !from.expression.is_empty() {
        QuerySource::Expression(from.expression)
    } else {
        return None;
    };
    Some(OutputQuery {
        name: output.name,
        source,
    })
}

fn http_task(http: Http) -> Result<HttpTask, EngineError> {
    let seconds = http.timeout_seconds.unwrap_or(HTTP_TIMEOUT).max(1);
    let body = match http.body_from {
        Some(from) => STANDARD
            .decode(from.bytes.trim())
            .map_err(|_| EngineError::Value("http.bodyFrom.bytes is not base64".to_owned()))?,
        None => http.body.into_bytes(),
    };
    let method = if http.method.is_empty() {
        "GET".to_owned()
    } else {
        http.method
    };
    Ok(HttpTask {
        method,
        url: http.url,
        headers: http.headers.into_iter().map(header).collect(),
        body,
        timeout: Millis(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000)),
        certificate: if http.insecure_skip_verify {
            Certificate::Unverified
        } else {
            Certificate::Verified
        },
        success_condition: Some(http.success_condition).filter(|text| !text.is_empty()),
    })
}

fn header(header: HttpHeader) -> (String, HeaderValue) {
    let secret = header.value_from.and_then(|from| from.secret_key_ref);
    let value = match secret {
        Some(secret) => HeaderValue::Secret(SecretKey {
            name: secret.name,
            key: secret.key,
            absence: if secret.optional == Some(true) {
                Absence::Fine
            } else {
                Absence::Wrong
            },
        }),
        None => HeaderValue::Plain(header.value),
    };
    (header.name, value)
}

fn data_task(data: Data) -> DataTask {
    let place = data.source.and_then(|source| source.artifact_paths);
    let steps = data.transformation.into_iter();
    DataTask {
        source: serde_json::to_string(&place).unwrap_or_default(),
        transformation: steps.map(|step| step.expression).collect(),
    }
}

fn resource_task(resource: ResourceTemplate) -> Result<ResourceTask, EngineError> {
    let action = ResourceAction::parse(&resource.action).ok_or_else(|| {
        EngineError::Value(format!("'{}' is no action of a resource", resource.action))
    })?;
    Ok(ResourceTask {
        action,
        manifest: resource.manifest,
        merge: if resource.merge_strategy == "json" {
            MergeStrategy::Json
        } else {
            MergeStrategy::Merge
        },
        owner: if resource.set_owner_reference {
            Ownership::Run
        } else {
            Ownership::None
        },
        success_condition: resource.success_condition,
        failure_condition: resource.failure_condition,
    })
}
