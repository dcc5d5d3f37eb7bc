//! The variables that a template sees. Names are Argo's dotted ones: `inputs.parameters.msg`,
//! `steps.a.outputs.result`, `item`.
//!
//! A simple tag asks for one name. An expression sees the same names as nested maps, where a name that
//! is both a variable and the beginning of others is a map: `inputs.parameters` in an expression holds
//! the parameters, in a tag their JSON.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use crate::expr::{Budget, Entries, ExprError, Value};

/// Variables by name.
pub trait Scope {
    /// The variable of exactly this name. [`Value::Nil`] is a variable that is known but has no value,
    /// as the output of a skipped step; nothing is an unknown name.
    fn get(&self, name: &str) -> Option<Value>;

    /// Shows all variables whose names begin with `prefix`, outer scopes first, until told to stop.
    fn each_under(
        &self,
        prefix: &str,
        see: &mut dyn FnMut(&str, &Value) -> ControlFlow<()>,
    ) -> ControlFlow<()>;
}

/// Variables in a map, inside an outer scope: one for each item of a loop costs its own names only.
#[derive(Default, Clone)]
pub struct MapScope<'o> {
    variables: BTreeMap<String, Value>,
    outer: Option<&'o dyn Scope>,
}

impl<'o> MapScope<'o> {
    /// A scope of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scope whose names hide those of an outer one.
    pub fn within(outer: &'o dyn Scope) -> Self {
        Self {
            variables: BTreeMap::new(),
            outer: Some(outer),
        }
    }

    /// Sets a variable. Parameters and results are texts; loop items may be anything.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) -> &mut Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Sets a variable that is known but has no value.
    pub fn set_absent(&mut self, name: impl Into<String>) -> &mut Self {
        self.set(name, Value::Nil)
    }

    /// Sets `item` and, for a map, each `item.<key>`.
    pub fn set_item(&mut self, item: Value) -> &mut Self {
        if let Value::Map(map) = &item {
            for (key, value) in map.entries() {
                self.set(format!("item.{key}"), value.clone());
            }
        }
        self.set("item", item)
    }
}

impl Scope for MapScope<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        match self.variables.get(name) {
            Some(value) => Some(value.clone()),
            None => self.outer?.get(name),
        }
    }

    fn each_under(
        &self,
        prefix: &str,
        see: &mut dyn FnMut(&str, &Value) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if let Some(outer) = self.outer {
            outer.each_under(prefix, see)?;
        }
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let following = self.variables.range::<str, _>(from);
        let mut under = following.take_while(|(name, _)| name.starts_with(prefix));
        under.try_for_each(|(name, value)| see(name, value))
    }
}

/// The variable or map that a path of names leads to, and how many of the names that took; the rest
/// are members of the value. Nothing when not even the first name is known.
pub(crate) fn resolve(
    scope: &dyn Scope,
    path: &[Arc<str>],
    budget: &mut Budget,
) -> Result<Option<(Value, usize)>, ExprError> {
    for used in (1..=path.len()).rev() {
        let name = path.get(..used).unwrap_or_default().join(".");
        budget.bytes(name.len())?;
        if is_group(scope, &name) {
            // Part of a group only: the next name is missing in it.
            let value = if used == path.len() {
                tree(scope, &format!("{name}."), budget)?
            } else {
                Value::map(Entries::new())?
            };
            return Ok(Some((value, used)));
        }
        if let Some(value) = scope.get(&name) {
            return Ok(Some((value, used)));
        }
    }
    Ok(None)
}

/// Whether a variable of this name exists, or one that holds it, or one inside it.
pub(crate) fn is_known(scope: &dyn Scope, name: &str) -> bool {
    let mut name = name;
    if is_group(scope, name) {
        return true;
    }
    loop {
        if scope.get(name).is_some() {
            return true;
        }
        match name.rsplit_once('.') {
            // A group without this name does not hold it.
            Some((outer, _)) if !is_group(scope, outer) => name = outer,
            _ => return false,
        }
    }
}

fn is_group(scope: &dyn Scope, name: &str) -> bool {
    let mut see = |_: &str, _: &Value| ControlFlow::Break(());
    scope.each_under(&format!("{name}."), &mut see).is_break()
}

/// Names inside names while the map of a group is built; deeper ones stay as they are written.
const DEPTH: usize = 32;

enum Tree {
    Leaf(Value),
    Branch(BTreeMap<Arc<str>, Tree>),
}

/// All variables below a prefix, as nested maps.
pub(crate) fn tree(
    scope: &dyn Scope,
    prefix: &str,
    budget: &mut Budget,
) -> Result<Value, ExprError> {
    let mut root = BTreeMap::new();
    let mut paid = Ok(());
    let _ = scope.each_under(prefix, &mut |name, value| {
        paid = budget.items(8);
        if paid.is_err() {
            return ControlFlow::Break(());
        }
        let below = name.get(prefix.len()..).unwrap_or_default();
        insert(&mut root, below, value);
        ControlFlow::Continue(())
    });
    paid?;
    grown(Tree::Branch(root))
}

fn insert(root: &mut BTreeMap<Arc<str>, Tree>, name: &str, value: &Value) {
    let mut names = name.splitn(DEPTH, '.').peekable();
    let mut branch = root;
    while let Some(name) = names.next() {
        let leaf = names.peek().is_none();
        let entry = branch.entry(Arc::from(name));
        let place = entry.or_insert_with(|| Tree::Leaf(value.clone()));
        match place {
            // A group hides the variable of its own name.
            Tree::Branch(_) if leaf => return,
            Tree::Leaf(old) if leaf => {
                *old = value.clone();
                return;
            }
            Tree::Leaf(_) => *place = Tree::Branch(BTreeMap::new()),
            Tree::Branch(_) => {}
        }
        let Tree::Branch(inner) = place else {
            return;
        };
        branch = inner;
    }
}

fn grown(tree: Tree) -> Result<Value, ExprError> {
    match tree {
        Tree::Leaf(value) => Ok(value),
        Tree::Branch(branch) => {
            let entries = branch.into_iter();
            let entries = entries.map(|(name, tree)| Ok((name, grown(tree)?)));
            Value::map(entries.collect::<Result<Entries, ExprError>>()?)
        }
    }
}
