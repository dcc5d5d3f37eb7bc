//! What a run reads of its tenant's ConfigMaps and caches. A value is read once, when it becomes a parameter, and then
//! stands in the run's row or the node's: a run that is loaded again reads nothing.

use std::fmt;

use steading_spec::model::ConfigMapKeyRef;

use crate::error::EngineError;
use crate::memo::Remembered;
use crate::scope::View;
use crate::text;

/// ConfigMaps and caches of the run's tenant.
pub trait Values: fmt::Debug + Send + Sync {
    /// The value of a key of a ConfigMap that is meant for parameters.
    ///
    /// # Errors
    /// [`NoValue`] with the reason.
    fn config_map(&self, name: &str, key: &str) -> Result<String, NoValue>;

    /// What a cache remembers under a key, however old; nothing when there is no such cache or key.
    ///
    /// # Errors
    /// [`NoValue::Unfit`] when it can not be read.
    fn remembered(&self, cache: &str, key: &str) -> Result<Option<Remembered>, NoValue>;
}

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoValue {
    /// There is no such ConfigMap, or it has no such key. A default may take its place.
    #[error("{0}")]
    Missing(String),
    /// It is there and can not be taken.
    #[error("{0}")]
    Unfit(String),
}

/// No ConfigMap at all.
#[derive(Debug)]
pub(crate) struct NoValues;

impl Values for NoValues {
    fn config_map(&self, name: &str, _: &str) -> Result<String, NoValue> {
        Err(NoValue::Missing(format!("there is no ConfigMap '{name}'")))
    }

    fn remembered(&self, _: &str, _: &str) -> Result<Option<Remembered>, NoValue> {
        Ok(None)
    }
}

/// Reads what a parameter refers to; nothing when it is missing and may be.
pub(crate) fn read(
    parameter: &str,
    wanted: &ConfigMapKeyRef,
    may_miss: bool,
    view: &View<'_>,
) -> Result<Option<String>, EngineError> {
    let (name, key) = (
        text::render(&wanted.name, view)?,
        text::render(&wanted.key, view)?,
    );
    match view.values().config_map(&name, &key) {
        Ok(value) => Ok(Some(value)),
        Err(NoValue::Missing(_)) if may_miss || wanted.optional == Some(true) => Ok(None),
        Err(reason) => Err(EngineError::ConfigMap {
            parameter: parameter.to_owned(),
            reason: reason.to_string(),
        }),
    }
}
