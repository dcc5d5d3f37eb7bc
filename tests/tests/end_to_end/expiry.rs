//! Finished runs are kept as long as they say: not shorter, also when the server dies, and not longer.

use std::time::{SystemTime, UNIX_EPOCH};

use steading_api::client::CallError;
use steading_api::operations::GetRun;
use steading_api::run::RunDetail;
use steading_tests::{Level, Server, wait};

use super::submit;

async fn run(server: &Server, name: &str) -> Option<RunDetail> {
    match server
        .client()
        .call::<GetRun>(&["default", name], &(), &())
        .await
    {
        Ok(run) => Some(run),
        Err(CallError::Refused { body, .. }) if body.code == "run.not-found" => None,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_finished_run_is_deleted_when_its_time_is_over_although_the_server_was_killed_before() {
    let mut server = Server::start(Level::Process).await.unwrap();
    for (name, ttl) in [
        (
            "soon",
            "{secondsAfterSuccess: 6, secondsAfterCompletion: 3600}",
        ),
        (
            "later",
            "{secondsAfterFailure: 1, secondsAfterCompletion: 3600}",
        ),
        ("never", "{secondsAfterFailure: 1}"),
    ] {
        let file = server.data().join(format!("{name}.yaml"));
        let document = format!(
            "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: {name}}}
spec:
  entrypoint: main
  ttlStrategy: {ttl}
  templates:
    - name: main
      container: {{image: host, command: [echo, hello]}}
"
        );
        std::fs::write(&file, document).unwrap();
        let output = submit(&server, &file);
        assert_eq!(output.status.code(), Some(0), "{}", server.words());
    }
    let finished = run(&server, "soon").await.unwrap().summary.finished;
    server.kill().unwrap();
    server.restart().await.unwrap();

    wait::until("the run to be deleted", async || {
        Ok(run(&server, "soon").await.is_none().then_some(()))
    })
    .await
    .unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let due = u128::from(finished.unwrap().get()) + 6_000;
    assert!(now.as_millis() >= due, "it was deleted before it was due");
    for kept in ["later", "never"] {
        assert!(run(&server, kept).await.is_some(), "{kept} was deleted");
    }
}
