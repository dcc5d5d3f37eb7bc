//! Groups of steps: a step sees the outputs of earlier groups.

use std::collections::HashMap;

use super::{Check, Place, check_names, is_name, loops, parameters, scope, short, tags};
use crate::model::Caller;

pub(super) fn check(check: &mut Check<'_>, place: &Place<'_>) {
    scope::around_callers(check, place);
    names(check, place);
    let nodes = scope::nodes(check, place);
    let groups = groups(place);
    for (g, group) in place.template.steps.iter().flatten().enumerate() {
        for (s, step) in group.iter().enumerate() {
            let path = place.at(&format!("steps[{g}][{s}]"));
            let name = format!("{}.steps[{g}].{}", place.name, short(&step.name));
            let callee = check.callee(place.ix, step.call());
            loops::check(check, step, &name, &path);
            parameters::call(check, &step.arguments, callee, &name, &path);
            let sees = |check: &Check<'_>, tag: &str, own_step: bool| {
                scope::own(check, place, tag)
                    || (step.is_loop() && scope::is_item(tag))
                    || scope::node(tag, "steps").is_some_and(|(name, what)| {
                        groups.get(name).is_some_and(|group| {
                            let ended = *group < g || (own_step && name == step.name);
                            ended && scope::node_has(nodes.get(name).copied().flatten(), what)
                        })
                    })
            };
            tags::check_caller(
                check,
                step,
                &path,
                &|check, tag| sees(check, tag, false),
                &|check, tag| sees(check, tag, true),
            );
        }
    }
}

fn names(check: &mut Check<'_>, place: &Place<'_>) {
    let steps = place.template.callers();
    let steps = steps.map(|(step, at)| (step.name(), place.at(&at)));
    check_names(check, steps, &format!("{}.steps", place.name), is_name);
}

/// The group of each step; the first of two with one name counts.
fn groups<'a>(place: &Place<'a>) -> HashMap<&'a str, usize> {
    let mut groups = HashMap::new();
    for (g, steps) in place.template.steps.iter().flatten().enumerate() {
        for step in steps {
            groups.entry(step.name.as_str()).or_insert(g);
        }
    }
    groups
}
