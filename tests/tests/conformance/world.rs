//! What the tests share: servers with two tenants and a principal for each role.

use std::pin::Pin;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use steading_api::access::Role;
use steading_api::client::CallError;
use steading_api::operations::{Apply, CreateTenant, CreateToken, GetRun, SubmitRun};
use steading_api::run::{RunDetail, Submission};
use steading_api::site::{NewToken, TenantBody};
use steading_api::template::{Applied, Text};
use steading_tests::{Client, Level, Server, examples, wait};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

/// The tenant that most tests work in.
pub(crate) const OURS: &str = "red";
/// The tenant that must see nothing of it.
pub(crate) const THEIRS: &str = "blue";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// Sends no token.
    Nobody,
    /// Sends a token that nobody was given.
    Forger,
    /// An administrator of the other tenant.
    Stranger,
    /// Has this role in our tenant.
    Member(Role),
    /// The site's operator.
    Operator,
}

impl Who {
    pub(crate) const ALL: [Self; 8] = [
        Self::Nobody,
        Self::Forger,
        Self::Stranger,
        Self::Member(Role::Viewer),
        Self::Member(Role::Submitter),
        Self::Member(Role::Maintainer),
        Self::Member(Role::Admin),
        Self::Operator,
    ];
}

/// A running server with its tenants and principals.
pub(crate) struct Site {
    pub(crate) server: Server,
    /// One for each of [`Who::ALL`].
    clients: Vec<Client>,
    /// The token of our tenant's submitter, for command lines.
    pub(crate) submitter: String,
}

impl Site {
    async fn open(level: Level, images: &[&str]) -> Result<Self> {
        let server = Server::start(level).await?;
        for image in images {
            server.import(image)?;
        }
        let operator = server.client();
        for name in [OURS, THEIRS] {
            let tenant = TenantBody {
                name: name.to_owned(),
                namespace: String::new(),
            };
            operator.call::<CreateTenant>(&[], &(), &tenant).await?;
        }
        let mut clients = Vec::new();
        let mut submitter = String::new();
        for who in Who::ALL {
            let token = match who {
                Who::Nobody => None,
                Who::Forger => Some("xyz_red_0000000000000000_0000".to_owned()),
                Who::Stranger => Some(token(&operator, THEIRS, Role::Admin).await?),
                Who::Member(role) => Some(token(&operator, OURS, role).await?),
                Who::Operator => Some(server.token().to_owned()),
            };
            if who == Who::Member(Role::Submitter) {
                submitter = token.clone().unwrap_or_default();
            }
            clients.push(Client::new(server.address(), token.as_deref()));
        }
        Ok(Self {
            server,
            clients,
            submitter,
        })
    }

    /// A principal's client.
    pub(crate) fn as_a(&self, who: Who) -> &Client {
        let place = Who::ALL.iter().position(|known| *known == who);
        &self.clients[place.expect("everybody is listed")]
    }

    /// The command line of our tenant's submitter.
    pub(crate) fn steading(&self) -> Result<Command> {
        let mut command = self.server.command()?;
        command
            .env("STEADING_TOKEN", &self.submitter)
            .env("STEADING_TENANT", OURS);
        Ok(command)
    }

    /// Submits a document as our submitter; answers the run's name.
    pub(crate) async fn submit(&self, text: &str) -> Result<String> {
        let submission = Submission {
            text: Some(text.to_owned()),
            ..Submission::default()
        };
        let client = self.as_a(Who::Member(Role::Submitter));
        let submitted = client
            .call::<SubmitRun>(&[OURS], &(), &submission)
            .await
            .with_context(|| text.to_owned())?;
        Ok(submitted.run.name)
    }

    /// The run as it is now.
    pub(crate) async fn run(&self, name: &str) -> Result<RunDetail> {
        let client = self.as_a(Who::Member(Role::Viewer));
        Ok(client.call::<GetRun>(&[OURS, name], &(), &()).await?)
    }

    /// Waits until the run is over.
    pub(crate) async fn ended(&self, name: &str) -> Result<RunDetail> {
        wait::until(&format!("the end of {name}"), async || {
            let run = self.run(name).await?;
            Ok(run.summary.phase.completed().then_some(run))
        })
        .await
    }
}

/// Applies a document in a tenant.
pub(crate) async fn apply(
    client: &Client,
    tenant: &str,
    text: &str,
) -> std::result::Result<Applied, CallError> {
    let text = Text {
        text: text.to_owned(),
    };
    client.call::<Apply>(&[tenant], &(), &text).await
}

async fn token(operator: &Client, tenant: &str, role: Role) -> Result<String> {
    let wanted = NewToken {
        principal: format!("{role:?}").to_lowercase(),
        role,
        expires: None,
    };
    let made = operator
        .call::<CreateToken>(&[tenant], &(), &wanted)
        .await?;
    Ok(made.token)
}

/// The servers, each started when the first test wants it.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Shared>);

struct Shared {
    runtime: Runtime,
    image: OnceCell<Site>,
    sandbox: OnceCell<Site>,
    process: OnceCell<Site>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            runtime: Runtime::new().expect("a runtime starts"),
            image: OnceCell::new(),
            sandbox: OnceCell::new(),
            process: OnceCell::new(),
        }
    }
}

type Test = fn(World) -> Pin<Box<dyn Future<Output = Result<()>>>>;

impl World {
    /// One test by its name.
    pub(crate) fn trial(&self, name: String, test: Test) -> Trial {
        let world = self.clone();
        Trial::test(name, move || {
            let runtime = &world.0.runtime;
            runtime
                .block_on(test(world.clone()))
                .map_err(|error| format!("{error:?}").into())
        })
    }

    /// The server whose tasks run in images; it holds those that workflows name.
    pub(crate) async fn image(&self) -> Result<&Site> {
        let open = || Site::open(Level::Image, &examples::IMAGES);
        self.0.image.get_or_try_init(open).await
    }

    /// The server whose tasks run the host's programs, confined.
    pub(crate) async fn sandbox(&self) -> Result<&Site> {
        let open = || Site::open(Level::Sandbox, &[]);
        self.0.sandbox.get_or_try_init(open).await
    }

    /// The server whose tasks are plain children.
    pub(crate) async fn process(&self) -> Result<&Site> {
        let open = || Site::open(Level::Process, &[]);
        self.0.process.get_or_try_init(open).await
    }

    /// Ends the servers.
    ///
    /// # Errors
    /// When one does not end well, or leaves a process or a mount behind.
    pub(crate) fn close(self) -> Result<()> {
        let shared = Arc::into_inner(self.0).context("a test still holds the world")?;
        let sites = [shared.image, shared.sandbox, shared.process];
        for mut site in sites.into_iter().filter_map(OnceCell::into_inner) {
            let status = site.server.stop()?;
            ensure!(status.success(), "{status}: {}", site.server.words());
            let left = shared.runtime.block_on(site.server.left_behind())?;
            if !left.is_empty() {
                bail!("left behind: {left:#?}");
            }
        }
        Ok(())
    }
}
