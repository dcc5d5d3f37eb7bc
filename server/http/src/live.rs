//! Long answers and the right to them: an open stream ends within seconds after its token was revoked.

use std::time::Duration;

use steading_domain::access::Principal;
use steading_domain::token::Token;

use crate::App;
use crate::problem::Problem;
use crate::route::Ctx;

/// How often an open stream looks whether its caller may still read it.
const RECHECK: Duration = Duration::from_secs(4);

/// The right under which a stream was opened.
pub(crate) struct StillAllowed {
    app: App,
    token: Token,
    principal: Principal,
}

impl StillAllowed {
    /// The right of a request's caller.
    ///
    /// # Errors
    /// 401 when there is no caller.
    pub(crate) fn new(ctx: &Ctx) -> Result<Self, Problem> {
        let caller = ctx.caller()?;
        Ok(Self::of(&ctx.app, &caller.token, &caller.principal))
    }

    /// The right of a known caller.
    pub(crate) fn of(app: &App, token: &Token, principal: &Principal) -> Self {
        Self {
            app: app.clone(),
            token: token.clone(),
            principal: principal.clone(),
        }
    }

    /// Ends when the token is good no more or its power changed.
    pub(crate) async fn lost(&self) {
        loop {
            tokio::time::sleep(RECHECK).await;
            if self.app.control().principal(&self.token).as_ref() != Some(&self.principal) {
                return;
            }
        }
    }
}
