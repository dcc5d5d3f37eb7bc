//! What runs read of their tenant, for the engine: parameters from ConfigMaps, answers of caches.

use std::sync::Arc;

use serde_json::Value;
use steading_engine::memo::Remembered;
use steading_engine::values::{NoValue, Values};
use steading_store::{MemoKey, ObjectKind, Store};
use steading_types::{ObjectName, TenantName};

/// The label that says what a ConfigMap is for (Argo's).
const TYPE: &str = "workflows.argoproj.io/configmap-type";
const PARAMETER: &str = "Parameter";

/// The ConfigMaps and caches of a tenant, as they are when they are asked for.
pub(crate) struct TenantValues {
    store: Store,
    tenant: TenantName,
}

impl TenantValues {
    pub(crate) fn of(store: &Store, tenant: &TenantName) -> Arc<dyn Values> {
        Arc::new(Self {
            store: store.clone(),
            tenant: tenant.clone(),
        })
    }
}

impl std::fmt::Debug for TenantValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TenantValues({})", self.tenant)
    }
}

impl Values for TenantValues {
    fn config_map(&self, name: &str, key: &str) -> Result<String, NoValue> {
        let missing = |what: String| NoValue::Missing(what);
        let short = |text: &str| text.chars().take(80).collect::<String>();
        let absent = || missing(format!("there is no ConfigMap '{}'", short(name)));
        let parsed = name.parse().map_err(|_| absent())?;
        let found = self
            .store
            .read(|s| s.object(&self.tenant, ObjectKind::ConfigMap, &parsed))
            .map_err(|error| NoValue::Unfit(error.to_string()))?;
        let object = found.ok_or_else(absent)?.row.object;
        let labels = object.pointer("/metadata/labels");
        let kind = labels
            .and_then(|labels| labels.get(TYPE))
            .and_then(Value::as_str);
        if kind != Some(PARAMETER) {
            let what = format!("ConfigMap '{name}' needs the label {TYPE}: {PARAMETER}");
            return Err(NoValue::Unfit(what));
        }
        let value = object.get("data").and_then(|data| data.get(key));
        let value = value.and_then(Value::as_str).map(str::to_owned);
        value.ok_or_else(|| missing(format!("ConfigMap '{name}' has no key '{}'", short(key))))
    }

    fn remembered(&self, cache: &str, key: &str) -> Result<Option<Remembered>, NoValue> {
        let name: ObjectName = cache
            .parse()
            .map_err(|_| NoValue::Unfit("the name of a cache is that of a ConfigMap".to_owned()))?;
        let key = MemoKey {
            cache: name.to_string(),
            key: key.to_owned(),
        };
        let found = self.store.read(|s| s.memo(&self.tenant, &key));
        let found = found.map_err(|error| NoValue::Unfit(error.to_string()))?;
        Ok(found.map(|row| Remembered {
            outputs: row.outputs,
            made: row.made,
        }))
    }
}
