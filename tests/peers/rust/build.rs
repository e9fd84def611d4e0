// SPDX-License-Identifier: Apache-2.0
// The contract is that of the C programs: INTEROP_PROTOS is the folder above grpc/testing/test.proto.
fn main() -> std::io::Result<()> {
    let protos = std::env::var("INTEROP_PROTOS").expect("INTEROP_PROTOS");
    println!("cargo:rerun-if-env-changed=INTEROP_PROTOS");
    tonic_prost_build::configure().compile_protos(&[format!("{protos}/grpc/testing/test.proto")], &[protos])
}
