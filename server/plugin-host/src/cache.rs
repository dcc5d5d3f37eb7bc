//! Compiled code on disk. Loading it is as good as running it, and wasmtime checks little more
//! than its header; so each file carries a MAC under a key that lies elsewhere, in a directory that
//! nobody else can enter. A file that does not hold is compiled again, never loaded.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::error::PluginError;
use crate::package::read_limited;

/// Bytes of a MAC.
const TAG: usize = 32;
/// Bytes of a compiled component: those from JavaScript reach 40 MB.
const CODE_LIMIT: usize = 256 * 1024 * 1024;

/// Where compiled code is kept.
#[derive(Clone)]
pub struct CacheOptions {
    /// A directory of our own; made with mode 0700, refused with a wider one.
    pub dir: PathBuf,
    /// Authenticates each file. Keep it outside `dir`.
    pub key: [u8; 32],
}

pub(crate) struct Cache {
    options: CacheOptions,
    fingerprint: String,
}

impl Cache {
    /// `fingerprint` names all that compiled code depends on besides the component.
    pub(crate) fn open(options: CacheOptions, fingerprint: String) -> Result<Self, PluginError> {
        prepare(&options.dir).map_err(PluginError::Cache)?;
        Ok(Self {
            options,
            fingerprint,
        })
    }

    /// The code of a component, when a file of ours holds it.
    pub(crate) fn get(&self, component: &str) -> Option<Vec<u8>> {
        let name = self.name(component);
        let mut bytes = read_limited(&self.options.dir.join(&name), CODE_LIMIT).ok()?;
        let (tag, code) = bytes.split_at_checked(TAG)?;
        self.mac(&name, code)?.verify_slice(tag).ok()?;
        bytes.drain(..TAG);
        Some(bytes)
    }

    /// Keeps the code of a component. A full disk is no reason not to run it.
    pub(crate) fn put(&self, component: &str, code: &[u8]) {
        let name = self.name(component);
        if let Err(error) = self.write(&name, code) {
            tracing::warn!(file = name, %error, "compiled plugin not kept");
        }
    }

    fn write(&self, name: &str, code: &[u8]) -> std::io::Result<()> {
        let tag = self
            .mac(name, code)
            .ok_or_else(|| std::io::Error::other("no key"))?
            .finalize()
            .into_bytes();
        let temporary = self
            .options
            .dir
            .join(format!("{name}.{}.tmp", std::process::id()));
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(&tag)?;
        file.write_all(code)?;
        std::fs::rename(&temporary, self.options.dir.join(name))
    }

    fn name(&self, component: &str) -> String {
        format!("{component}-{}.cwasm", self.fingerprint)
    }

    /// Over name and code: a file put in place of another does not hold.
    fn mac(&self, name: &str, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::new_from_slice(&self.options.key).ok()?;
        mac.update(b"steading compiled plugin v1\0");
        mac.update(name.as_bytes());
        mac.update(b"\0");
        mac.update(code);
        Some(mac)
    }
}

fn prepare(dir: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(failed)?;
    let meta = std::fs::symlink_metadata(dir).map_err(failed)?;
    let ours = meta.uid() == rustix::process::geteuid().as_raw();
    if !meta.is_dir() || !ours || meta.permissions().mode() & 0o077 != 0 {
        return Err(format!(
            "{} is not a directory that only this user can enter (mode 0700)",
            dir.display()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(dir: &Path, key: u8) -> Cache {
        let options = CacheOptions {
            dir: dir.join("code"),
            key: [key; 32],
        };
        Cache::open(options, "f".to_owned()).unwrap()
    }

    #[test]
    fn a_file_is_used_only_as_it_was_written_and_under_its_own_name() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache(dir.path(), 1);
        cache.put("a", b"code of a");
        assert_eq!(cache.get("a").as_deref(), Some(&b"code of a"[..]));
        assert_eq!(cache.get("b"), None);

        let file = |name: &str| dir.path().join("code").join(name);
        std::fs::copy(file("a-f.cwasm"), file("b-f.cwasm")).unwrap();
        assert_eq!(cache.get("b"), None, "renamed");
        let mut bytes = std::fs::read(file("a-f.cwasm")).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(file("a-f.cwasm"), &bytes).unwrap();
        assert_eq!(cache.get("a"), None, "changed");
        std::fs::write(file("a-f.cwasm"), b"short").unwrap();
        assert_eq!(cache.get("a"), None, "cut");
    }

    #[test]
    fn another_key_does_not_open_it() {
        let dir = tempfile::tempdir().unwrap();
        cache(dir.path(), 1).put("a", b"code");
        assert_eq!(cache(dir.path(), 2).get("a"), None);
    }

    #[test]
    fn a_directory_that_others_can_enter_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("code");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
        let options = CacheOptions {
            dir: open,
            key: [0; 32],
        };
        let refused = Cache::open(options, String::new()).err().unwrap();
        assert_eq!(refused.code(), "plugin.cache");
    }
}
