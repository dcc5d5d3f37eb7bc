//! The rules of the language, on a resolved definition. One file an area; all faults are collected.
//!
//! The sentences are Argo's where it has the rule too: clients and people's scripts match them.

mod claims;
mod containers;
mod dag;
mod fields;
mod locks;
mod loops;
mod metrics;
mod outputs;
mod parameters;
mod scope;
mod served;
mod steps;
mod tags;
mod templates;

use crate::fault::{Code, Fault};
use crate::model::{Call, ObjectMeta, Template, TemplateType};
use crate::resolve::{Entry, Purpose, Resolved, TemplateIx};
use scope::{Globals, Interface};

/// Checks every template that a run can reach, and the run's own fields.
pub(crate) fn validate(resolved: &Resolved, metadata: &ObjectMeta, purpose: Purpose) -> Vec<Fault> {
    let interfaces: Vec<Interface<'_>> = resolved
        .entries()
        .map(|(_, entry)| Interface::of(&entry.template))
        .collect();
    let mut check = Check {
        resolved,
        interfaces: &interfaces,
        purpose,
        globals: Globals::of(resolved, metadata, purpose),
        faults: Vec::new(),
    };
    fields::workflow(&mut check);
    claims::check(&mut check);
    parameters::workflow_arguments(&mut check);
    templates::names(&mut check);
    for (ix, entry) in resolved.entries() {
        check.template(ix, entry);
    }
    check.faults
}

/// Faults reported of one document; more say nothing new.
const MAX_FAULTS: usize = 1_000;

/// One validation under way.
struct Check<'a> {
    resolved: &'a Resolved,
    /// What each template takes and gives, by position.
    interfaces: &'a [Interface<'a>],
    purpose: Purpose,
    globals: Globals,
    faults: Vec<Fault>,
}

impl<'a> Check<'a> {
    fn template(&mut self, ix: TemplateIx, entry: &'a Entry) {
        let place = Place::of(ix, entry);
        let Some(kind) = templates::type_of(self, &place) else {
            return;
        };
        fields::template(self, &place, kind);
        parameters::inputs(self, &place);
        match kind {
            TemplateType::Steps => steps::check(self, &place),
            TemplateType::Dag => dag::check(self, &place),
            _ => {
                containers::check(self, &place);
                served::check(self, &place);
                scope::leaf(self, &place);
            }
        }
        outputs::check(self, &place, kind);
    }

    /// What a step, task or hook of a template runs; nothing when it is missing or computed.
    fn callee(&self, from: TemplateIx, call: Call<'_>) -> Option<&'a Interface<'a>> {
        self.interface(self.resolved.target(from, call)?)
    }

    fn interface(&self, ix: TemplateIx) -> Option<&'a Interface<'a>> {
        self.interfaces.get(ix.0 as usize)
    }

    fn fault(&mut self, code: Code, path: impl Into<String>, message: impl Into<String>) {
        self.report(Fault::new(code, path, message));
    }

    fn report(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }
}

/// A template under examination.
struct Place<'a> {
    ix: TemplateIx,
    entry: &'a Entry,
    template: &'a Template,
    /// The template's path in its document.
    path: &'a str,
    /// How Argo's sentences call it: `templates.<name>`.
    name: String,
}

impl<'a> Place<'a> {
    fn of(ix: TemplateIx, entry: &'a Entry) -> Self {
        Self {
            ix,
            entry,
            template: &entry.template,
            path: &entry.path,
            name: format!("templates.{}", short(&entry.template.name)),
        }
    }

    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }
}

/// A name for a message; a hostile one may be megabytes long.
fn short(name: &str) -> &str {
    let end = name
        .char_indices()
        .nth(MAX_NAME)
        .map_or(name.len(), |(at, _)| at);
    name.get(..end).unwrap_or(name)
}

/// Characters of a name.
const MAX_NAME: usize = 128;

/// How Argo's sentences call a type.
fn type_name(kind: TemplateType) -> &'static str {
    match kind {
        TemplateType::Container => "Container",
        TemplateType::ContainerSet => "ContainerSet",
        TemplateType::Script => "Script",
        TemplateType::Steps => "Steps",
        TemplateType::Dag => "DAG",
        TemplateType::Resource => "Resource",
        TemplateType::Suspend => "Suspend",
        TemplateType::Http => "HTTP",
        TemplateType::Data => "Data",
        TemplateType::Plugin => "Plugin",
    }
}

/// Letters, digits, `-` and `_`, beginning with a letter or digit.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && is_parameter_name(text)
}

/// Letters, digits, `-` and `_`.
fn is_parameter_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// Checks a list of names: present, well formed, each once. `list` is how Argo's sentences call it.
fn check_names<'n>(
    check: &mut Check<'_>,
    names: impl IntoIterator<Item = (&'n str, String)>,
    list: &str,
    right: fn(&str) -> bool,
) {
    let mut seen = std::collections::HashSet::new();
    for (i, (name, path)) in names.into_iter().enumerate() {
        let at = format!("{path}.name");
        if name.is_empty() {
            check.fault(Code::Name, at, format!("{list}[{i}].name is required"));
        } else if !right(name) {
            let name = short(name);
            check.fault(
                Code::Name,
                at,
                format!(
                    "{list}[{i}].name: '{name}' is invalid: use at most {MAX_NAME} letters, digits and '-', beginning with a letter or digit"
                ),
            );
        } else if !seen.insert(name) {
            check.fault(
                Code::Name,
                at,
                format!("{list}[{i}].name '{name}' is not unique"),
            );
        }
    }
}
