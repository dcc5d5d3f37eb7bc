//! Fills in what a task wants of its tenant's objects, as they are at this moment.

use std::collections::HashMap;

use steading_engine::wants::{Absence, Item, Source, Want, Wanted};
use steading_spec::objects::Values;
use steading_store::ObjectKind;
use steading_types::TenantName;
use steading_types::task::{Content, FileEntry, Task, VolumeKind};
use zeroize::Zeroizing;

use super::{missing, no_key};
use crate::Inner;
use crate::error::ControlError;
use crate::lent::{File, Lent, Variable};

impl Inner {
    /// Makes an empty place in the task for each value, and answers the values.
    ///
    /// # Errors
    /// What is missing and must not be; what can not be a variable or a file.
    pub(crate) fn provide(
        &self,
        tenant: &TenantName,
        task: &mut Task,
        wants: &[Want],
    ) -> Result<Lent, ControlError> {
        let mut providing = Providing {
            inner: self,
            tenant,
            known: HashMap::new(),
            lent: Lent::default(),
        };
        for name in task.container_names() {
            providing.variables(task, &name, wants)?;
        }
        for want in wants {
            if let Want::Files {
                volume,
                object,
                items,
                mode,
            } = want
            {
                providing.files(task, volume, object, items, *mode)?;
            }
        }
        Ok(providing.lent)
    }
}

struct Providing<'i> {
    inner: &'i Inner,
    tenant: &'i TenantName,
    /// Each object is opened once.
    known: HashMap<(ObjectKind, String), Option<Values>>,
    lent: Lent,
}

impl Providing<'_> {
    /// The values of an object; nothing when it is missing and may be.
    fn values(&mut self, wanted: &Wanted) -> Result<Option<&Values>, ControlError> {
        let (kind, name) = (kind(wanted.source), wanted.name.clone());
        if !self.known.contains_key(&(kind, name.clone())) {
            let values = self.inner.values(self.tenant, kind, &name)?;
            self.known.insert((kind, name.clone()), values);
        }
        match self
            .known
            .get(&(kind, name.clone()))
            .and_then(Option::as_ref)
        {
            None if wanted.absence == Absence::Fails => Err(missing(kind, &name)),
            found => Ok(found),
        }
    }

    fn value(
        &mut self,
        wanted: &Wanted,
        key: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, ControlError> {
        let found = self
            .values(wanted)?
            .and_then(|values| values.get(key))
            .cloned();
        match found {
            None if wanted.absence == Absence::Fails => {
                Err(no_key(kind(wanted.source), &wanted.name, key))
            }
            found => Ok(found),
        }
    }

    /// Writes the variables of a container anew, where it wants any.
    fn variables(
        &mut self,
        task: &mut Task,
        name: &str,
        wants: &[Want],
    ) -> Result<(), ControlError> {
        let of = |want: &&Want| match want {
            Want::Variable { container, .. } | Want::Variables { container, .. } => {
                container == name
            }
            _ => false,
        };
        let wants: Vec<&Want> = wants.iter().filter(of).collect();
        let Some(container) = task.container_mut(name).filter(|_| !wants.is_empty()) else {
            return Ok(());
        };
        let mut env = Vec::with_capacity(container.env.len());
        let old = std::mem::take(&mut container.env);
        let ends = old.len();
        for (place, variable) in old.into_iter().map(Some).chain([None]).enumerate() {
            let mut own = variable;
            for want in &wants {
                match want {
                    Want::Variables {
                        at, prefix, object, ..
                    } if *at == place => {
                        let values = self.values(object)?.cloned().unwrap_or_default();
                        for (key, value) in values {
                            let variable = format!("{prefix}{key}");
                            self.lend(&mut env, name, variable, object, &key, value)?;
                        }
                    }
                    Want::Variable {
                        at, object, key, ..
                    } if *at == place && place < ends => {
                        let Some((variable, _)) = own.take() else {
                            continue;
                        };
                        if let Some(value) = self.value(object, key)? {
                            self.lend(&mut env, name, variable, object, key, value)?;
                        }
                    }
                    _ => {}
                }
            }
            env.extend(own);
        }
        container.env = env;
        Ok(())
    }

    fn lend(
        &mut self,
        env: &mut Vec<(String, String)>,
        container: &str,
        variable: String,
        object: &Wanted,
        key: &str,
        mut value: Zeroizing<Vec<u8>>,
    ) -> Result<(), ControlError> {
        let text = String::from_utf8(std::mem::take(&mut *value)).map(Zeroizing::new);
        let text = text.ok().filter(|text| !text.contains('\0'));
        let value = text.ok_or_else(|| ControlError::NotText {
            name: object.name.clone(),
            key: key.to_owned(),
        })?;
        self.lent.variables.push(Variable {
            container: container.to_owned(),
            at: env.len(),
            value,
        });
        env.push((variable, String::new()));
        Ok(())
    }

    fn files(
        &mut self,
        task: &mut Task,
        volume: &str,
        object: &Wanted,
        items: &[Item],
        mode: u32,
    ) -> Result<(), ControlError> {
        let mut files = Vec::new();
        if items.is_empty() {
            let values = self.values(object)?.cloned().unwrap_or_default();
            files.extend(values.into_iter().map(|(key, value)| (key, mode, value)));
        }
        for item in items {
            if let Some(value) = self.value(object, &item.key)? {
                files.push((item.path.clone(), item.mode.unwrap_or(mode), value));
            }
        }
        let found = task.volumes.iter_mut().find(|known| known.name == volume);
        let Some(VolumeKind::Files { entries }) = found.map(|volume| &mut volume.kind) else {
            return Ok(());
        };
        for (path, mode, content) in files {
            if !is_inside(&path) {
                return Err(ControlError::Path(path.chars().take(80).collect()));
            }
            let empty = Content::Text(String::new());
            entries.insert(
                path.clone(),
                FileEntry {
                    content: empty,
                    mode,
                },
            );
            self.lent
                .files
                .retain(|file| file.volume != volume || file.path != path);
            self.lent.files.push(File {
                volume: volume.to_owned(),
                path,
                content,
            });
        }
        Ok(())
    }
}

/// Whether a path stays inside the volume, and is written in one way only.
fn is_inside(path: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
    path.len() <= 4096 && path.split('/').all(part)
}

fn kind(source: Source) -> ObjectKind {
    match source {
        Source::ConfigMap => ObjectKind::ConfigMap,
        Source::Secret => ObjectKind::Secret,
    }
}

#[cfg(test)]
mod tests {
    use super::is_inside;

    #[test]
    fn f03_the_path_of_a_file_does_not_leave_its_volume() {
        for good in ["a", "a/b", ".a", "a..b", "..a"] {
            assert!(is_inside(good), "{good}");
        }
        for bad in [
            "", "/a", "a/", "a//b", "..", "../a", "a/../b", "./a", "a\0b",
        ] {
            assert!(!is_inside(bad), "{bad:?}");
        }
    }
}
