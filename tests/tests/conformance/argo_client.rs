//! The real `argo` client against our server, over HTTP/1.1.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use steading_api::access::Role;
use steading_api::operations::CreateToken;
use steading_api::site::NewToken;

use crate::argo::{Argo, NAMESPACE, node_is};
use crate::world::{OURS, Site, World};

trials![the_argo_client_does_its_daily_work];

/// `STEADING_ARGO`, else `shared/clients/argo` beside a folder above this repository, unpacked beside
/// the tests.
fn program() -> Result<Option<PathBuf>> {
    if let Some(path) = std::env::var_os("STEADING_ARGO") {
        return Ok(Some(path.into()));
    }
    let mut packed = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|above| above.join("shared/clients/argo/argo-linux-amd64.xz"));
    let Some(packed) = packed.find(|path| path.is_file()) else {
        return Ok(None);
    };
    let unpacked = Path::new(env!("CARGO_TARGET_TMPDIR")).join("argo");
    if !unpacked.exists() {
        let fresh = unpacked.with_extension("new");
        let status = Command::new("sh")
            .args(["-c", "xz -dc \"$1\" > \"$2\" && chmod +x \"$2\"", "sh"])
            .args([&packed, &fresh])
            .status()?;
        ensure!(status.success(), "xz can not unpack {}", packed.display());
        std::fs::rename(&fresh, &unpacked)?;
    }
    Ok(Some(unpacked))
}

struct ArgoClient {
    program: PathBuf,
    server: String,
    token: String,
}

impl ArgoClient {
    /// Runs it; gives its exit code and all that it said.
    fn run(&self, arguments: &[&str], input: &str) -> Result<(Option<i32>, String)> {
        let mut child = Command::new(&self.program)
            .args(arguments)
            .env("KUBECONFIG", "/dev/null")
            .env("ARGO_SERVER", &self.server)
            .env("ARGO_HTTP1", "true")
            .env("ARGO_SECURE", "false")
            .env("ARGO_TOKEN", format!("Bearer {}", self.token))
            .env("ARGO_NAMESPACE", NAMESPACE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().context("no input")?;
        stdin.write_all(input.as_bytes())?;
        drop(stdin);
        let output = child.wait_with_output()?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok((output.status.code(), text))
    }

    /// Runs it and checks its exit code and its words.
    #[track_caller]
    fn says(&self, arguments: &[&str], input: &str, code: i32, words: &[&str]) -> String {
        let (status, text) = self.run(arguments, input).unwrap();
        assert_eq!(status, Some(code), "argo {arguments:?}: {text}");
        for word in words {
            assert!(
                text.contains(word),
                "argo {arguments:?} lacks {word:?}: {text}"
            );
        }
        text
    }
}

const HELLO: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: argo-hello, labels: {by: argo}}
spec:
  entrypoint: main
  arguments: {parameters: [{name: whom, value: world}]}
  templates:
    - name: main
      container: {image: busybox, command: [sh, -c], args: ['echo one; echo \"hello {{workflow.parameters.whom}}\"']}
";

const FAILS: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: argo-fails}
spec:
  entrypoint: main
  templates:
    - name: main
      steps: [[{name: zero, template: zero}], [{name: one, template: one}]]
    - name: zero
      container: {image: busybox, command: ['true']}
    - name: one
      container: {image: busybox, command: [sh, -c], args: ['exit 4']}
";

const GATED: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: argo-gated-}
spec:
  entrypoint: main
  templates:
    - name: main
      steps: [[{name: approve, template: approve}], [{name: work, template: work}]]
    - {name: approve, suspend: {}}
    - name: work
      container: {image: busybox, command: [echo, worked]}
";

const TEMPLATE: &str = "
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: argo-template}
spec:
  entrypoint: main
  arguments: {parameters: [{name: whom, value: world}]}
  templates:
    - name: main
      container: {image: busybox, command: [echo, 'hi {{workflow.parameters.whom}}']}
";

async fn the_argo_client_does_its_daily_work(world: &World) -> Result<()> {
    let Some(program) = program()? else {
        println!("NOT TESTED: no argo client (STEADING_ARGO)");
        return Ok(());
    };
    let site = world.image().await?;
    let wanted = NewToken {
        principal: "argo".to_owned(),
        role: Role::Maintainer,
        expires: None,
    };
    let operator = site.server.client();
    let token = operator.call::<CreateToken>(&[OURS], &(), &wanted).await?;
    let argo = ArgoClient {
        program,
        server: site.server.address().to_string(),
        token: token.token,
    };
    let version = argo.says(&["version"], "", 0, &["argo-server: v"]);
    ensure!(version.contains("argo: v"), "{version}");
    submits_and_looks(&argo);
    fails_and_retries(&argo);
    gates(&argo, site).await?;
    keeps_templates(&argo);
    copies(&argo)?;
    let stranger = ArgoClient {
        token: "nonsense".to_owned(),
        ..argo
    };
    stranger.says(&["list"], "", 1, &["Unauthenticated", "token not valid"]);
    Ok(())
}

/// `argo cp` names each file by the end of its key.
fn copies(argo: &ArgoClient) -> Result<()> {
    argo.says(&["submit", "--wait", "-"], FILES, 0, &["argo-files"]);
    let to = tempfile::tempdir()?;
    let at = to.path().to_str().unwrap_or_default();
    argo.says(&["cp", "argo-files", at], "", 0, &[]);
    let mut found = Vec::new();
    let mut left = vec![to.path().to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next)? {
            let path = entry?.path();
            match path.is_dir() {
                true => left.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    let names: Vec<_> = found.iter().filter_map(|path| path.file_name()).collect();
    assert_eq!(names, ["plain.txt", "packed.tgz"]);
    assert_eq!(std::fs::read_to_string(&found[0])?, "plain\n");
    Ok(())
}

const FILES: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: argo-files}
spec:
  entrypoint: main
  templates:
    - name: main
      container:
        image: busybox
        command: [sh, -c]
        args: ['echo plain > /tmp/plain.txt; echo packed > /tmp/packed.txt']
      outputs:
        artifacts:
          - {name: a-plain, path: /tmp/plain.txt, archive: {none: {}}}
          - {name: packed, path: /tmp/packed.txt}
";

fn submits_and_looks(argo: &ArgoClient) {
    argo.says(&["lint", "-"], HELLO, 0, &["no linting errors found!"]);
    let broken = HELLO.replace("entrypoint: main", "entrypoint: nowhere");
    argo.says(&["lint", "-"], &broken, 1, &["nowhere"]);
    argo.says(
        &["submit", "--server-dry-run", "-o", "name", "-"],
        HELLO,
        0,
        &["argo-hello"],
    );
    argo.says(&["get", "argo-hello"], "", 1, &["not found"]);
    let log = argo.says(
        &["submit", "--log", "-p", "whom=moon", "-"],
        HELLO,
        0,
        &["argo-hello"],
    );
    assert!(log.contains("hello moon"), "{log}");
    argo.says(&["submit", "-"], HELLO, 1, &["already exists"]);
    let words = ["Succeeded", "argo-hello", "whom", "moon", "✔"];
    argo.says(&["get", "argo-hello"], "", 0, &words);
    argo.says(
        &["get", "argo-hello", "-o", "json"],
        "",
        0,
        &["\"phase\": \"Succeeded\""],
    );
    argo.says(&["get", "@latest"], "", 0, &["Name:"]);
    argo.says(
        &["list", "-l", "by=argo"],
        "",
        0,
        &["argo-hello", "Succeeded"],
    );
    argo.says(
        &["list", "--completed", "--prefix", "argo-he"],
        "",
        0,
        &["argo-hello"],
    );
    argo.says(&["list", "-A", "-o", "name"], "", 0, &["argo-hello"]);
    let log = argo.says(&["logs", "argo-hello"], "", 0, &["one", "hello moon"]);
    assert!(log.find("one") < log.find("moon"), "{log}");
    let log = argo.says(
        &["logs", "argo-hello", "--follow", "--grep", "hello"],
        "",
        0,
        &["moon"],
    );
    assert!(!log.contains("one"), "{log}");
    argo.says(&["wait", "argo-hello"], "", 0, &["Succeeded"]);
    argo.says(&["watch", "argo-hello"], "", 0, &["Succeeded"]);
    argo.says(
        &["resubmit", "argo-hello", "--wait", "-o", "name"],
        "",
        0,
        &["argo-hello-"],
    );
    argo.says(
        &["delete", "argo-hello"],
        "",
        0,
        &["Workflow 'argo-hello' deleted"],
    );
    argo.says(
        &["delete", "argo-hello"],
        "",
        0,
        &["Workflow 'argo-hello' not found"],
    );
}

fn fails_and_retries(argo: &ArgoClient) {
    argo.says(&["submit", "--wait", "-"], FAILS, 1, &["Failed"]);
    argo.says(&["get", "argo-fails"], "", 0, &["exit code 4", "✖"]);
    argo.says(&["retry", "argo-fails"], "", 0, &["argo-fails"]);
    argo.says(&["wait", "argo-fails"], "", 1, &["Failed"]);
    argo.says(&["list", "--status", "Failed"], "", 0, &["argo-fails"]);
    let memoized = ["resubmit", "argo-fails", "--memoized", "-o", "name"];
    let again = argo.says(&memoized, "", 0, &["argo-fails-"]);
    argo.says(&["wait", again.trim()], "", 1, &["Failed"]);
    argo.says(&["get", again.trim()], "", 0, &["original pod: argo-fails"]);
}

async fn gates(argo: &ArgoClient, site: &Site) -> Result<()> {
    let rest = Argo::maintainer(site);
    let mut names = Vec::new();
    for _ in 0..3 {
        let name = argo.says(&["submit", "-o", "name", "-"], GATED, 0, &["argo-gated-"]);
        let name = name.lines().next().context("no name")?.trim().to_owned();
        rest.until(&name, |w| node_is(w, "approve", "Running"))
            .await?;
        names.push(name);
    }
    let [resumed, stopped, terminated] = [&names[0], &names[1], &names[2]];
    let said = |name: &str, verb: &str| format!("workflow {name} {verb}");
    argo.says(&["suspend", resumed], "", 0, &[&said(resumed, "suspended")]);
    argo.says(&["resume", resumed], "", 0, &[&said(resumed, "resumed")]);
    argo.says(&["wait", resumed], "", 0, &["Succeeded"]);
    argo.says(&["stop", stopped], "", 0, &[&said(stopped, "stopped")]);
    argo.says(&["wait", stopped], "", 1, &["Failed"]);
    argo.says(
        &["terminate", terminated],
        "",
        0,
        &[&said(terminated, "terminated")],
    );
    argo.says(&["wait", terminated], "", 1, &["Failed"]);
    argo.says(&["list", "--running", "--prefix", "argo-"], "", 0, &[]);
    Ok(())
}

fn keeps_templates(argo: &ArgoClient) {
    let name = "argo-template";
    argo.says(
        &["template", "lint", "-"],
        TEMPLATE,
        0,
        &["no linting errors found!"],
    );
    argo.says(&["template", "create", "-"], TEMPLATE, 0, &[name]);
    argo.says(
        &["template", "create", "-"],
        TEMPLATE,
        1,
        &["already exists"],
    );
    argo.says(&["template", "list"], "", 0, &[name]);
    argo.says(&["template", "get", name], "", 0, &[name, NAMESPACE]);
    let changed = TEMPLATE.replace("hi ", "good day ");
    argo.says(&["template", "update", "-"], &changed, 0, &[name]);
    let from = format!("workflowtemplate/{name}");
    let log = argo.says(
        &["submit", "--from", &from, "-p", "whom=sun", "--log"],
        "",
        0,
        &[],
    );
    assert!(log.contains("good day sun"), "{log}");
    argo.says(&["template", "delete", name], "", 0, &[name]);
    argo.says(&["template", "get", name], "", 1, &["not found"]);
}
