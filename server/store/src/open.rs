//! Creating, opening and recovering a store's files.
//!
//! A new database is made under a temporary name, synced and renamed: a kill at any instant leaves
//! either no store or a whole one. Opening replays the journal onto the database's last checkpoint.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::backends::FileBackend;
use redb::{Database, DatabaseError, Durability};

use crate::journal::{Journal, StoreKey};
use crate::key::Key;
use crate::tables::Table;
use crate::tx::Tx;
use crate::{Options, Seq, StoreError};

/// Version of the set of tables; raised by migrations.
const FORMAT: u32 = 1;

const DATABASE: &str = "store.redb";
const JOURNAL: &str = "store.journal";
const LOCK: &str = "store.lock";
const TEMPORARY: &str = "store.redb.new";

/// The paths of a store, locked for this process as long as this lives.
pub(crate) struct Place {
    dir: PathBuf,
    cache_bytes: usize,
    _lock: File,
}

/// An open database with its journal.
pub(crate) struct Opened {
    pub(crate) database: Database,
    pub(crate) journal: Journal,
    /// The last commit.
    pub(crate) seq: Seq,
}

impl Place {
    /// Makes the directory where it is missing, and locks it.
    pub(crate) fn lock(dir: &Path, options: &Options) -> Result<Self, StoreError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
        let lock = private().truncate(false).open(dir.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                dir: dir.to_owned(),
                cache_bytes: options.cache_bytes,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
                dir: dir.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// The store in this place, created when there is none.
    pub(crate) fn open_or_create(&self) -> Result<Opened, StoreError> {
        let temporary = self.dir.join(TEMPORARY);
        if let Err(error) = std::fs::remove_file(&temporary)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error.into());
        }
        if !self.exists()? {
            self.create(|_| Ok(()))?;
        }
        self.open()
    }

    /// True when a store lies here.
    pub(crate) fn exists(&self) -> Result<bool, StoreError> {
        Ok(self.dir.join(DATABASE).try_exists()?)
    }

    /// Makes a store; `fill` may write its first rows.
    pub(crate) fn create(
        &self,
        fill: impl FnOnce(&mut Tx<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut key = StoreKey([0; 32]);
        getrandom::fill(&mut key.0).map_err(|error| std::io::Error::other(error.to_string()))?;
        let journal = private().truncate(true).open(self.dir.join(JOURNAL))?;
        Journal::create(&journal, &key)?;

        let temporary = self.dir.join(TEMPORARY);
        let file = private().truncate(true).open(&temporary)?;
        let failed = |error| opening(&temporary, error);
        let database = self
            .builder()
            .create_with_backend(FileBackend::new(file.try_clone()?).map_err(failed)?)
            .map_err(failed)?;
        let mut txn = database.begin_write()?;
        txn.set_quick_repair(true);
        let mut tx = Tx::new(&txn);
        tx.create_tables()?;
        fill(&mut tx)?;
        tx.put(Table::Meta, &meta("format"), &FORMAT.to_le_bytes())?;
        tx.put(Table::Meta, &meta("key"), &key.0)?;
        drop(tx);
        txn.commit()?;
        drop(database);
        file.sync_all()?;
        std::fs::rename(&temporary, self.dir.join(DATABASE))?;
        Ok(File::open(&self.dir)?.sync_all()?)
    }

    /// Opens the store that lies here and brings it to its last commit.
    pub(crate) fn open(&self) -> Result<Opened, StoreError> {
        let path = self.dir.join(DATABASE);
        let database = self.open_database(&path)?;
        let mut txn = database.begin_write()?;
        txn.set_durability(Durability::None)?;
        let mut tx = Tx::new(&txn);
        let about = About::read(&mut tx, &path)?;
        tx.create_tables()?;
        let journal = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.dir.join(JOURNAL))
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => StoreError::damaged("the journal is missing"),
                _ => error.into(),
            })?;
        let mut seq = about.seq;
        let journal = Journal::open(journal, about.key, about.seq, |at, payload| {
            seq = at;
            tx.replay(payload)
        })?;
        drop(tx);
        txn.commit()?;
        Ok(Opened {
            database,
            journal,
            seq,
        })
    }

    /// redb may panic over a file that was altered behind its back: that is damage, not a crash of ours.
    fn open_database(&self, path: &Path) -> Result<Database, StoreError> {
        std::panic::catch_unwind(|| self.builder().open(path))
            .map_err(|_| StoreError::damaged("the database can not be opened"))?
            .map_err(|error| opening(path, error))
    }

    fn builder(&self) -> redb::Builder {
        let mut builder = Database::builder();
        builder.set_cache_size(self.cache_bytes);
        builder
    }
}

/// Files that nobody else may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

fn opening(path: &Path, error: DatabaseError) -> StoreError {
    use redb::{DatabaseError as E, StorageError as S};
    match error {
        E::DatabaseAlreadyOpen => StoreError::Locked {
            dir: path.parent().unwrap_or(path).to_owned(),
        },
        E::Storage(S::Io(error)) if error.kind() != std::io::ErrorKind::InvalidData => error.into(),
        cause => StoreError::Foreign {
            path: path.to_owned(),
            cause: Arc::new(cause),
        },
    }
}

/// The key of a row in the table of the store about itself.
pub(crate) fn meta(what: &str) -> Key {
    Key::empty().text(what)
}

/// True for rows that say something of these very files; a copy of the store has its own.
pub(crate) fn is_of_one_store(key: &[u8]) -> bool {
    ["format", "key"]
        .iter()
        .any(|what| key == meta(what).as_slice())
}

/// What the store says about itself.
struct About {
    key: StoreKey,
    seq: Seq,
}

impl About {
    fn read(tx: &mut Tx<'_>, path: &Path) -> Result<Self, StoreError> {
        let foreign = || StoreError::Foreign {
            path: path.to_owned(),
            cause: Arc::new(std::io::Error::other("a database of another program")),
        };
        let format = tx
            .get(Table::Meta, &meta("format"))
            .map_err(|error| match error {
                StoreError::Damaged { .. } => error,
                _ => foreign(),
            })?;
        let format: [u8; 4] = fixed(format).ok_or_else(foreign)?;
        let format = u32::from_le_bytes(format);
        if format > FORMAT {
            return Err(StoreError::Newer {
                what: "the store",
                version: format,
                known: FORMAT,
            });
        }
        let key = fixed(tx.get(Table::Meta, &meta("key"))?).ok_or_else(foreign)?;
        let seq = fixed(tx.get(Table::Meta, &meta("seq"))?).unwrap_or_default();
        Ok(Self {
            key: StoreKey(key),
            seq: Seq(u64::from_le_bytes(seq)),
        })
    }
}

fn fixed<const N: usize>(value: Option<Vec<u8>>) -> Option<[u8; N]> {
    value?.try_into().ok()
}
