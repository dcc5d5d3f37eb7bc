//! Artifacts of tasks: what is staged is there, what is left is staged, and nothing leads out.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use steading_exec::{Exec, Staging};
use steading_types::artifact::Packing;
use steading_types::task::{End, Gathered, Given, Level, Reach, Taken, Task, TaskReport};
use tar::{EntryType, Header};

use crate::confined::{At, Image, Sandbox};
use crate::harness::*;

pub(crate) const PROCESS: &[Test] = &[
    ("what_one_task_gives_another_takes", process_passes),
    ("f01_f02_hostile_archives_are_refused", process_refuses),
];
pub(crate) const SANDBOX: &[Test] = &[
    ("what_one_task_gives_another_takes", passes::<Sandbox>),
    ("f01_f02_hostile_archives_are_refused", refuses::<Sandbox>),
    ("f10_hostile_outputs_are_refused", outputs::<Sandbox>),
];
pub(crate) const IMAGE: &[Test] = &[
    ("what_one_task_gives_another_takes", passes::<Image>),
    ("f01_f02_hostile_archives_are_refused", refuses::<Image>),
    ("f10_hostile_outputs_are_refused", outputs::<Image>),
];
pub(crate) const NOBODY: &[Test] = &[
    ("sandbox_artifacts", passes::<Sandbox>),
    ("image_artifacts", passes::<Image>),
];

fn taken(path: &str, packing: Packing) -> Taken {
    Taken {
        name: "in".into(),
        path: path.into(),
        packing,
        mode: None,
        reach: Reach::Itself,
    }
}

fn given(name: &str, path: &str, packing: Packing) -> Given {
    Given {
        name: name.into(),
        path: path.into(),
        packing,
    }
}

fn stage(data: &Path, node: u32, contents: &[&[u8]]) {
    let staging = Staging::open(data).unwrap();
    for (number, content) in contents.iter().enumerate() {
        let mut file = staging.input(key(node), number).unwrap();
        file.write_all(content).unwrap();
        staging.ready(key(node), number).unwrap();
    }
}

fn staged(data: &Path, node: u32, number: usize) -> Vec<u8> {
    let mut content = Vec::new();
    let mut file = Staging::open(data)
        .unwrap()
        .output(key(node), number)
        .unwrap();
    file.read_to_end(&mut content).unwrap();
    content
}

fn succeeded(report: &TaskReport) {
    let end = End::Exited {
        container: "main".into(),
        code: 0,
    };
    assert_eq!(report.end, end, "{report:?}");
}

async fn passing(
    exec: &Exec,
    ended: &mut steading_exec::Ended,
    data: &Path,
    level: Level,
    image: &str,
    at: &str,
) {
    let write = format!(
        "set -e; test \"$(cat {at}in/plain)\" = hello; mkdir -p {at}out/dir/sub; echo deep > {at}out/dir/sub/f; \
         chmod 750 {at}out/dir/sub/f; ln -s sub/f {at}out/dir/l; echo one > {at}out/file"
    );
    let mut task = sh(&write);
    task.main.image = image.into();
    task.takes = vec![taken(&format!("{at}in/plain"), Packing::Usual)];
    task.gives = vec![
        given("tgz", &format!("{at}out/dir"), Packing::Usual),
        given("zip", &format!("{at}out/dir"), Packing::Zip),
        given("stored", &format!("{at}out/file"), Packing::Tar(0)),
        given("plain", &format!("{at}out/file"), Packing::None),
        given("tree", &format!("{at}out/dir"), Packing::None),
        given("absent", &format!("{at}out/nothing"), Packing::Usual),
    ];
    stage(data, 1, &[b"hello"]);
    let report = run(exec, ended, level, 1, &task).await;
    succeeded(&report);
    let gathered: Vec<_> = report.artifacts.iter().collect();
    let object = |name: &str| report.artifacts.get(name) == Some(&Gathered::Object);
    assert!(
        ["tgz", "zip", "stored", "plain"].into_iter().all(object),
        "{gathered:?}"
    );
    assert_eq!(report.artifacts.get("tree"), Some(&Gathered::Tree));
    assert_eq!(report.artifacts.get("absent"), None);
    assert_eq!(staged(data, 1, 3), b"one\n");
    // Packed again it is the same: a key that is put twice holds the same bytes.
    let contents: Vec<_> = (0..5).map(|number| staged(data, 1, number)).collect();
    let read = format!(
        "set -e; for d in a b e; do test \"$(cat {at}got/$d/l)\" = deep; done; \
         test \"$(stat -c %a {at}got/a/sub/f)\" = 750; test \"$(readlink {at}got/b/l)\" = sub/f; \
         test \"$(cat {at}got/c)\" = one; test \"$(cat {at}got/d)\" = one; test \"$(stat -c %a {at}got/d)\" = 755; \
         test \"$(ls -A {at}got | tr '\\n' ' ')\" = 'a b c d e '"
    );
    let mut task = sh(&read);
    task.main.image = image.into();
    task.takes = vec![
        taken(&format!("{at}got/a"), Packing::Usual),
        taken(&format!("{at}got/b"), Packing::Usual),
        taken(&format!("{at}got/c"), Packing::Usual),
        Taken {
            mode: Some(0o755),
            ..taken(&format!("{at}got/d"), Packing::None)
        },
        taken(&format!("{at}got/e"), Packing::Tar(0)),
    ];
    let contents: Vec<_> = contents.iter().map(Vec::as_slice).collect();
    stage(data, 2, &contents);
    let report = run(exec, ended, level, 2, &task).await;
    succeeded(&report);
    exec.remove(key(2)).await.unwrap();
    assert!(!data.join(format!("tasks/{}", key(2))).exists());
}

fn passes<A: At>(mut site: Site) {
    site.import::<A>();
    let data = site.data.clone();
    wait(async {
        let (exec, mut ended) = site.open().await;
        passing(&exec, &mut ended, &data, A::LEVEL, A::IMAGE, "/").await;
    });
}

fn process_passes(mut site: Site) {
    let data = site.data.clone();
    let at = format!("{}/", data.join("user").display());
    wait(async {
        let (exec, mut ended) = site.open().await;
        passing(&exec, &mut ended, &data, Level::Process, "host", &at).await;
    });
}

fn entry(kind: EntryType, name: &str, link: Option<&str>, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    if let Some(link) = link {
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    }
    header.set_entry_type(kind);
    header.set_mode(0o6777);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().div_ceil(512) * 512, 0);
    bytes
}

/// Argo's CVE-2025-62156 and CVE-2025-66626, and their siblings.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let file = |name: &str| entry(EntryType::Regular, name, None, b"evil");
    let link = |name: &str, to: &str| entry(EntryType::Symlink, name, Some(to), b"");
    let hard = |name: &str, to: &str| entry(EntryType::Link, name, Some(to), b"");
    let mut huge = Header::new_gnu();
    huge.set_path("zeros").unwrap();
    huge.set_size(1 << 46);
    huge.set_cksum();
    let many = (0..60_000).flat_map(|n| entry(EntryType::Directory, &format!("d{n}"), None, b""));
    let tars = vec![
        ("CVE-2025-62156: a name that climbs", file("a/../../evil")),
        ("an absolute name", file("/tmp/evil")),
        (
            "a link that is absolute",
            [link("l", "/tmp"), file("x")].concat(),
        ),
        (
            "CVE-2025-66626: a file through a link",
            [link("a/l", "../b"), file("b/x"), file("a/l/evil")].concat(),
        ),
        (
            "a link that climbs",
            [link("a/l", "../../evil"), file("x")].concat(),
        ),
        (
            "a link that climbs through a link",
            [
                link("x/y/e", "../../s"),
                link("l", "x/y/e/../.."),
                file("s/f"),
            ]
            .concat(),
        ),
        (
            "a link that leaves when its wrapper goes",
            [file("dir/f"), link("dir/l", "../evil")].concat(),
        ),
        ("nothing but a link", link("l", "x")),
        (
            "a hard link to nothing",
            [hard("h", "../../etc/passwd"), file("x")].concat(),
        ),
        (
            "a hard link to a link",
            [link("l", "x"), hard("h", "l"), file("x")].concat(),
        ),
        (
            "a device",
            [entry(EntryType::Char, "null", None, b""), file("x")].concat(),
        ),
        (
            "a pipe",
            [entry(EntryType::Fifo, "pipe", None, b""), file("x")].concat(),
        ),
        ("F04: a file of 64 TiB", huge.as_bytes().to_vec()),
        ("F04: more entries than its size allows", many.collect()),
    ];
    let mut all: Vec<(&str, Vec<u8>)> = tars
        .into_iter()
        .map(|(what, mut tar)| {
            tar.extend([0; 1024]);
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(&tar).unwrap();
            (what, gzip.finish().unwrap())
        })
        .collect();
    for (what, name, mode) in [
        ("a zip whose name climbs", "../evil", 0o100_644),
        ("a zip with an absolute link", "l", 0o120_777),
    ] {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o644);
        if mode == 0o120_777 {
            zip.add_symlink(name, "/etc/passwd", options).unwrap();
        } else {
            zip.start_file(name, options).unwrap();
            zip.write_all(b"evil").unwrap();
        }
        all.push((what, zip.finish().unwrap().into_inner()));
    }
    all
}

async fn refusing(
    exec: &Exec,
    ended: &mut steading_exec::Ended,
    data: &Path,
    level: Level,
    image: &str,
    at: &str,
) {
    for (node, (what, archive)) in (10..).zip(hostile()) {
        let mut task = sh("true");
        task.main.image = image.into();
        task.takes = vec![taken(&format!("{at}in/x"), Packing::Usual)];
        stage(data, node, &[&archive]);
        let report = run(exec, ended, level, node, &task).await;
        match &report.end {
            End::Unprepared { code, .. } => assert_eq!(
                code,
                if what.contains("TiB") {
                    "artifact.too-large"
                } else {
                    "artifact.hostile"
                },
                "{what}: {report:?}"
            ),
            other => panic!("{what} was taken over: {other:?}"),
        }
    }
    for path in ["/in/../../etc/evil", "relative", "/", "/in/a\nb"] {
        let mut task: Task = sh("true");
        task.main.image = image.into();
        task.takes = vec![taken(path, Packing::None)];
        stage(data, 90, &[b"evil"]);
        let report = run(exec, ended, level, 90, &task).await;
        assert!(
            matches!(&report.end, End::Unprepared { code, .. } if code == "artifact.path"),
            "F03, argo issue 3016: {path:?}: {report:?}"
        );
        exec.remove(key(90)).await.unwrap();
    }
    for place in ["/tmp/evil", "/evil", "/etc/evil"] {
        assert!(!Path::new(place).exists(), "{place}");
    }
}

fn refuses<A: At>(mut site: Site) {
    site.import::<A>();
    let data = site.data.clone();
    wait(async {
        let (exec, mut ended) = site.open().await;
        refusing(&exec, &mut ended, &data, A::LEVEL, A::IMAGE, "/").await;
    });
}

fn process_refuses(mut site: Site) {
    let data = site.data.clone();
    let user = data.join("user");
    let at = format!("{}/", user.display());
    wait(async {
        let (exec, mut ended) = site.open().await;
        refusing(&exec, &mut ended, &data, Level::Process, "host", &at).await;
        let left = fs::read_dir(user.join("in")).unwrap().count();
        assert_eq!(left, 0, "something was left of a refused archive");
    });
}

fn outputs<A: At>(mut site: Site) {
    site.import::<A>();
    wait(async {
        let (exec, mut ended) = site.open().await;
        let mut task = sh(
            "mkdir -p /out/away /out/odd; ln -s /etc/passwd /out/away/l; mkfifo /out/pipe /out/odd/pipe; \
             echo x > /out/odd/f; ln -s /proc/1/root/etc/passwd /out/magic; exit 3",
        );
        task.main.image = A::IMAGE.into();
        task.gives = vec![
            given("away", "/out/away", Packing::Usual),
            given("pipe", "/out/pipe", Packing::None),
            given("null", "/dev/null", Packing::None),
            given("server", "/proc/self/status", Packing::None),
            given("secrets", "/proc/self/environ", Packing::None),
            given("odd", "/out/odd", Packing::Usual),
            given("magic", "/out/magic", Packing::None),
            given("climbs", "/out/../etc/passwd", Packing::None),
        ];
        let report = run(&exec, &mut ended, A::LEVEL, 1, &task).await;
        let code = |name: &str| match report.artifacts.get(name) {
            Some(Gathered::Refused { code, .. }) => code.as_str(),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(code("away"), "artifact.hostile");
        assert_eq!(code("pipe"), "artifact.kind");
        assert_eq!(code("null"), "artifact.kind");
        assert_eq!(code("server"), "artifact.kind");
        assert!(["artifact.file", "artifact.kind"].contains(&code("secrets")));
        assert_eq!(code("magic"), "artifact.hostile");
        assert_eq!(code("climbs"), "artifact.path");
        // A failed task gives what it left, too.
        assert_eq!(report.artifacts.get("odd"), Some(&Gathered::Object));
    });
}
