//! `memoize`: a node whose outputs a cache of its tenant remembers is not run again. What is found is read
//! once, when the node is made, and then stands in its row.

use steading_spec::resolve::TemplateIx;
use steading_types::{Millis, NodeIx, NodePhase, parse_duration};

use crate::action::Action;
use crate::error::EngineError;
use crate::node::{Node, NodeRole, Outputs};
use crate::plan::node_type;
use crate::run::Run;
use crate::scope::View;
use crate::text;
use crate::turn::{Seed, Turn};

/// Bytes of a key.
const KEY: usize = 512;

/// What a node asked a cache (Argo's `memoizationStatus`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memo {
    /// The tenant's cache.
    pub cache: String,
    /// The key in it.
    pub key: String,
    /// How old an answer may be; of any age when absent.
    pub max_age: Option<Millis>,
    /// What came of it.
    pub found: Found,
}

/// Whether a cache had an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It had; the node took its outputs and ran nothing.
    Hit,
    /// It had none, or an old one; the node runs, and its outputs are remembered when it ends well.
    Miss,
}

/// What a cache remembers under a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// The outputs of the node that gave them.
    pub outputs: Outputs,
    /// When it had ended.
    pub made: Millis,
}

impl Memo {
    /// Whether something made then may still be used.
    fn is_fresh(&self, made: Millis, now: Millis) -> bool {
        self.max_age.is_none_or(|age| made.plus(age) > now)
    }
}

impl Turn<'_> {
    /// Asks the cache of a template that has one. A try of a retry node does not ask: its retry node did.
    pub(crate) fn recall(
        &self,
        seed: &Seed,
        callee: TemplateIx,
    ) -> Result<Option<(Memo, Option<Outputs>)>, EngineError> {
        let Some(memoize) = &self.run.plan.template(callee)?.memoize else {
            return Ok(None);
        };
        if seed.role == NodeRole::Try {
            return Ok(None);
        }
        let view = View::called(self.run, self.now, seed, callee);
        let cache = memoize.cache.as_ref();
        let cache = cache.and_then(|cache| cache.config_map.as_ref());
        let cache = cache.map_or("", |cache| cache.name.as_str());
        let max_age = match text::render(&memoize.max_age, &view)? {
            age if age.is_empty() => None,
            age => Some(parse_duration(&age).ok_or_else(|| {
                EngineError::Value(format!("memoize.maxAge '{age}' is not a duration"))
            })?),
        };
        let mut memo = Memo {
            cache: text::render(cache, &view)?,
            key: text::render(&memoize.key, &view)?,
            max_age,
            found: Found::Miss,
        };
        if memo.key.is_empty() || memo.key.len() > KEY || memo.key.chars().any(char::is_control) {
            let what = "memoize.key must have 1 to 512 bytes and no control characters";
            return Err(EngineError::Value(what.to_owned()));
        }
        let outputs = self.remembered(&memo)?;
        if outputs.is_some() {
            memo.found = Found::Hit;
        }
        Ok(Some((memo, outputs)))
    }

    /// The newest fresh answer: the tenant's, or what this run did itself and may not be on disk yet.
    fn remembered(&self, memo: &Memo) -> Result<Option<Outputs>, EngineError> {
        let stored = self.run.values.remembered(&memo.cache, &memo.key);
        let stored = stored.map_err(|reason| EngineError::Value(format!("memoize: {reason}")))?;
        let own = self
            .run
            .remembered
            .get(&(memo.cache.clone(), memo.key.clone()));
        let own = own.and_then(|(made, ix)| {
            let outputs = self.run.node(*ix)?.outputs.clone();
            Some(Remembered {
                outputs,
                made: *made,
            })
        });
        let newest = stored.into_iter().chain(own).max_by_key(|known| known.made);
        let fresh = newest.filter(|known| memo.is_fresh(known.made, self.now));
        Ok(fresh.map(|known| known.outputs))
    }

    /// Makes the node of a call whose outputs are known. Whatever its template is, it has nothing below it.
    pub(crate) fn enter_remembered(
        &mut self,
        seed: Seed,
        callee: TemplateIx,
        memo: Memo,
        outputs: Outputs,
    ) {
        let kind = self.run.plan.template(callee).and_then(node_type);
        let made = kind.and_then(|kind| self.make(seed.clone(), kind, NodePhase::Pending));
        match made {
            Ok(ix) => {
                let now = self.now;
                if let Some(node) = self.edit(ix) {
                    node.memo = Some(memo);
                    node.outputs = outputs;
                    node.started = Some(now);
                }
                self.publish(ix);
                self.finish(ix, NodePhase::Succeeded, None);
            }
            Err(error) => self.make_ended(seed, NodePhase::Error, error.to_string()),
        }
    }

    /// Asks once more for a node that waited for locks: whoever had them may have given the answer. Says
    /// whether the node is over with it.
    pub(crate) fn recall_again(&mut self, ix: NodeIx) -> bool {
        let Some(mut memo) = self.run.node(ix).and_then(|node| node.memo.clone()) else {
            return false;
        };
        match self.remembered(&memo) {
            Ok(None) => return false,
            Ok(Some(outputs)) => {
                memo.found = Found::Hit;
                if let Some(node) = self.edit(ix) {
                    node.memo = Some(memo);
                    node.outputs = outputs;
                }
                self.publish(ix);
                self.finish(ix, NodePhase::Succeeded, None);
            }
            Err(error) => self.fault(ix, &error),
        }
        true
    }

    /// Has the outputs of a node remembered that ended well and had asked in vain.
    pub(crate) fn remember(&mut self, ix: NodeIx) {
        if self.run.node(ix).is_some_and(|node| node.asked_in_vain()) {
            self.act(Action::Remember(ix));
        }
    }
}

impl Node {
    /// Whether its outputs are to be remembered: it ended well, and its cache had had no answer.
    fn asked_in_vain(&self) -> bool {
        let memo = self.memo.as_ref();
        self.phase == NodePhase::Succeeded && memo.is_some_and(|memo| memo.found == Found::Miss)
    }
}

impl Run {
    /// Notes what a node that is over gave, for nodes of this run that ask the same.
    pub(crate) fn note_memo(&mut self, ix: NodeIx) {
        let Some(node) = self.node(ix).filter(|node| node.asked_in_vain()) else {
            return;
        };
        let (Some(memo), Some(made)) = (&node.memo, node.finished) else {
            return;
        };
        let key = (memo.cache.clone(), memo.key.clone());
        let known = self.remembered.entry(key).or_insert((made, ix));
        *known = (made, ix).max(*known);
    }
}
