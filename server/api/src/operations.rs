//! The table: every operation of the native API, each once.

use crate::access::{Kind, Reach, Verb};
use crate::artifact::{ArtifactFiles, ArtifactFilter, ArtifactList, ArtifactQuery};
use crate::change::{ChangeBody, ChangeQuery};
use crate::history::RunEventList;
use crate::image::{Freed, ImageBody, ImageList, ImageName, ImageTag};
use crate::lock::{LimitBody, LimitList, LockList};
use crate::log::{LogLine, LogPage, LogQuery};
use crate::memo::{Cleared, MemoFilter, MemoList};
use crate::node::{NodeFilter, NodeList};
use crate::object::{ObjectBody, ObjectList};
use crate::operation::{Delivery, Method, Operation, Row};
use crate::run::{
    Done, NodeVerb, RunAgain, RunDetail, RunFilter, RunList, Submission, Submitted, Why,
};
use crate::session::{Login, LoginLink, Me};
use crate::site::{DoctorReport, NewToken, TenantBody, TenantList, TokenBody};
use crate::template::{Applied, LintReport, TemplateBody, TemplateList, Text};

macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $name:ident: $method:ident $path:literal
        ($query:ty, $body:ty) -> $delivery:ident $answer:ty,
        $verb:ident $kind:ident in $reach:ident, [$($error:literal),*];)*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone, Copy)]
            pub struct $name;
            impl Operation for $name {
                const ROW: Row = Row {
                    id: stringify!($name),
                    summary: concat!($($doc),+),
                    method: Method::$method,
                    path: $path,
                    verb: Verb::$verb,
                    kind: Kind::$kind,
                    reach: Reach::$reach,
                    delivery: Delivery::$delivery,
                    errors: &[$($error),*],
                };
                type Query = $query;
                type Body = $body;
                type Answer = $answer;
            }
        )*
        /// Every row, in the order of the documentation.
        pub const TABLE: &[Row] = &[$($name::ROW),*];

        /// Calls `$visit!(Operation, …)` for each operation type: how the OpenAPI document is made.
        pub fn visit(visitor: &mut impl Visitor) {
            $(visitor.visit::<$name>();)*
        }
    };
}

/// Sees every operation as a type.
pub trait Visitor {
    /// Called once an operation.
    #[cfg(feature = "schema")]
    fn visit<O>(&mut self)
    where
        O: Operation,
        O::Query: schemars::JsonSchema,
        O::Body: schemars::JsonSchema,
        O::Answer: schemars::JsonSchema;
    /// Called once an operation.
    #[cfg(not(feature = "schema"))]
    fn visit<O: Operation>(&mut self);
}

operations! {
    /// Begins a session of the page and sets its cookie.
    CreateSession: Post "/session" ((), Login) -> Json Me, Create Session in Public, ["auth.token", "auth.code-used"];
    /// Ends the caller's session.
    DeleteSession: Delete "/session" ((), ()) -> Json Done, Delete Session in Own, [];
    /// Who the caller is and where it may do what.
    GetMe: Get "/me" ((), ()) -> Json Me, Read Session in Own, [];
    /// Makes a one-time login link for the caller.
    CreateLoginLink: Post "/login-links" ((), ()) -> Json LoginLink, Create Session in Own, [];

    /// Tenants that the caller sees.
    ListTenants: Get "/tenants" ((), ()) -> Json TenantList, Read Tenant in Own, [];
    /// Makes a tenant.
    CreateTenant: Post "/tenants" ((), TenantBody) -> Json TenantBody, Create Tenant in Site, ["tenant.exists", "tenant.name"];
    /// Makes a token for a principal of a tenant.
    CreateToken: Post "/tenants/{tenant}/tokens" ((), NewToken) -> Json TokenBody, Create Tenant in Site, ["tenant.not-found"];
    /// Revokes a token at once.
    DeleteToken: Delete "/tenants/{tenant}/tokens/{name}" ((), ()) -> Json Done, Delete Tenant in Site, ["token.not-found"];

    /// Runs of a tenant: unfinished first, then newest first.
    ListRuns: Get "/tenants/{tenant}/runs" (RunFilter, ()) -> Json RunList, Read Run in Tenant, ["request.filter"];
    /// Submits a workflow, or a run of a template.
    SubmitRun: Post "/tenants/{tenant}/runs" ((), Submission) -> Json Submitted, Create Run in Tenant,
        ["spec.invalid", "run.exists", "template.not-found", "claim.exists", "store.full"];
    /// One run, by id or name, or `@latest`.
    GetRun: Get "/tenants/{tenant}/runs/{run}" ((), ()) -> Json RunDetail, Read Run in Tenant, ["run.not-found"];
    /// The Workflow object with its status, as Argo shows it.
    GetRunObject: Get "/tenants/{tenant}/runs/{run}/object" ((), ()) -> Json serde_json::Value, Read Run in Tenant, ["run.not-found"];
    /// Nodes of a run, by position.
    ListNodes: Get "/tenants/{tenant}/runs/{run}/nodes" (NodeFilter, ()) -> Json NodeList, Read Run in Tenant, ["run.not-found", "request.filter"];
    /// Deletes a run, its logs and its history; a run that is not over is terminated first.
    DeleteRun: Delete "/tenants/{tenant}/runs/{run}" ((), ()) -> Json Done, Delete Run in Tenant, ["run.not-found"];
    /// Starts nothing new until resumed.
    SuspendRun: Post "/tenants/{tenant}/runs/{run}/suspend" ((), Why) -> Json Done, Operate Run in Tenant, ["run.not-found", "run.completed"];
    /// Goes on, or ends suspend nodes.
    ResumeRun: Post "/tenants/{tenant}/runs/{run}/resume" ((), NodeVerb) -> Json Done, Operate Run in Tenant, ["run.not-found", "run.completed"];
    /// Ends the run; exit handlers run.
    StopRun: Post "/tenants/{tenant}/runs/{run}/stop" ((), NodeVerb) -> Json Done, Operate Run in Tenant, ["run.not-found", "run.completed"];
    /// Ends the run now.
    TerminateRun: Post "/tenants/{tenant}/runs/{run}/terminate" ((), Why) -> Json Done, Operate Run in Tenant, ["run.not-found", "run.completed"];
    /// Gives suspend nodes an outcome or outputs.
    SetNodes: Post "/tenants/{tenant}/runs/{run}/set" ((), NodeVerb) -> Json Done, Operate Run in Tenant, ["run.not-found", "run.completed"];
    /// Goes on without nodes that have not begun or have failed, with the outputs that are given for them.
    SkipNodes: Post "/tenants/{tenant}/runs/{run}/skip" ((), NodeVerb) -> Json Done, Operate Run in Tenant,
        ["run.not-found", "run.no-node-skips", "run.output-not-set"];
    /// What people did to the run, in order.
    ListRunEvents: Get "/tenants/{tenant}/runs/{run}/events" ((), ()) -> Json RunEventList, Read Run in Tenant, ["run.not-found"];
    /// Runs the failed parts again, and what the selector names with all that depends on it, in the same run.
    RetryRun: Post "/tenants/{tenant}/runs/{run}/retry" ((), RunAgain) -> Json Done, Operate Run in Tenant, ["run.not-found", "run.not-retryable"];
    /// Submits the same workflow as a new run.
    ResubmitRun: Post "/tenants/{tenant}/runs/{run}/resubmit" ((), RunAgain) -> Json Submitted, Create Run in Tenant, ["run.not-found"];

    /// What the tenant's caches remember of memoized templates.
    ListMemos: Get "/tenants/{tenant}/memos" (MemoFilter, ()) -> Json MemoList, Read Run in Tenant, [];
    /// Forgets what caches remember: all, one cache, or one key.
    ClearMemos: Delete "/tenants/{tenant}/memos" (MemoFilter, ()) -> Json Cleared, Delete Run in Tenant, [];

    /// Locks that runs have or wait for.
    ListLocks: Get "/tenants/{tenant}/locks" ((), ()) -> Json LockList, Read Lock in Tenant, [];
    /// Limits of the semaphores that workflows name by `database`.
    ListLimits: Get "/tenants/{tenant}/limits" ((), ()) -> Json LimitList, Read Lock in Tenant, [];
    /// Sets the limit of a semaphore; it holds at once.
    SetLimit: Put "/tenants/{tenant}/limits" ((), LimitBody) -> Json Done, Update Lock in Tenant, ["lock.limit"];

    /// Lines of a run's logs: ranges, tails and search.
    GetLogs: Get "/tenants/{tenant}/runs/{run}/logs" (LogQuery, ()) -> Json LogPage, Read Log in Tenant, ["run.not-found", "request.filter"];
    /// Follows a run's logs until it is over.
    FollowLogs: Get "/tenants/{tenant}/runs/{run}/logs/follow" (LogQuery, ()) -> Events LogLine, Read Log in Tenant, ["run.not-found"];
    /// What the nodes of a run took and gave as files.
    ListArtifacts: Get "/tenants/{tenant}/runs/{run}/artifacts" (ArtifactFilter, ()) -> Json ArtifactList, Read Artifact in Tenant, ["run.not-found"];
    /// The content of an artifact, or a range of it; the node by its Argo id or its name.
    GetArtifact: Get "/tenants/{tenant}/runs/{run}/artifacts/{node}/{artifact}" (ArtifactQuery, ()) -> Bytes (), Read Artifact in Tenant,
        ["run.not-found", "artifact.not-found", "artifact.store-down"];
    /// The files of an artifact that is kept file by file.
    ListArtifactFiles: Get "/tenants/{tenant}/runs/{run}/artifacts/{node}/{artifact}/files" (ArtifactQuery, ()) -> Json ArtifactFiles, Read Artifact in Tenant,
        ["run.not-found", "artifact.not-found", "artifact.store-down"];
    /// Follows the changes of a tenant, from a sequence number on.
    FollowChanges: Get "/tenants/{tenant}/changes" (ChangeQuery, ()) -> Events ChangeBody, Read Run in Tenant, ["feed.gone"];

    /// Checks documents without storing anything.
    Lint: Post "/tenants/{tenant}/lint" ((), Text) -> Json LintReport, Read Template in Tenant, [];
    /// Creates or changes every object of the documents.
    Apply: Post "/tenants/{tenant}/apply" ((), Text) -> Json Applied, Update Template in Tenant,
        ["spec.invalid", "object.immutable", "object.changed", "claim.ending", "store.full"];
    /// Templates of a tenant.
    ListTemplates: Get "/tenants/{tenant}/templates" ((), ()) -> Json TemplateList, Read Template in Tenant, [];
    /// One template.
    GetTemplate: Get "/tenants/{tenant}/templates/{name}" ((), ()) -> Json TemplateBody, Read Template in Tenant, ["template.not-found"];
    /// Deletes a template; runs made from it keep their copy.
    DeleteTemplate: Delete "/tenants/{tenant}/templates/{name}" ((), ()) -> Json Done, Delete Template in Tenant, ["template.not-found"];

    /// Templates of the site.
    ListClusterTemplates: Get "/cluster-templates" ((), ()) -> Json TemplateList, Read Template in Own, [];
    /// One template of the site.
    GetClusterTemplate: Get "/cluster-templates/{name}" ((), ()) -> Json TemplateBody, Read Template in Own, ["template.not-found"];
    /// Deletes a template of the site; runs made from it keep their copy.
    DeleteClusterTemplate: Delete "/cluster-templates/{name}" ((), ()) -> Json Done, Delete Template in Site, ["template.not-found"];

    /// ConfigMaps of a tenant.
    ListConfigMaps: Get "/tenants/{tenant}/config-maps" ((), ()) -> Json ObjectList, Read ConfigMap in Tenant, [];
    /// One ConfigMap.
    GetConfigMap: Get "/tenants/{tenant}/config-maps/{name}" ((), ()) -> Json ObjectBody, Read ConfigMap in Tenant, ["object.not-found"];
    /// Deletes a ConfigMap.
    DeleteConfigMap: Delete "/tenants/{tenant}/config-maps/{name}" ((), ()) -> Json Done, Delete ConfigMap in Tenant, ["object.not-found"];
    /// Secrets of a tenant: names and sizes, no values.
    ListSecrets: Get "/tenants/{tenant}/secrets" ((), ()) -> Json ObjectList, Read Secret in Tenant, [];
    /// One Secret, without its values.
    GetSecret: Get "/tenants/{tenant}/secrets/{name}" ((), ()) -> Json ObjectBody, Read Secret in Tenant, ["object.not-found"];
    /// Deletes a Secret.
    DeleteSecret: Delete "/tenants/{tenant}/secrets/{name}" ((), ()) -> Json Done, Delete Secret in Tenant, ["object.not-found"];

    /// Claims of a tenant.
    ListClaims: Get "/tenants/{tenant}/claims" ((), ()) -> Json ObjectList, Read Claim in Tenant, [];
    /// One claim, with what lies in it.
    GetClaim: Get "/tenants/{tenant}/claims/{name}" ((), ()) -> Json ObjectBody, Read Claim in Tenant, ["object.not-found"];
    /// Deletes a claim and what lies in it, as soon as no task uses it.
    DeleteClaim: Delete "/tenants/{tenant}/claims/{name}" ((), ()) -> Json Done, Delete Claim in Tenant, ["object.not-found"];

    /// Images of the site.
    ListImages: Get "/images" ((), ()) -> Json ImageList, Read Image in Own, [];
    /// One image.
    GetImage: Get "/images/inspect" (ImageName, ()) -> Json ImageBody, Read Image in Own, ["image.missing"];
    /// Imports an archive that the body streams.
    ImportImage: Post "/images/import" ((), ()) -> Upload ImageList, Create Image in Site, ["image.bad-archive", "store.full"];
    /// Gives an image a further name.
    TagImage: Post "/images/tag" ((), ImageTag) -> Json Done, Update Image in Site, ["image.missing"];
    /// Removes a name; the data goes with the last one at the next collection.
    DeleteImage: Delete "/images" (ImageName, ()) -> Json Done, Delete Image in Site, ["image.missing"];
    /// Removes what no name refers to.
    CollectImages: Post "/images/gc" ((), ()) -> Json Freed, Delete Image in Site, [];

    /// What this host provides.
    GetDoctor: Get "/doctor" ((), ()) -> Json DoctorReport, Read Site in Site, [];
}
