//! Steps, DAGs, loops, hooks: what calls templates, and when.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::{Arguments, IntOrString, Template};

objects! {
    /// One step of a group.
    WorkflowStep {
        name: String,
        template: String,
        template_ref: Option<TemplateRef>,
        inline: Option<Box<Template>>,
        arguments: Arguments,
        when: String,
        with_items: Option<Vec<Value>>,
        with_param: String,
        with_sequence: Option<Sequence>,
        continue_on: Option<ContinueOn>,
        /// v3; moved into `hooks.exit` when read.
        on_exit: String,
        hooks: Hooks,
    }

    /// A graph of tasks.
    DagTemplate {
        tasks: Vec<DagTask>,
        /// Names separated by spaces; empty: the leaves.
        target: String,
        /// Default true.
        fail_fast: Option<bool>,
    }

    /// One task of a graph.
    DagTask {
        name: String,
        template: String,
        template_ref: Option<TemplateRef>,
        inline: Option<Box<Template>>,
        arguments: Arguments,
        when: String,
        with_items: Option<Vec<Value>>,
        with_param: String,
        with_sequence: Option<Sequence>,
        continue_on: Option<ContinueOn>,
        /// v3; moved into `hooks.exit` when read.
        on_exit: String,
        hooks: Hooks,
        depends: String,
        dependencies: Vec<String>,
    }

    /// A template of another object.
    TemplateRef {
        name: String,
        template: String,
        cluster_scope: bool,
    }

    /// The object that a run is made from.
    WorkflowTemplateRef {
        name: String,
        cluster_scope: bool,
    }

    /// Numbers to loop over.
    Sequence {
        count: Option<IntOrString>,
        start: Option<IntOrString>,
        end: Option<IntOrString>,
        /// A printf format; default `%d`.
        format: String,
    }

    /// Which results of a node do not end its parent.
    ContinueOn {
        error: bool,
        failed: bool,
    }

    /// A template that runs when something happens to a node.
    LifecycleHook {
        template: String,
        template_ref: Option<TemplateRef>,
        arguments: Arguments,
        expression: String,
    }
}

/// Hooks by name; `exit` runs at the end, the others when their expression becomes true.
pub type Hooks = BTreeMap<String, LifecycleHook>;

/// The name of the hook that runs at the end.
pub const EXIT_HOOK: &str = "exit";

/// A reference from a step, task or hook to the template that it runs: by name in the same object, by
/// [`TemplateRef`] in another one, or, when both are empty, the template written inline in the caller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call<'a> {
    /// The step's, task's or hook's name.
    pub caller: &'a str,
    /// The name of a template in the same object.
    pub template: &'a str,
    /// A template in another object.
    pub template_ref: Option<&'a TemplateRef>,
}

/// What steps and tasks have in common.
#[allow(missing_docs, reason = "each answers the field of its name")]
pub trait Caller {
    fn name(&self) -> &str;
    fn call(&self) -> Call<'_>;
    fn inline(&self) -> Option<&Template>;
    fn inline_mut(&mut self) -> &mut Option<Box<Template>>;
    fn arguments(&self) -> &Arguments;
    fn when(&self) -> &str;
    fn with_items(&self) -> Option<&[Value]>;
    fn with_param(&self) -> Option<&str>;
    fn with_sequence(&self) -> Option<&Sequence>;
    fn continue_on(&self) -> ContinueOn;
    fn hooks(&self) -> &Hooks;
    /// Moves the v3 field `onExit` into the hooks; true when there was one.
    fn adopt_on_exit(&mut self) -> bool;

    /// True when one node is made per item.
    fn is_loop(&self) -> bool {
        self.with_items().is_some() || self.with_param().is_some() || self.with_sequence().is_some()
    }
}

macro_rules! callers {
    ($($type:ty),*) => {$(
        impl Caller for $type {
            fn name(&self) -> &str {
                &self.name
            }
            fn call(&self) -> Call<'_> {
                Call {
                    caller: &self.name,
                    template: &self.template,
                    template_ref: self.template_ref.as_ref(),
                }
            }
            fn inline(&self) -> Option<&Template> {
                self.inline.as_deref()
            }
            fn inline_mut(&mut self) -> &mut Option<Box<Template>> {
                &mut self.inline
            }
            fn arguments(&self) -> &Arguments {
                &self.arguments
            }
            fn when(&self) -> &str {
                &self.when
            }
            fn with_items(&self) -> Option<&[Value]> {
                self.with_items.as_deref()
            }
            fn with_param(&self) -> Option<&str> {
                Some(self.with_param.as_str()).filter(|text| !text.is_empty())
            }
            fn with_sequence(&self) -> Option<&Sequence> {
                self.with_sequence.as_ref()
            }
            fn continue_on(&self) -> ContinueOn {
                self.continue_on.clone().unwrap_or_default()
            }
            fn hooks(&self) -> &Hooks {
                &self.hooks
            }
            fn adopt_on_exit(&mut self) -> bool {
                let template = std::mem::take(&mut self.on_exit);
                adopt_exit(&mut self.hooks, template)
            }
        }
    )*};
}
callers!(WorkflowStep, DagTask);

/// Makes a v3 `onExit` the exit hook, unless there is one; true when it was given.
pub(crate) fn adopt_exit(hooks: &mut Hooks, template: String) -> bool {
    let given = !template.is_empty();
    if given {
        hooks
            .entry(EXIT_HOOK.to_owned())
            .or_insert_with(|| LifecycleHook {
                template,
                ..LifecycleHook::default()
            });
    }
    given
}

impl Template {
    /// Each step or task, with its path in the template.
    pub fn callers(&self) -> impl Iterator<Item = (&dyn Caller, String)> {
        let steps = self
            .steps
            .iter()
            .flatten()
            .enumerate()
            .flat_map(|(g, group)| {
                let step = move |(s, step)| (step as &dyn Caller, format!("steps[{g}][{s}]"));
                group.iter().enumerate().map(step)
            });
        let tasks = self.dag.iter().flat_map(|dag| &dag.tasks).enumerate();
        steps.chain(tasks.map(|(t, task)| (task as &dyn Caller, format!("dag.tasks[{t}]"))))
    }

    /// Calls `visit` on each step or task, with its path in the template.
    pub(crate) fn for_each_caller(&mut self, mut visit: impl FnMut(&mut dyn Caller, String)) {
        for (g, group) in self.steps.iter_mut().flatten().enumerate() {
            for (s, step) in group.iter_mut().enumerate() {
                visit(step, format!("steps[{g}][{s}]"));
            }
        }
        for (t, task) in self
            .dag
            .iter_mut()
            .flat_map(|dag| &mut dag.tasks)
            .enumerate()
        {
            visit(task, format!("dag.tasks[{t}]"));
        }
    }
}

impl LifecycleHook {
    /// What the hook runs.
    pub fn call<'a>(&'a self, name: &'a str) -> Call<'a> {
        Call {
            caller: name,
            template: &self.template,
            template_ref: self.template_ref.as_ref(),
        }
    }
}

impl DagTask {
    /// The condition to start: `depends`, or the v3 list of dependencies joined by `&&`; empty: none.
    pub fn condition(&self) -> Cow<'_, str> {
        if self.depends.is_empty() {
            Cow::Owned(self.dependencies.join(" && "))
        } else {
            Cow::Borrowed(&self.depends)
        }
    }
}
