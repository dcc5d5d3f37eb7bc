//! What a plugin costs: a call with a fresh instance against a call of the host alone, and what a
//! host at rest takes.
//!
//! ```text
//! cargo run --release -p steading-plugin-host --bin steading-plugin-build -- embed MODULE plugins/compute-local/manifest.json DIR
//! cargo run --release -p steading-plugin-host --example call_cost -- DIR
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a measurement, not a part of the program"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use steading_plugin_host::capability::{Answer, ExecHost, Scope, Services};
use steading_plugin_host::compute::{Job, Resources};
use steading_plugin_host::exec::{LogStream, Spec, Status};
use steading_plugin_host::manifest::Capability;
use steading_plugin_host::trust::TrustedKeys;
use steading_plugin_host::{
    CallContext, Compiler, Grants, Limits, LoadSource, Options, PluginHost,
};

const ROUNDS: usize = 20_000;

struct Tasks;

impl ExecHost for Tasks {
    fn start<'a>(&'a self, _: &'a Scope, spec: Spec) -> Answer<'a, Result<String, String>> {
        Box::pin(async move { Ok(spec.key) })
    }
    fn inspect<'a>(&'a self, _: &'a Scope, ids: Vec<String>) -> Answer<'a, Vec<Status>> {
        Box::pin(async move { ids.iter().map(|_| Status::under_way(Some(1))).collect() })
    }
    fn read_log<'a>(
        &'a self,
        _: &'a Scope,
        _: String,
        _: LogStream,
        _: u64,
        _: u32,
    ) -> Answer<'a, Result<(Vec<u8>, bool), String>> {
        Box::pin(async { Ok((Vec::new(), true)) })
    }
    fn kill<'a>(&'a self, _: &'a Scope, _: String, _: u8) -> Answer<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
    fn remove<'a>(&'a self, _: &'a Scope, _: String) -> Answer<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let dir = std::env::args()
        .nth(1)
        .expect("the directory that `embed` wrote");
    let read = |extension| std::fs::read(format!("{dir}/compute-local.{extension}")).unwrap();
    let manifest: &'static str = String::from_utf8(read("json")).unwrap().leak();
    let cwasm: &'static [u8] = read("cwasm").leak();
    println!("RSS before the host            {:>8} KiB", rss_kib());

    let begun = Instant::now();
    let host = PluginHost::new(Options {
        services: Services {
            exec: Some(Arc::new(Tasks)),
            ..Services::default()
        },
        trusted: TrustedKeys::default(),
        limits: Limits::default(),
        concurrent_calls: 16,
        compiler: Compiler::InProcess,
        cache: None,
    })
    .unwrap();
    let made = begun.elapsed();
    let grants = Grants {
        plugin: "compute-local".parse().unwrap(),
        capabilities: [Capability::Exec].into(),
        least_version: None,
    };
    let plugin = host
        .load(LoadSource::Embedded { manifest, cwasm }, &grants)
        .unwrap();
    println!(
        "host made, plugin loaded       {made:>10.1?} {:>10.1?}",
        begun.elapsed() - made
    );
    println!("RSS with compute-local loaded  {:>8} KiB", rss_kib());

    let context = CallContext {
        tenant: "default".parse().unwrap(),
        instance: "local".into(),
        config: "{}".into(),
        trace_parent: None,
    };
    let scope = Scope {
        plugin: grants.plugin.clone(),
        tenant: context.tenant.clone(),
        instance: "local".into(),
    };
    let one = vec!["attempt".to_owned()];
    let hundred: Vec<String> = (0..100).map(|n| format!("attempt-{n}")).collect();

    macro_rules! measure {
        ($name:literal, $call:expr) => {{
            let mut times = Vec::with_capacity(ROUNDS);
            for _ in 0..ROUNDS {
                let begun = Instant::now();
                std::hint::black_box($call);
                times.push(begun.elapsed());
            }
            report($name, &mut times);
        }};
    }
    measure!(
        "native inspect of 1",
        Tasks.inspect(&scope, one.clone()).await
    );
    measure!(
        "plugin migrate-config (trivial)",
        plugin.migrate_config(&context, 0, "{}").await.unwrap()
    );
    measure!(
        "plugin poll of 1",
        plugin.poll(&context, &one).await.unwrap()
    );
    measure!(
        "plugin submit",
        plugin.submit(&context, &job(), None).await.unwrap()
    );
    measure!(
        "plugin poll of 100",
        plugin.poll(&context, &hundred).await.unwrap()
    );
    println!("RSS after {} calls        {:>8} KiB", ROUNDS * 4, rss_kib());

    std::thread::sleep(Duration::from_secs(1));
    let before = cpu();
    std::thread::sleep(Duration::from_secs(3));
    println!("CPU in 3 s at rest             {:>10.1?}", cpu() - before);
}

fn job() -> Job {
    Job {
        key: "attempt".to_owned(),
        name: "step".to_owned(),
        image: "busybox".to_owned(),
        command: vec!["true".to_owned()],
        env: vec![],
        secret_env: vec![],
        resources: Resources {
            cpu_milli: 0,
            memory_bytes: 0,
            gpu: 0,
            gpu_kind: None,
            disk_bytes: 0,
            wall_ms: None,
        },
        labels: vec![],
        work_dir: String::new(),
        role: "task".to_owned(),
        extra: Some("x".repeat(900)),
    }
}

fn report(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{name:<32} p50 {:>8.1?}  p99 {:>8.1?}", at(0.5), at(0.99));
}

fn rss_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// User and system time of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    let main = stat.split_whitespace().next().unwrap().parse().unwrap();
    let all = std::fs::read_dir("/proc/self/task").unwrap().map(|task| {
        let path = task.unwrap().path().join("schedstat");
        std::fs::read_to_string(path)
            .ok()
            .and_then(|s| {
                s.split_whitespace()
                    .next()
                    .and_then(|n| n.parse::<u64>().ok())
            })
            .unwrap_or(0)
    });
    Duration::from_nanos(all.sum::<u64>().max(main))
}
