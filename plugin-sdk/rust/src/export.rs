//! From the author's type to the component's exports.

use std::marker::PhantomData;

use crate::bindings::exports::steading::plugin::compute::Guest;
use crate::compute::{
    Chunk, Compute, Context, Descriptor, Error, Finding, Job, Page, Status, Step, SubmitStep,
};
use crate::panic::report_to_the_log;

/// Makes a type that implements [`Compute`] the compute backend of this component.
#[macro_export]
macro_rules! export_compute {
    ($backend:ty) => {
        type __SteadingExport = $crate::__Adapter<$backend>;
        $crate::bindings::export_world!(__SteadingExport with_types_in $crate::bindings);
    };
}

/// Carries the generated trait for an author's type.
pub struct Adapter<T>(PhantomData<T>);

impl<T: Compute> Guest for Adapter<T> {
    fn describe() -> Descriptor {
        report_to_the_log();
        T::describe()
    }

    fn migrate_config(from_version: u32, config: String) -> Result<String, Error> {
        report_to_the_log();
        T::migrate_config(from_version, config)
    }

    fn validate(context: Context, deep: bool) -> Result<Vec<Finding>, Error> {
        report_to_the_log();
        T::validate(context, deep)
    }

    fn list_options(
        context: Context,
        field: String,
        query: String,
        after: Option<String>,
    ) -> Result<Page, Error> {
        report_to_the_log();
        T::list_options(context, field, query, after)
    }

    fn provision(context: Context, state: Option<Vec<u8>>) -> Step {
        report_to_the_log();
        T::provision(context, state)
    }

    fn dispose(context: Context, state: Option<Vec<u8>>) -> Step {
        report_to_the_log();
        T::dispose(context, state)
    }

    fn submit(context: Context, job: Job, state: Option<Vec<u8>>) -> SubmitStep {
        report_to_the_log();
        T::submit(context, job, state)
    }

    fn poll(context: Context, handles: Vec<String>) -> Result<Vec<Status>, Error> {
        report_to_the_log();
        T::poll(context, handles)
    }

    fn logs(
        context: Context,
        handle: String,
        stream: String,
        cursor: Option<Vec<u8>>,
        max_bytes: u32,
    ) -> Result<Chunk, Error> {
        report_to_the_log();
        T::logs(context, handle, stream, cursor, max_bytes)
    }

    fn cancel(context: Context, handles: Vec<String>, force: bool) -> Vec<Result<(), Error>> {
        report_to_the_log();
        T::cancel(context, handles, force)
    }
}
