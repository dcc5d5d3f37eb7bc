//! A team's Nextflow: its template, its job's shell text, its cache, as `tests/fixtures/seed` has them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use steading_tests::{Level, Server};

/// The site of the team whose texts these are.
struct Site {
    server: Server,
}

impl Site {
    async fn start() -> Self {
        let server = Server::start(Level::Image).await.unwrap();
        server
            .import("ghcr.io_yourorg_nf-runtime_jdk17.tar")
            .unwrap();
        let site = Self { server };
        site.ran(&["tenant", "create", "teamA"]);
        for file in [
            "nextflow-config",
            "s3-credentials",
            "nf-cache",
            "nextflow-runner",
        ] {
            let file = fixture(&format!("{file}.yaml"));
            site.ran(&["-n", "teamA", "apply", "-f", file.to_str().unwrap()]);
        }
        site
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.server.command().unwrap();
        command.args(arguments).output().unwrap()
    }

    /// What a verb printed; it must have gone well.
    fn ran(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            self.server.words()
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn artifact(&self, run: &str, name: &str) -> String {
        let file = self.server.data().join(format!("{run}-{name}"));
        let from = format!("{run}:{run}/{name}");
        self.ran(&["-n", "teamA", "cp", &from, file.to_str().unwrap()]);
        std::fs::read_to_string(file).unwrap()
    }
}

fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/seed")
        .join(file)
}

#[tokio::test]
async fn a_teams_github_job_submits_its_nextflow_and_the_reports_become_artifacts() {
    let site = Site::start().await;
    // What GitHub Actions itself does before a shell sees the text.
    let job = std::fs::read_to_string(fixture("submit.sh"))
        .unwrap()
        .replace("${{ github.event.inputs.pipeline }}", "./")
        .replace("${{ github.event.inputs.params }}", "--parts 3");
    let answer = Command::new("bash")
        .args(["-e", "-c", &job])
        .current_dir(site.server.data())
        .env("ARGO_ADDR", format!("http://{}", site.server.address()))
        .env("ARGO_TOKEN", site.server.token())
        .output()
        .unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    let run = answer["metadata"]["name"].as_str().unwrap();
    assert!(run.starts_with("nf-"), "{answer}");
    assert_eq!(answer["metadata"]["namespace"], "wf-teamA");

    site.ran(&["-n", "teamA", "wait", run]);
    let listed = site.ran(&["-n", "teamA", "artifacts", run]);
    for name in ["report", "timeline", "trace"] {
        assert!(listed.contains(name), "{name} is not in\n{listed}");
    }
    assert!(listed.contains("teamA/nextflow-runner/"), "{listed}");
    assert!(site.artifact(run, "report").contains("<html"));
    let trace = site.artifact(run, "trace");
    assert_eq!(trace.matches("COMPLETED").count(), 5, "{trace}");
}

#[tokio::test]
async fn a_retried_nextflow_finds_what_it_had_done_in_its_claim() {
    let site = Site::start().await;
    let file = fixture("resumed-run.yaml");
    let submitted = site.run(&["-n", "teamA", "submit", "--wait", file.to_str().unwrap()]);
    assert!(
        !submitted.status.success(),
        "the last step fails the first time"
    );

    site.ran(&["-n", "teamA", "retry", "resumed"]);
    site.ran(&["-n", "teamA", "wait", "resumed"]);
    let trace = site.artifact("resumed", "trace");
    assert_eq!(trace.matches("CACHED").count(), 5, "{trace}");
    assert_eq!(trace.matches("COMPLETED").count(), 1, "{trace}");
}
