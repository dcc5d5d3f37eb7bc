//! `retryStrategy`: a node whose children are tries, until one succeeds or the strategy says no more.

use std::sync::Arc;

use steading_spec::model::{Backoff, RetryStrategy};
use steading_types::{Millis, NodeIx, NodePhase, parse_duration};

use crate::action::Action;
use crate::call::Inputs;
use crate::command::Timer;
use crate::derive::Bar;
use crate::error::EngineError;
use crate::head::Shutdown;
use crate::live::Body;
use crate::node::{Ending, Node, NodeRole};
use crate::scope::{View, last_retry};
use crate::text;
use crate::time::{humanised, rfc3339};
use crate::turn::{Seed, Turn};

/// What follows the end of a try.
enum Next {
    /// One more, now.
    Again,
    /// One more, after a wait.
    Later(Millis),
    /// No more: the node ends as its last try did.
    Enough(Option<String>),
}

impl Turn<'_> {
    /// Makes the next try.
    pub(crate) fn make_try(&mut self, retry: NodeIx) {
        let Some(node) = self.run.node(retry) else {
            return;
        };
        let Some(Body::Retry(tries)) = self.run.live(retry).map(|live| &live.body) else {
            return;
        };
        let Some(callee) = self.run.live(retry).and_then(|live| live.template) else {
            return;
        };
        let place = u32::try_from(tries.len()).unwrap_or(u32::MAX);
        let seed = Seed {
            name: format!("{}({place})", node.name),
            display_name: format!("{}({place})", node.display_name),
            owner: Some(retry),
            place,
            boundary: node.boundary,
            parents: Vec::new(),
            role: NodeRole::Try,
            index: None,
            item: node.item.clone(),
            template: node.template.clone(),
            inputs: Inputs {
                parameters: node.inputs.clone(),
                artifacts: node.artifacts.clone(),
            },
            fan: Vec::new(),
        };
        self.enter(seed, callee);
    }

    /// A retry node whose last try is over.
    pub(crate) fn advance_retry(&mut self, retry: NodeIx) {
        let Some(Body::Retry(tries)) = self.run.live(retry).map(|live| &live.body) else {
            return;
        };
        let Some(last) = tries.last().and_then(|last| self.run.node(*last)) else {
            if let Some(bar) = self.run.bar(retry) {
                self.finish(retry, NodePhase::Failed, Some(bar.message().to_owned()));
            }
            return;
        };
        if self.run.node(retry).is_some_and(|node| node.wake.is_some())
            && self.run.bar(retry).is_none()
        {
            return;
        }
        if last.served() && !last.phase.completed() {
            let new = |node: &&mut Node| node.ending != Ending::Serving;
            if let Some(node) = self.edit(retry).filter(new) {
                node.ending = Ending::Serving;
                self.run.leave(retry);
            }
            return self.check_fulfilled(retry);
        }
        let (phase, message) = (last.phase, last.message.clone());
        let outputs = last.outputs.clone();
        let next = match phase {
            NodePhase::Failed | NodePhase::Error => {
                let next = self.after_try(retry, tries.len(), last);
                next.unwrap_or_else(|error| Next::Enough(Some(error.to_string())))
            }
            _ => Next::Enough(message),
        };
        match next {
            Next::Again => self.run.enlist(retry),
            Next::Later(at) => {
                let wait = humanised(at.since(self.now));
                if let Some(node) = self.edit(retry) {
                    node.wake = Some(at);
                    node.message = Some(format!("Backoff for {wait}"));
                }
                self.act(Action::SetTimer(Timer::Backoff(retry), at));
            }
            Next::Enough(message) => {
                if let Some(node) = self.edit(retry) {
                    node.outputs = outputs;
                }
                self.finish(retry, phase, message);
            }
        }
    }

    /// The wait between two tries is over.
    pub(crate) fn backoff_over(&mut self, retry: NodeIx) {
        let Some(node) = self.edit(retry).filter(|node| !node.phase.completed()) else {
            return;
        };
        if node.wake.take().is_some() {
            node.message = None;
            self.run.enlist(retry);
            // Meanwhile a sibling may have failed for all.
            if self.run.bar(retry).is_some() {
                self.advance(retry);
            }
        }
    }

    fn after_try(&self, retry: NodeIx, tries: usize, last: &Node) -> Result<Next, EngineError> {
        let plan = Arc::clone(&self.run.plan);
        let template = self.run.live(retry).and_then(|live| live.template);
        let strategy = template
            .map(|template| plan.template(template))
            .transpose()?
            .and_then(|template| template.retry_strategy.as_ref());
        let Some(strategy) = strategy else {
            return Ok(Next::Enough(last.message.clone()));
        };
        if let Some(message) = self.ended_from_outside(retry, last) {
            return Ok(Next::Enough(Some(message)));
        }
        let view = View::node(self.run, self.now, retry);
        if never_ran(last) || !policy_allows(strategy, last) {
            return Ok(Next::Enough(last.message.clone()));
        }
        let limit = strategy.limit.as_ref();
        let limit = limit.map(|limit| text::number(limit, &view)).transpose()?;
        let made = i64::try_from(tries).unwrap_or(i64::MAX);
        if limit.is_some_and(|limit| made > limit) {
            return Ok(Next::Enough(Some("No more retries left".to_owned())));
        }
        if !strategy.expression.is_empty() {
            let retries = made.saturating_sub(1).to_string();
            let mut view = View::node(self.run, self.now, retry).with("retries", retries);
            for (name, value) in last_retry(Some(last)) {
                view = view.with(&name, value);
            }
            if !text::test(&text::render(&strategy.expression, &view)?, &view)? {
                let message = "retryStrategy.expression evaluated to false";
                return Ok(Next::Enough(Some(message.to_owned())));
            }
        }
        match &strategy.backoff {
            Some(backoff) => self.backoff(retry, backoff, made, last, &view),
            None => Ok(Next::Again),
        }
    }

    /// Argo's sentence when the run itself ends, and the tries with it.
    fn ended_from_outside(&self, retry: NodeIx, last: &Node) -> Option<String> {
        match self.run.bar(retry)? {
            Bar::Shutdown(Shutdown::Stop) => Some("Stopped with strategy 'Stop'".to_owned()),
            Bar::Shutdown(Shutdown::Terminate) => {
                Some("Stopped with strategy 'Terminate'".to_owned())
            }
            Bar::Shutdown(Shutdown::Deadline) => Some(format!(
                "retry exceeded workflow deadline {}",
                rfc3339(self.now)
            )),
            Bar::FailFast => last.message.clone(),
        }
    }

    fn backoff(
        &self,
        retry: NodeIx,
        backoff: &Backoff,
        made: i64,
        last: &Node,
        view: &View<'_>,
    ) -> Result<Next, EngineError> {
        let started = self.run.first_try_started(retry).unwrap_or(self.now);
        let longest = span("backoff.maxDuration", backoff.max_duration.as_deref(), view)?;
        let end = longest.map(|longest| started.plus(longest));
        if end.is_some_and(|end| self.now > end) {
            let message = "Max duration limit exceeded";
            return Ok(Next::Enough(Some(message.to_owned())));
        }
        let Some(first) = span("backoff.duration", backoff.duration.as_deref(), view)? else {
            return Ok(Next::Again);
        };
        let factor = backoff.factor.as_ref();
        let factor = factor
            .map(|factor| text::number(factor, view))
            .transpose()?;
        let cap = span("backoff.cap", backoff.cap.as_deref(), view)?;
        let wait = wait(first, factor.unwrap_or(1), made, cap);
        let at = last.finished.unwrap_or(self.now).plus(wait);
        if end.is_some_and(|end| at > end) {
            let message = "Backoff would exceed max duration limit";
            return Ok(Next::Enough(Some(message.to_owned())));
        }
        Ok(if at <= self.now {
            Next::Again
        } else {
            Next::Later(at)
        })
    }
}

impl crate::run::Run {
    /// From when `maxDuration` counts.
    pub(crate) fn first_try_started(&self, retry: NodeIx) -> Option<Millis> {
        let Body::Retry(tries) = &self.live(retry)?.body else {
            return None;
        };
        let first = self.node(*tries.first()?)?;
        Some(first.started.unwrap_or(first.created))
    }
}

/// `duration × factor^(tries − 1)`, at most `cap`.
fn wait(first: Millis, factor: i64, tries: i64, cap: Option<Millis>) -> Millis {
    let power = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    let factor = u64::try_from(factor).unwrap_or(1).max(1);
    let wait = first.get().saturating_mul(factor.saturating_pow(power));
    cap.map_or(Millis(wait), |cap| Millis(wait.min(cap.get())))
}

fn span(
    field: &str,
    written: Option<&str>,
    view: &View<'_>,
) -> Result<Option<Millis>, EngineError> {
    let Some(written) = written.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let given = text::render(written, view)?;
    let wrong = || EngineError::Value(format!("{field} '{given}' is not a duration"));
    parse_duration(&given).ok_or_else(wrong).map(Some)
}

/// Whether a try ended in the moment it was made: another one would do the same, without end.
fn never_ran(last: &Node) -> bool {
    !last.kind.is_attempt() && last.finished == Some(last.created)
}

/// Whether the policy wants another try after one that ended so.
fn policy_allows(strategy: &RetryStrategy, last: &Node) -> bool {
    let policy = match strategy.retry_policy.as_str() {
        "" if strategy.expression.is_empty() => "OnFailure",
        "" => "Always",
        named => named,
    };
    match policy {
        "Always" => true,
        "OnError" => last.phase == NodePhase::Error,
        "OnTransientError" => {
            let message = last.message.as_deref().unwrap_or_default();
            last.phase == NodePhase::Error && is_transient(message)
        }
        _ => last.phase == NodePhase::Failed,
    }
}

/// Words of errors that tend to go away by themselves.
fn is_transient(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "timeout",
        "timed out",
        "connection re",
        "temporar",
        "try again",
        "unavailable",
        "task was lost",
    ]
    .iter()
    .any(|word| message.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_by_its_factor_up_to_its_cap() {
        let second = Millis(1_000);
        assert_eq!(wait(second, 2, 1, None), Millis(1_000));
        assert_eq!(wait(second, 2, 4, None), Millis(8_000));
        assert_eq!(wait(second, 2, 4, Some(Millis(5_000))), Millis(5_000));
        assert_eq!(wait(second, 10, 1_000, None), Millis(u64::MAX));
        assert_eq!(wait(second, -3, 9, None), Millis(1_000));
    }
}
