//! Local execution as its caller sees it. The test program has its own `main`: spawners are forked
//! before the first thread, as in the real program.

mod harness;
mod process;

fn main() {
    harness::main(&[("process", process::TESTS)]);
}
