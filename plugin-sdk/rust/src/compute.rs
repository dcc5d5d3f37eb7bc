//! The compute backend: what an author implements, and the words that it is written in.

pub use crate::bindings::exports::steading::plugin::compute::{
    Accepted, Chunk, Descriptor, Features, Finding, Job, Page, Phase, Resources, Severity, Status,
    Step, SubmitStep,
};
pub use crate::bindings::steading::plugin::types::{
    Again, Choice, Context, Error, ErrorKind, FieldError, Pair, Progress,
};

/// A backend that runs jobs somewhere. Three functions are needed; the others have an answer that
/// is right for a backend without the feature in question.
///
/// Every function may be called again with the same arguments after a crash of the host: derive
/// external names from `job.key`, and adopt what already exists under that name.
pub trait Compute {
    /// What this backend is and which configuration it takes. Needs no capability.
    fn describe() -> Descriptor;

    /// Hands one job over. `state` is what the last [`SubmitStep::Again`] for this job returned.
    fn submit(context: Context, job: Job, state: Option<Vec<u8>>) -> SubmitStep;

    /// One status per handle, in the same order. A handle that the other side no longer knows is
    /// [`Phase::Lost`], not an error.
    fn poll(context: Context, handles: Vec<String>) -> Result<Vec<Status>, Error>;

    /// Brings a stored configuration to the current form.
    fn migrate_config(_from_version: u32, config: String) -> Result<String, Error> {
        Ok(config)
    }

    /// Everything that is wrong with the configuration, all at once. `deep`: the other side may
    /// be asked.
    fn validate(_context: Context, _deep: bool) -> Result<Vec<Finding>, Error> {
        Ok(Vec::new())
    }

    /// The choices of a field that the ui-schema marks with `list-options`.
    fn list_options(
        _context: Context,
        field: String,
        _query: String,
        _after: Option<String>,
    ) -> Result<Page, Error> {
        Err(Error::unsupported(format!("the field {field} has no list")))
    }

    /// Makes what the environment needs on the other side.
    fn provision(_context: Context, _state: Option<Vec<u8>>) -> Step {
        Step::Done("{}".to_owned())
    }

    /// Removes what [`Compute::provision`] made.
    fn dispose(_context: Context, _state: Option<Vec<u8>>) -> Step {
        Step::Done("{}".to_owned())
    }

    /// The next part of a job's output after `cursor`.
    fn logs(
        _context: Context,
        _handle: String,
        _stream: String,
        _cursor: Option<Vec<u8>>,
        _max_bytes: u32,
    ) -> Result<Chunk, Error> {
        Err(Error::unsupported("this backend keeps no logs"))
    }

    /// Stops jobs; `force` without asking them. Stopping an ended job is no error.
    fn cancel(_context: Context, handles: Vec<String>, _force: bool) -> Vec<Result<(), Error>> {
        handles
            .iter()
            .map(|_| Err(Error::unsupported("this backend can not stop a job")))
            .collect()
    }
}

impl Error {
    /// An error with a stable dotted code and one sentence for a person.
    pub fn new(kind: ErrorKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.into(),
            message: message.into(),
            fields: Vec::new(),
            retry_after_ms: None,
            upstream: None,
            extra: None,
        }
    }

    /// What this plugin does not do.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, "plugin.unsupported", message)
    }
}

impl SubmitStep {
    /// The other side has the job; `handle` finds it again.
    pub fn accepted(handle: impl Into<String>) -> Self {
        Self::Accepted(Accepted {
            handle: handle.into(),
            extra: None,
        })
    }
}

impl Status {
    /// A status that says the phase and nothing more.
    pub fn new(handle: impl Into<String>, phase: Phase) -> Self {
        Self {
            handle: handle.into(),
            phase,
            reason: None,
            exit_code: None,
            started: None,
            finished: None,
            node: None,
            usage: None,
            outputs: None,
            next_poll_ms: None,
        }
    }
}
