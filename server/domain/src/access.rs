//! Access: one function decides, on the matched operation and the object touched.

use std::collections::BTreeMap;

use steading_api::access::{Kind, Reach, Role, Verb};
use steading_types::TenantName;
use thiserror::Error;

/// Who acts, as the presented token says; looked up anew for each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// A user's or service account's name.
    pub name: String,
    /// What it may do.
    pub power: Power,
}

/// How far a principal reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Power {
    /// The whole site.
    Operator,
    /// Roles in tenants; nothing elsewhere.
    Member(BTreeMap<TenantName, Role>),
}

/// Why something is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Denied {
    /// The tenant is not the caller's: answered exactly as if it did not exist.
    #[error("there is no tenant '{0}'")]
    Hidden(TenantName),
    /// The caller sees the tenant, and its role there does not reach.
    #[error("'{principal}' has the role {role:?} in '{tenant}', and this needs {needed:?}")]
    Role {
        /// Who.
        principal: String,
        /// Where.
        tenant: TenantName,
        /// What it has.
        role: Role,
        /// What it would need.
        needed: Role,
    },
    /// Only operators may.
    #[error("'{0}' is no operator of this site")]
    Operator(String),
}

impl Denied {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Hidden(_) => "tenant.not-found",
            Self::Role { .. } => "auth.role",
            Self::Operator(_) => "auth.operator",
        }
    }
}

/// The least role that may do this to an object of a tenant.
pub fn needed(verb: Verb, kind: Kind) -> Role {
    match (verb, kind) {
        (Verb::Read, _) => Role::Viewer,
        (Verb::Create | Verb::Operate | Verb::Delete, Kind::Run) => Role::Submitter,
        (_, Kind::Tenant | Kind::Site | Kind::Image) => Role::Admin,
        _ => Role::Maintainer,
    }
}

/// Decides. `tenant` is that of the object touched, not merely the one that a path names.
///
/// # Errors
/// [`Denied`] with the reason; [`Denied::Hidden`] must be answered like a missing object.
pub fn may(
    principal: &Principal,
    verb: Verb,
    kind: Kind,
    reach: Reach,
    tenant: Option<&TenantName>,
) -> Result<(), Denied> {
    let Power::Member(roles) = &principal.power else {
        return Ok(());
    };
    match (reach, tenant) {
        (Reach::Public | Reach::Own, _) => Ok(()),
        (Reach::Tenant, Some(tenant)) => {
            let role = *roles
                .get(tenant)
                .ok_or_else(|| Denied::Hidden(tenant.clone()))?;
            let needed = needed(verb, kind);
            if role >= needed {
                return Ok(());
            }
            Err(Denied::Role {
                principal: principal.name.clone(),
                tenant: tenant.clone(),
                role,
                needed,
            })
        }
        (Reach::Site, _) | (Reach::Tenant, None) => Err(Denied::Operator(principal.name.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(role: Role) -> Principal {
        Principal {
            name: "ada".into(),
            power: Power::Member([("red".parse().unwrap(), role)].into()),
        }
    }

    #[test]
    fn another_tenant_looks_like_none() {
        let blue: TenantName = "blue".parse().unwrap();
        for role in [Role::Viewer, Role::Admin] {
            assert_eq!(
                may(
                    &member(role),
                    Verb::Read,
                    Kind::Run,
                    Reach::Tenant,
                    Some(&blue)
                ),
                Err(Denied::Hidden(blue.clone()))
            );
        }
    }

    #[test]
    fn each_role_does_what_it_says_and_no_more() {
        let red: TenantName = "red".parse().unwrap();
        let allowed =
            |role, verb, kind| may(&member(role), verb, kind, Reach::Tenant, Some(&red)).is_ok();
        assert!(allowed(Role::Viewer, Verb::Read, Kind::Log));
        assert!(!allowed(Role::Viewer, Verb::Create, Kind::Run));
        assert!(allowed(Role::Submitter, Verb::Operate, Kind::Run));
        assert!(!allowed(Role::Submitter, Verb::Update, Kind::Template));
        assert!(allowed(Role::Maintainer, Verb::Update, Kind::Template));
    }

    #[test]
    fn only_an_operator_reaches_the_site_and_a_tenant_operation_without_a_tenant_is_the_sites() {
        for reach in [Reach::Site, Reach::Tenant] {
            assert!(may(&member(Role::Admin), Verb::Read, Kind::Site, reach, None).is_err());
            let operator = Principal {
                name: "op".into(),
                power: Power::Operator,
            };
            assert!(may(&operator, Verb::Read, Kind::Site, reach, None).is_ok());
        }
    }
}
