// SPDX-License-Identifier: Apache-2.0
fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=../../echo.proto");
    tonic_prost_build::configure().build_client(false).bytes(".").compile_protos(&["../../echo.proto"], &["../.."])
}
