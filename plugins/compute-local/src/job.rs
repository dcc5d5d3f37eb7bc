//! From a job to what the host is asked to start.

use steading_plugin::compute::{Job, Resources};
use steading_plugin::exec::{Limits, Spec};

use crate::config::Config;

/// The task of a job. The engine's own task document goes on unread; the other fields serve a
/// host, or a reader of its log, that has none.
pub(crate) fn spec(config: &Config, job: Job) -> Spec {
    Spec {
        key: job.key,
        isolation: config.isolation(),
        image: (!job.image.is_empty()).then_some(job.image),
        argv: job.command,
        env: job
            .env
            .into_iter()
            .map(|pair| steading_plugin::exec::Pair {
                name: pair.name,
                value: pair.value,
            })
            .collect(),
        workdir: (!job.work_dir.is_empty()).then_some(job.work_dir),
        mounts: Vec::new(),
        limits: limits(&job.resources),
        network: false,
        extra: job.extra,
    }
}

/// Zero is "the site's default" for each limit.
fn limits(resources: &Resources) -> Limits {
    Limits {
        cpu_milli: resources.cpu_milli,
        memory_bytes: resources.memory_bytes,
        pids: 0,
        wall_ms: resources.wall_ms.unwrap_or(0),
        tmp_bytes: resources.disk_bytes,
    }
}
