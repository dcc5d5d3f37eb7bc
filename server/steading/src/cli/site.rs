//! The site: tenants, tokens, login, doctor.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use steading_api::access::Role;
use steading_api::operations::{
    CreateLoginLink, CreateTenant, CreateToken, DeleteToken, GetDoctor, GetMe, ListTenants,
};
use steading_api::site::{DoctorCheck, NewToken, TenantBody};

use super::client::{Client, Connection};
use super::display::{self, table};
use super::exit::Failure;
use super::{Format, Output};
use crate::site::doctor_check;

/// Verbs on tenants.
#[derive(Debug, Subcommand)]
pub(crate) enum Tenant {
    /// List them
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Make one; its Argo namespace is wf-NAME
    Create {
        /// Its name
        name: String,
    },
}

impl Tenant {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::List { output } => {
                let tenants = client.call::<ListTenants>(&[], &(), &()).await?.tenants;
                match output.format {
                    Format::Json | Format::Yaml => display::document(&tenants, output.format),
                    Format::Name => display::print(
                        &tenants
                            .iter()
                            .map(|t| format!("{}\n", t.name))
                            .collect::<String>(),
                    ),
                    Format::Text | Format::Wide => display::print(&table(
                        &["NAME", "NAMESPACE"],
                        &tenants
                            .into_iter()
                            .map(|t| vec![t.name, t.namespace])
                            .collect::<Vec<_>>(),
                    )),
                }
            }
            Self::Create { name } => {
                let tenant = client
                    .call::<CreateTenant>(
                        &[],
                        &(),
                        &TenantBody {
                            name,
                            namespace: String::new(),
                        },
                    )
                    .await?;
                display::line(&format!(
                    "tenant {} created (namespace {})",
                    tenant.name, tenant.namespace
                ))?;
                Ok(())
            }
        }
    }
}

/// Roles by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleName {
    /// Sees everything but secrets
    Viewer,
    /// Also submits and steers runs
    Submitter,
    /// Also changes templates
    Maintainer,
    /// Also grants roles
    Admin,
}

/// Verbs on tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make one for a principal of the tenant; it is shown once
    Create {
        /// Who it speaks for
        principal: String,
        /// What it may do
        #[arg(long, value_enum, default_value = "submitter")]
        role: RoleName,
    },
    /// End one at once
    Revoke {
        /// Its id, as `create` printed it
        id: String,
    },
}

impl Token {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Create { principal, role } => {
                let role = match role {
                    RoleName::Viewer => Role::Viewer,
                    RoleName::Submitter => Role::Submitter,
                    RoleName::Maintainer => Role::Maintainer,
                    RoleName::Admin => Role::Admin,
                };
                let token = client
                    .tenant_call::<CreateToken>(
                        &[],
                        &(),
                        &NewToken {
                            principal,
                            role,
                            expires: None,
                        },
                    )
                    .await?;
                eprintln!("id {}", token.id);
                display::line(&token.token)?;
                Ok(())
            }
            Self::Revoke { id } => {
                client.tenant_call::<DeleteToken>(&[&id], &(), &()).await?;
                display::line("token revoked")?;
                Ok(())
            }
        }
    }
}

/// Arguments of `login`.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Print a one-time login link for the page
    #[arg(long)]
    link: bool,
}

impl Login {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        if self.link {
            let link = client.call::<CreateLoginLink>(&[], &(), &()).await?;
            display::line(&format!("{}{}", client.server(), link.path))?;
            return Ok(());
        }
        let me = client.call::<GetMe>(&[], &(), &()).await?;
        display::line(&format!(
            "{} at {} ({}), tenant {}",
            me.principal,
            client.server(),
            me.version,
            client.tenant()
        ))?;
        Ok(())
    }
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Look at the server's host instead of this one
    #[arg(long)]
    remote: bool,
    /// The data directory to look at
    #[arg(long, env = "STEADING_DATA")]
    data: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

impl Doctor {
    pub(crate) async fn run(self, connection: &Connection) -> Result<(), Failure> {
        let checks = if self.remote {
            connection
                .open()?
                .call::<GetDoctor>(&[], &(), &())
                .await?
                .checks
        } else {
            // Possible here because a verb runs on the program's only thread.
            // Without a data directory one is made for the look, because trying is the only proof.
            let temporary = tempfile::tempdir()?;
            let data = self.data.as_deref().unwrap_or(temporary.path());
            let findings = steading_exec::doctor::probe(data).map_err(Failure::internal)?;
            findings.into_iter().map(doctor_check).collect()
        };
        match self.output.format {
            Format::Json | Format::Yaml => display::document(&checks, self.output.format),
            Format::Text | Format::Wide | Format::Name => display::print(&text(&checks)),
        }
    }
}

fn text(checks: &[DoctorCheck]) -> String {
    let mut text = table(
        &["STATE", "WHAT", "FINDING"],
        &checks
            .iter()
            .map(|c| vec![c.state.clone(), c.name.clone(), c.message.clone()])
            .collect::<Vec<_>>(),
    );
    for check in checks {
        if let Some(fix) = &check.fix {
            text.push_str(&format!("\nfix for {}: {fix}", check.name));
        }
    }
    text.trim_end().to_owned() + "\n"
}
