//! `image`: images of the site. With `--data` the store of that directory is used, whether a server runs
//! on it or not; else the server is asked.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use steading_api::image::{ImageBody, ImageName, ImageTag};
use steading_api::operations::{
    CollectImages, DeleteImage, GetImage, ImportImage, ListImages, TagImage,
};
use steading_exec::images::{ImageError, Images, Source};

use super::client::Connection;
use super::display::{self, table};
use super::exit::{Code, Failure};
use super::{Format, Output};
use crate::site::body;

/// Verbs on images.
#[derive(Debug, Subcommand)]
pub(crate) enum Image {
    /// Import an archive: OCI, docker save; plain or compressed; `-` is standard input
    Import {
        /// The archive, or a directory in OCI layout
        file: PathBuf,
        /// The name for an image whose archive holds none (with --data)
        #[arg(long, requires = "data")]
        name: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// List them
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        output: Output,
    },
    /// Show one
    Inspect {
        /// Its name or digest
        image: String,
        #[command(flatten)]
        place: Place,
    },
    /// Give one a further name
    Tag {
        /// Its name or digest
        image: String,
        /// The further name
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Remove names; the last one takes the image with it
    Rm {
        /// Names or digests
        #[arg(required = true)]
        images: Vec<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Remove what no name refers to
    Gc {
        #[command(flatten)]
        place: Place,
    },
}

/// Where the images lie.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The data directory; without it the server is asked
    #[arg(long, env = "STEADING_DATA")]
    data: Option<PathBuf>,
}

impl Image {
    pub(crate) async fn run(self, connection: &Connection) -> Result<(), Failure> {
        match self {
            Self::Import { file, name, place } => import(file, name, place, connection).await,
            Self::List { place, output } => {
                let images = match place.shelf() {
                    Some(shelf) => shelf.list()?.into_iter().map(body).collect(),
                    None => {
                        connection
                            .open()?
                            .call::<ListImages>(&[], &(), &())
                            .await?
                            .images
                    }
                };
                list(&images, output.format)
            }
            Self::Inspect { image, place } => {
                let found = match place.shelf() {
                    Some(shelf) => body(shelf.inspect(&image)?),
                    None => {
                        connection
                            .open()?
                            .call::<GetImage>(&[], &ImageName { image }, &())
                            .await?
                    }
                };
                display::document(&found, Format::Json)
            }
            Self::Tag { image, name, place } => {
                match place.shelf() {
                    Some(shelf) => shelf.tag(&image, &name)?,
                    None => {
                        connection
                            .open()?
                            .call::<TagImage>(
                                &[],
                                &(),
                                &ImageTag {
                                    image: image.clone(),
                                    name: name.clone(),
                                },
                            )
                            .await?;
                    }
                }
                display::line(&format!("{image} is also {name}"))?;
                Ok(())
            }
            Self::Rm { images, place } => {
                for image in images {
                    match place.shelf() {
                        Some(shelf) => shelf.remove(&image)?,
                        None => {
                            connection
                                .open()?
                                .call::<DeleteImage>(
                                    &[],
                                    &ImageName {
                                        image: image.clone(),
                                    },
                                    &(),
                                )
                                .await?;
                        }
                    }
                    display::line(&format!("{image} removed"))?;
                }
                Ok(())
            }
            Self::Gc { place } => {
                let bytes = match place.shelf() {
                    Some(shelf) => shelf.gc()?,
                    None => {
                        connection
                            .open()?
                            .call::<CollectImages>(&[], &(), &())
                            .await?
                            .bytes
                    }
                };
                display::line(&format!("{} freed", display::size(bytes)))?;
                Ok(())
            }
        }
    }
}

impl Place {
    fn shelf(&self) -> Option<Images> {
        self.data.as_deref().map(Images::at)
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        let code = if matches!(error, ImageError::Missing { .. }) {
            Code::NotFound
        } else {
            Code::Refused
        };
        let mut text = format!("{error} [{}]", error.code());
        if let Some(cause) = std::error::Error::source(&error) {
            text.push_str(&format!(": {cause}"));
        }
        if let Some(fix) = error.fix() {
            text.push_str(&format!("\n  fix: {fix}"));
        }
        Self::new(code, text)
    }
}

async fn import(
    file: PathBuf,
    name: Option<String>,
    place: Place,
    connection: &Connection,
) -> Result<(), Failure> {
    let images = match place.shelf() {
        Some(shelf) => import_here(&shelf, &file, name.as_deref())?
            .into_iter()
            .map(body)
            .collect(),
        None => {
            if file.is_dir() {
                return Err(Failure::new(
                    Code::Usage,
                    "a directory is imported with --data, on the server's host",
                ));
            }
            let body = if file.as_os_str() == "-" {
                stream(tokio::io::stdin())
            } else {
                stream(tokio::fs::File::open(&file).await?)
            };
            connection.open()?.upload::<ImportImage>(body).await?.images
        }
    };
    for image in images {
        display::line(&format!(
            "{} ({}, {})",
            image.names.join(" "),
            image.digest,
            display::size(image.size)
        ))?;
    }
    Ok(())
}

fn import_here(
    shelf: &Images,
    file: &PathBuf,
    name: Option<&str>,
) -> Result<Vec<steading_exec::images::Image>, Failure> {
    if file.as_os_str() == "-" {
        return Ok(shelf.import(Source::Stream(&mut std::io::stdin().lock()), name)?);
    }
    if file.is_dir() {
        return Ok(shelf.import(Source::Layout(file), name)?);
    }
    let archive = std::fs::File::open(file).map_err(|error| {
        Failure::new(
            Code::Usage,
            format!("{} can not be read: {error}", file.display()),
        )
    })?;
    let total = archive.metadata()?.len();
    let mut bar = Bar::new(archive, total);
    let images = shelf.import(Source::Stream(&mut bar), name);
    bar.done();
    Ok(images?)
}

fn stream(reader: impl tokio::io::AsyncRead + Send + 'static) -> reqwest::Body {
    let chunks = futures_util::stream::unfold(Box::pin(reader), async |mut reader| {
        let mut chunk = vec![0u8; 256 * 1024];
        match tokio::io::AsyncReadExt::read(&mut reader, &mut chunk).await {
            Ok(0) => None,
            Ok(n) => {
                chunk.truncate(n);
                Some((Ok::<_, std::io::Error>(chunk), reader))
            }
            Err(error) => Some((Err(error), reader)),
        }
    });
    reqwest::Body::wrap_stream(chunks)
}

/// A reader that shows how far it is, on a terminal.
struct Bar<R> {
    inner: R,
    read: u64,
    total: u64,
    drawn: Option<Instant>,
    terminal: bool,
}

impl<R> Bar<R> {
    fn new(inner: R, total: u64) -> Self {
        Self {
            inner,
            read: 0,
            total: total.max(1),
            drawn: None,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    fn draw(&mut self) {
        if self.terminal
            && self
                .drawn
                .is_none_or(|at| at.elapsed() > Duration::from_millis(100))
        {
            self.drawn = Some(Instant::now());
            let filled = usize::try_from(self.read.saturating_mul(30) / self.total)
                .unwrap_or(0)
                .min(30);
            eprint!(
                "\r[{:<30}] {} of {}",
                "=".repeat(filled),
                display::size(self.read),
                display::size(self.total)
            );
        }
    }

    fn done(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}

impl<R: Read> Read for Bar<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read = self.read.saturating_add(n as u64);
        self.draw();
        Ok(n)
    }
}

fn list(images: &[ImageBody], format: Format) -> Result<(), Failure> {
    match format {
        Format::Json | Format::Yaml => display::document(&images, format),
        Format::Name => display::print(
            &images
                .iter()
                .flat_map(|image| &image.names)
                .map(|name| format!("{name}\n"))
                .collect::<String>(),
        ),
        Format::Text | Format::Wide => {
            let short = |digest: &str| digest.chars().take(19).collect::<String>();
            let rows: Vec<Vec<String>> = images
                .iter()
                .map(|image| {
                    vec![
                        image.names.join(" "),
                        short(&image.digest),
                        display::size(image.size),
                    ]
                })
                .collect();
            display::print(&table(&["NAMES", "DIGEST", "SIZE"], &rows))
        }
    }
}
