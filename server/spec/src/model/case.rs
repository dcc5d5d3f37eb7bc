//! Field names in any case. Go's JSON decoder does not mind it, so clients of Argo's API rely on that.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{artifact, container, flow, object, pod, served, spec, template};

/// Names that are not the camel case of their field, because Go writes initials in capitals.
const IRREGULAR: &[&str] = &[
    "artifactGC",
    "podGC",
    "hostPID",
    "hostIPC",
    "type",
    "volumeClaimGC",
    "roleARN",
    "useSDKCreds",
    "insecureSkipTLS",
    "enum",
    "source",
    "mirrorVolumeMounts",
    "stringData",
];

/// Lower case -> the name as the language writes it.
static NAMES: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let fields = [
        super::FIELDS,
        artifact::FIELDS,
        container::FIELDS,
        flow::FIELDS,
        object::FIELDS,
        pod::FIELDS,
        served::FIELDS,
        spec::FIELDS,
        template::FIELDS,
    ];
    let regular = fields.into_iter().flatten().map(|field| camel_case(field));
    let irregular = IRREGULAR.iter().map(|name| (*name).to_owned());
    regular
        .chain(irregular)
        .map(|name| (name.to_ascii_lowercase(), name))
        .collect()
});

/// The language's own spelling of a key that differs from it only in case.
pub(crate) fn spelling(key: &str) -> Option<&'static str> {
    NAMES
        .get(&key.to_ascii_lowercase())
        .map(String::as_str)
        .filter(|name| *name != key)
}

fn camel_case(field: &str) -> String {
    let mut words = field.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_another_case_finds_its_name() {
        assert_eq!(spelling("generatename"), Some("generateName"));
        assert_eq!(
            spelling("ActiveDeadlineSeconds"),
            Some("activeDeadlineSeconds")
        );
        assert_eq!(spelling("podgc"), Some("podGC"));
        assert_eq!(spelling("templateRef"), None);
        assert_eq!(spelling("nonsense"), None);
    }
}
