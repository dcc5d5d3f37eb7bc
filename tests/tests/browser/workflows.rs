//! What the tests run.

/// Succeeds, and prints two lines.
pub(crate) const GREETS: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: greets}
spec:
  entrypoint: main
  templates:
    - name: main
      container: {image: host, command: [sh, -c, 'echo hello from the page; echo goodbye']}
";

/// Fails in its first step; a retried step and a fan went well before, another step never runs.
pub(crate) const FAILS: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: breaks}
spec:
  entrypoint: main
  onExit: report
  templates:
    - name: main
      steps:
        - - {name: shaky, template: shaky}
        - - {name: fan, template: well, withSequence: {count: '20'}}
        - - {name: crack, template: crack}
        - - {name: never, template: crack}
    - name: shaky
      retryStrategy: {limit: '2'}
      container: {image: host, command: [sh, -c, 'test {{retries}} = 1']}
    - name: well
      container: {image: host, command: ['true']}
    - name: crack
      container: {image: host, command: [sh, -c, 'echo the last words; exit 3']}
    - name: report
      container: {image: host, command: [echo, reported]}
";

/// Waits for a person.
pub(crate) const WAITS: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: lingers}
spec:
  entrypoint: main
  templates:
    - name: main
      outputs: {parameters: [{name: verdict, valueFrom: {supplied: {}}}]}
      suspend: {}
";

/// Ten thousand nodes that cost nothing.
pub(crate) const CROWD: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: crowd}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - {name: each, template: wait, withSequence: {count: '10000'}}
    - name: wait
      suspend: {}
";
