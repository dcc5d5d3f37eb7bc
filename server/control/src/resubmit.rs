//! Running a workflow again as a new run: from the beginning, or from what went well in the earlier one.

use steading_api::run::RunAgain;
use steading_engine::Run;
use steading_engine::document::Document;
use steading_engine::error::EngineError;
use steading_engine::head::Head;
use steading_engine::plan::Plan;
use steading_spec::{Kind, Limits, Mode, Object};
use steading_types::{RunId, TenantName};

use crate::Control;
use crate::error::ControlError;
use crate::history::{By, Descent, Origin};
use crate::submit::{Draft, Earlier, Rehearsal, Submitted, bad_request};
use crate::verbs::reference;

impl Control {
    /// Submits the same workflow again, as a new run.
    ///
    /// # Errors
    /// As submitting; [`ControlError::Refused`] when what went well is to be taken over of a run that did not fail.
    pub async fn resubmit(
        &self,
        tenant: &TenantName,
        by: &By,
        run: RunId,
        again: &RunAgain,
    ) -> Result<Submitted, ControlError> {
        let (head, document) = self.document(tenant, run)?;
        let parameters: Vec<_> = again.parameters.clone().into_iter().collect();
        let raw = steading_engine::resubmit::resubmit(&head, &document, &parameters);
        let origin = Origin {
            run: reference(tenant, run),
            name: head.name.clone(),
            how: Descent::Resubmitted,
            by: by.clone(),
        };
        let earlier = match again.memoized {
            true => Some(self.earlier(head, document, parameters)?),
            false => None,
        };
        let document =
            steading_spec::from_json(raw, Some(Kind::Workflow), Mode::Lenient, &Limits::default())
                .map_err(ControlError::Invalid)?;
        let Object::Workflow(workflow) = document.object else {
            return Err(bad_request("the run's document is no Workflow"));
        };
        let draft = Draft {
            workflow,
            raw: document.raw,
            warnings: Vec::new(),
            along: Vec::new(),
            origin: Some(origin),
            earlier,
        };
        self.0.start(tenant, &by.who, draft, Rehearsal::No).await
    }

    /// The earlier run, as far as a new one takes it over.
    fn earlier(
        &self,
        head: Head,
        document: Document,
        parameters: Vec<(String, String)>,
    ) -> Result<Earlier, ControlError> {
        let damaged = |error: EngineError| ControlError::Damaged(error.to_string());
        let run = reference(&head.tenant, head.id);
        let nodes = self.0.store.read(|snapshot| snapshot.nodes(&run))?;
        let plan = Plan::new(&document).map_err(damaged)?;
        Ok(Earlier {
            run: Run::load(head, plan, nodes, Vec::new()).map_err(damaged)?,
            resolved: document.resolved,
            parameters,
        })
    }

    /// A run's row and what it was asked to do.
    fn document(&self, tenant: &TenantName, run: RunId) -> Result<(Head, Document), ControlError> {
        let wanted = reference(tenant, run);
        let found = self.0.store.read(|snapshot| {
            let (Some((head, _)), Some(document)) =
                (snapshot.run(&wanted)?, snapshot.document(&wanted)?)
            else {
                return Ok(None);
            };
            Ok(Some((head, document)))
        })?;
        found.ok_or_else(|| ControlError::NoRun(run.to_string()))
    }
}
