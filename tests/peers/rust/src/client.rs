// SPDX-License-Identifier: Apache-2.0
use crate::contract::test_service_client::TestServiceClient;
use crate::contract::unimplemented_service_client::UnimplementedServiceClient;
use crate::contract::{
    EchoStatus, Empty, ResponseParameters, SimpleRequest, StreamingInputCallRequest, StreamingOutputCallRequest,
    StreamingOutputCallResponse,
};
use crate::{payload, Failure, Flags, Outcome, INITIAL, TRAILING};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status, Streaming};

const LIMIT: Duration = Duration::from_secs(60);
const TURNS: [(usize, i32); 4] = [(27182, 31415), (8, 9), (1828, 2653), (45904, 58979)];

type Client = TestServiceClient<Channel>;

fn expect(condition: bool, text: &str) -> Outcome {
    if condition {
        Ok(())
    } else {
        Err(text.into())
    }
}

fn expect_status<T>(result: Result<T, Status>, code: Code, message: Option<&str>) -> Outcome {
    let status = result.err().unwrap_or_else(|| Status::ok(""));
    expect(
        status.code() == code && message.map_or(true, |m| m == status.message()),
        &format!("status {:?} {:?}, expected {code:?} {message:?}", status.code(), status.message()),
    )
}

async fn open(flags: &Flags) -> Result<Channel, Failure> {
    let scheme = if flags.is_tls() { "https" } else { "http" };
    let address = format!("{scheme}://{}:{}", flags.get("server_host"), flags.get("server_port"));
    let mut endpoint = Endpoint::from_shared(address)?;
    if flags.is_tls() {
        let name = flags.get("server_host_override");
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(flags.file("ca_file")?));
        endpoint = endpoint.tls_config(tls.domain_name(name))?.origin(format!("https://{name}").parse()?);
    }
    Ok(endpoint.connect().await?)
}

fn large() -> SimpleRequest {
    SimpleRequest { response_size: 314159, payload: payload(271828), ..Default::default() }
}

fn turn(request_size: usize, response_size: i32) -> StreamingOutputCallRequest {
    StreamingOutputCallRequest {
        payload: payload(request_size),
        response_parameters: vec![ResponseParameters { size: response_size, ..Default::default() }],
        ..Default::default()
    }
}

async fn expect_response(responses: &mut Streaming<StreamingOutputCallResponse>, size: i32) -> Outcome {
    let response = responses.message().await?.ok_or("the stream ended early")?;
    let came = response.payload.map_or(0, |p| p.body.len());
    expect(came == size as usize, &format!("a response of {came} bytes, expected {size}"))
}

async fn empty_unary(client: &mut Client) -> Outcome {
    client.empty_call(Empty {}).await?;
    Ok(())
}

async fn large_unary(client: &mut Client) -> Outcome {
    let reply = client.unary_call(large()).await?.into_inner();
    expect(reply.payload.map_or(false, |p| p.body == vec![0; 314159]), "the payload is not 314159 zeros")
}

async fn pick_first_unary(client: &mut Client) -> Outcome {
    for _ in 0..100 {
        let request = SimpleRequest { fill_server_id: true, ..Default::default() };
        expect(!client.unary_call(request).await?.into_inner().server_id.is_empty(), "no server_id")?;
    }
    Ok(())
}

async fn client_streaming(client: &mut Client) -> Outcome {
    let requests = TURNS.map(|(size, _)| StreamingInputCallRequest { payload: payload(size), ..Default::default() });
    let reply = client.streaming_input_call(tokio_stream::iter(requests)).await?.into_inner();
    expect(reply.aggregated_payload_size == 74922, "aggregated_payload_size is not 74922")
}

async fn server_streaming(client: &mut Client) -> Outcome {
    let response_parameters = TURNS.map(|(_, size)| ResponseParameters { size, ..Default::default() }).to_vec();
    let request = StreamingOutputCallRequest { response_parameters, ..Default::default() };
    let mut responses = client.streaming_output_call(request).await?.into_inner();
    for (_, size) in TURNS {
        expect_response(&mut responses, size).await?;
    }
    expect(responses.message().await?.is_none(), "a response too many")
}

async fn ping_pong(client: &mut Client) -> Outcome {
    let (to, requests) = mpsc::channel(1);
    to.send(turn(TURNS[0].0, TURNS[0].1)).await?;
    let mut responses = client.full_duplex_call(ReceiverStream::new(requests)).await?.into_inner();
    expect_response(&mut responses, TURNS[0].1).await?;
    for (request_size, response_size) in &TURNS[1..] {
        to.send(turn(*request_size, *response_size)).await?;
        expect_response(&mut responses, *response_size).await?;
    }
    drop(to);
    expect(responses.message().await?.is_none(), "a response too many")
}

async fn empty_stream(client: &mut Client) -> Outcome {
    let mut responses = client.full_duplex_call(tokio_stream::empty()).await?.into_inner();
    expect(responses.message().await?.is_none(), "a response that nobody asked for")
}

async fn concurrent_large_unary(client: &mut Client) -> Outcome {
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let mut client = client.clone();
        calls.spawn(async move { large_unary(&mut client).await });
    }
    while let Some(outcome) = calls.join_next().await {
        outcome??;
    }
    Ok(())
}

/// To cancel is to drop the call, which then has no status: that the connection goes on is what there is to see.
async fn cancel_after_begin(client: &mut Client) -> Outcome {
    let (to, requests) = mpsc::channel::<StreamingInputCallRequest>(1);
    let call = client.streaming_input_call(ReceiverStream::new(requests));
    let ended = tokio::time::timeout(Duration::from_millis(1), call).await;
    drop(to);
    expect(ended.is_err(), "the call ended by itself")?;
    empty_unary(client).await
}

async fn cancel_after_first_response(client: &mut Client) -> Outcome {
    let (to, requests) = mpsc::channel(1);
    to.send(turn(27182, 31415)).await?;
    let mut responses = client.full_duplex_call(ReceiverStream::new(requests)).await?.into_inner();
    expect_response(&mut responses, 31415).await?;
    drop(responses);
    drop(to);
    empty_unary(client).await
}

async fn timeout_on_sleeping_server(client: &mut Client) -> Outcome {
    let (to, requests) = mpsc::channel(1);
    to.send(StreamingOutputCallRequest { payload: payload(27182), ..Default::default() }).await?;
    let mut request = Request::new(ReceiverStream::new(requests));
    request.set_timeout(Duration::from_millis(1));
    let result = match client.full_duplex_call(request).await {
        Ok(responses) => responses.into_inner().message().await,
        Err(status) => Err(status),
    };
    drop(to);
    expect_status(result, Code::DeadlineExceeded, None)
}

fn with_metadata<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(INITIAL, MetadataValue::from_static("test_initial_metadata_value"));
    request.metadata_mut().insert_bin(TRAILING, MetadataValue::from_bytes(b"\xab\xab\xab"));
    request
}

fn expect_echo(initial: &MetadataMap, trailing: &MetadataMap) -> Outcome {
    expect(initial.get(INITIAL).map_or(false, |v| v == "test_initial_metadata_value"), "the header")?;
    expect(trailing.get_bin(TRAILING).map_or(false, |v| v == b"\xab\xab\xab".as_slice()), "the trailer")
}

async fn custom_metadata(client: &mut Client) -> Outcome {
    // A unary response has its trailers among its metadata.
    let reply = client.unary_call(with_metadata(large())).await?;
    expect_echo(reply.metadata(), reply.metadata())?;
    let requests = tokio_stream::iter([turn(271828, 314159)]);
    let response = client.full_duplex_call(with_metadata(requests)).await?;
    let initial = response.metadata().clone();
    let mut responses = response.into_inner();
    expect_response(&mut responses, 314159).await?;
    expect(responses.message().await?.is_none(), "a response too many")?;
    expect_echo(&initial, &responses.trailers().await?.unwrap_or_default())
}

fn wanted(message: &str) -> Option<EchoStatus> {
    Some(EchoStatus { code: 2, message: message.to_string() })
}

async fn status_code_and_message(client: &mut Client) -> Outcome {
    let text = "test status message";
    let unary = client.unary_call(SimpleRequest { response_status: wanted(text), ..Default::default() }).await;
    expect_status(unary, Code::Unknown, Some(text))?;
    let request = StreamingOutputCallRequest { response_status: wanted(text), ..Default::default() };
    let result = match client.full_duplex_call(tokio_stream::iter([request])).await {
        Ok(responses) => responses.into_inner().message().await,
        Err(status) => Err(status),
    };
    expect_status(result, Code::Unknown, Some(text))
}

async fn special_status_message(client: &mut Client) -> Outcome {
    let text = "\t\ntest with whitespace\r\nand Unicode BMP \u{263a} and non-BMP \u{1f608}\t\n";
    let unary = client.unary_call(SimpleRequest { response_status: wanted(text), ..Default::default() }).await;
    expect_status(unary, Code::Unknown, Some(text))
}

async fn unimplemented_method(client: &mut Client) -> Outcome {
    expect_status(client.unimplemented_call(Empty {}).await, Code::Unimplemented, None)
}

async fn unimplemented_service(channel: Channel) -> Outcome {
    let mut client = UnimplementedServiceClient::new(channel);
    expect_status(client.unimplemented_call(Empty {}).await, Code::Unimplemented, None)
}

async fn one(flags: &Flags) -> Outcome {
    let channel = open(flags).await?;
    let client = &mut Client::new(channel.clone());
    match flags.get("test_case") {
        "empty_unary" => empty_unary(client).await,
        "large_unary" => large_unary(client).await,
        "cacheable_unary" => client.cacheable_unary_call(large()).await.map(|_| ()).map_err(Into::into),
        "pick_first_unary" => pick_first_unary(client).await,
        "client_streaming" => client_streaming(client).await,
        "server_streaming" => server_streaming(client).await,
        "ping_pong" => ping_pong(client).await,
        "empty_stream" => empty_stream(client).await,
        "cancel_after_begin" => cancel_after_begin(client).await,
        "cancel_after_first_response" => cancel_after_first_response(client).await,
        "timeout_on_sleeping_server" => timeout_on_sleeping_server(client).await,
        "custom_metadata" => custom_metadata(client).await,
        "status_code_and_message" => status_code_and_message(client).await,
        "special_status_message" => special_status_message(client).await,
        "unimplemented_method" => unimplemented_method(client).await,
        "unimplemented_service" => unimplemented_service(channel).await,
        "rpc_soak" => {
            for _ in 0..10 {
                large_unary(client).await?;
            }
            Ok(())
        }
        "concurrent_large_unary" => concurrent_large_unary(client).await,
        "channel_soak" => {
            for _ in 0..10 {
                large_unary(&mut Client::new(open(flags).await?)).await?;
            }
            Ok(())
        }
        _ => Err("no such case".into()),
    }
}

pub async fn play(flags: &Flags) -> Outcome {
    tokio::time::timeout(LIMIT, one(flags)).await.map_err(|_| "not over after a minute")?
}
