//! Claims that are made for each run: their names, which are volumes of every template, and their end.

use super::{Check, Code, check_names, is_parameter_name, short};

pub(super) fn check(check: &mut Check<'_>) {
    let spec = &check.resolved.spec;
    let list = "volumeClaimTemplates";
    let names = spec.volume_claim_templates.iter().enumerate();
    let names = names.map(|(i, claim)| {
        let path = format!("spec.{list}[{i}].metadata");
        (claim.metadata.name.as_str(), path)
    });
    check_names(check, names, list, is_parameter_name);
    for (i, claim) in spec.volume_claim_templates.iter().enumerate() {
        let name = claim.metadata.name.as_str();
        if spec.volumes.iter().any(|volume| volume.name == name) {
            check.fault(
                Code::Name,
                format!("spec.{list}[{i}].metadata.name"),
                format!("'{}' is the name of a volume too", short(name)),
            );
        }
    }
    let strategy = spec.volume_claim_gc.as_ref().map(|gc| gc.strategy.as_str());
    if let Some(strategy) = strategy
        && !matches!(strategy, "" | "OnWorkflowCompletion" | "OnWorkflowSuccess")
    {
        let message = format!(
            "'{}' is no strategy: use OnWorkflowCompletion or OnWorkflowSuccess",
            short(strategy)
        );
        check.fault(Code::Value, "spec.volumeClaimGC.strategy", message);
    }
}
