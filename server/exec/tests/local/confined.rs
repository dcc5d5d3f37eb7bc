//! The levels `sandbox` and `image`, as root and as an unprivileged user.

use std::collections::BTreeMap;
use std::io::Write;

use sha2::{Digest, Sha256};
use steading_exec::images::{ImageError, Images, Source};
use steading_exec::{Exec, Policy, State, Stop};
use steading_types::task::{
    Container, Content, End, FileEntry, Level, Mount, OutputFile, SubPath, Task, Volume, VolumeKind,
};
use steading_types::{CpuMilli, MemoryBytes, Millis};

use crate::harness::*;

/// Where a test runs.
pub(crate) trait At {
    const LEVEL: Level;
    const IMAGE: &'static str;
}
pub(crate) struct Sandbox;
impl At for Sandbox {
    const LEVEL: Level = Level::Sandbox;
    const IMAGE: &'static str = "host";
}
pub(crate) struct Image;
impl At for Image {
    const LEVEL: Level = Level::Image;
    const IMAGE: &'static str = "busybox";
}

macro_rules! common {
    ($at:ty, $($more:expr),* $(,)?) => {
        &[
            ("hello_exit_codes_and_missing_programs", hello::<$at>),
            ("a_script_and_its_output_files", outputs::<$at>),
            ("containers_share_an_empty_dir", sharing::<$at>),
            ("files_and_directories_are_mounted", files::<$at>),
            ("the_host_can_not_be_seen_or_touched", escapes::<$at>),
            ("nothing_outlives_a_task", leftovers::<$at>),
            ("a_fork_bomb_is_contained", bomb::<$at>),
            ("a_deadline_and_a_polite_stop_end_a_task", stops::<$at>),
            ("a_killed_supervisor_takes_its_task_with_it", lost::<$at>),
            ("removal_leaves_nothing", removal::<$at>),
            $($more,)*
        ]
    };
}

pub(crate) const SANDBOX: &[Test] = common!(Sandbox, ("too_much_memory_is_told", oom::<Sandbox>),);
pub(crate) const IMAGE: &[Test] = common!(
    Image,
    ("too_much_memory_is_told", oom::<Image>),
    ("the_image_says_how_it_runs", config),
    ("an_image_in_use_stays_and_a_copy_works_as_well", copies),
    ("a_missing_image_is_named", missing),
    ("layers_hide_what_they_remove", whiteouts),
    (
        "hostile_archives_stay_in_their_root_or_are_refused",
        hostile
    ),
    ("images_are_listed_tagged_and_removed", store),
    ("a_level_below_the_minimum_is_refused", minimum),
);
pub(crate) const NOBODY: &[Test] = &[
    ("sandbox_hello", hello::<Sandbox>),
    ("sandbox_outputs", outputs::<Sandbox>),
    ("sandbox_sharing", sharing::<Sandbox>),
    ("sandbox_files", files::<Sandbox>),
    ("sandbox_escapes", escapes::<Sandbox>),
    ("sandbox_bomb", bomb::<Sandbox>),
    ("sandbox_lost", lost::<Sandbox>),
    ("image_hello", hello::<Image>),
    ("image_outputs", outputs::<Image>),
    ("image_sharing", sharing::<Image>),
    ("image_files", files::<Image>),
    ("image_escapes", escapes::<Image>),
    ("image_leftovers", leftovers::<Image>),
    ("sandbox_examined_by_the_doctor", |_| ()),
    ("image_removal", removal::<Image>),
    ("image_copies", copies),
];

fn exited(code: i32) -> End {
    End::Exited {
        container: "main".into(),
        code,
    }
}

fn task<A: At>(script: &str) -> Task {
    let mut task = sh(script);
    task.main.image = A::IMAGE.into();
    task
}

async fn result<A: At>(
    exec: &Exec,
    ended: &mut steading_exec::Ended,
    node: u32,
    script: &str,
) -> String {
    let report = run(exec, ended, A::LEVEL, node, &task::<A>(script)).await;
    assert_eq!(report.end, exited(0), "{script}: {report:?}");
    report.result.clone().unwrap()
}

fn hello<A: At>(mut site: Site) {
    site.import::<A>();
    wait(async {
        let (exec, mut ended) = site.open().await;
        let report = run(
            &exec,
            &mut ended,
            A::LEVEL,
            1,
            &task::<A>("echo hello; id -u"),
        )
        .await;
        assert_eq!(report.end, exited(0), "{report:?}");
        assert_eq!(report.result.as_deref(), Some("hello\n0\n"));
        assert!(report.isolation.contains("userns=1"), "{report:?}");
        let report = run(&exec, &mut ended, A::LEVEL, 2, &task::<A>("exit 9")).await;
        assert_eq!(report.end, exited(9));
        let mut missing = task::<A>("");
        missing.main.command = vec!["no-such-program".into()];
        let report = run(&exec, &mut ended, A::LEVEL, 3, &missing).await;
        assert!(matches!(report.end, End::NotStarted { .. }), "{report:?}");
        let env = result::<A>(&exec, &mut ended, 4, "env").await;
        let names: Vec<&str> = env
            .lines()
            .filter_map(|l| Some(l.split_once('=')?.0))
            .collect();
        for name in &names {
            let known = [
                "PATH",
                "HOME",
                "HOSTNAME",
                "STEADING_ATTEMPT",
                "PWD",
                "SHLVL",
                "_",
                "OLDPWD",
            ];
            assert!(known.contains(name), "{env}");
        }
        assert_eq!(
            result::<A>(&exec, &mut ended, 5, "ls /proc/self/fd | wc -l")
                .await
                .trim(),
            "4"
        );
    });
}

fn outputs<A: At>(mut site: Site) {
    site.import::<A>();
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mut task = task::<A>("");
        task.main.command = vec!["sh".into()];
        task.script = Some(
            "cd /tmp; printf good > good; mkfifo fifo; ln -s /proc/1/root/etc/passwd magic; ln -s /proc/self/environ server; \
             ln -s ../../../../../../tmp/good up; head -c 300000 /dev/zero > huge"
                .into(),
        );
        let names = ["good", "fifo", "magic", "server", "up", "huge", "absent"];
        task.outputs = names
            .map(|name| OutputFile {
                name: name.into(),
                path: format!("/tmp/{name}"),
            })
            .into();
        let report = run(&exec, &mut ended, A::LEVEL, 1, &task).await;
        assert_eq!(report.end, exited(0), "{report:?}");
        assert_eq!(report.outputs["good"], "good");
        assert_eq!(report.outputs["up"], "good");
        let refused: Vec<&str> = report.refused.keys().map(String::as_str).collect();
        assert_eq!(refused, ["fifo", "huge", "magic", "server"]);
    });
}

fn sharing<A: At>(mut site: Site) {
    site.import::<A>();
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mount = |volume: &str, path: &str, sub: Option<&str>, read_only| Mount {
            volume: volume.into(),
            path: path.into(),
            sub_path: sub.map(|sub: &str| SubPath::Plain(sub.into())),
            read_only,
        };
        let volume = |name: &str, memory| Volume {
            name: name.into(),
            kind: VolumeKind::EmptyDir {
                memory,
                size: memory.then_some(MemoryBytes(1 << 20)),
            },
        };
        let mut task = task::<A>(
            "cat /data/a /sub/b /mem/c && ! touch /data/no 2>/dev/null && ! head -c 2000000 /dev/zero > /mem/big 2>/dev/null",
        );
        task.volumes = vec![volume("disk", false), volume("mem", true)];
        task.main.mounts = vec![
            mount("disk", "/data", None, true),
            mount("disk", "/sub", Some("x/y"), false),
            mount("mem", "/mem", None, false),
        ];
        let init = Container {
            image: A::IMAGE.into(),
            mounts: vec![
                mount("disk", "/d", None, false),
                mount("mem", "/m", None, false),
            ],
            ..container(
                "init",
                "echo a > /d/a; mkdir -p /d/x/y; echo b > /d/x/y/b; echo c > /m/c",
            )
        };
        task.init = vec![init];
        let report = run(&exec, &mut ended, A::LEVEL, 1, &task).await;
        assert_eq!(report.end, exited(0), "{report:?}");
        assert_eq!(report.result.as_deref(), Some("a\nb\nc\n"));
        // A link in the volume must not lead the sub path out of it.
        task.init[0].command[2] = "ln -s / /d/x; touch /m/c".into();
        let report = run(&exec, &mut ended, A::LEVEL, 2, &task).await;
        assert!(matches!(report.end, End::Unprepared { .. }), "{report:?}");
        task.main.mounts[0].path = "/data/../../x".into();
        let report = run(&exec, &mut ended, A::LEVEL, 3, &task).await;
        assert!(matches!(report.end, End::Unprepared { .. }), "{report:?}");
    });
}

fn files<A: At>(mut site: Site) {
    site.import::<A>();
    let kept = site.data.join("kept");
    std::fs::create_dir(&kept).unwrap();
    let mount = |volume: &str, path: &str, sub: Option<SubPath>| Mount {
        volume: volume.into(),
        path: path.into(),
        sub_path: sub,
        read_only: false,
    };
    let text = |content: &str, mode| FileEntry {
        content: Content::Text(content.into()),
        mode,
    };
    let mut task = task::<A>(
        "cat /conf/a /conf/deep/b /tmp/one; ls -l /conf/deep/b | cut -c1-10; \
         echo no 2>/dev/null > /conf/a || echo read-only; echo kept > /kept/here; ls /tmp/part",
    );
    task.volumes = vec![
        Volume {
            name: "conf".into(),
            kind: VolumeKind::Files {
                entries: [
                    ("a".to_owned(), text("A\n", 0o644)),
                    ("deep/b".to_owned(), text("B\n", 0o400)),
                ]
                .into(),
            },
        },
        Volume {
            name: "kept".into(),
            kind: VolumeKind::Directory {
                path: kept.to_string_lossy().into_owned(),
                read_only: false,
            },
        },
    ];
    task.main.env = vec![
        ("X".into(), "deep".into()),
        ("WHERE".into(), "$(X)/b".into()),
    ];
    task.main.mounts = vec![
        // The deeper one first: the order of mounts is not that of the list.
        mount("conf", "/tmp/one", Some(SubPath::Plain("a".into()))),
        mount("conf", "/conf", None),
        mount("kept", "/kept", None),
        mount("conf", "/tmp/part", Some(SubPath::Expanded("$(X)".into()))),
    ];
    wait(async {
        let (exec, mut ended) = site.open().await;
        let report = run(&exec, &mut ended, A::LEVEL, 1, &task).await;
        assert_eq!(report.end, exited(0), "{report:?}");
        let said = report.result.as_deref();
        assert_eq!(said, Some("A\nB\nA\n-r--------\nread-only\nb\n"));
        exec.remove(key(1)).await.unwrap();
        let read = std::fs::read_to_string(kept.join("here")).unwrap();
        assert_eq!(read, "kept\n");
        for (path, entry) in [("../x", "a"), ("/x", "a"), ("", "a")] {
            let mut bad = task.clone();
            bad.volumes[0].kind = VolumeKind::Files {
                entries: [(path.to_owned(), text(entry, 0o644))].into(),
            };
            let report = run(&exec, &mut ended, A::LEVEL, 2, &bad).await;
            assert!(
                matches!(&report.end, End::Unprepared { code, .. } if code == "isolation.volume"),
                "{report:?}"
            );
            exec.remove(key(2)).await.unwrap();
        }
    });
}

fn escapes<A: At>(mut site: Site) {
    site.import::<A>();
    std::fs::write(site.data.join("secret"), "secret").unwrap();
    let data = site.data.display().to_string();
    wait(async {
        let (exec, mut ended) = site.open().await;
        // Each must fail.
        let host = std::process::id();
        let probes = [
            format!("ls {data}"),
            format!("cat {data}/secret"),
            "cat /etc/shadow".into(),
            format!("cat /proc/{host}/environ"),
            "ls /proc/1/root/".into(),
            "ls /proc/1/fd/".into(),
            "kill -9 1 && ! true".into(),
            "mount -t tmpfs x /tmp".into(),
            "umount /proc".into(),
            "unshare -U true".into(),
            "unshare -r true".into(),
            "chroot / true".into(),
            "mknod /tmp/node b 8 0".into(),
            "echo x > /proc/sys/kernel/hostname".into(),
            "echo x > /proc/sysrq-trigger".into(),
            "hostname other".into(),
            "dmesg".into(),
            "head -c 1 /proc/kcore".into(),
            "ls /sys/kernel".into(),
            "head -c 1 /dev/vda".into(),
            "chmod u+s /tmp/own".into(),
            "test -e /dev/kmsg".into(),
            "test -e /run/systemd".into(),
        ];
        let mut script = String::from("touch /tmp/own\n");
        for probe in &probes {
            script.push_str(&format!(
                "if ({probe}) >/dev/null 2>&1; then echo \"POSSIBLE: {probe}\"; fi\n"
            ));
        }
        script.push_str("grep -c : /proc/net/dev; ps 2>/dev/null | wc -l\n");
        script.push_str("grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status\n");
        let seen = result::<A>(&exec, &mut ended, 1, &script).await;
        // kill -9 1 is accepted by the kernel and does nothing.
        let possible: Vec<&str> = seen.lines().filter(|l| l.starts_with("POSSIBLE")).collect();
        assert!(possible.is_empty(), "{possible:?}");
        for line in [
            "CapEff:\t0000000000000000",
            "CapBnd:\t0000000000000000",
            "NoNewPrivs:\t1",
            "Seccomp:\t2",
        ] {
            assert!(seen.contains(line), "{seen}");
        }
        assert!(
            seen.starts_with("1\n"),
            "only the loopback interface: {seen}"
        );
        assert_eq!(
            std::fs::read_to_string(site.data.join("secret")).unwrap(),
            "secret"
        );
    });
}

fn leftovers<A: At>(mut site: Site) {
    site.import::<A>();
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mark = std::process::id();
        let script =
            format!("(trap '' TERM HUP; exec sleep {mark}.5) & (sleep {mark}.5 &) ; echo started");
        let report = run(&exec, &mut ended, A::LEVEL, 1, &task::<A>(&script)).await;
        assert_eq!(report.end, exited(0));
        let left = format!("sleep\0{mark}.5");
        until("no process is left", || !running(&left)).await;
    });
}

fn bomb<A: At>(mut site: Site) {
    site.import::<A>();
    wait(async {
        let policy = Policy {
            pids: 40,
            ..Policy::default()
        };
        let (exec, mut ended) = site.open_with(policy).await;
        let mut bomb = task::<A>("b() { b | b & }; b; sleep 1000");
        bomb.deadline = Some(Millis(300));
        bomb.grace = Millis(50);
        let report = run(&exec, &mut ended, A::LEVEL, 1, &bomb).await;
        assert!(
            !matches!(report.end, End::Exited { code: 0, .. }),
            "{report:?}"
        );
        assert_eq!(
            result::<A>(&exec, &mut ended, 2, "echo fine").await,
            "fine\n"
        );
    });
}

fn stops<A: At>(mut site: Site) {
    site.import::<A>();
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mut deaf = task::<A>("trap '' TERM; while :; do sleep 1; done");
        deaf.deadline = Some(Millis(100));
        deaf.grace = Millis(100);
        let report = run(&exec, &mut ended, A::LEVEL, 1, &deaf).await;
        assert_eq!(report.end, End::DeadlineExceeded);
        let polite = task::<A>("trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done");
        exec.start(key(2), A::LEVEL, BASE, &polite).await.unwrap();
        let log = steading_exec::logs::path(&site.data, key(2));
        until("the task is ready", || log.exists()).await;
        exec.stop(key(2), Stop::Polite).await.unwrap();
        assert_eq!(end(&exec, &mut ended, 2).await.end, exited(5));
        exec.start(key(3), A::LEVEL, BASE, &task::<A>("echo ready; sleep 1000"))
            .await
            .unwrap();
        let log = steading_exec::logs::path(&site.data, key(3));
        until("the task is ready", || log.exists()).await;
        exec.stop(key(3), Stop::Forced).await.unwrap();
        let report = end(&exec, &mut ended, 3).await;
        assert!(
            matches!(report.end, End::Signaled { signal: 9, .. }),
            "{report:?}"
        );
    });
}

fn lost<A: At>(mut site: Site) {
    site.import::<A>();
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mark = std::process::id();
        let script = format!("sleep {mark}.25 & echo ready; wait");
        exec.start(key(1), A::LEVEL, BASE, &task::<A>(&script))
            .await
            .unwrap();
        let log = steading_exec::logs::path(&site.data, key(1));
        until("the task is ready", || log.exists()).await;
        kill(supervisor(&site.data, 1), 9);
        assert_eq!(end(&exec, &mut ended, 1).await.end, End::Lost);
        let left = format!("sleep\0{mark}.25");
        until("no process is left", || !running(&left)).await;
    });
}

fn removal<A: At>(mut site: Site) {
    site.import::<A>();
    wait(async {
        let (exec, mut ended) = site.open().await;
        let script = "mkdir -p /tmp/a/b; chmod 000 /tmp/a/b; ln -s / /tmp/link; echo x > $HOME/file; mkdir $HOME/deep; chmod 000 $HOME/deep";
        let mut task = task::<A>(script);
        task.main.env.push((
            "HOME".into(),
            if A::IMAGE == "host" { "/work" } else { "/tmp" }.into(),
        ));
        let report = run(&exec, &mut ended, A::LEVEL, 1, &task).await;
        assert_eq!(report.end, exited(0), "{report:?}");
        exec.remove(key(1)).await.unwrap();
        assert_eq!(exec.state(key(1)), State::Unknown);
        until("the directory is gone", || {
            std::fs::read_dir(site.data.join("tasks")).unwrap().count() == 0
        })
        .await;
    });
}

fn oom<A: At>(mut site: Site) {
    site.import::<A>();
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mut task = task::<A>("head -c 300000000 /dev/zero | tail -c 299999999 | wc -c");
        task.main.memory = Some(MemoryBytes(32 << 20));
        task.main.cpu = Some(CpuMilli(900));
        task.main.command = vec![
            "sh".into(),
            "-c".into(),
            "x=$(head -c 300000000 /dev/zero | tr '\\0' x); echo ${#x}".into(),
        ];
        let report = run(&exec, &mut ended, A::LEVEL, 1, &task).await;
        assert!(report.isolation.contains("cg.mem="), "{report:?}");
        if report.isolation.contains("cg.mem=v") {
            assert!(matches!(report.end, End::OutOfMemory { .. }), "{report:?}");
        } else {
            assert_ne!(report.end, exited(0));
        }
    });
}

fn config(mut site: Site) {
    let layer = tar(&[
        File::Dir("bin"),
        File::Exe("bin/busybox"),
        File::Link("bin/sh", "busybox"),
        File::Dir("etc"),
        File::Text("etc/passwd", "app:x:1234:1235::/:/bin/sh\n"),
    ]);
    let config = r#"{"Entrypoint":["/bin/busybox","sh","-c"],"Cmd":["id -u; id -g; pwd; echo $GREETING"],"Env":["GREETING=hi"],"WorkingDir":"/srv/app","User":"app"}"#;
    let archive = docker_archive("team/app:1", &[layer], config);
    Images::at(&site.data)
        .import(Source::Stream(&mut &*archive), None)
        .unwrap();
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mut task = sh("");
        task.main.command.clear();
        task.main.image = "docker.io/team/app:1".into();
        let report = run(&exec, &mut ended, Level::Image, 1, &task).await;
        assert_eq!(
            report.result.as_deref(),
            Some("1234\n1235\n/srv/app\nhi\n"),
            "{report:?}"
        );
    });
}

fn copies(mut site: Site) {
    site.import::<Image>();
    wait(async {
        let policy = Policy {
            image_roots: steading_exec::ImageRoots::Copy,
            ..Policy::default()
        };
        let (exec, mut ended) = site.open_with(policy).await;
        let write = "echo mine > /bin/file; echo ready; sleep 1000";
        exec.start(key(1), Level::Image, BASE, &task::<Image>(write))
            .await
            .unwrap();
        let log = steading_exec::logs::path(&site.data, key(1));
        until("the task is ready", || log.exists()).await;
        let images = Images::at(&site.data);
        assert!(matches!(
            images.remove("busybox"),
            Err(ImageError::InUse { .. })
        ));
        let seen = result::<Image>(&exec, &mut ended, 2, "ls /bin/file || echo absent").await;
        assert_eq!(seen, "absent\n");
        exec.stop(key(1), Stop::Forced).await.unwrap();
        end(&exec, &mut ended, 1).await;
        images.remove("busybox").unwrap();
    });
}

fn missing(mut site: Site) {
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mut task = sh("true");
        task.main.image = "nowhere/nothing:1".into();
        let report = run(&exec, &mut ended, Level::Image, 1, &task).await;
        let End::Unprepared { code, message } = &report.end else {
            panic!("{report:?}")
        };
        assert_eq!(code, "image.missing");
        assert!(
            message.contains("nowhere/nothing:1") && message.contains("steading image import"),
            "{message}"
        );
    });
}

fn minimum(mut site: Site) {
    wait(async {
        let policy = Policy {
            minimum: Level::Sandbox,
            ..Policy::default()
        };
        let (exec, mut ended) = site.open_with(policy).await;
        let report = run(&exec, &mut ended, Level::Process, 1, &sh("true")).await;
        assert!(
            matches!(&report.end, End::Unprepared { code, .. } if code == "isolation.minimum"),
            "{report:?}"
        );
    });
}

fn whiteouts(site: Site) {
    let lower = tar(&[
        File::Dir("a"),
        File::Text("a/gone", "x"),
        File::Text("a/stays", "x"),
        File::Dir("b"),
        File::Text("b/old", "x"),
        File::Link("lib", "b"),
    ]);
    let upper = tar(&[
        File::Text("a/.wh.gone", ""),
        File::Text("b/new", "x"),
        File::Text("b/.wh..wh..opq", ""),
        File::Text("lib/through", "x"),
    ]);
    let archive = docker_archive("w", &[lower, gz(&upper)], "{}");
    let images = Images::at(&site.data);
    images.import(Source::Stream(&mut &*archive), None).unwrap();
    let root = images.resolve("w").unwrap().path.join("root");
    for (path, there) in [
        ("a/gone", false),
        ("a/stays", true),
        ("b/old", false),
        ("b/new", true),
        ("b/through", true),
    ] {
        assert_eq!(root.join(path).exists(), there, "{path}");
    }
}

fn hostile(site: Site) {
    let images = Images::at(&site.data);
    let import = |layers: &[Vec<u8>]| {
        let archive = docker_archive("h", layers, "{}");
        images.import(Source::Stream(&mut &*archive), None)
    };
    let outside = site.data.join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("file"), "untouched").unwrap();
    let target = outside.display().to_string();
    // A link out of the root, then a file through it.
    let _ = import(&[tar(&[
        File::Link("x", &target),
        File::Text("x/file", "evil"),
    ])]);
    let _ = import(&[tar(&[
        File::Link("x", "../../../../../../../.."),
        File::Text("x/evil", "evil"),
    ])]);
    for refused in [
        tar(&[File::Text("../evil", "x")]),
        tar(&[File::Text("a/../../evil", "x")]),
        tar(&[File::Hard("h", &format!("{target}/file"))]),
        tar(&[File::Hard("h", "../../../outside/file")]),
        tar(&[File::Text("a", "x"), File::Text("a/b", "x")]),
        {
            let mut cut = tar(&[File::Text("long", &"x".repeat(4000))]);
            cut.truncate(2000);
            cut
        },
        vec![0x1f, 0x8b, 8, 0, 1, 2, 3],
        b"no archive at all".to_vec(),
    ] {
        assert!(import(&[refused]).is_err());
    }
    // Devices are left out; a setuid bit is not kept.
    import(&[tar(&[File::Device("dev0"), File::Setuid("su")])]).unwrap();
    let root = images.resolve("h").unwrap().path.join("root");
    assert!(!root.join("dev0").exists());
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(root.join("su")).unwrap());
    assert_eq!(mode & 0o7000, 0);
    assert_eq!(
        std::fs::read_to_string(outside.join("file")).unwrap(),
        "untouched"
    );
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
    assert!(!std::path::Path::new("/evil").exists());
    // Damage is noticed.
    let mut archive = docker_archive("d", &[tar(&[File::Text("f", "content")])], "{}");
    let at = archive.windows(7).position(|w| w == b"content").unwrap();
    archive[at] = b'C';
    let error = images
        .import(Source::Stream(&mut &*archive), None)
        .unwrap_err();
    assert!(matches!(error, ImageError::BadArchive { .. }), "{error}");
    assert!(
        std::fs::read_dir(site.data.join("images/tmp"))
            .unwrap()
            .count()
            == 0
    );
}

fn store(site: Site) {
    let images = Images::at(&site.data);
    assert!(images.list().unwrap().is_empty());
    let archive = docker_archive("one", &[tar(&[File::Text("f", "1")])], "{}");
    images
        .import(Source::Stream(&mut &*gz(&archive)), None)
        .unwrap();
    images.tag("one", "two:2").unwrap();
    assert_eq!(
        images
            .inspect("docker.io/library/two:2")
            .unwrap()
            .names
            .len(),
        2
    );
    images.remove("one").unwrap();
    assert!(matches!(
        images.resolve("one"),
        Err(ImageError::Missing { .. })
    ));
    assert_eq!(images.list().unwrap().len(), 1);
    images.remove("two:2").unwrap();
    assert!(images.list().unwrap().is_empty());
    let archive = docker_archive("one", &[tar(&[File::Text("f", "1")])], "{}");
    images
        .import(Source::Stream(&mut &*archive), Some("own:name"))
        .unwrap();
    images.resolve("own:name").unwrap();
    images.gc().unwrap();
    images.resolve("one").unwrap();
}

// ---- archives ----

enum File<'a> {
    Dir(&'a str),
    Text(&'a str, &'a str),
    Link(&'a str, &'a str),
    Hard(&'a str, &'a str),
    Device(&'a str),
    Setuid(&'a str),
    /// The host's static busybox.
    Exe(&'a str),
}

fn tar(files: &[File<'_>]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        let mut busybox = Vec::new();
        let (name, kind, content): (&str, tar::EntryType, &[u8]) = match file {
            File::Dir(name) => (name, tar::EntryType::Directory, b""),
            File::Text(name, text) => (name, tar::EntryType::Regular, text.as_bytes()),
            File::Link(name, target) => {
                header.set_link_name_literal(target).unwrap();
                (name, tar::EntryType::Symlink, b"")
            }
            File::Hard(name, target) => {
                header.set_link_name_literal(target).unwrap();
                (name, tar::EntryType::Link, b"")
            }
            File::Device(name) => (name, tar::EntryType::Block, b""),
            File::Setuid(name) => {
                header.set_mode(0o4755);
                (name, tar::EntryType::Regular, b"")
            }
            File::Exe(name) => {
                busybox.extend(std::fs::read(busybox_path()).unwrap());
                (name, tar::EntryType::Regular, &busybox)
            }
        };
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        // Literally, with all dots and slashes.
        let bytes = name.as_bytes();
        header.as_gnu_mut().unwrap().name[..bytes.len()].copy_from_slice(bytes);
        header.set_cksum();
        out.append(&header, content).unwrap();
    }
    out.into_inner().unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// As `docker save` writes it.
fn docker_archive(name: &str, layers: &[Vec<u8>], config: &str) -> Vec<u8> {
    let plain = |layer: &Vec<u8>| {
        let mut out = Vec::new();
        if layer.starts_with(&[0x1f, 0x8b]) {
            let _ =
                std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&**layer), &mut out);
        } else {
            out.clone_from(layer);
        }
        format!("\"sha256:{}\"", hex::encode(Sha256::digest(out)))
    };
    let ids: Vec<String> = layers.iter().map(plain).collect();
    let document = format!(
        "{{\"config\":{config},\"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[{}]}}}}",
        ids.join(",")
    );
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let names: Vec<String> = (0..layers.len())
        .map(|n| format!("\"{n}/layer.tar\""))
        .collect();
    files.insert(
        "manifest.json".into(),
        format!(
            "[{{\"Config\":\"config.json\",\"RepoTags\":[\"{name}\"],\"Layers\":[{}]}}]",
            names.join(",")
        )
        .into_bytes(),
    );
    files.insert("config.json".into(), document.into_bytes());
    for (number, layer) in layers.iter().enumerate() {
        files.insert(format!("{number}/layer.tar"), layer.clone());
    }
    let mut out = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        out.append_data(&mut header, name, &*content).unwrap();
    }
    out.into_inner().unwrap()
}

fn busybox_path() -> &'static str {
    let places = ["/bin/busybox", "/usr/bin/busybox"];
    let found = places
        .iter()
        .find(|path| std::path::Path::new(path).exists());
    found.expect("install busybox-static for these tests: apt-get install busybox-static")
}

impl Site {
    /// Imports what a level needs.
    pub(crate) fn import<A: At>(&self) {
        if A::LEVEL != Level::Image {
            return;
        }
        let applets = "sh cat echo ls env id printf mkfifo ln head wc touch mkdir kill mount umount \
                       unshare chroot mknod hostname dmesg chmod test grep ps sleep tail tr true";
        let links: Vec<String> = applets
            .split_whitespace()
            .map(|a| format!("bin/{a}"))
            .collect();
        let mut files = vec![File::Dir("bin"), File::Exe("bin/busybox"), File::Dir("tmp")];
        files.extend(links.iter().map(|name| File::Link(name, "busybox")));
        let archive = docker_archive("busybox", &[tar(&files)], "{\"Cmd\":[\"sh\"]}");
        Images::at(&self.data)
            .import(Source::Stream(&mut &*archive), None)
            .unwrap();
    }
}
