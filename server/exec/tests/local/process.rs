//! The level `process`, and what holds at every level: one run a key, durable ends, no orphans.

use steading_exec::{State, Stop};
use steading_types::Millis;
use steading_types::task::{End, Level, OutputFile};

use crate::harness::*;

pub(crate) const TESTS: &[Test] = &[
    ("hello_is_logged_and_kept_as_the_result", hello),
    ("exit_codes_and_signals_are_told", exits),
    ("a_missing_program_is_not_started", missing),
    ("init_containers_run_in_order_and_a_failure_decides", init),
    ("a_script_is_given_to_its_interpreter", script),
    ("output_files_are_read_and_hostile_ones_refused", outputs),
    ("a_deadline_ends_a_task", deadline),
    ("a_polite_stop_becomes_forced_after_the_grace", stop),
    ("nothing_outlives_a_task", leftovers),
    ("starting_twice_runs_once", twice),
    (
        "what_an_earlier_boot_may_have_run_is_never_started",
        overtaken,
    ),
    ("records_that_a_power_cut_tore_are_a_lost_task", torn),
    ("a_killed_supervisor_is_lost_without_orphans", lost),
    ("a_killed_spawner_is_replaced_and_tasks_live_on", spawner),
    ("a_new_server_adopts_what_runs_and_what_ended", adopt),
    ("a_long_log_is_cut_visibly", cut),
    ("a_log_is_followed_while_it_grows", follow),
    ("the_host_is_examined_by_the_doctor", |_| ()),
    ("a_server_can_have_the_host_examined", examine),
    ("removal_leaves_nothing_but_the_log", removal),
];

const LEVEL: Level = Level::Process;

fn exited(code: i32) -> End {
    End::Exited {
        container: "main".into(),
        code,
    }
}

fn hello(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let task = sh("echo hello; echo oops >&2");
        let report = run(&exec, &mut ended, LEVEL, 1, &task).await;
        assert_eq!(report.end, exited(0));
        assert_eq!(report.result.as_deref(), Some("hello\n"));
        let log = std::fs::read_to_string(steading_exec::logs::path(&site.data, key(1))).unwrap();
        assert!(log.contains("hello\n") && log.contains("oops\n"), "{log}");
        let silent = run(&exec, &mut ended, LEVEL, 2, &sh("true")).await;
        assert_eq!(silent.end, exited(0));
        assert!(!exists(&steading_exec::logs::path(&site.data, key(2))));
    });
}

fn exits(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let report = run(&exec, &mut ended, LEVEL, 1, &sh("exit 7")).await;
        assert_eq!(report.end, exited(7));
        let report = run(&exec, &mut ended, LEVEL, 2, &sh("kill -9 $$$$")).await;
        assert!(
            matches!(report.end, End::Signaled { signal: 9, .. }),
            "{report:?}"
        );
    });
}

fn missing(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mut task = sh("");
        task.main.command = vec!["no-such-program".into()];
        let report = run(&exec, &mut ended, LEVEL, 1, &task).await;
        let End::NotStarted { message } = &report.end else {
            panic!("{report:?}")
        };
        assert!(
            message.contains("executable file not found in $PATH"),
            "{message}"
        );
        task.main.command = vec!["/etc/passwd".into()];
        let report = run(&exec, &mut ended, LEVEL, 2, &task).await;
        assert!(matches!(&report.end, End::NotStarted { .. }), "{report:?}");
    });
}

fn init(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mut task = sh("echo main");
        task.init = vec![container("one", "echo one"), container("two", "echo two")];
        let report = run(&exec, &mut ended, LEVEL, 1, &task).await;
        assert_eq!(report.end, exited(0));
        assert_eq!(report.result.as_deref(), Some("main\n"));
        let log = std::fs::read_to_string(steading_exec::logs::path(&site.data, key(1))).unwrap();
        assert_eq!(log, "one\ntwo\nmain\n");
        task.init[0] = container("one", "exit 3");
        let report = run(&exec, &mut ended, LEVEL, 2, &task).await;
        let end = End::Exited {
            container: "one".into(),
            code: 3,
        };
        assert_eq!(report.end, end);
    });
}

fn script(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mut task = sh("");
        task.main.command = vec!["sh".into()];
        task.script = Some("echo from the script".into());
        let report = run(&exec, &mut ended, LEVEL, 1, &task).await;
        assert_eq!(report.result.as_deref(), Some("from the script\n"));
        // Larger than a packet: the request travels in a memory file.
        task.script = Some(format!("# {}\necho long", "x".repeat(300_000)));
        let report = run(&exec, &mut ended, LEVEL, 2, &task).await;
        assert_eq!(report.result.as_deref(), Some("long\n"));
    });
}

fn outputs(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let dir = site.data.join("out");
        let path = |name: &str| dir.join(name).to_string_lossy().into_owned();
        let mut task = sh(&format!(
            "mkdir {0} && cd {0} && printf good > good && mkfifo fifo && head -c 300000 /dev/zero > huge && printf '\\377' > binary && ln -s /proc/self/root/etc/passwd magic",
            dir.display()
        ));
        task.outputs = ["good", "fifo", "huge", "binary", "absent", "magic"]
            .map(|name| OutputFile {
                name: name.into(),
                path: path(name),
            })
            .into();
        let report = run(&exec, &mut ended, LEVEL, 1, &task).await;
        assert_eq!(report.end, exited(0));
        assert_eq!(report.outputs["good"], "good");
        assert_eq!(report.outputs.len(), 1);
        let refused: Vec<&str> = report.refused.keys().map(String::as_str).collect();
        assert_eq!(refused, ["binary", "fifo", "huge", "magic"]);
    });
}

fn deadline(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mut task = sh("trap '' TERM; while :; do sleep 1; done");
        task.deadline = Some(Millis(100));
        task.grace = Millis(100);
        let report = run(&exec, &mut ended, LEVEL, 1, &task).await;
        assert_eq!(report.end, End::DeadlineExceeded);
    });
}

fn stop(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let ready = site.data.join("ready");
        let polite = format!(
            "trap 'exit 5' TERM; touch {}; while :; do sleep 0.01; done",
            ready.display()
        );
        exec.start(key(1), LEVEL, 0, &sh(&polite)).await.unwrap();
        until("the task is ready", || ready.exists()).await;
        exec.stop(key(1), Stop::Polite).await.unwrap();
        assert_eq!(end(&exec, &mut ended, 1).await.end, exited(5));
        std::fs::remove_file(&ready).unwrap();
        let deaf = format!(
            "trap '' TERM; touch {}; while :; do sleep 1; done",
            ready.display()
        );
        exec.start(key(2), LEVEL, 0, &sh(&deaf)).await.unwrap();
        until("the task is ready", || ready.exists()).await;
        exec.stop(key(2), Stop::Polite).await.unwrap();
        let report = end(&exec, &mut ended, 2).await;
        assert!(
            matches!(report.end, End::Signaled { signal: 9, .. }),
            "{report:?}"
        );
    });
}

fn leftovers(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let pid = site.data.join("pid");
        let daemon = format!(
            "setsid sh -c 'trap \"\" TERM HUP; (echo $$$$ > {0}.new && mv {0}.new {0}); exec sleep 1000' & while ! [ -e {0} ]; do sleep 0.01; done",
            pid.display()
        );
        let report = run(&exec, &mut ended, LEVEL, 1, &sh(&daemon)).await;
        assert_eq!(report.end, exited(0));
        assert!(!alive(number(&pid).unwrap()));
    });
}

fn twice(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let count = site.data.join("count");
        let task = sh(&format!("echo x >> {}", count.display()));
        let starts = (0..10).map(|_| exec.start(key(1), LEVEL, 0, &task));
        for outcome in futures_util::future::join_all(starts).await {
            outcome.unwrap();
        }
        end(&exec, &mut ended, 1).await;
        exec.start(key(1), LEVEL, 0, &task).await.unwrap();
        assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\n");
    });
}

fn overtaken(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        exec.lose(key(1)).unwrap();
        assert_eq!(end(&exec, &mut ended, 1).await.end, End::Lost);
        let ran = site.data.join("ran");
        let task = sh(&format!("touch {}", ran.display()));
        exec.start(key(1), LEVEL, 0, &task).await.unwrap();
        assert_eq!(end(&exec, &mut ended, 1).await.end, End::Lost);
        assert!(!ran.exists());
        // One whose end is known is left as it is.
        run(&exec, &mut ended, LEVEL, 2, &sh("true")).await;
        exec.lose(key(2)).unwrap();
        assert_eq!(end(&exec, &mut ended, 2).await.end, exited(0));
    });
}

fn torn(mut site: Site) {
    wait(async {
        let dir = site.data.join(format!("tasks/{}", key(1)));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("started"), "").unwrap();
        std::fs::write(dir.join("report.json"), "{\"end\":").unwrap();
        let (exec, mut ended) = site.open().await;
        assert_eq!(end(&exec, &mut ended, 1).await.end, End::Lost);
    });
}

fn lost(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let pid = site.data.join("pid");
        let script = format!("setsid sleep 1000 & echo $! > {}; wait", pid.display());
        exec.start(key(1), LEVEL, 0, &sh(&script)).await.unwrap();
        until("the task is ready", || number(&pid).is_some()).await;
        kill(supervisor(&site.data, 1), 9);
        assert_eq!(end(&exec, &mut ended, 1).await.end, End::Lost);
        let orphan = number(&pid).unwrap();
        until("the orphan is gone", || !alive(orphan)).await;
    });
}

fn spawner(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let go = site.data.join("go");
        let ready = site.data.join("ready");
        let script = format!(
            "touch {}; while ! [ -e {} ]; do sleep 0.01; done; echo lived",
            ready.display(),
            go.display()
        );
        exec.start(key(1), LEVEL, 0, &sh(&script)).await.unwrap();
        until("the task is ready", || ready.exists()).await;
        kill(parent(supervisor(&site.data, 1)), 9);
        let report = run(&exec, &mut ended, LEVEL, 2, &sh("echo new")).await;
        assert_eq!(report.result.as_deref(), Some("new\n"));
        std::fs::write(&go, "").unwrap();
        let report = end(&exec, &mut ended, 1).await;
        assert_eq!(report.result.as_deref(), Some("lived\n"));
    });
}

fn adopt(mut site: Site) {
    let go = site.data.join("go");
    let script = format!(
        "while ! [ -e {} ]; do sleep 0.01; done; echo x >> {}.count; echo lived",
        go.display(),
        go.display()
    );
    let task = sh(&script);
    wait(async {
        let (exec, mut ended) = site.open().await;
        exec.start(key(1), LEVEL, 0, &task).await.unwrap();
        run(&exec, &mut ended, LEVEL, 2, &sh("echo done")).await;
        until("the task is running", || {
            site.data.join(format!("tasks/{}/started", key(1))).exists()
        })
        .await;
    });
    // The first server is gone with its runtime; its spawner ends by itself.
    wait(async {
        let (exec, mut ended) = site.open().await;
        assert!(matches!(exec.state(key(1)), State::Running { .. }));
        exec.start(key(1), LEVEL, 0, &task).await.unwrap();
        let report = end(&exec, &mut ended, 2).await;
        assert_eq!(report.result.as_deref(), Some("done\n"));
        std::fs::write(&go, "").unwrap();
        let report = end(&exec, &mut ended, 1).await;
        assert_eq!(report.result.as_deref(), Some("lived\n"));
        let count = std::fs::read_to_string(go.with_extension("count")).unwrap();
        assert_eq!(count, "x\n");
    });
}

fn cut(mut site: Site) {
    wait(async {
        let policy = steading_exec::Policy {
            log_bytes: 10_000,
            ..Default::default()
        };
        let (exec, mut ended) = site.open_with(policy).await;
        let report = run(
            &exec,
            &mut ended,
            LEVEL,
            1,
            &sh("head -c 1000000 /dev/zero"),
        )
        .await;
        assert_eq!(report.end, exited(0));
        let log = std::fs::read(steading_exec::logs::path(&site.data, key(1))).unwrap();
        let mark = String::from_utf8_lossy(&log[10_000..]).into_owned();
        assert!(mark.contains("cut here"), "{mark}");
    });
}

fn removal(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mut task = sh("");
        task.main.command = vec!["sh".into()];
        task.script = Some("mkdir -p a/b; echo x > a/b/c; ln -s / root; echo logged".into());
        run(&exec, &mut ended, LEVEL, 1, &task).await;
        run(&exec, &mut ended, LEVEL, 2, &sh("true")).await;
        for node in [1, 2] {
            exec.remove(key(node)).await.unwrap();
            assert_eq!(exec.state(key(node)), State::Unknown);
        }
        until("the directories are gone", || {
            std::fs::read_dir(site.data.join("tasks")).unwrap().count() == 0
        })
        .await;
        assert!(exists(&steading_exec::logs::path(&site.data, key(1))));
    });
}

fn follow(mut site: Site) {
    use steading_exec::logs::{Budget, Filter, Reader, Watcher};
    wait(async {
        let (exec, _ended) = site.open().await;
        let go = site.data.join("go");
        let script = format!(
            "echo one; while ! [ -e {} ]; do sleep 0.01; done; echo two; printf three",
            go.display()
        );
        let path = steading_exec::logs::path(&site.data, key(1));
        let watcher = Watcher::open().unwrap();
        let mut growth = watcher.listen(path.parent().unwrap()).unwrap();
        exec.start(key(1), LEVEL, 0, &sh(&script)).await.unwrap();
        let budget = Budget {
            bytes: 1 << 20,
            lines: 100,
            until: std::time::Instant::now() + std::time::Duration::from_secs(60),
        };
        let (mut seen, mut reader) = (Vec::new(), None);
        while seen != ["one", "two"] {
            growth.grown().await;
            if reader.is_none() {
                reader = Reader::open(&path, Filter::default()).unwrap();
            }
            let lines = reader
                .as_mut()
                .map(|reader: &mut Reader| reader.next(&budget).unwrap());
            seen.extend(lines.into_iter().flatten().map(|line| line.text));
            if seen == ["one"] {
                std::fs::write(&go, "").unwrap();
            }
        }
        exec.wait(key(1)).await;
        let mut reader = reader.unwrap();
        assert!(reader.next(&budget).unwrap().is_empty());
        seen.extend(reader.rest().into_iter().map(|line| line.text));
        assert_eq!(seen, ["one", "two", "three"]);
    });
}

pub(crate) fn doctor(data: &std::path::Path) {
    for finding in steading_exec::doctor::probe(data).unwrap() {
        println!("{finding:?}");
        let good = finding.verdict == steading_exec::doctor::Verdict::Ok;
        assert_eq!(good, finding.fix.is_none(), "{finding:?}");
        // Groups of version 1 are root's; those that a server of root's left are not ours to use.
        let ordinary = !rustix::process::geteuid().is_root();
        assert!(
            !(ordinary && finding.sentence.starts_with("version 1")),
            "{finding:?}"
        );
    }
}

fn examine(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let findings = exec.examine().await.unwrap();
        assert!(findings.len() >= 7, "{findings:?}");
        run(&exec, &mut ended, LEVEL, 1, &sh("true")).await;
    });
}
