//! What people do to runs: find and steer.

use steading_engine::Run;
use steading_engine::command::{Command, Comparison, NodeSelector, SelectorTerm};
use steading_engine::node::Node;
use steading_engine::plan::Plan;
use steading_store::{Batch, Change, Pace, Residence, RunFilter, RunRef, Tenants};
use steading_types::{AttemptId, RunId, TenantName, Uid};

use crate::Control;
use crate::clock::now;
use crate::error::ControlError;
use crate::history::{self, By};
use crate::step::Waits;

impl Control {
    /// Finds a run by its id, its uid, its name, or `@latest`.
    ///
    /// # Errors
    /// [`ControlError::NoRun`] when the tenant has none such.
    pub fn find(&self, tenant: &TenantName, run: &str) -> Result<RunId, ControlError> {
        let missing = || ControlError::NoRun(run.chars().take(80).collect());
        let found = self.0.store.read(|snapshot| {
            if run == "@latest" {
                let newest = snapshot.list_runs(
                    &Tenants::Of(vec![tenant.clone()]),
                    &RunFilter::default(),
                    None,
                    1,
                )?;
                return Ok(newest.runs.first().map(|head| head.id));
            }
            if let Some(id) = run
                .parse::<RunId>()
                .ok()
                .or_else(|| run.parse::<Uid>().ok().map(Uid::run))
            {
                return Ok(snapshot.run(&reference(tenant, id))?.map(|_| id));
            }
            match run.parse() {
                Ok(name) => Ok(snapshot.run_named(tenant, &name)?.map(|run| run.id)),
                Err(_) => Ok(None),
            }
        })?;
        found.ok_or_else(missing)
    }

    /// Applies a person's command to a run, notes who gave it and why, and answers when that is on disk.
    ///
    /// # Errors
    /// [`ControlError::Refused`] when the run does not take it in its present state.
    pub async fn command(
        &self,
        tenant: &TenantName,
        run: RunId,
        command: Command,
        by: &By,
    ) -> Result<(), ControlError> {
        let event = history::event(&command, by)
            .map(|event| Change::PutRunEvent(reference(tenant, run), Box::new(event)));
        let along = event.into_iter().collect();
        self.steer(tenant, run, command, along).await
    }

    /// Applies a command to a run, wherever it lies, and commits `along` with it.
    pub(crate) async fn steer(
        &self,
        tenant: &TenantName,
        run: RunId,
        command: Command,
        along: Vec<Change>,
    ) -> Result<(), ControlError> {
        loop {
            if self.archived(tenant, run)? {
                if !matches!(command, Command::Retry { .. } | Command::Skip { .. }) {
                    return self.refuse(tenant, run, command);
                }
                self.0
                    .store
                    .commit(one(Change::Unarchive(reference(tenant, run))), Pace::Now)
                    .await?;
            }
            let mut extra = along.clone();
            if matches!(command, Command::Retry { .. } | Command::Skip { .. }) {
                extra.extend(self.0.claims_again(tenant, run)?);
            }
            let outcome = self
                .0
                .step(tenant, run, command.clone(), extra, Waits::Somebody)
                .await;
            if matches!(outcome, Err(ControlError::Refused(_))) {
                // It may have come from the archive for nothing.
                self.0.archive_when_over(tenant, run);
            }
            // It may have gone into the archive between the look and the step.
            let gone = matches!(outcome, Err(ControlError::NoRun(_)));
            if !(gone && self.archived(tenant, run)?) {
                return outcome;
            }
        }
    }

    /// What the engine says to a command to a run that is over and stays so.
    fn refuse(
        &self,
        tenant: &TenantName,
        run: RunId,
        command: Command,
    ) -> Result<(), ControlError> {
        let wanted = reference(tenant, run);
        let found = self
            .0
            .store
            .read(|s| Ok((s.run(&wanted)?, s.document(&wanted)?)))?;
        let (Some((head, _)), Some(document)) = found else {
            return Err(ControlError::NoRun(run.to_string()));
        };
        let plan =
            Plan::new(&document).map_err(|error| ControlError::Damaged(error.to_string()))?;
        Run::new(head, plan).apply(command, now())?;
        Ok(())
    }

    fn archived(&self, tenant: &TenantName, run: RunId) -> Result<bool, ControlError> {
        if self.0.registry.held(run).is_some() {
            return Ok(false);
        }
        let residence = self.0.store.read(|snapshot| {
            Ok(snapshot
                .run(&reference(tenant, run))?
                .map(|(_, residence)| residence))
        })?;
        Ok(residence == Some(Residence::Archived))
    }
}

/// Reads a node field selector.
///
/// # Errors
/// When it is malformed.
pub fn selector(text: &str) -> Result<NodeSelector, ControlError> {
    let wrong = || ControlError::Request {
        code: "request.selector",
        message: format!(
            "'{}' is not a node field selector, e.g. displayName=approve",
            text.chars().take(100).collect::<String>()
        ),
    };
    let term = |text: &str| {
        let (field, comparison, value) = match text.split_once("!=") {
            Some((field, value)) => (field, Comparison::NotEqual, value),
            None => {
                let (field, value) = text.split_once("==").or_else(|| text.split_once('='))?;
                (field, Comparison::Equal, value)
            }
        };
        (!field.trim().is_empty()).then(|| SelectorTerm {
            field: field.trim().to_owned(),
            comparison,
            value: value.trim().to_owned(),
        })
    };
    let terms = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(term)
        .collect::<Option<Vec<_>>>();
    terms
        .filter(|terms| !terms.is_empty())
        .map(NodeSelector)
        .ok_or_else(wrong)
}

/// The attempt behind a node.
pub fn attempt_of(run: RunId, node: &Node) -> AttemptId {
    AttemptId {
        run,
        node: node.ix,
        generation: node.generation,
    }
}

pub(crate) fn reference(tenant: &TenantName, id: RunId) -> RunRef {
    RunRef {
        tenant: tenant.clone(),
        id,
    }
}

pub(crate) fn one(change: Change) -> Batch {
    Batch::new().change(change)
}
