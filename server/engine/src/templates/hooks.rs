//! Exit handlers and lifecycle hooks of steps and tasks. A hook runs at once when its moment comes, also in
//! a suspended run: it belongs to a node that runs already.

use std::sync::Arc;

use steading_spec::model::{Caller, EXIT_HOOK, LifecycleHook};
use steading_spec::resolve::TemplateIx;
use steading_types::{NodeIx, NodePhase, NodeType};

use crate::call::{Inputs, inputs, written};
use crate::derive::EXIT_SUFFIX;
use crate::error::EngineError;
use crate::head::Shutdown;
use crate::live::{Body, Slot};
use crate::node::{Node, NodeRole};
use crate::plan::Plan;
use crate::run::Run;
use crate::scope::View;
use crate::text;
use crate::turn::{Seed, Turn};

/// A node that may have hooks, and who called it.
struct Host<'p> {
    caller: &'p dyn Caller,
    flow: NodeIx,
    template: TemplateIx,
}

impl Turn<'_> {
    /// Fires the hooks of a node whose moment has come; each at most once.
    pub(crate) fn fire_hooks(&mut self, ix: NodeIx) {
        let plan = Arc::clone(&self.run.plan);
        let Some(host) = host(self.run, &plan, ix) else {
            return;
        };
        let hooks = host.caller.hooks();
        for (place, (name, hook)) in (0u32..).zip(hooks) {
            let Some(Slot { node, live }) = self.run.slot(ix) else {
                return;
            };
            if live.fired.contains(&place) || !self.may_fire(node, name) {
                continue;
            }
            let item = node.item.clone();
            let view = View::flow(self.run, self.now, host.flow)
                .item(item.as_ref())
                .own(ix);
            let due = hook.expression.is_empty() && name == EXIT_HOOK;
            let due = due || text::test(&hook.expression, &view).unwrap_or(false);
            if !due {
                continue;
            }
            let called = plan
                .resolved
                .target(host.template, hook.call(name))
                .ok_or_else(|| EngineError::NoTemplate(hook.template.clone()));
            let prepared = called
                .and_then(|callee| Ok((callee, inputs(&plan, callee, &hook.arguments, &view)?)));
            let seed = hook_seed(node, place, name, hook);
            self.enter_hook(seed, prepared);
        }
    }

    /// Makes the node of a hook, or of its error.
    pub(crate) fn enter_hook(
        &mut self,
        mut seed: Seed,
        prepared: Result<(TemplateIx, Inputs), EngineError>,
    ) {
        match prepared {
            Ok((callee, inputs)) => {
                seed.inputs = inputs;
                seed.template = seed.template.keyed(callee);
                self.enter(seed, callee);
            }
            Err(error) => self.make_ended(seed, NodePhase::Error, error.to_string()),
        }
    }

    /// Whether a hook of a node may run at all now.
    fn may_fire(&self, node: &Node, hook: &str) -> bool {
        let shutdown = self.run.head.shutdown;
        if hook == EXIT_HOOK {
            let ended = matches!(
                node.phase,
                NodePhase::Succeeded | NodePhase::Failed | NodePhase::Error
            );
            ended && shutdown != Some(Shutdown::Terminate)
        } else {
            shutdown.is_none()
        }
    }
}

/// Who called a node, if the node is one that hooks watch: a step, a task, or a child of a loop.
fn host<'p>(run: &Run, plan: &'p Plan, ix: NodeIx) -> Option<Host<'p>> {
    let node = run.node(ix)?;
    let owner = node.owner.filter(|_| node.role == NodeRole::Plain)?;
    let Slot { node: above, live } = run.slot(owner)?;
    let (flow, caller) = match &live.body {
        Body::Group(_) => {
            let flow = above.owner?;
            let step = plan.step(live.template?, above.place, node.place)?;
            (flow, step)
        }
        Body::Dag(_) if node.kind != NodeType::TaskGroup => {
            (owner, plan.task(live.template?, node.place)?)
        }
        Body::Tasks(_) => {
            let flow = above.owner?;
            let template = run.live(flow)?.template?;
            (flow, plan.task(template, above.place)?)
        }
        _ => return None,
    };
    if caller.hooks().is_empty() {
        return None;
    }
    Some(Host {
        caller,
        flow,
        template: run.live(flow)?.template?,
    })
}

fn hook_seed(host: &Node, place: u32, name: &str, hook: &LifecycleHook) -> Seed {
    let suffix = hook_suffix(name);
    Seed {
        name: format!("{}{suffix}", host.name),
        display_name: format!("{}{suffix}", host.display_name),
        owner: Some(host.ix),
        place,
        boundary: host.boundary,
        parents: Vec::new(),
        role: NodeRole::Hook,
        index: None,
        item: host.item.clone(),
        template: written(&hook.call(name)),
        inputs: Inputs::default(),
        fan: Vec::new(),
    }
}

/// The end of a hook node's name.
pub(crate) fn hook_suffix(name: &str) -> String {
    if name == EXIT_HOOK {
        EXIT_SUFFIX.to_owned()
    } else {
        format!(".hooks.{name}")
    }
}
