//! A package is loaded only as its maker signed it and the operator consented to it.

use std::path::Path;

use steading_plugin_host::capability::Services;
use steading_plugin_host::compute::SubmitStep;
use steading_plugin_host::manifest::{Capability, Version};
use steading_plugin_host::{Limits, LoadSource, PluginError, authoring};

use crate::guests::{
    LOCAL, STRANGER, STRANGER_WITH_EXEC, context, grants, host, job, maker, package, refused, root,
};

fn load(dir: &Path) -> Result<(), PluginError> {
    load_with(dir, &[])
}

fn load_with(dir: &Path, capabilities: &[Capability]) -> Result<(), PluginError> {
    host(Services::default(), Limits::default())
        .load(LoadSource::Package(dir), &grants("stranger", capabilities))
        .map(|_| ())
}

#[tokio::test]
async fn a_signed_package_loads_from_disk_and_says_what_it_is() {
    let dir = package(&STRANGER, "manifest.json");
    let host = host(Services::default(), Limits::default());
    let source = LoadSource::Package(dir.path());
    // The second load takes the compiled code from the cache.
    for _ in 0..2 {
        let plugin = host.load(source, &grants("stranger", &[])).unwrap();
        assert_eq!(plugin.manifest().version, Version(1, 2, 0));
        let described = plugin.describe(&context("{}")).await.unwrap();
        assert_eq!(described.title, "A stranger's backend");
    }
}

#[test]
fn a_flipped_bit_anywhere_refuses_the_package() {
    for (file, code) in [
        ("plugin.wasm", "plugin.hash"),
        ("manifest.json", "plugin.signature"),
        ("manifest.sig", "plugin.signature"),
    ] {
        let dir = package(&STRANGER, "manifest.json");
        let path = dir.path().join(file);
        let good = std::fs::read(&path).unwrap();
        for position in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[position] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            assert_eq!(refused(load(dir.path())), code, "{file} at {position}");
        }
        std::fs::write(&path, &good).unwrap();
        load(dir.path()).unwrap();
    }
}

#[test]
fn an_incomplete_package_is_refused() {
    for file in ["plugin.wasm", "manifest.json", "manifest.sig"] {
        let dir = package(&STRANGER, "manifest.json");
        std::fs::remove_file(dir.path().join(file)).unwrap();
        assert_eq!(refused(load(dir.path())), "plugin.package", "{file}");
        rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join(file), 0o600.into()).unwrap();
        assert_eq!(
            refused(load(dir.path())),
            "plugin.package",
            "{file} as a FIFO"
        );
    }
}

#[test]
fn another_makers_signature_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let stranger = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
    let draft = crate::guests::fixture("manifest.json");
    authoring::pack(&STRANGER, &draft, &stranger, dir.path()).unwrap();
    assert_eq!(refused(load(dir.path())), "plugin.signature");
}

#[test]
fn a_package_older_than_what_ran_before_is_refused() {
    let dir = package(&STRANGER, "manifest.json");
    let host = host(Services::default(), Limits::default());
    let load = |least| {
        let mut grants = grants("stranger", &[]);
        grants.least_version = Some(least);
        host.load(LoadSource::Package(dir.path()), &grants)
    };
    assert!(load(Version(1, 2, 0)).is_ok());
    assert_eq!(refused(load(Version(1, 10, 0))), "plugin.rollback");
}

#[test]
fn grants_for_one_plugin_do_not_serve_another() {
    let dir = package(&STRANGER, "manifest.json");
    let host = host(Services::default(), Limits::default());
    let other = grants("compute-local", &[]);
    let outcome = host.load(LoadSource::Package(dir.path()), &other);
    assert_eq!(refused(outcome), "plugin.identity");
}

#[test]
fn without_the_grant_the_refusal_names_the_import_and_what_to_grant() {
    let dir = package(&STRANGER_WITH_EXEC, "manifest-exec.json");
    let error = load(dir.path()).unwrap_err();
    assert_eq!(error.code(), "plugin.grant-missing");
    assert!(
        error.to_string().contains("steading:plugin/exec@0.1.0"),
        "{error}"
    );
    assert_eq!(error.fix().unwrap(), "grant exec to stranger");
}

#[test]
fn a_grant_does_not_replace_asking_for_it() {
    let dir = package(&STRANGER_WITH_EXEC, "manifest.json");
    assert_eq!(
        refused(load_with(dir.path(), &[Capability::Exec])),
        "plugin.not-asked"
    );
}

#[test]
fn a_capability_that_this_server_does_not_have_is_refused_by_name() {
    let dir = package(&STRANGER_WITH_EXEC, "manifest-exec.json");
    let error = load_with(dir.path(), &[Capability::Exec]).unwrap_err();
    assert_eq!(error.code(), "plugin.capability-absent");
}

#[test]
fn what_is_no_component_is_refused_by_the_compiling_child() {
    let dir = tempfile::tempdir().unwrap();
    let draft = crate::guests::fixture("manifest.json");
    let module = dir.path().join("module");
    // A component's header, and nothing that belongs to one.
    std::fs::write(&module, b"\0asm\x0d\0\x01\0\xff\xff\xff\xff").unwrap();
    authoring::pack(&module, &draft, &maker(), dir.path()).unwrap();
    assert_eq!(refused(load(dir.path())), "plugin.compile");
}

#[test]
fn a_component_of_another_shape_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let draft = crate::guests::fixture("manifest.json");
    let module = dir.path().join("module");
    std::fs::write(&module, b"\0asm\x0d\0\x01\0").unwrap();
    authoring::pack(&module, &draft, &maker(), dir.path()).unwrap();
    assert_eq!(refused(load(dir.path())), "plugin.world");
}

#[test]
fn the_build_tool_makes_what_a_program_embeds() {
    let out = tempfile::tempdir().unwrap();
    let draft = root().join("plugins/compute-local/manifest.json");
    let manifest = authoring::embed(&LOCAL, &draft, out.path()).unwrap();
    assert_eq!(manifest.id.as_str(), "compute-local");
    for extension in ["wasm", "cwasm", "json"] {
        let file = out.path().join(format!("compute-local.{extension}"));
        assert!(std::fs::metadata(&file).unwrap().len() > 0, "{extension}");
    }
}

#[tokio::test]
async fn a_component_of_a_published_contract_loads_for_ever_and_wasi_is_there_but_empty() {
    let golden = root().join("tests/fixtures/golden-plugins/v0.1.wasm");
    let dir = package(&golden, "manifest.json");
    let host = host(Services::default(), Limits::default());
    let plugin = host
        .load(LoadSource::Package(dir.path()), &grants("stranger", &[]))
        .unwrap();
    let context = context("ok");
    assert_eq!(plugin.describe(&context).await.unwrap().id, "stranger");
    let step = plugin.submit(&context, &job("a"), None).await.unwrap();
    assert!(matches!(step, SubmitStep::Accepted(accepted) if accepted.handle == "a"));
}
