//! Loops: `withItems`, `withParam`, `withSequence`. Items are worked out once; their nodes are made one by
//! one as there is room.

use std::sync::Arc;

use serde_json::Value;
use steading_spec::model::Caller;
use steading_types::{NodeIx, NodePhase};

use crate::call::{Inputs, skipped_anyway};
use crate::error::EngineError;
use crate::live::{Body, Slot, Spread};
use crate::node::NodeRole;
use crate::scope::View;
use crate::text;
use crate::turn::{Seed, Turn};

/// Items of one loop.
const LIMIT: usize = 100_000;
/// Characters of an item in a node's name.
const NAMED: usize = 128;
/// Argo's sentence for a loop over nothing.
pub(super) const EMPTY: &str = "Skipped, empty params";

/// A loop's item and its position.
pub(super) struct Taken {
    index: u32,
    item: Value,
}

impl Seed {
    /// Names the node after its item.
    pub(super) fn take(&mut self, taken: Option<Taken>) {
        if let Some(Taken { index, item }) = taken {
            let suffix = format!("({index}:{})", shown(&item));
            self.name.push_str(&suffix);
            self.display_name.push_str(&suffix);
            self.index = Some(index);
            self.item = Some(item);
        }
    }
}

impl Turn<'_> {
    /// The next item of a step's or task's loop; nothing when it has none. The items are worked out again
    /// when the run was loaded since: what they are made from has not changed.
    pub(super) fn take_item(
        &mut self,
        caller: &dyn Caller,
        owner: NodeIx,
        place: u32,
        flow: NodeIx,
    ) -> Result<Option<Taken>, (Option<u32>, EngineError)> {
        if !caller.is_loop() {
            return Ok(None);
        }
        let Some(next) = self.spread(owner, place).map(|spread| spread.next) else {
            return Ok(None);
        };
        let index = u32::try_from(next).unwrap_or(u32::MAX);
        let known = self.spread(owner, place).and_then(|s| s.items.clone());
        let items = match known {
            Some(items) => items,
            None => {
                let view = View::flow(self.run, self.now, flow);
                // Skipped as a whole: one node stands for the loop.
                let Some(found) =
                    items_unless_skipped(caller, &view).map_err(|error| (Some(index), error))?
                else {
                    return Ok(None);
                };
                if let Some(spread) = self.spread_mut(owner, place) {
                    spread.items = Some(Arc::clone(&found));
                }
                found
            }
        };
        let changed = || EngineError::Loop("the loop's list became shorter".to_owned());
        let item = items.get(next).cloned();
        let item = item.ok_or_else(|| (Some(index), changed()))?;
        if next + 1 == items.len()
            && let Some(spread) = self.spread_mut(owner, place)
        {
            spread.items = None;
        }
        Ok(Some(Taken { index, item }))
    }

    fn spread(&self, owner: NodeIx, place: u32) -> Option<&Spread> {
        match &self.run.live(owner)?.body {
            Body::Group(spreads) => spreads.get(place as usize),
            Body::Tasks(spread) => Some(spread),
            _ => None,
        }
    }

    fn spread_mut(&mut self, owner: NodeIx, place: u32) -> Option<&mut Spread> {
        match &mut self.run.live_mut(owner)?.body {
            Body::Group(spreads) => spreads.get_mut(place as usize),
            Body::Tasks(spread) => Some(spread),
            _ => None,
        }
    }

    /// Makes the next child of a task's loop.
    pub(crate) fn make_item(&mut self, tasks: NodeIx) {
        let plan = Arc::clone(&self.run.plan);
        let Some(node) = self.run.node(tasks) else {
            return;
        };
        let Some(dag) = node.owner else {
            return;
        };
        let from = self.run.live(dag).and_then(|live| live.template);
        let Some(task) = from.and_then(|from| plan.task(from, node.place)) else {
            return;
        };
        let mut seed = Seed {
            name: node.name.clone(),
            display_name: node.display_name.clone(),
            owner: Some(tasks),
            place: 0,
            boundary: node.boundary,
            parents: Vec::new(),
            role: NodeRole::Plain,
            index: None,
            item: None,
            template: node.template.clone(),
            inputs: Inputs::default(),
            fan: Vec::new(),
        };
        match self.take_item(task, tasks, 0, dag) {
            Ok(taken) => {
                seed.take(taken);
                self.call(seed, task, dag);
            }
            Err((index, error)) => {
                seed.index = index;
                self.make_ended(seed, NodePhase::Error, error.to_string());
            }
        }
    }

    /// A task's loop whose children are all over.
    pub(crate) fn advance_tasks(&mut self, tasks: NodeIx) {
        let Some(Slot { live, .. }) = self.run.slot(tasks) else {
            return;
        };
        let Body::Tasks(spread) = &live.body else {
            return;
        };
        let bar = self.run.bar(tasks);
        let complete = spread.complete();
        if !complete && bar.is_none() {
            return;
        }
        let children = spread.children().filter_map(|child| self.run.node(child));
        let failed = children
            .filter(|child| crate::derive::is_failure(child.phase))
            .last();
        let (phase, message) = match (failed, bar) {
            (Some(child), _) => (child.phase, Some(self.child_failed(child))),
            (None, Some(bar)) if !complete => (NodePhase::Failed, Some(bar.message().to_owned())),
            _ => (NodePhase::Succeeded, None),
        };
        self.finish(tasks, phase, message);
    }
}

/// How many children a step makes: one without a loop.
pub(super) fn count(items: Option<&[Value]>) -> u32 {
    items.map_or(1, |items| u32::try_from(items.len()).unwrap_or(u32::MAX))
}

/// The items of a step's loop; nothing when it has none, or when the step is skipped anyway and its loop
/// makes no sense.
pub(super) fn items_unless_skipped(
    caller: &dyn Caller,
    view: &View<'_>,
) -> Result<Option<Arc<[Value]>>, EngineError> {
    if !caller.is_loop() {
        return Ok(None);
    }
    match items(caller, view) {
        Ok(items) => Ok(Some(items.into())),
        Err(_) if skipped_anyway(caller, view) => Ok(None),
        Err(error) => Err(error),
    }
}

fn items(caller: &dyn Caller, view: &View<'_>) -> Result<Vec<Value>, EngineError> {
    let items = if let Some(items) = caller.with_items() {
        items
            .iter()
            .map(|item| text::render_json(item, view))
            .collect::<Result<_, _>>()?
    } else if let Some(param) = caller.with_param() {
        let list = text::render(param, view)?;
        serde_json::from_str(&list).map_err(|_| {
            let shown: String = list.chars().take(80).collect();
            EngineError::Loop(format!(
                "withParam value could not be parsed as a JSON list: {shown}"
            ))
        })?
    } else if let Some(sequence) = caller.with_sequence() {
        text::sequence(sequence, view, LIMIT)?
    } else {
        Vec::new()
    };
    if items.len() > LIMIT {
        return Err(EngineError::Loop(format!(
            "the loop has {} items, more than {LIMIT}",
            items.len()
        )));
    }
    Ok(items)
}

/// An item in a node's name: without parentheses, maps as `key:value` sorted by key.
fn shown(item: &Value) -> String {
    let text = match item {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let mut fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{key}:{}", plain(value)))
                .collect();
            fields.sort_unstable();
            fields.join(",")
        }
        other => other.to_string(),
    };
    text.chars()
        .filter(|c| !matches!(c, '(' | ')'))
        .take(NAMED)
        .collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_loop_childs_name_shows_its_item() {
        for (item, name) in [
            (json!("a (b)"), "a b"),
            (json!(3), "3"),
            (json!(true), "true"),
            (
                json!({"os": "debian", "image": "x", "v": 9}),
                "image:x,os:debian,v:9",
            ),
            (json!(["a", 1]), "[\"a\",1]"),
        ] {
            assert_eq!(shown(&item), name);
        }
        assert_eq!(shown(&json!("x".repeat(5_000))).len(), NAMED);
    }
}
