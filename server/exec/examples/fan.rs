//! Measures local execution alone: COUNT tasks `/bin/sh -c true`, eight at a time.
//! `cargo run --release -p steading-exec --example fan -- LEVEL [COUNT] [IMAGE-ARCHIVE]`

use std::sync::Arc;
use std::time::Instant;

use steading_exec::images::Source;
use steading_exec::{Exec, Options, Policy, State};
use steading_types::task::{Container, Level, Task};
use steading_types::{AttemptId, Millis, NodeIx, RunId};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seed = steading_exec::early_fork()?;
    let mut words = std::env::args().skip(1);
    let level = match words.next().as_deref() {
        Some("sandbox") => Level::Sandbox,
        Some("image") => Level::Image,
        _ => Level::Process,
    };
    let count: u32 = words.next().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let data = std::env::temp_dir().join(format!("steading-fan-{}", std::process::id()));
    std::fs::create_dir_all(&data)?;
    let image = match words.next() {
        Some(file) => import(&data, &file)?,
        None => "host".into(),
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(fan(seed, &data, level, count, image));
    std::fs::remove_dir_all(&data)?;
    outcome
}

fn import(data: &std::path::Path, file: &str) -> Result<String, Box<dyn std::error::Error>> {
    let mut archive = std::fs::File::open(file)?;
    let images = steading_exec::images::Images::at(data);
    let begin = Instant::now();
    let imported = images.import(Source::Stream(&mut archive), None)?;
    println!(
        "import: {:.3} s, {imported:?}",
        begin.elapsed().as_secs_f64()
    );
    let name = imported.first().and_then(|image| image.names.first());
    Ok(name.cloned().unwrap_or_default())
}

async fn fan(
    seed: steading_exec::SpawnerSeed,
    data: &std::path::Path,
    level: Level,
    count: u32,
    image: String,
) -> Result<(), Box<dyn std::error::Error>> {
    let options = Options {
        data_dir: data.to_owned(),
        policy: Policy::default(),
    };
    let (exec, mut ended) = Exec::open(seed, options).await?;
    let task = Arc::new(Task {
        group: "fan".into(),
        main: Container {
            name: "main".into(),
            image,
            command: ["/bin/sh", "-c", "true"].map(Into::into).into(),
            ..Container::default()
        },
        grace: Millis(1000),
        ..Task::default()
    });
    let run = RunId::new(Millis(1), 1);
    let begin = Instant::now();
    let (mut started, mut finished, mut failed) = (0, 0, 0);
    while finished < count {
        while started < count && started - finished < 8 {
            let key = AttemptId {
                run,
                node: NodeIx(started),
                generation: 0,
            };
            let (exec, task) = (exec.clone(), Arc::clone(&task));
            tokio::spawn(async move { exec.start(key, level, 1_000_000, &task).await });
            started += 1;
        }
        let Some(key) = ended.next().await else { break };
        if let State::Ended(report) = exec.state(key) {
            let well = matches!(
                report.end,
                steading_types::task::End::Exited { code: 0, .. }
            );
            if !well && failed == 0 {
                println!("{:?}", report);
            }
            failed += u32::from(!well);
        }
        exec.remove(key).await?;
        finished += 1;
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!("{count} tasks at {level:?}: {seconds:.3} s, {failed} failed");
    Ok(())
}
