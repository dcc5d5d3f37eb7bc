//! The compute backend that runs tasks on the host itself. It holds the `exec` grant and nothing
//! else; how a task is kept apart from the host is decided behind that grant.

mod config;
mod job;
mod status;

use steading_plugin::compute::{
    Chunk, Compute, Context, Descriptor, Error, ErrorKind, Features, Finding, Job, Status,
    SubmitStep,
};
use steading_plugin::exec;

use crate::config::Config;

/// Signal numbers of the two ways to stop.
const SIGTERM: u8 = 15;
const SIGKILL: u8 = 9;

/// Tasks on this host.
pub struct Local;

impl Compute for Local {
    fn describe() -> Descriptor {
        Descriptor {
            id: "compute-local".to_owned(),
            title: "This host".to_owned(),
            config_schema: config::SCHEMA.to_owned(),
            ui_schema: config::UI_SCHEMA.to_owned(),
            defaults: "{}".to_owned(),
            features: Features::LOGS | Features::CANCEL | Features::RESOURCE_USAGE,
            egress: Vec::new(),
        }
    }

    fn validate(context: Context, _deep: bool) -> Result<Vec<Finding>, Error> {
        Ok(config::findings(&context.config))
    }

    fn submit(context: Context, job: Job, _state: Option<Vec<u8>>) -> SubmitStep {
        let config = match Config::read(&context.config) {
            Ok(config) => config,
            Err(error) => return SubmitStep::Failed(error),
        };
        // The task's id is the attempt's: a repeated start finds the task instead of making one.
        match exec::start(&job::spec(&config, job)) {
            Ok(id) => SubmitStep::accepted(id),
            Err(message) => SubmitStep::Failed(Error::new(
                ErrorKind::Transient,
                "local.start-refused",
                message,
            )),
        }
    }

    fn poll(_context: Context, handles: Vec<String>) -> Result<Vec<Status>, Error> {
        let tasks = exec::inspect(&handles);
        Ok(handles
            .into_iter()
            .zip(tasks)
            .map(|(handle, task)| status::of(handle, task))
            .collect())
    }

    fn logs(
        _context: Context,
        handle: String,
        stream: String,
        cursor: Option<Vec<u8>>,
        max_bytes: u32,
    ) -> Result<Chunk, Error> {
        let offset = offset_of(cursor)?;
        let (data, eof) = exec::read_log(&handle, stream_number(&stream)?, offset, max_bytes)
            .map_err(|message| Error::new(ErrorKind::NotFound, "local.log-unreadable", message))?;
        let next = offset.saturating_add(data.len() as u64);
        Ok(Chunk {
            data,
            cursor: next.to_le_bytes().to_vec(),
            eof,
        })
    }

    fn cancel(_context: Context, handles: Vec<String>, force: bool) -> Vec<Result<(), Error>> {
        let signal = if force { SIGKILL } else { SIGTERM };
        handles
            .iter()
            .map(|id| {
                exec::kill(id, signal).map_err(|message| {
                    Error::new(ErrorKind::Transient, "local.stop-refused", message)
                })
            })
            .collect()
    }
}

/// A log cursor is the offset of the next byte.
fn offset_of(cursor: Option<Vec<u8>>) -> Result<u64, Error> {
    let Some(cursor) = cursor else { return Ok(0) };
    let bytes = cursor.as_slice().try_into().map_err(|_| {
        Error::new(
            ErrorKind::Permanent,
            "local.cursor-foreign",
            "this log cursor was not made by this backend",
        )
    })?;
    Ok(u64::from_le_bytes(bytes))
}

fn stream_number(stream: &str) -> Result<u8, Error> {
    match stream {
        "" => Ok(0),
        "stdout" => Ok(1),
        "stderr" => Ok(2),
        other => Err(Error::unsupported(format!(
            "there is no stream {other}: stdout, stderr, or empty for both"
        ))),
    }
}

#[cfg(target_family = "wasm")]
steading_plugin::export_compute!(Local);
