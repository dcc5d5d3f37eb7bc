//! Requests of the server on behalf of tenants: nobody is called unless the site allows it.

use steading_control::backend::Later;
use steading_control::site::SiteError;
use steading_control::web::{Web, WebRequest, WebResponse};

/// The network, as far as the site opens it.
pub(crate) struct HostWeb;

impl Web for HostWeb {
    fn call<'a>(&'a self, _: WebRequest) -> Later<'a, Result<WebResponse, SiteError>> {
        Box::pin(async {
            Err(SiteError {
                code: "http.egress".to_owned(),
                message: "this site allows no request to other hosts".to_owned(),
                fix: None,
            })
        })
    }
}
