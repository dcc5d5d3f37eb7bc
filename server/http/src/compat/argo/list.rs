//! Argo's list options: `listOptions.*`, name filters, offsets as continue tokens.

use std::collections::BTreeMap;
use std::str::FromStr;

use steading_store::{NameRule, RunFilter};

use super::fields::Fields;
use crate::filter::labelled;
use crate::problem::Problem;

/// The query of a request, as pairs.
pub(super) type Pairs = BTreeMap<String, String>;

/// What a list or watch asks for.
#[derive(Debug, Clone)]
pub(super) struct ListOptions {
    pub(super) filter: RunFilter,
    /// An exact name that is not wanted.
    pub(super) not_name: Option<String>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
    pub(super) fields: Fields,
    /// `0` or nothing: the present state first.
    pub(super) resource_version: Option<u64>,
    /// Whether `metadata.remainingItemCount` is wanted.
    pub(super) show_remaining: bool,
    pub(super) started: StartedRange,
}

/// Bounds on `status.startedAt`, in epoch milliseconds, both exclusive.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StartedRange {
    pub(super) after: Option<i64>,
    pub(super) before: Option<i64>,
}

fn number<'a, T: FromStr>(
    code: &'static str,
    name: &str,
    get: impl Fn(&str) -> Option<&'a str>,
) -> Result<Option<T>, Problem> {
    let wrong = |_| Problem::request(code, format!("{name} must be an integer"));
    get(name).map(str::parse).transpose().map_err(wrong)
}

impl ListOptions {
    /// Reads the options; unknown ones are ignored, as Argo ignores them.
    ///
    /// # Errors
    /// 400 for a malformed selector or number and for a namespace that contradicts the path.
    pub(super) fn read(pairs: &Pairs, namespace: &str) -> Result<Self, Problem> {
        let get = |name: &str| {
            pairs
                .get(name)
                .map(String::as_str)
                .filter(|text| !text.is_empty())
        };
        let mut options = Self {
            filter: RunFilter::default(),
            not_name: None,
            limit: number::<i64>("request.limit", "listOptions.limit", get)?
                .and_then(|limit| usize::try_from(limit).ok())
                .filter(|limit| *limit > 0),
            offset: number("request.continue", "listOptions.continue", get)?.unwrap_or_default(),
            fields: Fields::parse(get("fields").unwrap_or_default()),
            resource_version: get("listOptions.resourceVersion")
                .and_then(|text| text.parse().ok())
                .filter(|version| *version > 0),
            show_remaining: false,
            started: StartedRange::default(),
        };
        labelled(
            &mut options.filter,
            get("listOptions.labelSelector").unwrap_or_default(),
        )?;
        options.field_selector(
            get("listOptions.fieldSelector").unwrap_or_default(),
            namespace,
            get("nameFilter"),
        )?;
        Ok(options)
    }

    /// Whether a run of this name may be shown: all that is known of a deleted one.
    pub(super) fn admits_name(&self, name: &steading_types::WorkflowName) -> bool {
        let name = name.as_str();
        self.not_name.as_deref() != Some(name)
            && self.filter.name.as_ref().is_none_or(|rule| match rule {
                NameRule::Is(wanted) => name == wanted,
                NameRule::Prefix(start) => name.starts_with(start.as_str()),
                NameRule::Contains(part) => name.contains(part.as_str()),
            })
    }

    fn field_selector(
        &mut self,
        text: &str,
        namespace: &str,
        name_filter: Option<&str>,
    ) -> Result<(), Problem> {
        let mut name = None;
        for term in text
            .split(',')
            .map(str::trim)
            .filter(|term| !term.is_empty())
        {
            match split(term).ok_or_else(|| unsupported(term))? {
                ("metadata.namespace", "=", value)
                    if !namespace.is_empty() && value != namespace =>
                {
                    return Err(Problem::request(
                        "request.namespace",
                        format!(
                            "\"metadata.namespace={value}\" contradicts the namespace of the path"
                        ),
                    ));
                }
                ("metadata.namespace", _, _) => {}
                ("metadata.name", "=", value) => name = Some(value.to_owned()),
                ("metadata.name", "!=", value) => self.not_name = Some(value.to_owned()),
                ("ext.showRemainingItemCount", "=", value) => self.show_remaining = value == "true",
                ("spec.startedAt", ">", value) => self.started.after = Some(instant(value)?),
                ("spec.startedAt", "<", value) => self.started.before = Some(instant(value)?),
                _ => return Err(unsupported(term)),
            }
        }
        self.filter.name = match (name, name_filter) {
            (None, _) => None,
            (Some(part), Some("Contains")) => Some(NameRule::Contains(part)),
            (Some(part), Some("Prefix")) => Some(NameRule::Prefix(part)),
            (Some(part), Some("NotEquals")) => {
                self.not_name.get_or_insert(part);
                None
            }
            (Some(part), _) => Some(NameRule::Is(part)),
        };
        Ok(())
    }
}

/// A term's field, operator (`==` counts as `=`) and value.
fn split(term: &str) -> Option<(&str, &str, &str)> {
    for operator in ["!=", "==", "=", ">", "<"] {
        if let Some((field, value)) = term.split_once(operator) {
            return Some((field, if operator == "==" { "=" } else { operator }, value));
        }
    }
    None
}

fn unsupported(term: &str) -> Problem {
    Problem::request(
        "request.selector",
        format!(
            "unsupported requirement {}",
            term.chars().take(100).collect::<String>()
        ),
    )
}

fn instant(text: &str) -> Result<i64, Problem> {
    text.parse::<jiff::Timestamp>()
        .map(|t| t.as_millisecond())
        .map_err(|_| Problem::request("request.selector", "spec.startedAt takes an RFC 3339 time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)], namespace: &str) -> Result<ListOptions, Problem> {
        ListOptions::read(
            &pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            namespace,
        )
    }

    #[test]
    fn names_are_filtered_as_argo_filters_them() {
        let name = ("listOptions.fieldSelector", "metadata.name=a");
        assert_eq!(
            read(&[name], "").unwrap().filter.name,
            Some(NameRule::Is("a".into()))
        );
        assert_eq!(
            read(&[name, ("nameFilter", "Prefix")], "")
                .unwrap()
                .filter
                .name,
            Some(NameRule::Prefix("a".into()))
        );
        let both = read(
            &[
                ("listOptions.fieldSelector", "metadata.name!=b"),
                ("nameFilter", "Contains"),
            ],
            "",
        )
        .unwrap();
        assert_eq!((both.filter.name, both.not_name), (None, Some("b".into())));
    }

    #[test]
    fn what_argo_refuses_is_refused() {
        for selector in [
            "spec.x=1",
            "metadata.name>a",
            "metadata.namespace=other",
            "nothing",
        ] {
            assert!(
                read(&[("listOptions.fieldSelector", selector)], "default").is_err(),
                "{selector}"
            );
        }
        assert!(read(&[("listOptions.continue", "x")], "").is_err());
        assert!(read(&[("listOptions.offset", "3"), ("whatever", "1")], "").is_ok());
    }
}
