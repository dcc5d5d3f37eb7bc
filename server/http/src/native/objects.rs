//! ConfigMaps, Secrets and claims.

use std::collections::BTreeMap;

use axum::Router;
use serde_json::Value;
use steading_api::object::{ClaimBody, ObjectBody, ObjectList};
use steading_api::operation::Operation;
use steading_api::operations::{
    DeleteClaim, DeleteConfigMap, DeleteSecret, GetClaim, GetConfigMap, GetSecret, ListClaims,
    ListConfigMaps, ListSecrets,
};
use steading_api::run::Done;
use steading_store::{Lease, ObjectKind, StoredObject};

use crate::App;
use crate::route::{Ctx, json};

pub(super) fn routes(router: Router<App>) -> Router<App> {
    let router =
        of_kind::<ListConfigMaps, GetConfigMap, DeleteConfigMap>(router, ObjectKind::ConfigMap);
    let router = of_kind::<ListSecrets, GetSecret, DeleteSecret>(router, ObjectKind::Secret);
    of_kind::<ListClaims, GetClaim, DeleteClaim>(router, ObjectKind::Claim)
}

/// The operations that every kind has.
fn of_kind<List, Get, Delete>(router: Router<App>, kind: ObjectKind) -> Router<App>
where
    List: Operation<Query = (), Body = (), Answer = ObjectList> + 'static,
    Get: Operation<Query = (), Body = (), Answer = ObjectBody> + 'static,
    Delete: Operation<Query = (), Body = (), Answer = Done> + 'static,
{
    let router = json::<List, _, _>(router, move |ctx: Ctx, (), ()| async move {
        let objects = ctx.app.control().objects(ctx.tenant()?, kind)?;
        let objects = objects.into_iter().map(shown).collect();
        Ok(ObjectList { objects })
    });
    let router = json::<Get, _, _>(router, move |ctx: Ctx, (), ()| async move {
        let control = ctx.app.control();
        let object = control.object(ctx.tenant()?, kind, ctx.part("name"))?;
        let name = object.name.clone();
        let mut body = shown(object);
        if let Some(claim) = &mut body.claim {
            claim.used = Some(control.claim_used(ctx.tenant()?, &name).await?.0);
        }
        Ok(body)
    });
    json::<Delete, _, _>(router, move |ctx: Ctx, (), ()| async move {
        let control = ctx.app.control();
        control
            .delete_object(ctx.tenant()?, kind, ctx.part("name"))
            .await?;
        Ok(Done {})
    })
}

fn shown(stored: StoredObject) -> ObjectBody {
    let claim = claim(&stored);
    let mut object = stored.row.object;
    ObjectBody {
        name: stored.name.to_string(),
        version: stored.version.0,
        created: stored.row.created,
        keys: sizes(stored.kind, &mut object),
        object,
        claim,
    }
}

fn claim(stored: &StoredObject) -> Option<ClaimBody> {
    if stored.kind != ObjectKind::Claim {
        return None;
    }
    let terms = steading_control::claims::terms(stored).ok()?;
    Some(ClaimBody {
        state: match stored.row.lease {
            Lease::Held => "held".to_owned(),
            Lease::Ending => "ending".to_owned(),
        },
        size: terms.size.0,
        used: None,
        run: stored.row.run.map(|run| run.to_string()),
    })
}

/// A Secret's sizes are kept beside its metadata; a ConfigMap's are those of what it shows.
fn sizes(kind: ObjectKind, object: &mut Value) -> BTreeMap<String, u64> {
    let entries = |name: &str| {
        object
            .get(name)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    };
    match kind {
        ObjectKind::Secret => {
            let sizes = entries("sizes");
            let sizes = sizes.map(|(key, size)| (key.clone(), size.as_u64().unwrap_or(0)));
            let sizes = sizes.collect();
            if let Some(fields) = object.as_object_mut() {
                fields.remove("sizes");
            }
            sizes
        }
        ObjectKind::ConfigMap | ObjectKind::Claim => entries("data")
            .chain(entries("binaryData"))
            .map(|(key, text)| (key.clone(), text.as_str().map_or(0, str::len) as u64))
            .collect(),
    }
}
