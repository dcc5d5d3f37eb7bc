//! Words for what people do to runs.

use steading_api::history::Deed;

/// What follows the name of who did it.
pub fn deed(deed: Deed) -> &'static str {
    match deed {
        Deed::Suspend => "suspended it",
        Deed::Resume => "let it go on",
        Deed::Stop => "stopped it",
        Deed::Terminate => "terminated it",
        Deed::Set => "answered",
        Deed::Skip => "skipped",
        Deed::Retry => "ran again what failed or was chosen",
        Deed::ResubmittedAs => "submitted it again as",
        Deed::ResubmittedFrom => "submitted it again from",
        Deed::Made => "made",
        Deed::MadeBy => "made it by",
    }
}
