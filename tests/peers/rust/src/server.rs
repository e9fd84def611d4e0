// SPDX-License-Identifier: Apache-2.0
use crate::contract::test_service_server::{TestService, TestServiceServer};
use crate::contract::{
    EchoStatus, Empty, SimpleRequest, SimpleResponse, StreamingInputCallRequest, StreamingInputCallResponse,
    StreamingOutputCallRequest, StreamingOutputCallResponse,
};
use crate::{payload, Flags, Outcome};
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::Stream;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status, Streaming};

type Responses = Pin<Box<dyn Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>>;
type Sender = mpsc::Sender<Result<StreamingOutputCallResponse, Status>>;

struct Service;

fn obey(wanted: &Option<EchoStatus>) -> Result<(), Status> {
    match wanted {
        Some(status) if status.code != 0 => Err(Status::new(Code::from_i32(status.code), status.message.clone())),
        _ => Ok(()),
    }
}

/// The responses that one request asks for; false: nobody reads them any more.
async fn answer(request: &StreamingOutputCallRequest, to: &Sender) -> bool {
    for parameters in &request.response_parameters {
        if parameters.interval_us > 0 {
            tokio::time::sleep(Duration::from_micros(parameters.interval_us as u64)).await;
        }
        let response = StreamingOutputCallResponse { payload: payload(parameters.size as usize) };
        if to.send(Ok(response)).await.is_err() {
            return false;
        }
    }
    true
}

#[tonic::async_trait]
impl TestService for Service {
    type StreamingOutputCallStream = Responses;
    type FullDuplexCallStream = Responses;
    type HalfDuplexCallStream = Responses;

    async fn empty_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Ok(Response::new(Empty {}))
    }

    async fn unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        let request = request.into_inner();
        obey(&request.response_status)?;
        let server_id = if request.fill_server_id { "tonic".to_string() } else { String::new() };
        let payload = payload(request.response_size as usize);
        Ok(Response::new(SimpleResponse { payload, server_id, ..Default::default() }))
    }

    async fn cacheable_unary_call(&self, request: Request<SimpleRequest>) -> Result<Response<SimpleResponse>, Status> {
        self.unary_call(request).await
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let mut requests = request.into_inner();
        let mut size = 0;
        while let Some(request) = requests.message().await? {
            size += request.payload.map_or(0, |p| p.body.len() as i32);
        }
        Ok(Response::new(StreamingInputCallResponse { aggregated_payload_size: size }))
    }

    async fn streaming_output_call(&self, request: Request<StreamingOutputCallRequest>) -> Result<Response<Responses>, Status> {
        let request = request.into_inner();
        obey(&request.response_status)?;
        let (to, responses) = mpsc::channel(4);
        tokio::spawn(async move { answer(&request, &to).await });
        Ok(Response::new(Box::pin(ReceiverStream::new(responses))))
    }

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Responses>, Status> {
        let mut requests = request.into_inner();
        let (to, responses) = mpsc::channel(4);
        tokio::spawn(async move {
            while let Ok(Some(request)) = requests.message().await {
                if let Err(status) = obey(&request.response_status) {
                    let _ = to.send(Err(status)).await;
                    return;
                }
                if !answer(&request, &to).await {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(responses))))
    }

    async fn half_duplex_call(
        &self,
        _: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Responses>, Status> {
        Err(Status::unimplemented("no case wants it"))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented("nobody implements it"))
    }
}

pub async fn serve(flags: &Flags) -> Outcome {
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", flags.get("port"))).await?;
    println!("listening on {}", listener.local_addr()?);
    let mut builder = Server::builder();
    if flags.is_tls() {
        let identity = Identity::from_pem(flags.file("tls_cert_file")?, flags.file("tls_key_file")?);
        builder = builder.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    builder
        .layer(tower::layer::layer_fn(crate::echo::Echo))
        .add_service(TestServiceServer::new(Service))
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await?;
    Ok(())
}
