//! Whole answers, of endpoints that exist and of all that do not.

use std::future::pending;
use std::sync::{Arc, Mutex};

use axum::Extension;
use axum::response::Response;
use axum::routing::{any, get as on_get, post};
use domain::{MessageId, Time};
use http::Request;
use http_body_util::Full;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::testing::{BODY_BYTES_MAX, brief, front, get, request, whole};
use crate::{Params, Path};

async fn message(Path(id): Path<MessageId>) -> Response {
    answer::ok(&json!({ "_id": id.to_string() }))
}

async fn authorised(Extension(visit): Extension<Visit>) -> ApiError {
    visit.session_expires(Time(1_935_656_430_000));
    ApiError::NotPermitted
}

async fn broken() -> Response {
    panic!("a bug")
}

fn router() -> Router {
    Router::new()
        .route("/chat/Message", on_get(async || answer::ok(&json!({"items": []}))))
        .route("/chat/Message", post(async |params: Params| answer::created(&params.rest())))
        .route("/chat/Message/{id}", on_get(message).delete(async || answer::empty()))
        .route("/authorised", on_get(authorised))
        .route("/broken", on_get(broken))
        .route("/endless", on_get(async || pending::<Response>().await))
        .route("/fault", any(async || ApiError::internal(anyhow::anyhow!("disk on fire"))))
        .route("/busy", any(async || ApiError::Unavailable(Duration::from_millis(1_001))))
}

#[tokio::test]
async fn an_answer_carries_all_that_browsers_need() {
    let mut asked = get("/chat/message.json?");
    asked.headers_mut().insert("X-Request-Id", HeaderValue::from_static("mine-7"));
    insta::assert_snapshot!(whole(&front(router()), asked).await, @r#"
    200 OK
    access-control-allow-origin: *
    access-control-expose-headers: CB-Token-ExpirationDate, Log-Position, Log-Visible, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id
    cache-control: no-store
    content-length: 12
    content-security-policy: default-src 'none'; frame-ancestors 'none'
    content-type: application/json; charset=utf-8
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: mine-7
    {"items":[]}
    "#);
}

#[tokio::test]
async fn a_preflight_needs_no_token_and_no_known_path() {
    let asked = request(Method::OPTIONS, "/what/ever.json", "", "");
    insta::assert_snapshot!(whole(&front(router()), asked).await, @"
    204 No Content
    access-control-allow-headers: Authorization, Content-Type, CB-Token, CB-AuthKey, CB-SDK, CB-Administration-API-Key, ConnectyCube-REST-API-Version, Idempotency-Key, Min-Log-Position, X-Request-Id
    access-control-allow-methods: GET, POST, PUT, PATCH, DELETE, OPTIONS
    access-control-allow-origin: *
    access-control-expose-headers: CB-Token-ExpirationDate, Log-Position, Log-Visible, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id
    access-control-max-age: 7200
    cache-control: no-store
    content-security-policy: default-src 'none'; frame-ancestors 'none'
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: made-here
    ");
}

#[tokio::test]
async fn an_answer_without_a_body_is_text() {
    let asked = request(Method::DELETE, "/chat/Message/5c094c0ce588ce6856f87422", "", "");
    insta::assert_snapshot!(whole(&front(router()), asked).await, @"
    200 OK
    access-control-allow-origin: *
    access-control-expose-headers: CB-Token-ExpirationDate, Log-Position, Log-Visible, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id
    cache-control: no-store
    content-length: 0
    content-security-policy: default-src 'none'; frame-ancestors 'none'
    content-type: text/plain; charset=utf-8
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: made-here
    ");
}

#[tokio::test]
async fn an_authorised_answer_says_when_the_session_ends_even_when_refused() {
    insta::assert_snapshot!(whole(&front(router()), get("/authorised")).await, @r#"
    403 Forbidden
    access-control-allow-origin: *
    access-control-expose-headers: CB-Token-ExpirationDate, Log-Position, Log-Visible, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id
    cache-control: no-store
    cb-token-expirationdate: 2031-05-04 10:20:30 UTC
    content-length: 88
    content-security-policy: default-src 'none'; frame-ancestors 'none'
    content-type: application/json; charset=utf-8
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: made-here
    {"errors":{"base":["You don't have appropriate permissions to perform this operation"]}}
    "#);
}

#[tokio::test(start_paused = true)]
async fn what_no_endpoint_answers_has_the_apis_shape() {
    let front = front(router());
    let mut shown = String::new();
    for (method, uri) in [
        (Method::GET, "/"),
        (Method::GET, "/address_book.json"),
        (Method::PUT, "/chat/Message"),
        (Method::TRACE, "/chat/Message"),
        (Method::GET, "/chat//Message"),
        (Method::GET, "/chat/Message/_"),
        (Method::GET, "/chat/Message/%FF"),
        (Method::GET, "/chat/Message/%00"),
        (Method::GET, "/broken"),
        (Method::GET, "/endless"),
        (Method::GET, "/fault"),
        (Method::GET, "/busy"),
    ] {
        let answer = brief(&front, request(method.clone(), uri, "", "")).await;
        shown.push_str(&format!("{method} {uri}: {answer}\n"));
    }
    insta::assert_snapshot!(shown, @r#"
    GET /: 404 {"errors":["Not found"]}
    GET /address_book.json: 404 {"errors":["Not found"]}
    PUT /chat/Message: 404 {"errors":["Not found"]}
    TRACE /chat/Message: 404 {"errors":["Not found"]}
    GET /chat//Message: 404 {"errors":["Not found"]}
    GET /chat/Message/_: 404 {"errors":["The resource wasn't found"]}
    GET /chat/Message/%FF: 404 {"errors":["The resource wasn't found"]}
    GET /chat/Message/%00: 404 {"errors":["The resource wasn't found"]}
    GET /broken: 500 {"errors":["Internal server error"]}
    GET /endless: 503 {"errors":["Service temporarily unavailable"]}
    GET /fault: 500 {"errors":["Internal server error"]}
    GET /busy: 503 {"errors":["Service temporarily unavailable"]}
    "#);
}

#[tokio::test]
async fn busy_says_when_to_come_back_in_whole_seconds() {
    let response = front(router()).answer(get("/busy")).await;
    assert_eq!(response.headers()["Retry-After"], "2");
    let response = ApiError::TooManyRequests(Duration::ZERO).into_response();
    assert_eq!(response.headers()["Retry-After"], "1");
}

#[tokio::test]
async fn a_request_above_the_limits_is_refused() {
    let front = front(router());
    let long = format!("/chat/Message?a={}", "a".repeat(16 * 1024));
    assert_eq!(brief(&front, get(&long)).await, r#"414 {"errors":["The request address is too long"]}"#);
    let too_large = r#"413 {"errors":["The request body is too large"]}"#;
    let text = "a".repeat(BODY_BYTES_MAX);
    let body = format!(r#"{{"message":"{text}"}}"#);
    let asked = request(Method::POST, "/chat/Message", "application/json", body);
    assert_eq!(brief(&front, asked).await, too_large);
    // An endpoint that reads no body refuses too large a one as well.
    let announced = (BODY_BYTES_MAX + 1).to_string();
    let asked =
        Request::get("/chat/Message").header("Content-Length", announced).body(Body::empty()).unwrap();
    assert_eq!(brief(&front, asked).await, too_large);
    let body = format!("message={}", &text[8..]);
    let asked = request(Method::POST, "/chat/Message", "", body);
    assert_eq!(front.answer(asked).await.status(), http::StatusCode::CREATED);
}

#[tokio::test]
async fn who_leaves_a_body_unread_says_that_the_connection_ends() {
    let front = front(router());
    let closes = async |method: Method, uri: &str| {
        let asked = Request::builder().method(method).uri(uri).header("Content-Length", "10");
        let response = front.answer(asked.body(Body::from("message=hi")).unwrap()).await;
        response.headers().get("Connection").is_some_and(|value| value == "close")
    };
    assert!(!closes(Method::POST, "/chat/Message").await);
    assert!(closes(Method::GET, "/authorised").await);
    assert!(closes(Method::POST, "/unknown").await);
    let without = front.answer(get("/authorised")).await;
    assert!(!without.headers().contains_key("Connection"));
}

#[tokio::test]
async fn any_kind_of_body_is_served() {
    let body = Full::new(Bytes::from_static(b"message=hi"));
    let asked = Request::post("/chat/Message.json").body(body).unwrap();
    let response = front(router()).call(asked).await.unwrap();
    assert_eq!(response.status(), http::StatusCode::CREATED);
}

#[tokio::test]
async fn only_a_harmless_request_id_is_taken_over() {
    let front = front(router());
    for (given, kept) in [
        ("mine-7_a.B", true),
        ("", false),
        ("two words", false),
        ("a\tb", false),
        (&"x".repeat(64), true),
        (&"x".repeat(65), false),
    ] {
        let mut asked = get("/");
        asked.headers_mut().insert("X-Request-Id", HeaderValue::from_str(given).unwrap());
        let response = front.answer(asked).await;
        assert_eq!(response.headers()["X-Request-Id"], if kept { given } else { "made-here" });
    }
}

#[tokio::test]
async fn requests_are_counted_by_the_template_of_their_route() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let recording = metrics::set_default_local_recorder(&recorder);
    let front = front(router());
    for id in ["5c094c0ce588ce6856f87422", "5c094c0ce588ce6856f87423", "_"] {
        front.answer(get(&format!("/chat/message/{id}.json"))).await;
        front.answer(get(&format!("/no/{id}"))).await;
        front.answer(request(Method::from_bytes(id.as_bytes()).unwrap(), "/broken", "", "")).await;
    }
    front.answer(get("/broken")).await;
    drop(recording);
    let text = handle.render();
    let mut counted: Vec<_> = text.lines().filter(|line| line.starts_with("http_requests_total")).collect();
    counted.sort_unstable();
    insta::assert_snapshot!(counted.join("\n"), @r#"
    http_requests_total{endpoint="/broken",method="GET",status="500"} 1
    http_requests_total{endpoint="/broken",method="other",status="404"} 3
    http_requests_total{endpoint="/chat/Message/{id}",method="GET",status="200"} 2
    http_requests_total{endpoint="/chat/Message/{id}",method="GET",status="404"} 1
    http_requests_total{endpoint="unmatched",method="GET",status="404"} 3
    "#);
    assert!(text.contains(r#"http_request_duration_seconds_count{endpoint="/broken",method="GET"} 1"#));
}

/// The log of one test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_has_one_line_a_request_and_no_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .finish();
    let logging = tracing::subscriber::set_default(subscriber);
    let front = front(router());
    // Another test may have come upon these lines of code first, when nobody listened.
    for uri in ["/chat/Message", "/fault"] {
        front.answer(get(uri)).await;
    }
    tracing::callsite::rebuild_interest_cache();
    log.0.lock().unwrap().clear();
    for uri in ["/chat/Message?token=secret", "/secret?secret=1", "/chat/Message/secret", "/fault?secret"] {
        for body in ["secret=secret", "{\"secret\":", "secret=%ff"] {
            let mut asked = request(Method::POST, uri, "application/json", body);
            asked.headers_mut().insert("CB-Token", HeaderValue::from_static("secret"));
            front.answer(asked).await;
        }
    }
    drop(logging);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(text.matches("answered a request").count(), 9);
    let faults: Vec<_> = text.lines().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(faults.len(), 3);
    assert!(faults[0].contains("made-here") && faults[0].contains("disk on fire"), "{}", faults[0]);
}
