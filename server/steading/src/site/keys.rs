//! The keys of Secrets: `secrets.key` in the data directory, one line each, `number hex`. The last line
//! seals; a new line below it begins a rotation.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use steading_control::secrets::{Key, Keyring};
use zeroize::Zeroizing;

use crate::host::write_private;

/// Reads the keys; makes the first one where there is none.
///
/// # Errors
/// When the file is no list of keys, or others can read it.
pub(crate) fn keyring(data: &Path) -> Result<Keyring> {
    let path = data.join("secrets.key");
    let shown = path.display();
    let text = match fs::read_to_string(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => first(&path)?,
        Err(error) => return Err(error).with_context(|| format!("{shown} can not be read")),
    };
    let mode = fs::metadata(&path)?.mode();
    ensure!(
        mode & 0o077 == 0,
        "{shown} can be read by others: chmod 600 it, and change every secret if somebody did"
    );
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let keys = lines.map(|line| key(line).with_context(|| format!("{shown} is no list of keys")));
    match Keyring::new(keys.collect::<Result<_>>()?) {
        Some(keyring) => Ok(keyring),
        None => bail!("{shown} holds no key: bring the file back from where it was kept"),
    }
}

fn first(path: &Path) -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut())
        .map_err(|error| anyhow!("no random numbers for the first key: {error}"))?;
    let text = Zeroizing::new(format!("1 {}\n", *Zeroizing::new(hex::encode(*bytes))));
    write_private(path, &text)?;
    Ok(text)
}

fn key(line: &str) -> Result<Key> {
    let (number, text) = line
        .trim()
        .split_once(' ')
        .context("a line needs a number and a key")?;
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), bytes.as_mut()).context("a key is 64 hexadecimal digits")?;
    Ok(Key {
        number: number.parse().context("a key's number")?,
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn k10_two_installations_share_no_key_and_one_keeps_its_own() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let read = |dir: &Path| fs::read_to_string(dir.join("secrets.key")).unwrap();
        for dir in [one.path(), two.path(), one.path()] {
            keyring(dir).unwrap();
        }
        let kept = read(one.path());
        keyring(one.path()).unwrap();
        assert_eq!(read(one.path()), kept);
        assert_ne!(kept, read(two.path()));
    }

    #[test]
    fn k06_a_key_file_that_others_read_or_that_is_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        keyring(dir.path()).unwrap();
        let path = dir.path().join("secrets.key");
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        mode(0o644);
        assert!(keyring(dir.path()).is_err());
        mode(0o600);
        for wrong in ["", "1", "1 00", "x 00", "1 zz"] {
            fs::write(&path, wrong).unwrap();
            assert!(keyring(dir.path()).is_err(), "{wrong}");
        }
    }
}
