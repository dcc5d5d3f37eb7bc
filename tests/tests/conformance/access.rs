//! The access matrix: every operation x everybody x our tenant, theirs and one that does not exist, against
//! rules that were decided by people and stand here, apart from the code that decides.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use steading_api::BASE;
use steading_api::access::Role::{Maintainer, Submitter, Viewer};
use steading_api::access::{Reach, Role};
use steading_api::operation::{Method, Row};
use steading_api::operations::TABLE;
use steading_tests::Client;

use crate::argo::{Argo, one_step};
use crate::world::{OURS, Site, THEIRS, Who, World};

trials![
    every_native_operation_admits_exactly_whom_it_should,
    every_argo_route_admits_exactly_whom_it_should,
    what_belongs_to_another_tenant_looks_like_nothing,
    only_reviewed_paths_answer_without_a_token,
];

/// Exists nowhere.
const NOWHERE: &str = "nowhere";

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Nobody needs to be known.
    Public,
    /// Whoever has a token.
    Known,
    /// This role in the tenant of the path, or a higher one.
    Least(Role),
    /// The site's operator alone.
    Site,
}

/// Reviewed: a new operation belongs in here before it is served.
const RULES: &[(Rule, &[&str])] = &[
    (Rule::Public, &["CreateSession"]),
    (
        Rule::Known,
        &[
            "DeleteSession",
            "GetMe",
            "CreateLoginLink",
            "ListTenants",
            "ListClusterTemplates",
            "GetClusterTemplate",
            "ListImages",
            "GetImage",
        ],
    ),
    (
        Rule::Least(Viewer),
        &[
            "ListRuns",
            "GetRun",
            "GetRunObject",
            "ListNodes",
            "GetLogs",
            "FollowLogs",
            "ListArtifacts",
            "GetArtifact",
            "ListArtifactFiles",
            "FollowChanges",
            "Lint",
            "ListTemplates",
            "GetTemplate",
            "ListConfigMaps",
            "GetConfigMap",
            "ListSecrets",
            "GetSecret",
            "ListClaims",
            "GetClaim",
            "ListMemos",
            "ListRunEvents",
            "ListLocks",
            "ListLimits",
        ],
    ),
    (
        Rule::Least(Submitter),
        &[
            "SubmitRun",
            "DeleteRun",
            "SuspendRun",
            "ResumeRun",
            "StopRun",
            "TerminateRun",
            "SetNodes",
            "RetryRun",
            "ResubmitRun",
            "ClearMemos",
            "SkipNodes",
        ],
    ),
    (
        Rule::Least(Maintainer),
        &[
            "Apply",
            "DeleteTemplate",
            "DeleteConfigMap",
            "DeleteSecret",
            "DeleteClaim",
            "SetLimit",
        ],
    ),
    (
        Rule::Site,
        &[
            "CreateTenant",
            "CreateToken",
            "DeleteToken",
            "DeleteClusterTemplate",
            "ImportImage",
            "TagImage",
            "DeleteImage",
            "CollectImages",
            "GetDoctor",
        ],
    ),
];

/// Argo's routes below `/api/v1`; `{ns}` is the namespace.
const ARGO: &[(Rule, Method, &str)] = &[
    (Rule::Known, Method::Get, "/info"),
    (Rule::Known, Method::Get, "/version"),
    (Rule::Known, Method::Get, "/userinfo"),
    (Rule::Known, Method::Get, "/workflows/"),
    (Rule::Known, Method::Get, "/workflow-templates/"),
    (Rule::Known, Method::Get, "/workflow-events/"),
    (Rule::Known, Method::Get, "/cron-workflows/{ns}"),
    (Rule::Known, Method::Get, "/cluster-workflow-templates"),
    (Rule::Known, Method::Get, "/cluster-workflow-templates/none"),
    (
        Rule::Known,
        Method::Post,
        "/cluster-workflow-templates/lint",
    ),
    (Rule::Site, Method::Post, "/cluster-workflow-templates"),
    (Rule::Site, Method::Put, "/cluster-workflow-templates/"),
    (Rule::Site, Method::Put, "/cluster-workflow-templates/none"),
    (
        Rule::Site,
        Method::Delete,
        "/cluster-workflow-templates/none",
    ),
    (Rule::Least(Viewer), Method::Get, "/workflows/{ns}"),
    (Rule::Least(Viewer), Method::Post, "/workflows/{ns}/lint"),
    (Rule::Least(Viewer), Method::Get, "/workflows/{ns}/none"),
    (Rule::Least(Viewer), Method::Get, "/workflows/{ns}/none/log"),
    (
        Rule::Least(Viewer),
        Method::Get,
        "/workflows/{ns}/none/pod/log",
    ),
    (Rule::Least(Viewer), Method::Get, "/workflow-events/{ns}"),
    (Rule::Least(Viewer), Method::Get, "/workflow-templates/{ns}"),
    (
        Rule::Least(Viewer),
        Method::Get,
        "/workflow-templates/{ns}/none",
    ),
    (
        Rule::Least(Viewer),
        Method::Post,
        "/workflow-templates/{ns}/lint",
    ),
    (Rule::Least(Submitter), Method::Post, "/workflows/{ns}"),
    (
        Rule::Least(Submitter),
        Method::Post,
        "/workflows/{ns}/submit",
    ),
    (
        Rule::Least(Submitter),
        Method::Delete,
        "/workflows/{ns}/none",
    ),
    (
        Rule::Least(Submitter),
        Method::Put,
        "/workflows/{ns}/none/suspend",
    ),
    (
        Rule::Least(Submitter),
        Method::Put,
        "/workflows/{ns}/none/resume",
    ),
    (
        Rule::Least(Submitter),
        Method::Put,
        "/workflows/{ns}/none/stop",
    ),
    (
        Rule::Least(Submitter),
        Method::Put,
        "/workflows/{ns}/none/terminate",
    ),
    (
        Rule::Least(Submitter),
        Method::Put,
        "/workflows/{ns}/none/retry",
    ),
    (
        Rule::Least(Submitter),
        Method::Put,
        "/workflows/{ns}/none/resubmit",
    ),
    (
        Rule::Least(Maintainer),
        Method::Post,
        "/workflow-templates/{ns}",
    ),
    (
        Rule::Least(Maintainer),
        Method::Put,
        "/workflow-templates/{ns}/",
    ),
    (
        Rule::Least(Maintainer),
        Method::Put,
        "/workflow-templates/{ns}/none",
    ),
    (
        Rule::Least(Maintainer),
        Method::Delete,
        "/workflow-templates/{ns}/none",
    ),
];

/// How access ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Refused later or not at all.
    Admitted,
    /// 401.
    Unknown,
    /// 403.
    Denied,
    /// 404, as if there were no such tenant.
    Hidden,
}

fn expected(rule: Rule, who: Who, tenant: &str) -> Verdict {
    if rule == Rule::Public {
        return Verdict::Admitted;
    }
    if matches!(who, Who::Nobody | Who::Forger) {
        return Verdict::Unknown;
    }
    let least = match rule {
        Rule::Public | Rule::Known => return Verdict::Admitted,
        Rule::Site if who == Who::Operator => return Verdict::Admitted,
        Rule::Site => return Verdict::Denied,
        Rule::Least(role) => role,
    };
    let role = match who {
        Who::Operator if tenant != NOWHERE => Role::Admin,
        Who::Stranger if tenant == THEIRS => Role::Admin,
        Who::Member(role) if tenant == OURS => role,
        _ => return Verdict::Hidden,
    };
    if role >= least {
        Verdict::Admitted
    } else {
        Verdict::Denied
    }
}

/// An answer without the parts that a name changes.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    body: Value,
}

impl Seen {
    fn verdict(&self, rule: Rule) -> Verdict {
        let said = self.body.to_string();
        let hidden = said.contains("tenant.not-found") || said.contains("namespaces \\\"");
        match self.status {
            401 if rule != Rule::Public => Verdict::Unknown,
            403 => Verdict::Denied,
            404 if hidden && rule != Rule::Site => Verdict::Hidden,
            _ => Verdict::Admitted,
        }
    }
}

async fn ask(client: &Client, method: Method, path: &str, names: &[&str]) -> Result<Seen> {
    let mut request = client.request(method, path);
    if matches!(method, Method::Post | Method::Put) {
        request = request.json(&json!({}));
    }
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    // A success may be an endless stream; only refusals are compared.
    if answer.status().is_success() {
        return Ok(Seen {
            status,
            body: Value::Null,
        });
    }
    let mut text = answer.text().await?;
    for name in names {
        text = text.replace(name, "NAME");
    }
    let body = serde_json::from_str(&text).with_context(|| format!("{path}: {text}"))?;
    Ok(Seen { status, body })
}

fn native(row: &Row, tenant: &str, run: &str) -> String {
    let path = row.path.replace("{tenant}", tenant).replace("{run}", run);
    format!("{BASE}{}", path.replace("{name}", "none"))
}

fn rule_of(row: &Row) -> Result<Rule> {
    let mut found = RULES.iter().filter(|(_, ids)| ids.contains(&row.id));
    let (rule, _) = found
        .next()
        .with_context(|| format!("{} is in no rule: decide who may call it", row.id))?;
    ensure!(found.next().is_none(), "{} is in two rules", row.id);
    Ok(*rule)
}

async fn every_native_operation_admits_exactly_whom_it_should(world: &World) -> Result<()> {
    let site = world.process().await?;
    let mut wrong = Vec::new();
    let mut cells = 0;
    for row in TABLE {
        let rule = rule_of(row)?;
        // It would end the callers' sessions, which others still use.
        let harmful = row.id == "DeleteSession";
        for who in Who::ALL {
            for tenant in [OURS, THEIRS, NOWHERE] {
                let wanted = expected(rule, who, tenant);
                if harmful && wanted == Verdict::Admitted {
                    continue;
                }
                let path = native(row, tenant, "none");
                let seen = ask(site.as_a(who), row.method, &path, &[]).await?;
                cells += 1;
                if seen.verdict(rule) != wanted {
                    wrong.push(format!(
                        "{} by {who:?} in {tenant}: {wanted:?}, not {seen:?}",
                        row.id
                    ));
                }
            }
        }
    }
    println!("{cells} cells of the native matrix");
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

async fn every_argo_route_admits_exactly_whom_it_should(world: &World) -> Result<()> {
    let site = world.process().await?;
    let mut wrong = Vec::new();
    for (rule, method, route) in ARGO {
        for who in Who::ALL {
            for tenant in [OURS, THEIRS, NOWHERE] {
                let path = format!("/api/v1{}", route.replace("{ns}", &format!("wf-{tenant}")));
                let seen = ask(site.as_a(who), *method, &path, &[]).await?;
                let wanted = expected(*rule, who, tenant);
                if seen.verdict(*rule) != wanted {
                    wrong.push(format!("{path} by {who:?}: {wanted:?}, not {seen:?}"));
                }
                if seen.status >= 400 {
                    let code = seen.body["code"].as_u64().unwrap_or_default();
                    ensure!(code > 0, "{path} by {who:?} has no code: {seen:?}");
                }
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// A finished run of our tenant: its name, id and uid.
async fn run_of_ours(site: &Site) -> Result<[String; 3]> {
    let argo = Argo::new(site, Who::Member(Submitter));
    let name = argo.create(one_step("secret", "host", &["true"])).await?;
    let object = argo.ended(&name).await?;
    let uid = object["metadata"]["uid"].as_str().context("no uid")?;
    let id = site.run(&name).await?.summary.id.to_string();
    Ok([name, id, uid.to_owned()])
}

async fn what_belongs_to_another_tenant_looks_like_nothing(world: &World) -> Result<()> {
    let site = world.process().await?;
    let stranger = site.as_a(Who::Stranger);
    let handles = run_of_ours(site).await?;
    for row in TABLE.iter().filter(|row| row.path.contains("{tenant}")) {
        for run in &handles {
            // Our tenant and one that does not exist.
            let ours = ask(stranger, row.method, &native(row, OURS, run), &[OURS]).await?;
            let path = native(row, NOWHERE, run);
            let missing = ask(stranger, row.method, &path, &[NOWHERE]).await?;
            ensure!(ours == missing, "{}: {ours:?} is not {missing:?}", row.id);
            // Our run, asked for in their own tenant, and one that does not exist.
            if row.path.contains("{run}") {
                let ours = ask(stranger, row.method, &native(row, THEIRS, run), &[run]).await?;
                let path = native(row, THEIRS, "absent");
                let missing = ask(stranger, row.method, &path, &["absent"]).await?;
                ensure!(ours == missing, "{}: {ours:?} is not {missing:?}", row.id);
                ensure!((400..500).contains(&ours.status), "{}: {ours:?}", row.id);
            }
        }
    }
    let [name, _, uid] = &handles;
    let argo = Argo::new(site, Who::Stranger);
    for path in [
        format!("/workflows/wf-blue/{name}"),
        format!("/workflows/wf-blue/any?uid={uid}"),
        format!("/workflows/wf-red/{name}"),
        format!("/workflows/wf-blue/{name}/log"),
    ] {
        argo.get(&path).await?.refused(404, 5)?;
    }
    let all = argo.get("/workflows/").await?.good()?;
    ensure!(!all.to_string().contains(name), "{all}");
    let still = site.run(name).await?;
    ensure!(
        still.summary.phase.completed(),
        "a stranger changed our run"
    );
    Ok(())
}

async fn only_reviewed_paths_answer_without_a_token(world: &World) -> Result<()> {
    const OPEN: &[&str] = &["/", "/healthz", "/readyz", "/api/steading/v1/openapi.json"];
    let site = world.process().await?;
    let nobody = site.as_a(Who::Nobody);
    for path in OPEN {
        let answer = nobody.request(Method::Get, path).send().await?;
        // Without an embedded page the root says so with 404.
        let status = answer.status().as_u16();
        ensure!(status == 200 || *path == "/", "{path}: {status}");
    }
    let table = TABLE.iter().filter(|row| row.reach != Reach::Public);
    let mut closed: Vec<_> = table
        .map(|row| (row.method, native(row, OURS, "none")))
        .collect();
    closed.extend(ARGO.iter().map(|(_, method, route)| {
        (
            *method,
            format!("/api/v1{}", route.replace("{ns}", "wf-red")),
        )
    }));
    for path in [
        "/metrics",
        "/api/v1/archived-workflows",
        "/api/v1/anything/at/all",
        "/api/v1/workflows/wf-red/x/healthz",
        "/api/steading/v1/me/",
        "/api/steading/v1/tenants/red/runs/readyz",
    ] {
        closed.push((Method::Get, path.to_owned()));
    }
    for (method, path) in closed {
        let answer = nobody.request(method, &path).send().await?;
        let status = answer.status().as_u16();
        let version = answer.headers().contains_key("grpc-metadata-argo-version");
        let nothing = status == 404 && !path.starts_with("/api/v1");
        if status != 401 && !nothing || version {
            bail!("{path} answers {status} to nobody");
        }
    }
    Ok(())
}
