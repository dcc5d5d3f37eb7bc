//! The documentation that the program carries.

use steading_api::operation::Method;
use steading_tests::{Client, Level, Server};

use crate::{NARROW, all_is_well, window};

#[tokio::test]
async fn the_documentation_is_served_without_a_token_and_without_scripts() {
    let server = Server::start(Level::Process).await.unwrap();
    let nobody = Client::new(server.address(), None);
    for path in ["/", "/docs/user"] {
        let answer = nobody.request(Method::Get, path).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str();
        assert!(policy.unwrap().starts_with("default-src 'none'"), "{path}");
    }
    let Some(browser) = window(&server, NARROW).await else {
        return;
    };
    for name in ["user", "operator", "plugins", "errors.md", "architecture"] {
        let address = format!("http://{}/docs/{name}", server.address());
        browser.go(&address).await.unwrap();
        browser.element("main h1").await.unwrap();
        all_is_well(&browser).await;
    }
}
