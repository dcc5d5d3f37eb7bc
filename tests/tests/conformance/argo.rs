//! Argo's REST face as its clients use it: untyped JSON over bearer tokens.

use anyhow::{Context, Result, ensure};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use steading_api::access::Role;
use steading_api::operation::Method;
use steading_tests::wait;

use crate::world::{Site, Who};

/// Our tenant's namespace.
pub(crate) const NAMESPACE: &str = "wf-red";

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The body of a success.
    pub(crate) fn good(self) -> Result<Value> {
        ensure!(self.status == 200, "{}: {}", self.status, self.body);
        Ok(self.body)
    }

    /// Checks that it is a refusal in Argo's shape; gives its sentence.
    pub(crate) fn refused(self, status: u16, code: u64) -> Result<String> {
        let text = format!("{}: {}", self.status, self.body);
        ensure!(self.status == status, "{status} expected, not {text}");
        ensure!(self.body["code"] == code, "code {code} expected: {text}");
        ensure!(
            !self.headers.contains_key("grpc-metadata-argo-version"),
            "a refusal tells the version"
        );
        let message = self.body["message"].as_str();
        Ok(message.context("no message")?.to_owned())
    }
}

/// One principal at Argo's face.
#[derive(Clone, Copy)]
pub(crate) struct Argo<'a> {
    site: &'a Site,
    who: Who,
}

impl<'a> Argo<'a> {
    pub(crate) fn new(site: &'a Site, who: Who) -> Self {
        Self { site, who }
    }

    /// Our tenant's maintainer.
    pub(crate) fn maintainer(site: &'a Site) -> Self {
        Self::new(site, Who::Member(Role::Maintainer))
    }

    /// Sends a request below `/api/v1`; a `null` body sends none.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Value) -> Result<Answer> {
        let client = self.site.as_a(self.who);
        let mut request = client.request(method, &format!("/api/v1{path}"));
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer> {
        self.send(Method::Get, path, Value::Null).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Result<Answer> {
        self.send(Method::Put, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Answer> {
        self.send(Method::Delete, path, Value::Null).await
    }

    /// Creates a workflow; gives its name.
    pub(crate) async fn create(&self, workflow: Value) -> Result<String> {
        let body = json!({"namespace": NAMESPACE, "workflow": workflow, "createOptions": {}});
        let path = format!("/workflows/{NAMESPACE}");
        let made = self.send(Method::Post, &path, body).await?.good()?;
        let name = made.pointer("/metadata/name").and_then(Value::as_str);
        Ok(name.context("a workflow without a name")?.to_owned())
    }

    /// Waits until a workflow's object satisfies a condition.
    pub(crate) async fn until(&self, name: &str, holds: impl Fn(&Value) -> bool) -> Result<Value> {
        let path = format!("/workflows/{NAMESPACE}/{name}");
        let mut last = Value::Null;
        let waited = wait::until(name, async || {
            last = self.get(&path).await?.good()?;
            Ok(holds(&last).then(|| last.clone()))
        })
        .await;
        waited.with_context(|| format!("{name} is {:#}", last["status"]))
    }

    /// Waits until a workflow is over.
    pub(crate) async fn ended(&self, name: &str) -> Result<Value> {
        self.until(name, |workflow| {
            let phase = workflow["status"]["phase"].as_str();
            matches!(phase, Some("Succeeded" | "Failed" | "Error"))
        })
        .await
    }

    /// Runs a workflow to its end.
    pub(crate) async fn ran(&self, workflow: Value) -> Result<Value> {
        let name = self.create(workflow).await?;
        self.ended(&name).await
    }

    /// The bytes of a stream that ends by itself.
    pub(crate) async fn stream(&self, path: &str, accept: &str) -> Result<(HeaderMap, String)> {
        let client = self.site.as_a(self.who);
        let request = client.request(Method::Get, &format!("/api/v1{path}"));
        let answer = request.header("accept", accept).send().await?;
        ensure!(answer.status() == 200, "{path}: {}", answer.status());
        Ok((answer.headers().clone(), answer.text().await?))
    }
}

/// A workflow of one container; its name begins with `name`.
pub(crate) fn one_step(name: &str, image: &str, command: &[&str]) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": format!("{name}-")},
        "spec": {"entrypoint": "main", "templates": [
            {"name": "main", "container": {"image": image, "command": command}},
        ]},
    })
}

/// Waits for a person, then does one step.
pub(crate) fn gated(name: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
        "metadata": {"generateName": format!("{name}-"), "labels": {"test": name}},
        "spec": {"entrypoint": "main", "onExit": "farewell", "templates": [
            {"name": "main", "steps": [
                [{"name": "approve", "template": "approve"}],
                [{"name": "work", "template": "work"}],
            ]},
            {"name": "approve", "suspend": {}},
            {"name": "work", "container": {"image": "busybox", "command": ["echo", "worked"]}},
            {"name": "farewell", "container": {"image": "busybox", "command": ["echo", "bye"]}},
        ]},
    })
}

/// Whether a node of that display name is in that phase.
pub(crate) fn node_is(workflow: &Value, display_name: &str, phase: &str) -> bool {
    let nodes = workflow["status"]["nodes"].as_object();
    nodes.is_some_and(|nodes| {
        nodes
            .values()
            .any(|node| node["displayName"] == display_name && node["phase"] == phase)
    })
}
