//! Collecting every template that a run can reach into one table.

use std::collections::HashMap;
use std::sync::Arc;

use super::merge::{Merged, not_found, over_defaults};
use super::{Entry, Index, Library, Purpose, Resolved, Scope, TemplateIx};
use crate::fault::{Code, Fault};
use crate::model::{
    Call, Origin, RetryStrategy, Template, WorkflowSpec, WorkflowTemplate, adopt_exit,
};

/// Templates of one run, inline ones included.
const MAX_TEMPLATES: usize = 50_000;
/// Objects that one run refers to.
const MAX_OBJECTS: usize = 1_000;

/// Builds the table. Faults do not stop it, except a bound.
pub(super) fn collect(
    merged: Merged,
    library: &dyn Library,
    purpose: Purpose,
) -> (Resolved, Vec<Fault>) {
    let Merged {
        mut spec,
        templates_path,
    } = merged;
    let on_exit = std::mem::take(&mut spec.on_exit);
    adopt_exit(&mut spec.hooks, on_exit);
    let mut collector = Collector {
        library,
        objects: HashMap::new(),
        defaults: spec.template_defaults.take(),
        retry_strategy: spec.retry_strategy.take(),
        entries: Vec::new(),
        index: Index::default(),
        faults: Vec::new(),
        full: false,
    };
    for (i, template) in std::mem::take(&mut spec.templates).into_iter().enumerate() {
        collector.add(Origin::Workflow, template, format!("{templates_path}[{i}]"));
    }
    for (name, hook) in &spec.hooks {
        collector.follow(
            &Origin::Workflow,
            hook.call(name),
            &format!("spec.hooks.{name}"),
        );
    }
    collector.walk();
    let entrypoint = collector.entrypoint(&spec, purpose);
    // Kept for the run's own record; the table has it merged in already.
    spec.retry_strategy = collector.retry_strategy;
    let resolved = Resolved::new(spec, entrypoint, collector.entries);
    (resolved, collector.faults)
}

struct Collector<'a> {
    library: &'a dyn Library,
    objects: HashMap<Origin, Option<Arc<WorkflowTemplate>>>,
    defaults: Option<Box<Template>>,
    retry_strategy: Option<RetryStrategy>,
    entries: Vec<Entry>,
    index: Index,
    faults: Vec<Fault>,
    full: bool,
}

impl Collector<'_> {
    fn entrypoint(&mut self, spec: &WorkflowSpec, purpose: Purpose) -> TemplateIx {
        let found = self.index.named(&Origin::Workflow, &spec.entrypoint);
        if spec.entrypoint.is_empty() {
            if purpose == Purpose::Run {
                self.faults.push(
                    Fault::new(
                        Code::Entrypoint,
                        "spec.entrypoint",
                        "spec.entrypoint is required",
                    )
                    .with_fix("name the template to start with"),
                );
            }
        } else if found.is_none() {
            self.faults.push(undefined(
                Code::Entrypoint,
                "spec.entrypoint",
                &spec.entrypoint,
            ));
        }
        found.unwrap_or(TemplateIx(0))
    }

    fn add(&mut self, origin: Origin, template: Template, path: String) {
        let template = self.ready(template, &path);
        self.push(Entry {
            origin,
            inline_of: None,
            inline_name: String::new(),
            template,
            path,
        });
    }

    /// Makes a template ready to be rendered: defaults, retry strategy, v4 spellings.
    fn ready(&mut self, template: Template, path: &str) -> Template {
        let mut template = match &self.defaults {
            Some(defaults) => match over_defaults(defaults, &template) {
                Ok(merged) => merged,
                Err(error) => {
                    let fault = Fault::new(Code::WrongType, path, error.to_string());
                    self.faults.push(fault);
                    template
                }
            },
            None => template,
        };
        if template.retry_strategy.is_none() {
            template.retry_strategy.clone_from(&self.retry_strategy);
        }
        template.for_each_caller(|caller, _| {
            caller.adopt_on_exit();
        });
        template
    }

    fn push(&mut self, entry: Entry) {
        let room = u32::try_from(self.entries.len())
            .ok()
            .filter(|ix| (*ix as usize) < MAX_TEMPLATES);
        match room {
            Some(ix) => {
                self.index.add(TemplateIx(ix), &entry);
                self.entries.push(entry);
            }
            None => self.bound(&entry.path, "templates", MAX_TEMPLATES),
        }
    }

    fn bound(&mut self, path: &str, what: &str, limit: usize) {
        if !self.full {
            let message = format!("the workflow refers to more than {limit} {what}");
            self.faults
                .push(Fault::new(Code::TooManyReferences, path, message));
        }
        self.full = true;
    }

    /// Visits each entry once, those added on the way included.
    fn walk(&mut self) {
        let mut next = 0;
        while let Some(entry) = self.entries.get_mut(next) {
            let ix = TemplateIx(next as u32);
            let (origin, path) = (entry.origin.clone(), entry.path.clone());
            let inlines = take_inlines(&mut entry.template);
            let calls = owned_calls(&entry.template);
            for (caller, at, inline) in inlines {
                self.add_inline(ix, caller, inline, format!("{path}.{at}.inline"));
            }
            for call in calls {
                if call.template_ref.is_none()
                    && call.template.is_empty()
                    && self.index.inline(ix, &call.caller).is_some()
                {
                    continue;
                }
                self.follow(&origin, call.borrow(), &format!("{path}.{}", call.at));
            }
            if self.full {
                return;
            }
            next += 1;
        }
    }

    fn add_inline(&mut self, parent: TemplateIx, caller: String, inline: Template, path: String) {
        let Some(above) = self.entries.get(parent.0 as usize) else {
            return;
        };
        if above.inline_of.is_some() {
            let message = "an inline template can not hold another inline template";
            self.faults.push(Fault::new(Code::Reference, path, message));
            return;
        }
        let origin = above.origin.clone();
        let template = self.ready(inline, &path);
        self.push(Entry {
            origin,
            inline_of: Some(parent),
            inline_name: caller,
            template,
            path,
        });
    }

    /// Makes sure that what a call names is in the table.
    fn follow(&mut self, from: &Origin, call: Call<'_>, path: &str) {
        let (origin, name) = match call.template_ref {
            Some(reference) => {
                if reference.name.contains("{{") || reference.template.contains("{{") {
                    self.faults.push(computed(path));
                    return;
                }
                for (field, what) in [
                    (&reference.name, "resource name is required"),
                    (&reference.template, "template name is required"),
                ] {
                    if field.is_empty() {
                        let at = format!("{path}.templateRef");
                        self.faults.push(Fault::new(Code::Reference, at, what));
                        return;
                    }
                }
                (Origin::of_reference(reference), reference.template.as_str())
            }
            None if call.template.contains("{{") => return self.load_all(from),
            None => (from.clone(), call.template),
        };
        if name.is_empty() {
            let message = "one of template, templateRef or inline is required";
            self.faults.push(Fault::new(Code::Reference, path, message));
        } else if self.index.named(&origin, name).is_none() {
            self.load(origin, name, path);
        }
    }

    fn load(&mut self, origin: Origin, name: &str, path: &str) {
        let Some(object) = self.object(&origin, path) else {
            // The run's own templates are all in the table, so this one does not exist.
            if origin == Origin::Workflow {
                let at = format!("{path}.template");
                self.faults.push(undefined(Code::Reference, &at, name));
            }
            return;
        };
        match object.spec.template(name) {
            Some((i, template)) => {
                let at = format!(
                    "workflow template {}: spec.templates[{i}]",
                    object.metadata.name
                );
                self.add(origin, template.clone(), at);
            }
            None => self.faults.push(Fault::new(
                Code::Reference,
                path,
                format!(
                    "template {name} not found in workflow template {}",
                    object.metadata.name
                ),
            )),
        }
    }

    /// A local name that is computed at run time may be any of the object's templates.
    fn load_all(&mut self, origin: &Origin) {
        let Some(Some(object)) = self.objects.get(origin).cloned() else {
            return;
        };
        for template in &object.spec.templates {
            if self.index.named(origin, &template.name).is_none() {
                self.load(origin.clone(), &template.name, "");
            }
        }
    }

    /// The object behind an origin, looked up once; reports a missing one at each reference.
    fn object(&mut self, origin: &Origin, path: &str) -> Option<Arc<WorkflowTemplate>> {
        let (name, scope) = match origin {
            Origin::Workflow => return None,
            Origin::Namespaced(name) => (name, Scope::Namespaced),
            Origin::Cluster(name) => (name, Scope::Cluster),
        };
        if !self.objects.contains_key(origin) {
            if self.objects.len() >= MAX_OBJECTS {
                self.bound(path, "workflow templates", MAX_OBJECTS);
                return None;
            }
            let object = self.library.template(name, scope);
            self.objects.insert(origin.clone(), object);
        }
        let object = self.objects.get(origin).cloned().flatten();
        if object.is_none() {
            self.faults
                .push(not_found(&format!("{path}.templateRef"), name));
        }
        object
    }
}

fn undefined(code: Code, path: &str, name: &str) -> Fault {
    Fault::new(code, path, format!("template name '{name}' undefined"))
}

fn computed(path: &str) -> Fault {
    Fault::new(
        Code::Unsupported,
        format!("{path}.templateRef"),
        "a templateRef that is computed at run time is not supported yet",
    )
    .with_fix("name the object and its template, and choose between steps with 'when'")
}

/// Moves inline templates out: (caller's name, its path, the template).
fn take_inlines(template: &mut Template) -> Vec<(String, String, Template)> {
    let mut inlines = Vec::new();
    template.for_each_caller(|caller, path| {
        if let Some(inline) = caller.inline_mut().take() {
            inlines.push((caller.name().to_owned(), path, *inline));
        }
    });
    inlines
}

/// A [`Call`] that does not borrow the table.
struct OwnedCall {
    caller: String,
    template: String,
    template_ref: Option<crate::model::TemplateRef>,
    at: String,
}

impl OwnedCall {
    fn of(call: Call<'_>, at: String) -> Self {
        Self {
            caller: call.caller.to_owned(),
            template: call.template.to_owned(),
            template_ref: call.template_ref.cloned(),
            at,
        }
    }

    fn borrow(&self) -> Call<'_> {
        Call {
            caller: &self.caller,
            template: &self.template,
            template_ref: self.template_ref.as_ref(),
        }
    }
}

fn owned_calls(template: &Template) -> Vec<OwnedCall> {
    let mut calls = Vec::new();
    for (caller, at) in template.callers() {
        for (name, hook) in caller.hooks() {
            calls.push(OwnedCall::of(hook.call(name), format!("{at}.hooks.{name}")));
        }
        calls.push(OwnedCall::of(caller.call(), at));
    }
    calls
}
