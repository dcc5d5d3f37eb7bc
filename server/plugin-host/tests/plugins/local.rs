//! The built-in backend hands a task on as it is, and tells how it ended.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use steading_plugin_host::capability::{Answer, ExecHost, Scope, Services};
use steading_plugin_host::compute::{Phase, SubmitStep};
use steading_plugin_host::exec::{Isolation, LogStream, Spec, Status};
use steading_plugin_host::manifest::Capability;
use steading_plugin_host::{Depth, Limits, LoadSource, Plugin, PluginHost, Stop, authoring};
use steading_types::Millis;
use steading_types::task::{End, TaskReport};

use crate::guests::{LOCAL, STRANGER, context, grants, host, job, package, refused, root};

/// Remembers what it was asked; each task `ended-*` has ended.
#[derive(Default)]
struct Tasks {
    started: Mutex<Vec<(Scope, Spec)>>,
    signals: Mutex<Vec<(String, u8)>>,
}

fn report(end: End) -> TaskReport {
    TaskReport {
        end,
        started: Some(Millis(1_000)),
        finished: Millis(2_000),
        cpu_ms: 5,
        max_rss: 4096,
        outputs: [("x".to_owned(), "\"1\"".to_owned())].into(),
        result: Some("done".to_owned()),
        refused: Default::default(),
        artifacts: Default::default(),
        isolation: "level=process".to_owned(),
        members: Default::default(),
    }
}

impl ExecHost for Tasks {
    fn start<'a>(&'a self, scope: &'a Scope, spec: Spec) -> Answer<'a, Result<String, String>> {
        Box::pin(async move {
            if spec.key == "stuck" {
                std::future::pending::<()>().await;
            }
            let key = spec.key.clone();
            self.started.lock().unwrap().push((scope.clone(), spec));
            Ok(key)
        })
    }

    fn inspect<'a>(&'a self, _: &'a Scope, ids: Vec<String>) -> Answer<'a, Vec<Status>> {
        let main = || "main".to_owned();
        let status = |id: &String| match id.as_str() {
            "waiting" => Status::under_way(None),
            "running" => Status::under_way(Some(1_000)),
            "good" => Status::ended(&report(End::Exited {
                container: main(),
                code: 0,
            })),
            "bad" => Status::ended(&report(End::Exited {
                container: main(),
                code: 7,
            })),
            "unprepared" => Status::ended(&report(End::Unprepared {
                code: "image.missing".to_owned(),
                message: "no image busybox".to_owned(),
            })),
            _ => Status::gone(),
        };
        let statuses = ids.iter().map(status).collect();
        Box::pin(async move { statuses })
    }

    fn read_log<'a>(
        &'a self,
        _: &'a Scope,
        _: String,
        stream: LogStream,
        offset: u64,
        max: u32,
    ) -> Answer<'a, Result<(Vec<u8>, bool), String>> {
        let text = match stream {
            LogStream::Stderr => b"".as_slice(),
            LogStream::Both | LogStream::Stdout => b"hello world",
        };
        let rest = text.get(offset as usize..).unwrap_or_default();
        let part = rest[..rest.len().min(max as usize)].to_vec();
        let end = part.len() == rest.len();
        Box::pin(async move { Ok((part, end)) })
    }

    fn kill<'a>(&'a self, _: &'a Scope, id: String, signal: u8) -> Answer<'a, Result<(), String>> {
        self.signals.lock().unwrap().push((id, signal));
        Box::pin(async { Ok(()) })
    }

    fn remove<'a>(&'a self, _: &'a Scope, _: String) -> Answer<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

/// The backend as a program has it: embedded, compiled ahead.
static EMBEDDED: LazyLock<LoadSource<'static>> = LazyLock::new(|| {
    let out = tempfile::tempdir().unwrap();
    let draft = root().join("plugins/compute-local/manifest.json");
    authoring::embed(&LOCAL, &draft, out.path()).unwrap();
    let file = |extension| std::fs::read(out.path().join(format!("compute-local.{extension}")));
    LoadSource::Embedded {
        manifest: String::from_utf8(file("json").unwrap()).unwrap().leak(),
        cwasm: file("cwasm").unwrap().leak(),
    }
});

fn local(limits: Limits) -> (Arc<Tasks>, PluginHost, Arc<Plugin>) {
    let tasks = Arc::new(Tasks::default());
    let services = Services {
        exec: Some(Arc::clone(&tasks) as Arc<_>),
        ..Services::default()
    };
    let host = host(services, limits);
    let plugin = host
        .load(*EMBEDDED, &grants("compute-local", &[Capability::Exec]))
        .unwrap();
    (tasks, host, plugin)
}

#[tokio::test]
async fn the_task_document_reaches_the_host_unchanged() {
    let (tasks, _host, plugin) = local(Limits::default());
    let mut job = job("attempt-1");
    job.extra = Some(r#"{"main":{"name":"ä \u0000"}}"#.to_owned());
    let step = plugin.submit(&context("{}"), &job, None).await.unwrap();
    assert!(matches!(step, SubmitStep::Accepted(a) if a.handle == "attempt-1"));
    let started = tasks.started.lock().unwrap();
    let (scope, spec) = &started[0];
    assert_eq!(spec.extra, job.extra);
    assert_eq!(
        (scope.tenant.as_str(), scope.plugin.as_str()),
        ("default", "compute-local")
    );
    assert!(spec.isolation.is_none(), "the site's default");
}

#[tokio::test]
async fn an_environment_can_ask_for_a_level() {
    let (tasks, _host, plugin) = local(Limits::default());
    let context = context(r#"{"isolation":"sandbox"}"#);
    assert!(
        plugin
            .validate(&context, Depth::Offline)
            .await
            .unwrap()
            .is_empty()
    );
    plugin.submit(&context, &job("a"), None).await.unwrap();
    let started = tasks.started.lock().unwrap();
    assert!(matches!(started[0].1.isolation, Some(Isolation::Sandbox)));
}

#[tokio::test]
async fn a_poll_tells_each_task_apart_in_one_call() {
    let (_tasks, _host, plugin) = local(Limits::default());
    let expected = [
        ("waiting", Phase::Starting, None),
        ("running", Phase::Running, None),
        ("good", Phase::Succeeded, Some(0)),
        ("bad", Phase::Failed, Some(7)),
        ("unprepared", Phase::Failed, Some(65)),
        ("unknown", Phase::Lost, None),
    ];
    let handles: Vec<String> = expected.iter().map(|(id, ..)| (*id).to_owned()).collect();
    let statuses = plugin.poll(&context("{}"), &handles).await.unwrap();
    for (status, (id, phase, code)) in statuses.iter().zip(expected) {
        assert_eq!((status.phase, status.exit_code), (phase, code), "{id}");
    }
    let reason = |n: usize| statuses[n].reason.as_deref().unwrap_or_default();
    assert_eq!(reason(3), "exit code 7");
    assert_eq!(reason(4), "image.missing: no image busybox");

    let good = &statuses[2];
    assert_eq!((good.started, good.finished), (Some(1_000), Some(2_000)));
    let outputs: TaskReport = serde_json::from_str(good.outputs.as_deref().unwrap()).unwrap();
    assert_eq!(outputs.result.as_deref(), Some("done"));
}

#[tokio::test]
async fn a_log_is_read_in_parts_from_where_the_last_ended() {
    let (_tasks, _host, plugin) = local(Limits::default());
    let context = context("{}");
    let mut text = Vec::new();
    let mut cursor: Option<Vec<u8>> = None;
    loop {
        let chunk = plugin
            .logs(&context, "good", "stdout", cursor.as_deref(), 4)
            .await
            .unwrap();
        text.extend(chunk.data);
        cursor = Some(chunk.cursor);
        if chunk.eof {
            break;
        }
    }
    assert_eq!(text, b"hello world");
    let foreign = plugin.logs(&context, "good", "", Some(b"x"), 4).await;
    assert_eq!(refused(foreign), "plugin.answered");
}

#[tokio::test]
async fn stopping_is_a_signal_to_each_task() {
    let (tasks, _host, plugin) = local(Limits::default());
    let handles = ["a".to_owned(), "b".to_owned()];
    for how in [Stop::Polite, Stop::Forced] {
        let answers = plugin.cancel(&context("{}"), &handles, how).await.unwrap();
        assert!(answers.iter().all(Result::is_ok));
    }
    let signals: Vec<u8> = tasks
        .signals
        .lock()
        .unwrap()
        .iter()
        .map(|(_, s)| *s)
        .collect();
    assert_eq!(signals, [15, 15, 9, 9]);
}

#[tokio::test]
async fn every_fault_of_a_configuration_is_reported() {
    let (_tasks, _host, plugin) = local(Limits::default());
    let context = context(r#"{"isolation":7,"colour":"red"}"#);
    let findings = plugin.validate(&context, Depth::Offline).await.unwrap();
    let paths: Vec<&str> = findings.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(paths, ["/isolation", "/colour"]);
}

#[tokio::test]
async fn a_plugin_whose_calls_all_hang_delays_no_other_plugin() {
    let (_tasks, host, local) = local(Limits::default());
    let stuck: Vec<_> = (0..50)
        .map(|_| {
            let local = Arc::clone(&local);
            tokio::spawn(async move { local.submit(&context("{}"), &job("stuck"), None).await })
        })
        .collect();
    let dir = package(&STRANGER, "manifest.json");
    let other = host
        .load(LoadSource::Package(dir.path()), &grants("stranger", &[]))
        .unwrap();
    assert!(other.submit(&context("ok"), &job("a"), None).await.is_ok());
    stuck.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_host_call_that_never_returns_ends_with_the_calls_time() {
    let limits = Limits {
        wall: Duration::from_millis(50),
        ..Limits::default()
    };
    let (_tasks, _host, plugin) = local(limits);
    let outcome = plugin.submit(&context("{}"), &job("stuck"), None).await;
    assert_eq!(refused(outcome), "plugin.deadline");
    assert!(
        plugin
            .submit(&context("{}"), &job("next"), None)
            .await
            .is_ok()
    );
}
