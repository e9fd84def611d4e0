// SPDX-License-Identifier: Apache-2.0
//! Echo Metadata. A handler of tonic cannot set trailers of a call that ends with OK, so a layer around the service does.
use bytes::Bytes;
use http::HeaderValue;
use http_body::Frame;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tonic::body::Body;
use tower::Service;

#[derive(Clone)]
pub struct Echo<S>(pub S);

struct WithTrailer {
    inner: Body,
    value: HeaderValue,
}

impl http_body::Body for WithTrailer {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let value = self.value.clone();
        Pin::new(&mut self.inner).poll_frame(cx).map_ok(|mut frame| {
            if let Some(trailers) = frame.trailers_mut() {
                trailers.insert(crate::TRAILING, value);
            }
            frame
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}

impl<S> Service<http::Request<Body>> for Echo<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let initial = request.headers().get(crate::INITIAL).cloned();
        let trailing = request.headers().get(crate::TRAILING).cloned();
        let response = self.0.call(request);
        Box::pin(async move {
            let mut response = response.await?;
            if let Some(value) = initial {
                response.headers_mut().insert(crate::INITIAL, value);
            }
            Ok(match trailing {
                Some(value) => response.map(|inner| Body::new(WithTrailer { inner, value })),
                None => response,
            })
        })
    }
}
