//! Import: an OCI layout (directory or archive) or a `docker save` archive, from a file or a stream.
//! A stream can name its parts in any order, so its files are first set aside below `tmp`; then the
//! manifest says which of them make an image, and each is checked against its digest.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::archive::{Budget, decompressed, each_entry};
use super::unpack::Unpacker;
use super::{Image, ImageConfig, ImageError, Images, canonical};

/// Bytes of an archive and of the files in its layers.
const BYTES: u64 = 64 << 30;
/// Files in the layers of one image.
const ENTRIES: u64 = 4_000_000;
/// Files of an archive: blobs and manifests.
const BLOBS: u64 = 10_000;
/// Bytes of a manifest or configuration.
const DOCUMENT: u64 = 8 << 20;

/// Where an image comes from.
pub enum Source<'a> {
    /// An archive, read once from beginning to end.
    Stream(&'a mut dyn Read),
    /// A directory in OCI layout.
    Layout(&'a Path),
}

/// The files of an archive by their names.
struct Files(BTreeMap<String, PathBuf>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    digest: String,
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    architecture: String,
    os: String,
}

#[derive(Deserialize)]
struct OciIndex {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct OciManifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerManifest {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

#[derive(Deserialize)]
struct ConfigDocument {
    #[serde(default)]
    config: Option<RunConfig>,
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RunConfig {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    working_dir: Option<String>,
    user: Option<String>,
}

/// One image of an archive: names, and names of files in it.
struct Plan {
    names: Vec<String>,
    config: String,
    layers: Vec<String>,
}

impl Images {
    /// Imports every image of a source; `name` is given to it when the source names none, or as a
    /// further name when the source holds just one image.
    ///
    /// # Errors
    /// [`ImageError::BadArchive`] when it is not an image, is damaged, or breaks a limit; nothing of
    /// it stays.
    pub fn import(&self, source: Source<'_>, name: Option<&str>) -> Result<Vec<Image>, ImageError> {
        let _lock = self.lock()?;
        let tmp = self
            .dir
            .join("tmp")
            .join(format!("import-{}", std::process::id()));
        std::fs::create_dir_all(&tmp)?;
        let imported = self.import_into(&tmp, source, name);
        let cleaned = std::fs::remove_dir_all(&tmp);
        let imported = imported?;
        cleaned?;
        Ok(imported)
    }

    fn import_into(
        &self,
        tmp: &Path,
        source: Source<'_>,
        name: Option<&str>,
    ) -> Result<Vec<Image>, ImageError> {
        let files = match source {
            Source::Stream(stream) => Files::spool(stream, tmp)?,
            Source::Layout(dir) => Files::list(dir)?,
        };
        let mut plans = files.plans()?;
        if let Some(name) = name {
            let [plan] = &mut *plans else {
                let why = "it holds several images, so they can not be given one name";
                return Err(ImageError::archive(why));
            };
            plan.names.push(canonical(name)?);
        }
        let mut images = Vec::new();
        for plan in plans {
            if plan.names.is_empty() {
                let why = "it does not name its image: say --name NAME";
                return Err(ImageError::archive(why));
            }
            images.push(self.make(tmp, &files, &plan)?);
        }
        Ok(images)
    }

    /// Unpacks one image and gives it its names.
    fn make(&self, tmp: &Path, files: &Files, plan: &Plan) -> Result<Image, ImageError> {
        let text = files.document(&plan.config)?;
        let id = hex::encode(Sha256::digest(&text));
        let document: ConfigDocument = parse(&text, "its configuration")?;
        if document.rootfs.diff_ids.len() != plan.layers.len() {
            let why = "its configuration and its manifest name different layers";
            return Err(ImageError::archive(why));
        }
        let run = document.config.unwrap_or_default();
        let full = |text: Option<String>| text.filter(|text| !text.is_empty());
        let mut image = Image {
            id: id.clone(),
            names: plan.names.clone(),
            size: 0,
            config: ImageConfig {
                entrypoint: run.entrypoint.unwrap_or_default(),
                cmd: run.cmd.unwrap_or_default(),
                env: run.env.unwrap_or_default(),
                workdir: full(run.working_dir),
                user: full(run.user),
            },
        };
        if !self.root(&id).join("image.json").exists() {
            let new = tmp.join(&id);
            let root = new.join("root");
            std::fs::create_dir_all(&root)?;
            let mut budget = Budget {
                bytes: BYTES,
                entries: ENTRIES,
            };
            let mut unpacker = Unpacker::new(&root)?;
            for (layer, diff_id) in plan.layers.iter().zip(&document.rootfs.diff_ids) {
                let file = files.open(layer)?;
                let mut tar = Hashed::new(decompressed(file)?);
                unpacker.layer(&mut tar, &mut budget)?;
                io::copy(&mut tar.by_ref().take(BYTES), &mut io::sink())?;
                if format!("sha256:{}", tar.digest()) != *diff_id {
                    return Err(ImageError::archive(format!("the layer {layer} is damaged")));
                }
            }
            unpacker.finish()?;
            image.size = BYTES - budget.bytes;
            let record = serde_json::to_vec_pretty(&image).map_err(io::Error::from)?;
            std::fs::write(new.join("image.json"), record)?;
            File::create(new.join("lock"))?;
            // Everything before the name that makes it count.
            rustix::fs::syncfs(File::open(&new)?)?;
            std::fs::create_dir_all(self.dir.join("roots"))?;
            std::fs::rename(&new, self.root(&id))?;
        }
        let mut index = self.index()?;
        for name in &plan.names {
            index.insert(name.clone(), id.clone());
        }
        self.replace_index(&index)?;
        self.image(&id, &index)
    }
}

impl Files {
    /// Sets a stream's files aside.
    fn spool(stream: &mut dyn Read, tmp: &Path) -> Result<Self, ImageError> {
        let mut files = BTreeMap::new();
        let mut links = Vec::new();
        let mut budget = Budget {
            bytes: BYTES,
            entries: BLOBS,
        };
        each_entry(decompressed(stream)?, |entry| {
            budget.entry(entry.size)?;
            let name = String::from_utf8_lossy(&entry.name);
            let name = name.trim_start_matches("./").to_owned();
            if entry.kind.is_file() {
                let path = tmp.join(format!("{}", files.len()));
                let copied = io::copy(entry.data, &mut File::create(&path)?)?;
                if copied != entry.size {
                    return Err(ImageError::archive("it ends in the middle of a file"));
                }
                files.insert(name, path);
            } else if entry.kind.is_symlink() {
                // docker save links a layer that two images share: `../<id>/layer.tar`.
                let target = String::from_utf8_lossy(entry.link.as_deref().unwrap_or_default());
                links.push((name, target.trim_start_matches("../").to_owned()));
            }
            Ok(())
        })?;
        for (name, target) in links {
            if let Some(path) = files.get(&target).cloned() {
                files.insert(name, path);
            }
        }
        Ok(Self(files))
    }

    /// The files of an OCI layout.
    fn list(dir: &Path) -> Result<Self, ImageError> {
        let mut files = BTreeMap::new();
        for name in ["index.json", "manifest.json"] {
            if dir.join(name).is_file() {
                files.insert(name.to_owned(), dir.join(name));
            }
        }
        let blobs = Path::new("blobs/sha256");
        for entry in std::fs::read_dir(dir.join(blobs))?.take(BLOBS as usize) {
            let entry = entry?;
            let name = blobs.join(entry.file_name()).to_string_lossy().into_owned();
            files.insert(name, entry.path());
        }
        Ok(Self(files))
    }

    /// A file by name. A blob's name is its digest, and is checked.
    fn open(&self, name: &str) -> Result<File, ImageError> {
        let missing = || ImageError::archive(format!("{name} is missing in it"));
        let path = self.0.get(name).ok_or_else(missing)?;
        if let Some(digest) = name.strip_prefix("blobs/sha256/") {
            let mut file = Hashed::new(File::open(path)?);
            io::copy(&mut file, &mut io::sink())?;
            if file.digest() != digest {
                return Err(ImageError::archive(format!("{name} is damaged")));
            }
        }
        Ok(File::open(path)?)
    }

    fn document(&self, name: &str) -> Result<Vec<u8>, ImageError> {
        let mut text = Vec::new();
        self.open(name)?.take(DOCUMENT).read_to_end(&mut text)?;
        Ok(text)
    }

    fn plans(&self) -> Result<Vec<Plan>, ImageError> {
        if self.0.contains_key("index.json") {
            let index: OciIndex = parse(&self.document("index.json")?, "index.json")?;
            return self.oci(index, 0);
        }
        if self.0.contains_key("manifest.json") {
            return self.docker();
        }
        let why = "it holds neither index.json (OCI) nor manifest.json (docker save)";
        Err(ImageError::archive(why))
    }

    fn oci(&self, index: OciIndex, depth: u8) -> Result<Vec<Plan>, ImageError> {
        let mut plans = Vec::new();
        for entry in index.manifests {
            let other = |p: &Platform| p.os != "linux" || p.architecture != architecture();
            let blob = blob(&entry.digest)?;
            // An archive of one platform leaves the others' manifests out.
            if entry.platform.as_ref().is_some_and(other) || !self.0.contains_key(&blob) {
                continue;
            }
            let name = [
                "io.containerd.image.name",
                "org.opencontainers.image.ref.name",
            ]
            .iter()
            .find_map(|key| entry.annotations.get(*key));
            let names: Vec<String> = name
                .map(|n| canonical(n))
                .transpose()?
                .into_iter()
                .collect();
            let text = self.document(&blob)?;
            if entry.media_type.contains("index") || entry.media_type.contains("list") {
                if depth < 2 {
                    for mut plan in self.oci(parse(&text, "a nested index")?, depth + 1)? {
                        plan.names.extend(names.clone());
                        plans.push(plan);
                    }
                }
                continue;
            }
            let manifest: OciManifest = parse(&text, "a manifest")?;
            let layers = manifest
                .layers
                .iter()
                .map(|layer| self::blob(&layer.digest));
            plans.push(Plan {
                names,
                config: self::blob(&manifest.config.digest)?,
                layers: layers.collect::<Result<_, _>>()?,
            });
        }
        if plans.is_empty() {
            let why = format!("it holds no image for linux/{}", architecture());
            return Err(ImageError::archive(why));
        }
        Ok(plans)
    }

    fn docker(&self) -> Result<Vec<Plan>, ImageError> {
        let text = self.document("manifest.json")?;
        let manifests: Vec<DockerManifest> = parse(&text, "manifest.json")?;
        let plan = |manifest: DockerManifest| {
            let tags = manifest.repo_tags.unwrap_or_default();
            Ok(Plan {
                names: tags
                    .iter()
                    .map(|t| canonical(t))
                    .collect::<Result<_, _>>()?,
                config: manifest.config,
                layers: manifest.layers,
            })
        };
        manifests.into_iter().map(plan).collect()
    }
}

/// What OCI calls this machine.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn blob(digest: &str) -> Result<String, ImageError> {
    match digest.strip_prefix("sha256:") {
        Some(hex) if super::is_id(hex) => Ok(format!("blobs/sha256/{hex}")),
        _ => Err(ImageError::archive("a digest in it is not SHA-256")),
    }
}

fn parse<T: for<'de> Deserialize<'de>>(text: &[u8], what: &str) -> Result<T, ImageError> {
    serde_json::from_slice(text)
        .map_err(|error| ImageError::archive(format!("{what} can not be read: {error}")))
}

/// Hashes what is read through it.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R> Hashed<R> {
    fn new(inner: R) -> Self {
        let hash = Sha256::new();
        Self { inner, hash }
    }

    fn digest(self) -> String {
        hex::encode(self.hash.finalize())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.hash.update(into.get(..n).unwrap_or_default());
        Ok(n)
    }
}
