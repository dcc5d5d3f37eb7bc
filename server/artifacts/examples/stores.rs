//! How fast artifacts move to and from an S3 store, beside the AWS command line on the same server, and how much
//! memory that takes. `cargo xtask bench stores`; the server is s3s over a directory, in a process of its own.
//!
//! Each figure is the median of several runs, ours and theirs in turn; everything is done once before, for the
//! caches. What is put is read from a file, what is got is written to one, as tasks do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement stops at the first surprise"
)]

#[path = "../tests/stores/s3_server.rs"]
mod s3_server;

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt, stream};
use steading_artifacts::{
    Addressing, ArtifactStore, Egress, Encryption, Key, MissingBucket, Network, Patience, S3,
    S3Credential, S3Store, Secret, Source,
};

const LARGE: usize = 1 << 30;
const SMALL: usize = 10 * 1024;
const MANY: usize = 1_000;
/// Small objects on their way at once.
const AHEAD: usize = 32;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("serve") => serve(Path::new(&arguments[2])).await,
        Some("--short") => measure(1).await,
        _ => measure(5).await,
    }
}

/// s3s over a directory; prints where it listens.
async fn serve(root: &Path) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    s3_server::serve(listener, root, "secret").await;
}

struct Bench {
    store: S3Store,
    endpoint: String,
    directory: tempfile::TempDir,
    server: Child,
}

async fn measure(times: usize) {
    let mut bench = Bench::start();
    println!(
        "artifact stores, {} processors, median of {times}",
        std::thread::available_parallelism().unwrap()
    );
    println!(
        "{:<24} {:>9} {:>9} {:>7} {:>8}",
        "work", "ours", "aws", "ratio", "goal"
    );
    bench.line("put 1 GiB", times, 0.9, Work::Put).await;
    bench.line("get 1 GiB", times, 0.9, Work::Get).await;
    bench
        .line("put 1,000 x 10 KB", times, 5.0, Work::PutMany)
        .await;
    bench
        .line("get 1,000 x 10 KB", times, 5.0, Work::GetMany)
        .await;
}

#[derive(Clone, Copy)]
enum Work {
    Put,
    Get,
    PutMany,
    GetMany,
}

/// The server goes too when a measurement fails.
impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Bench {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("server");
        std::fs::create_dir(&root).unwrap();
        let mut server = Command::new(std::env::current_exe().unwrap())
            .arg("serve")
            .arg(&root)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let said = server.stdout.take().unwrap();
        BufReader::new(said).read_line(&mut address).unwrap();
        let endpoint = format!("http://{}", address.trim());
        let described = S3 {
            endpoint: Some(endpoint.clone()),
            bucket: "bench".to_owned(),
            region: "us-east-1".to_owned(),
            addressing: Addressing::Path,
            authorities: None,
            credential: S3Credential::Keys {
                access: Secret::new("access"),
                secret: Secret::new("secret"),
                session: None,
            },
            encryption: Encryption::Bucket,
            missing: MissingBucket::Create,
        };
        let egress = Egress::parse(["127.0.0.1"]).unwrap();
        // What takes long shall be measured, not given up.
        let patience = Patience {
            silence: std::time::Duration::from_secs(600),
            ..Patience::default()
        };
        let network = Network::new(egress, None, patience).unwrap();
        let store = S3Store::open(&described, &network).unwrap();
        prepare(directory.path());
        Self {
            store,
            endpoint,
            directory,
            server,
        }
    }

    async fn line(&mut self, name: &str, times: usize, goal: f64, work: Work) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let before = resident("VmRSS");
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        for time in 0..=times {
            let start = Instant::now();
            self.ours(work).await;
            let took = start.elapsed().as_secs_f64();
            let start = Instant::now();
            self.theirs(work);
            // The first time fills the caches.
            if time > 0 {
                ours.push(took);
                theirs.push(start.elapsed().as_secs_f64());
            }
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let ratio = theirs / ours;
        let verdict = if ratio >= goal { "met" } else { "MISSED" };
        println!("{name:<24} {ours:>7.2} s {theirs:>7.2} s {ratio:>6.2}x {goal:>7.1}x  {verdict}");
        let grown = resident("VmHWM").saturating_sub(before) >> 10;
        println!("    our memory grew by {grown} MiB at most");
    }

    async fn ours(&self, work: Work) {
        let path = |name: &str| self.directory.path().join(name);
        match work {
            Work::Put => {
                let source = Source::file(File::open(path("large")).unwrap()).unwrap();
                self.store.put(&key("large"), source).await.unwrap();
            }
            Work::Get => {
                let file = File::create(path("got")).unwrap();
                self.store.fetch(&key("large"), file).await.unwrap();
            }
            Work::PutMany => {
                let all = stream::iter(0..MANY).map(|n| async move {
                    let file = File::open(path(&format!("many/{n}")))?;
                    let key = key(&format!("many/{n}"));
                    self.store.put(&key, Source::file(file)?).await
                });
                all.buffer_unordered(AHEAD)
                    .try_for_each(|_| async { Ok(()) })
                    .await
                    .unwrap();
            }
            Work::GetMany => {
                std::fs::create_dir_all(path("gotten")).unwrap();
                let all = stream::iter(0..MANY).map(|n| async move {
                    let file = File::create(path(&format!("gotten/{n}")))?;
                    self.store.fetch(&key(&format!("many/{n}")), file).await
                });
                all.buffer_unordered(AHEAD)
                    .try_for_each(|_| async { Ok(()) })
                    .await
                    .unwrap();
            }
        }
    }

    fn theirs(&self, work: Work) {
        let (from, to, many) = match work {
            Work::Put => ("large", "s3://bench/theirs", false),
            Work::Get => ("s3://bench/theirs", "got", false),
            Work::PutMany => ("many", "s3://bench/their-many", true),
            Work::GetMany => ("s3://bench/their-many", "gotten", true),
        };
        let mut aws = Command::new(std::env::var_os("STEADING_AWS").unwrap_or("aws".into()));
        aws.args(["--endpoint-url", &self.endpoint])
            .args(["--cli-read-timeout", "600"])
            .args(["s3", "cp", "--only-show-errors", from, to])
            .current_dir(self.directory.path())
            .env("AWS_ACCESS_KEY_ID", "access")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            // What s3s-fs does not know; ours does not send it either.
            .env("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
            .env("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required");
        if many {
            aws.arg("--recursive");
        }
        assert!(aws.status().unwrap().success(), "{aws:?}");
    }
}

/// The files that are put.
fn prepare(directory: &Path) {
    let mut block = vec![0_u8; 1 << 20];
    let mut state = 1_u64;
    for bytes in block.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.copy_from_slice(&state.to_le_bytes());
    }
    let mut large = File::create(directory.join("large")).unwrap();
    for number in 0..LARGE / block.len() {
        block[..8].copy_from_slice(&number.to_le_bytes());
        large.write_all(&block).unwrap();
    }
    std::fs::create_dir(directory.join("many")).unwrap();
    for number in 0..MANY {
        std::fs::write(
            directory.join(format!("many/{number}")),
            &block[number..][..SMALL],
        )
        .unwrap();
    }
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// KiB, from the kernel's account of this process.
fn resident(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
