//! Several containers of one task, and tasks that talk to each other.

use std::net::{Ipv4Addr, TcpListener};

use steading_exec::{Egress, Exec, Policy, State, Stop};
use steading_types::Millis;
use steading_types::task::{
    Content, End, FileEntry, InPlace, Mount, Network, Probe, ProbeAction, Task, Volume, VolumeKind,
};

use crate::confined::{At, Image, Sandbox};
use crate::harness::*;

pub(crate) const SANDBOX: &[Test] = &[
    (
        "a_sidecar_serves_main_and_goes_after_it",
        sidecar::<Sandbox>,
    ),
    ("a_set_follows_its_dependencies", set::<Sandbox>),
    ("a_set_tries_again_in_place", again::<Sandbox>),
    ("a_service_is_reached_by_its_run", service::<Sandbox>),
    ("who_a_container_is", identity::<Sandbox>),
    ("what_fails_its_probes_is_ended", probes::<Sandbox>),
    (
        "the_hosts_network_is_there_when_the_site_says_so",
        egress::<Sandbox>,
    ),
];
pub(crate) const IMAGE: &[Test] = &[
    ("a_sidecar_serves_main_and_goes_after_it", sidecar::<Image>),
    ("a_set_follows_its_dependencies", set::<Image>),
    ("a_set_tries_again_in_place", again::<Image>),
    ("a_service_is_reached_by_its_run", service::<Image>),
    ("who_a_container_is", identity::<Image>),
    ("what_fails_its_probes_is_ended", probes::<Image>),
    (
        "the_hosts_network_is_there_when_the_site_says_so",
        egress::<Image>,
    ),
];
pub(crate) const NOBODY: &[Test] = &[
    ("sandbox_sidecar", sidecar::<Sandbox>),
    ("image_set", set::<Image>),
    ("sandbox_service", service::<Sandbox>),
];

fn task<A: At>(script: &str) -> Task {
    let mut task = sh(script);
    task.main.image = A::IMAGE.into();
    task
}

fn beside<A: At>(name: &str, script: &str) -> steading_types::task::Container {
    let mut beside = container(name, script);
    beside.image = A::IMAGE.into();
    beside
}

fn exited(container: &str, code: i32) -> End {
    End::Exited {
        container: container.into(),
        code,
    }
}

/// A directory that containers share.
fn shared(task: &mut Task) {
    task.volumes.push(Volume {
        name: "shared".into(),
        kind: VolumeKind::EmptyDir {
            memory: false,
            size: None,
        },
    });
    let mount = Mount {
        volume: "shared".into(),
        path: "/shared".into(),
        sub_path: None,
        read_only: false,
    };
    let late = task.members.iter_mut().chain(&mut task.sidecars);
    for container in std::iter::once(&mut task.main).chain(late) {
        container.mounts.push(mount.clone());
    }
}

fn sidecar<A: At>(mut site: Site) {
    site.import::<A>();
    let mut task = task::<A>(
        "until [ -e /shared/up ]; do sleep 0.01; done; cat /shared/up; echo main-log >&2",
    );
    task.sidecars = vec![beside::<A>(
        "side",
        "trap 'echo bye; exit 7' TERM; echo side-log; echo up > /shared/up; \
         while true; do sleep 0.05; done",
    )];
    task.network = Network::Own;
    task.grace = Millis(20_000);
    shared(&mut task);
    wait(async {
        let (exec, mut ended) = site.open().await;
        let report = run(&exec, &mut ended, A::LEVEL, 1, &task).await;
        assert_eq!(report.end, exited("main", 0), "{report:?}");
        assert_eq!(report.result.as_deref(), Some("up\n"));
        assert!(report.isolation.contains("net=own"), "{report:?}");
        let log = std::fs::read_to_string(steading_exec::logs::path(&site.data, key(1))).unwrap();
        for line in ["side-log", "main-log", "bye"] {
            assert!(log.contains(line), "{log}");
        }
        // One that does not go is killed; one that can not start is told.
        let long = unique_span();
        task.sidecars[0].command[2] = format!("trap '' TERM; echo up > /shared/up; sleep {long}");
        task.grace = Millis(1);
        let report = run(&exec, &mut ended, A::LEVEL, 2, &task).await;
        assert_eq!(report.end, exited("main", 0), "{report:?}");
        assert!(!running(&format!("sleep\u{0}{long}")));
        task.sidecars[0].command = vec!["/no/such".into()];
        let report = run(&exec, &mut ended, A::LEVEL, 3, &task).await;
        assert!(matches!(&report.end, End::NotStarted { message } if message.contains("side")));
    });
}

fn set<A: At>(mut site: Site) {
    site.import::<A>();
    let mut task = task::<A>("cat /shared/a /shared/b");
    task.main.after = vec!["a".into(), "b".into()];
    task.members = vec![
        beside::<A>("a", "echo A > /shared/a"),
        beside::<A>("b", "cat /shared/a > /shared/b; echo B >> /shared/b"),
    ];
    task.members[1].after = vec!["a".into()];
    shared(&mut task);
    wait(async {
        let (exec, mut ended) = site.open().await;
        let report = run(&exec, &mut ended, A::LEVEL, 1, &task).await;
        assert_eq!(report.end, exited("main", 0), "{report:?}");
        assert_eq!(report.result.as_deref(), Some("A\nA\nB\n"));
        let ends: Vec<_> = report
            .members
            .iter()
            .map(|(n, r)| (n.as_str(), &r.end))
            .collect();
        let well = [
            ("a", exited("a", 0)),
            ("b", exited("b", 0)),
            ("main", exited("main", 0)),
        ];
        assert_eq!(ends, well.iter().map(|(n, e)| (*n, e)).collect::<Vec<_>>());
        task.members[0].command[2] = "exit 3".into();
        let report = run(&exec, &mut ended, A::LEVEL, 2, &task).await;
        assert_eq!(report.end, exited("a", 3), "{report:?}");
        let End::NotStarted { message } = &report.members["main"].end else {
            panic!("{report:?}");
        };
        assert_eq!(message, "dependency \"a\" exited with non-zero code: 3");
        // A circle ends as well.
        task.members[0].after = vec!["b".into()];
        let report = run(&exec, &mut ended, A::LEVEL, 3, &task).await;
        assert!(matches!(&report.end, End::NotStarted { .. }), "{report:?}");
    });
}

fn again<A: At>(mut site: Site) {
    site.import::<A>();
    let mut task = task::<A>("echo x >> /shared/tries; [ $(wc -l < /shared/tries) = 3 ]");
    task.members = vec![beside::<A>("other", "true")];
    task.in_place = Some(InPlace {
        retries: 2,
        pause: Millis(1),
    });
    shared(&mut task);
    wait(async {
        let (exec, mut ended) = site.open().await;
        let report = run(&exec, &mut ended, A::LEVEL, 1, &task).await;
        assert_eq!(report.end, exited("main", 0), "{report:?}");
        task.in_place = Some(InPlace {
            retries: 1,
            pause: Millis(1),
        });
        let report = run(&exec, &mut ended, A::LEVEL, 2, &task).await;
        assert_eq!(report.end, exited("main", 1), "{report:?}");
    });
}

/// A server and a client in the words of busybox.
const SERVE: &str = "while true; do echo hello | busybox nc -l -p 80; done";

/// The sandbox's programs are the host's: one that serves is brought along.
fn tool(task: &mut Task) {
    let busybox = std::fs::read("/bin/busybox").or_else(|_| std::fs::read("/usr/bin/busybox"));
    task.volumes.push(Volume {
        name: "tool".into(),
        kind: VolumeKind::Files {
            entries: [(
                "busybox".to_owned(),
                FileEntry {
                    content: Content::Bytes(busybox.unwrap()),
                    mode: 0o755,
                },
            )]
            .into(),
        },
    });
    task.main.mounts.push(Mount {
        volume: "tool".into(),
        path: "/tool".into(),
        sub_path: None,
        read_only: true,
    });
    task.main.env = vec![("PATH".into(), "/tool:/usr/bin:/bin".into())];
}

async fn ready(exec: &Exec, ended: &mut steading_exec::Ended, node: u32) {
    while !matches!(exec.state(key(node)), State::Running { ready: true, .. }) {
        if let State::Ended(report) = exec.state(key(node)) {
            panic!("{report:?}");
        }
        ended.next().await.unwrap();
    }
}

fn service<A: At>(mut site: Site) {
    site.import::<A>();
    let address = |last| Ipv4Addr::new(10, 0, 1, last);
    let mut service = task::<A>(SERVE);
    tool(&mut service);
    service.deadline = Some(Millis(20_000));
    service.network = Network::Serving(address(2));
    service.service = Some(Probe {
        action: ProbeAction::Connect {
            host: None,
            port: 80,
        },
        delay: Millis(0),
        period: Millis(20),
        timeout: Millis(1000),
        successes: 2,
        failures: None,
    });
    let client = |script: &str| {
        let mut task = task::<A>(script);
        tool(&mut task);
        task.network = Network::Reaching;
        task
    };
    let ask = client("busybox nc 10.0.1.2 80 < /dev/null; cat /etc/hosts");
    wait(async {
        let (exec, mut ended) = site.open().await;
        exec.start(key(1), A::LEVEL, BASE, &service).await.unwrap();
        ready(&exec, &mut ended, 1).await;
        let report = run(&exec, &mut ended, A::LEVEL, 2, &ask).await;
        assert!(
            report.result.as_deref().unwrap().starts_with("hello\n"),
            "{report:?}"
        );
        assert!(report.isolation.contains("net=run"), "{report:?}");
        // Another service on the same port sees the first.
        let mut second = service.clone();
        second.network = Network::Serving(address(3));
        second.service = Some(Probe {
            action: ProbeAction::Run {
                command: ["/bin/sh", "-c", "busybox nc 10.0.1.2 80 < /dev/null"]
                    .map(Into::into)
                    .into(),
            },
            ..service.service.clone().unwrap()
        });
        exec.start(key(3), A::LEVEL, BASE, &second).await.unwrap();
        ready(&exec, &mut ended, 3).await;
        // Another run does not.
        let mut stranger = ask.clone();
        stranger.group = "another".into();
        let mut other = key(4);
        other.run = steading_types::RunId::new(Millis(7), 7);
        exec.start(other, A::LEVEL, BASE, &stranger).await.unwrap();
        exec.wait(other).await;
        let State::Ended(report) = exec.state(other) else {
            panic!()
        };
        assert!(
            !report.result.as_deref().unwrap().contains("hello"),
            "{report:?}"
        );
    });
    // A new server and a new spawner find the services again.
    wait(async {
        let (exec, mut ended) = site.open().await;
        ready(&exec, &mut ended, 1).await;
        let report = run(&exec, &mut ended, A::LEVEL, 5, &ask).await;
        assert!(
            report.result.as_deref().unwrap().starts_with("hello\n"),
            "{report:?}"
        );
        for node in [1, 3] {
            exec.stop(key(node), Stop::Polite).await.unwrap();
            end(&exec, &mut ended, node).await;
            exec.remove(key(node)).await.unwrap();
        }
    });
}

fn egress<A: At>(mut site: Site) {
    site.import::<A>();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = std::io::Write::write_all(&mut stream.unwrap(), b"reached\n");
        }
    });
    let mut task = task::<A>(&format!(
        "busybox nc 127.0.0.1 {port} < /dev/null 2> /dev/null || echo closed"
    ));
    tool(&mut task);
    let open = [
        (2, Network::Shared, "reached\n", "net=host"),
        (3, Network::Own, "reached\n", "net=host"),
        (4, Network::Reaching, "closed\n", "net=run"),
    ];
    let closed = [(1, Network::Shared, "closed\n", "net=none")];
    for (egress, tasks) in [(Egress::Closed, &closed[..]), (Egress::Host, &open[..])] {
        let policy = Policy {
            egress,
            ..Policy::default()
        };
        wait(async {
            let (exec, mut ended) = site.open_with(policy).await;
            for (node, network, answer, shown) in tasks {
                task.network = *network;
                let report = run(&exec, &mut ended, A::LEVEL, *node, &task).await;
                assert_eq!(report.result.as_deref(), Some(*answer), "{report:?}");
                assert!(report.isolation.contains(shown), "{report:?}");
            }
        });
    }
}

fn tries(script: &str, failures: Option<u32>) -> Option<Probe> {
    Some(Probe {
        action: ProbeAction::Run {
            command: ["/bin/sh", "-c", script].map(Into::into).into(),
        },
        delay: Millis(0),
        period: Millis(20),
        timeout: Millis(10_000),
        successes: 1,
        failures,
    })
}

/// Seconds that only this process's tasks sleep: the same test runs at another level beside it.
fn unique_span() -> String {
    format!("9{}", std::process::id())
}

fn probes<A: At>(mut site: Site) {
    site.import::<A>();
    let unhealthy = |container: &str, probe: &str| End::Unhealthy {
        container: container.into(),
        probe: probe.into(),
    };
    // Comes up only after some failures, and is looked at no sooner.
    let mut task = task::<A>(
        "trap 'exit 0' TERM; sleep 0.3; touch /shared/up; \
         until [ -e /shared/lived ]; do sleep 0.01; done; rm /shared/up; while true; do sleep 0.01; done",
    );
    task.sidecars = vec![beside::<A>("side", "while true; do sleep 0.05; done")];
    task.network = Network::Own;
    task.grace = Millis(20_000);
    shared(&mut task);
    task.main.startup = tries("[ -e /shared/up ]", Some(1000));
    task.main.liveness = tries("[ -e /shared/up ] && touch /shared/lived", Some(2));
    wait(async {
        let (exec, mut ended) = site.open().await;
        let report = run(&exec, &mut ended, A::LEVEL, 1, &task).await;
        assert_eq!(report.end, unhealthy("main", "livenessProbe"), "{report:?}");
        // One that never comes up, and does not go when it is asked.
        let long = unique_span();
        task.main.command[2] = format!("trap '' TERM; sleep {long}");
        task.main.startup = tries("false", Some(3));
        task.grace = Millis(1);
        let report = run(&exec, &mut ended, A::LEVEL, 2, &task).await;
        assert_eq!(report.end, unhealthy("main", "startupProbe"), "{report:?}");
        assert!(!running(&format!("sleep\u{0}{long}")));
        // A service that is hopeless.
        task.main.startup = None;
        task.main.liveness = None;
        task.network = Network::Serving(Ipv4Addr::new(10, 0, 1, 2));
        task.service = tries("false", Some(2));
        let report = run(&exec, &mut ended, A::LEVEL, 3, &task).await;
        assert_eq!(
            report.end,
            unhealthy("main", "readinessProbe"),
            "{report:?}"
        );
        // A sidecar that is ill goes alone.
        let mut task = self::task::<A>("until [ -e /shared/gone ]; do sleep 0.01; done");
        task.sidecars = vec![beside::<A>(
            "side",
            "trap 'touch /shared/gone; exit 0' TERM; touch /shared/hears; while true; do sleep 0.01; done",
        )];
        // Ill from when it hears signals.
        task.sidecars[0].liveness = tries("[ ! -e /shared/hears ]", Some(1));
        task.network = Network::Own;
        shared(&mut task);
        let report = run(&exec, &mut ended, A::LEVEL, 4, &task).await;
        assert_eq!(report.end, exited("main", 0), "{report:?}");
    });
}

fn identity<A: At>(mut site: Site) {
    site.import::<A>();
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mut who = task::<A>("id -u; id -g; touch /x 2>/dev/null || echo read-only");
        who.main.security.user = Some(1000);
        who.main.security.group = Some(2000);
        who.main.security.non_root = true;
        who.main.security.read_only_root = true;
        who.main.workdir = Some("/".into());
        let report = run(&exec, &mut ended, A::LEVEL, 1, &who).await;
        assert_eq!(
            report.result.as_deref(),
            Some("1000\n2000\nread-only\n"),
            "{report:?}"
        );
        who.main.security.user = Some(0);
        let report = run(&exec, &mut ended, A::LEVEL, 2, &who).await;
        assert!(
            matches!(&report.end, End::Unprepared { message, .. } if message.contains("runAsNonRoot")),
            "{report:?}"
        );
        who.main.security.user = Some(70_000);
        let report = run(&exec, &mut ended, A::LEVEL, 3, &who).await;
        assert!(matches!(&report.end, End::Unprepared { .. }), "{report:?}");
    });
}
