//! The transport: carries what `steading_api::client` prepares by the browser's fetch. The session's
//! cookie travels by itself.

use std::marker::PhantomData;

use js_sys::{Promise, Reflect, Uint8Array};
use steading_api::client::{CallError, Prepared, prepare, read, refusal};
use steading_api::operation::Operation;
use steading_types::Millis;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStreamDefaultReader, RequestInit, Response};

use crate::browser;
use crate::sse::Reader;

/// Calls an operation and reads its answer.
pub(crate) async fn call<O: Operation>(
    parts: &[&str],
    query: &O::Query,
    body: &O::Body,
) -> Result<O::Answer, CallError> {
    let response = send(&prepare::<O>(parts, query, body)?, None).await?;
    read::<O>(response.status(), &whole_body(&response).await?)
}

/// Opens the stream of an operation that answers with events.
pub(crate) async fn follow<O>(
    parts: &[&str],
    query: &O::Query,
) -> Result<Events<O::Answer>, CallError>
where
    O: Operation<Body = ()>,
{
    let abort = AbortController::new().map_err(|error| unreachable(&error))?;
    let response = send(&prepare::<O>(parts, query, &())?, Some(&abort)).await?;
    if !response.ok() {
        return Err(refusal(response.status(), &whole_body(&response).await?));
    }
    let body = response
        .body()
        .ok_or_else(|| CallError::Malformed("the stream has no body".to_owned()))?;
    let source = body.get_reader().unchecked_into();
    Ok(Events {
        source,
        abort,
        reader: Reader::default(),
        reading: None,
        answer: PhantomData,
    })
}

/// Events as they come. Dropping it closes the connection.
pub(crate) struct Events<A> {
    source: ReadableStreamDefaultReader,
    abort: AbortController,
    reader: Reader,
    reading: Option<Promise>,
    answer: PhantomData<A>,
}

impl<A: serde::de::DeserializeOwned> Events<A> {
    /// What ends this stream from outside.
    pub(crate) fn abort_handle(&self) -> AbortController {
        self.abort.clone()
    }

    /// The next events; none when the server closed the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<A>>, CallError> {
        let reading = self.reading.take().unwrap_or_else(|| self.source.read());
        let result = JsFuture::from(reading)
            .await
            .map_err(|error| unreachable(&error))?;
        self.take(&result)
    }

    /// What comes within a span; returns early when the server closes the stream.
    pub(crate) async fn gather(&mut self, span: Millis) -> Result<Vec<A>, CallError> {
        let timer = browser::timer(span);
        let mut gathered = Vec::new();
        loop {
            let reading = self.reading.take().unwrap_or_else(|| self.source.read());
            let first = Promise::race(&js_sys::Array::of2(&reading, &timer));
            let result = JsFuture::from(first)
                .await
                .map_err(|error| unreachable(&error))?;
            if result.is_undefined() {
                self.reading = Some(reading);
                return Ok(gathered);
            }
            match self.take(&result)? {
                Some(events) => gathered.extend(events),
                None => return Ok(gathered),
            }
        }
    }

    fn take(&mut self, result: &JsValue) -> Result<Option<Vec<A>>, CallError> {
        if field(result, "done").is_truthy() {
            return Ok(None);
        }
        let chunk = Uint8Array::new(&field(result, "value")).to_vec();
        let events = self.reader.push(&chunk);
        let answers: Result<Vec<A>, _> = events
            .iter()
            .map(|event| serde_json::from_str(&event.data))
            .collect();
        answers
            .map(Some)
            .map_err(|error| CallError::Malformed(error.to_string()))
    }
}

impl<A> Drop for Events<A> {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

async fn send(request: &Prepared, abort: Option<&AbortController>) -> Result<Response, CallError> {
    let window = web_sys::window().ok_or_else(|| CallError::Unreachable("no window".to_owned()))?;
    let init = RequestInit::new();
    init.set_method(request.method.as_str());
    let headers = web_sys::Headers::new().map_err(|error| unreachable(&error))?;
    // The server takes a cookie for a change only together with a content type that no form can send.
    headers
        .set("content-type", "application/json")
        .map_err(|error| unreachable(&error))?;
    init.set_headers_headers(&headers);
    if let Some(body) = &request.body {
        init.set_body(&JsValue::from_str(body));
    }
    if let Some(abort) = abort {
        init.set_signal(Some(&abort.signal()));
    }
    let response = JsFuture::from(window.fetch_with_str_and_init(&request.path, &init))
        .await
        .map_err(|error| unreachable(&error))?;
    response
        .dyn_into()
        .map_err(|_| CallError::Malformed("no response".to_owned()))
}

async fn whole_body(response: &Response) -> Result<Vec<u8>, CallError> {
    let buffer = response
        .array_buffer()
        .map_err(|error| unreachable(&error))?;
    let buffer = JsFuture::from(buffer)
        .await
        .map_err(|error| unreachable(&error))?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

fn field(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

fn unreachable(error: &JsValue) -> CallError {
    let message = field(error, "message").as_string();
    CallError::Unreachable(message.unwrap_or_else(|| "the browser gave no reason".to_owned()))
}
