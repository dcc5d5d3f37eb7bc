//! Images of the site, for the faces.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use steading_api::image::ImageBody;
use steading_control::backend::Later;
use steading_control::site::{Images, SiteError};
use steading_exec::images::{Image, ImageError, Images as Shelf, Source};
use steading_types::Millis;

/// The image store of a data directory.
pub(crate) struct HostImages {
    shelf: Shelf,
    inbox: PathBuf,
    received: AtomicU64,
}

impl HostImages {
    /// The store below a data directory.
    ///
    /// # Errors
    /// When the directory for archives that are being received can not be made.
    pub(crate) fn open(data: &Path) -> Result<Self> {
        let inbox = data.join("inbox");
        // What a crash left there was never imported.
        let _ = std::fs::remove_dir_all(&inbox);
        std::fs::create_dir_all(&inbox)
            .with_context(|| format!("{} can not be made", inbox.display()))?;
        Ok(Self {
            shelf: Shelf::at(data),
            inbox,
            received: AtomicU64::new(0),
        })
    }

    fn apart<'a, T: Send + 'static>(
        &'a self,
        work: impl FnOnce(Shelf) -> Result<T, ImageError> + Send + 'static,
    ) -> Later<'a, Result<T, SiteError>> {
        let shelf = self.shelf.clone();
        Box::pin(async move {
            match tokio::task::spawn_blocking(move || work(shelf)).await {
                Ok(outcome) => outcome.map_err(|error| told(&error)),
                Err(error) => Err(SiteError {
                    code: "image.io".to_owned(),
                    message: error.to_string(),
                    fix: None,
                }),
            }
        })
    }
}

fn told(error: &ImageError) -> SiteError {
    SiteError {
        code: error.code().to_owned(),
        message: error.to_string(),
        fix: error.fix(),
    }
}

/// An image on the wire.
pub(crate) fn body(image: Image) -> ImageBody {
    ImageBody {
        digest: format!("sha256:{}", image.id),
        names: image.names,
        size: image.size,
        imported: Millis(0),
        entrypoint: image.config.entrypoint,
        cmd: image.config.cmd,
    }
}

impl Images for HostImages {
    fn list<'a>(&'a self) -> Later<'a, Result<Vec<ImageBody>, SiteError>> {
        self.apart(|shelf| Ok(shelf.list()?.into_iter().map(body).collect()))
    }

    fn inspect<'a>(&'a self, name: &'a str) -> Later<'a, Result<ImageBody, SiteError>> {
        let name = name.to_owned();
        self.apart(move |shelf| shelf.inspect(&name).map(body))
    }

    fn import<'a>(&'a self, archive: PathBuf) -> Later<'a, Result<Vec<ImageBody>, SiteError>> {
        self.apart(move |shelf| {
            let mut file = std::fs::File::open(&archive)?;
            Ok(shelf
                .import(Source::Stream(&mut file), None)?
                .into_iter()
                .map(body)
                .collect())
        })
    }

    fn tag<'a>(&'a self, image: &'a str, name: &'a str) -> Later<'a, Result<(), SiteError>> {
        let (image, name) = (image.to_owned(), name.to_owned());
        self.apart(move |shelf| shelf.tag(&image, &name))
    }

    fn remove<'a>(&'a self, name: &'a str) -> Later<'a, Result<(), SiteError>> {
        let name = name.to_owned();
        self.apart(move |shelf| shelf.remove(&name))
    }

    fn collect<'a>(&'a self) -> Later<'a, Result<u64, SiteError>> {
        self.apart(|shelf| shelf.gc())
    }

    fn inbox(&self) -> PathBuf {
        self.inbox
            .join(self.received.fetch_add(1, Ordering::Relaxed).to_string())
    }
}
