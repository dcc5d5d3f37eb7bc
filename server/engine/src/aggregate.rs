//! What a loop gives as a whole: lists over its successful children, made once when first asked for.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use steading_spec::expr::Value;
use steading_types::NodePhase;

use crate::error::EngineError;
use crate::live::Spread;
use crate::run::Run;

/// The outputs of a loop.
#[derive(Debug)]
pub(crate) struct Aggregate {
    result: Result<Value, EngineError>,
    parameters: Value,
    by_name: BTreeMap<String, Value>,
}

impl Aggregate {
    /// Collects over the children that succeeded, in the order of the loop.
    pub(crate) fn of(run: &Run, spread: &Spread) -> Self {
        let children = spread.children().filter_map(|child| run.node(child));
        let succeeded = children.filter(|child| child.phase == NodePhase::Succeeded);
        let mut results = Ok(Vec::new());
        let mut sets = Vec::new();
        let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for child in succeeded {
            if let (Some(result), Ok(list)) = (&child.outputs.result, &mut results) {
                match serde_json::from_str::<Json>(result.trim()) {
                    Ok(value) => list.push(value),
                    Err(_) => results = Err(not_json(&child.name, result)),
                }
            }
            let given = child.outputs.parameters.iter();
            if !child.outputs.parameters.is_empty() {
                let set = given
                    .clone()
                    .map(|(name, value)| (name.clone(), Json::String(value.clone())));
                sets.push(Json::Object(set.collect()));
            }
            for (name, value) in given {
                columns.entry(name.clone()).or_default().push(value.clone());
            }
        }
        let text = |list: Vec<Json>| Value::from(Json::Array(list).to_string());
        Self {
            result: results.map(text),
            parameters: text(sets),
            by_name: columns
                .into_iter()
                .map(|(name, values)| (name, Value::from(column(&values))))
                .collect(),
        }
    }

    /// `outputs.result`: a JSON list.
    pub(crate) fn result(&self) -> Result<Value, EngineError> {
        self.result.clone()
    }

    /// `outputs.parameters`: a JSON list of objects.
    pub(crate) fn parameters(&self) -> Value {
        self.parameters.clone()
    }

    /// `outputs.parameters.<name>`: a JSON list; nil when no child gave it.
    pub(crate) fn parameter(&self, name: &str) -> Value {
        self.by_name.get(name).cloned().unwrap_or(Value::Nil)
    }
}

/// A list of texts, unless all of them are JSON lists or objects.
fn column(values: &[String]) -> String {
    let structured: Option<Vec<Json>> = values
        .iter()
        .map(|value| {
            let json = serde_json::from_str::<Json>(value).ok()?;
            (json.is_array() || json.is_object()).then_some(json)
        })
        .collect();
    let list = structured.unwrap_or_else(|| values.iter().cloned().map(Json::String).collect());
    Json::Array(list).to_string()
}

fn not_json(node: &str, result: &str) -> EngineError {
    let shown: String = result.chars().take(40).collect();
    EngineError::Value(format!(
        "the results of a loop are put together as a JSON list, but that of {node} is not JSON: {shown}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_of_a_loop_is_a_list_of_texts_unless_all_are_structured() {
        let list =
            |values: &[&str]| column(&values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>());
        assert_eq!(list(&["1", "2"]), r#"["1","2"]"#);
        assert_eq!(list(&["{\"a\":1}", "[2]"]), r#"[{"a":1},[2]]"#);
        assert_eq!(list(&["{\"a\":1}", "x"]), r#"["{\"a\":1}","x"]"#);
    }
}
