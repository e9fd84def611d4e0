// SPDX-License-Identifier: Apache-2.0
//! The echo of the benchmarks on tonic, on one thread: bench_tonic HOST:PORT [CERT KEY].
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_stream::{Stream, StreamExt, wrappers::TcpListenerStream};
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};

mod pb {
    tonic::include_proto!("bench");
}
use pb::echo_server::{Echo, EchoServer};
use pb::{Message, StreamRequest, Summary};

/// The same message, `left` times.
struct Repeat {
    message: Message,
    left: Option<i64>,
}

impl Stream for Repeat {
    type Item = Result<Message, Status>;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.left {
            Some(0) => return Poll::Ready(None),
            Some(left) => *left -= 1,
            None => {}
        }
        Poll::Ready(Some(Ok(self.message.clone())))
    }
}

struct Service;

#[tonic::async_trait]
impl Echo for Service {
    async fn unary(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        Ok(Response::new(Message { payload: request.into_inner().payload }))
    }

    type DownloadStream = Repeat;
    async fn download(&self, request: Request<StreamRequest>) -> Result<Response<Repeat>, Status> {
        let request = request.into_inner();
        let message = Message { payload: vec![0; request.size as usize].into() };
        Ok(Response::new(Repeat { message, left: (request.count != 0).then_some(request.count) }))
    }

    async fn upload(&self, request: Request<Streaming<Message>>) -> Result<Response<Summary>, Status> {
        let mut stream = request.into_inner();
        let mut summary = Summary { count: 0, bytes: 0 };
        while let Some(message) = stream.message().await? {
            summary.count += 1;
            summary.bytes += message.payload.len() as i64;
        }
        Ok(Response::new(summary))
    }

    type ChatStream = Pin<Box<dyn Stream<Item = Result<Message, Status>> + Send>>;
    async fn chat(&self, request: Request<Streaming<Message>>) -> Result<Response<Self::ChatStream>, Status> {
        Ok(Response::new(Box::pin(request.into_inner().map(|message| message))))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let listener = tokio::net::TcpListener::bind(&arguments[0]).await?;
    let mut server = Server::builder().tcp_nodelay(true);
    if let [_, cert, key] = arguments.as_slice() {
        let identity = Identity::from_pem(std::fs::read(cert)?, std::fs::read(key)?);
        server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    println!("listening on {}", listener.local_addr()?);
    let incoming = TcpListenerStream::new(listener).map(|stream| {
        let stream = stream?;
        stream.set_nodelay(true)?;
        Ok::<_, std::io::Error>(stream)
    });
    server.add_service(EchoServer::new(Service)).serve_with_incoming(incoming).await?;
    Ok(())
}
