//! Locks: each has a name, and each semaphore one place that says how many may have it.

use super::{Check, Code};
use crate::model::Synchronization;

pub(super) fn check(check: &mut Check<'_>, locks: Option<&Synchronization>, path: &str) {
    let Some(locks) = locks else { return };
    for (i, mutex) in locks.mutexes.iter().enumerate() {
        named(check, &mutex.name, format!("{path}.mutexes[{i}].name"));
    }
    for (i, semaphore) in locks.semaphores.iter().enumerate() {
        let at = format!("{path}.semaphores[{i}]");
        match (&semaphore.config_map_key_ref, &semaphore.database) {
            (Some(from), None) => {
                named(check, &from.name, format!("{at}.configMapKeyRef.name"));
                named(check, &from.key, format!("{at}.configMapKeyRef.key"));
            }
            (None, Some(from)) => named(check, &from.key, format!("{at}.database.key")),
            _ => {
                let message = "a semaphore needs either configMapKeyRef or database";
                check.fault(Code::Value, at, message);
            }
        }
    }
}

fn named(check: &mut Check<'_>, name: &str, path: String) {
    if name.is_empty() {
        check.fault(Code::Value, path, "a lock needs a name");
    }
}
