// SPDX-License-Identifier: Apache-2.0
//! tonic as a peer of the interoperability tests, with the official flags (--name=value):
//!
//!     tonic_peer server --port=N [--use_tls=true --tls_cert_file=F --tls_key_file=F]
//!     tonic_peer client --server_host=H --server_port=N --test_case=CASE
//!                       [--use_tls=true --ca_file=F --server_host_override=NAME]
//!
//! Exit 0: the case passed.
mod client;
mod echo;
mod server;

use std::collections::HashMap;

pub mod contract {
    tonic::include_proto!("grpc.testing");
}

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
pub type Outcome = Result<(), Failure>;

pub const INITIAL: &str = "x-grpc-test-echo-initial";
pub const TRAILING: &str = "x-grpc-test-echo-trailing-bin";

pub struct Flags(HashMap<String, String>);

impl Flags {
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub fn file(&self, name: &str) -> Result<Vec<u8>, Failure> {
        Ok(std::fs::read(self.get(name)).map_err(|e| format!("--{name}={}: {e}", self.get(name)))?)
    }

    pub fn is_tls(&self) -> bool {
        self.get("use_tls") == "true"
    }
}

pub fn payload(size: usize) -> Option<contract::Payload> {
    Some(contract::Payload { r#type: 0, body: vec![0; size] })
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let role = std::env::args().nth(1).unwrap_or_default();
    let flags = Flags(
        std::env::args()
            .skip(2)
            .filter_map(|a| Some(a.trim_start_matches('-').split_once('=')?).map(|(k, v)| (k.to_string(), v.to_string())))
            .collect(),
    );
    let outcome = match role.as_str() {
        "server" => server::serve(&flags).await,
        "client" => client::play(&flags).await,
        _ => Err("tonic_peer server|client --flags".into()),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}
