//! Tests of the provider: what it is asked, and what of its answers lets somebody in.

use serde_json::json;

use super::*;
use crate::remote::testing::{Answer, Outside, whole};

const TIME_MAX: Duration = Duration::from_millis(300);
/// For whoever has to answer: much longer than that takes.
const AMPLE: Duration = Duration::from_secs(60);

fn settings(url: String, time_max: Duration) -> ProviderSettings {
    let fields = Fields {
        uid: "#{user.id}".to_owned(),
        full_name: "#{user.first} #{user.last}".to_owned(),
        email: "#{user.mails.0}".to_owned(),
        tag_list: "#{user.groups}".to_owned(),
        ..Fields::default()
    };
    ProviderSettings { url, time_max, requests_max: 2, local_users: false, fields }
}

fn provider_at(outside: &Outside, time_max: Duration) -> Provider {
    let url = outside.url("/check?user=#{login}&secret=#{password}");
    Provider::new(&settings(url, time_max)).unwrap()
}

/// What comes of an answer: the key, or the words of the refusal.
async fn outcome(answer: Answer, time_max: Duration) -> String {
    let outside = Outside::answering(answer).await;
    let known = provider_at(&outside, time_max).ask("zoe", Some(&Password::new("secret"))).await;
    match known {
        Ok(known) => known.key.as_str().to_owned(),
        Err(SignInError::Refused(reason)) => reason,
        Err(other) => format!("{other:?}"),
    }
}

fn user(id: serde_json::Value) -> Answer {
    Answer::Json(200, json!({ "user": { "id": id } }))
}

#[tokio::test]
async fn name_and_password_arrive_as_they_were_typed() {
    let outside = Outside::answering(user(json!(7))).await;
    let provider = provider_at(&outside, AMPLE);
    let known = provider.ask("zoë/../&x=#?", Some(&Password::new("a b+c%\u{0}/é"))).await;
    assert_eq!(known.unwrap().key.as_str(), "custom:7");
    let asked = outside.asked().remove(0);
    let line = "GET /check?user=zo%C3%AB%2F..%2F%26x%3D%23%3F&secret=a%20b%2Bc%25%00%2F%C3%A9 HTTP/1.1\r\n";
    assert!(asked.starts_with(line), "{asked}");
}

#[tokio::test]
async fn a_name_cannot_lead_elsewhere() {
    let outside = Outside::answering(user(json!(7))).await;
    let provider = Provider::new(&settings(outside.url("/users/#{login}"), AMPLE)).unwrap();
    for name in ["..", "."] {
        let refused = provider.ask(name, None).await;
        assert!(matches!(refused, Err(SignInError::Refused(_))), "{name}");
    }
    assert_eq!(outside.asked(), Vec::<String>::new());
    for (name, path) in [("...", "/users/..."), ("%2e%2e", "/users/%252e%252e"), ("a/..", "/users/a%2F..")] {
        provider.ask(name, None).await.unwrap();
        let asked = outside.asked().pop().unwrap();
        assert!(asked.starts_with(&format!("GET {path} HTTP/1.1")), "{asked}");
    }
}

#[tokio::test]
async fn values_are_taken_from_where_the_mapping_says() {
    let answer = json!({ "user": {
        "id": "u-1", "first": "Zoë", "last": "Doe", "mails": ["zoe@x.org"], "groups": ["a", "b"],
    } });
    let outside = Outside::answering(Answer::Json(200, answer)).await;
    let known = provider_at(&outside, AMPLE).ask("zoe", Some(&Password::new("secret"))).await.unwrap();
    let (profile, about) = (&known.profile, &known.profile.about);
    assert_eq!(about.full_name.as_deref(), Some("Zoë Doe"));
    assert_eq!(profile.email.as_ref().map(|email| email.text.as_str()), Some("zoe@x.org"));
    assert_eq!(about.user_tags.as_deref(), Some("a,b"));
    assert_eq!(about.external_id.as_deref(), Some("u-1"));
    assert!(profile.login.is_none() && about.avatar.is_none());
}

#[tokio::test]
async fn what_does_not_fit_is_left_out() {
    let answer =
        json!({ "user": { "id": 7, "first": {}, "last": "Doe", "mails": ["no mail"], "groups": [[]] } });
    let outside = Outside::answering(Answer::Json(200, answer)).await;
    let known = provider_at(&outside, AMPLE).ask("zoe", Some(&Password::new("secret"))).await.unwrap();
    let (profile, about) = (&known.profile, &known.profile.about);
    assert!(profile.email.is_none() && about.full_name.is_none() && about.user_tags.is_none());
}

#[tokio::test]
async fn only_an_id_lets_somebody_in() {
    assert_eq!(outcome(user(json!("u-1")), AMPLE).await, "custom:u-1");
    assert_eq!(outcome(user(json!(7)), AMPLE).await, "custom:7");
    let longest = "x".repeat(REFERENCE_MAX);
    assert_eq!(outcome(user(json!(longest)), AMPLE).await, format!("custom:{longest}"));
    for nobody in
        [json!(null), json!(""), json!(true), json!(7.5), json!(1e300), json!([7]), json!({ "id": 7 })]
    {
        assert_eq!(outcome(user(nobody.clone()), AMPLE).await, "200, but without a user's id", "{nobody}");
    }
    assert_eq!(outcome(Answer::Json(200, json!([])), AMPLE).await, "200, but without a user's id");
    for unfit in [json!("x".repeat(REFERENCE_MAX + 1)), json!("a\u{0}b"), json!("x".repeat(60_000))] {
        assert_eq!(outcome(user(unfit), AMPLE).await, "200, but the user's id cannot be kept");
    }
}

#[tokio::test]
async fn whatever_else_is_answered_is_a_refusal() {
    let id = json!({ "user": { "id": 7 } });
    let elsewhere = "HTTP/1.1 302 x\r\nLocation: /check\r\nContent-Length: 0\r\n\r\n";
    let kind = |kind: &str| Answer::Raw(whole("200", kind, &id.to_string()));
    let huge = whole(
        "200",
        "application/json",
        &json!({ "user": { "id": 7 }, "x": "x".repeat(5_000_000) }).to_string(),
    );
    let endless = format!(
        "HTTP/1.1 200 x\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{}",
        "[".repeat(5_000_000)
    );
    let deep = Answer::Raw(whole("200", "application/json", &"[".repeat(50_000)));
    let broken = "HTTP/1.1 200 x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{}";
    for (answer, reason) in [
        (Answer::Json(401, id.clone()), "401"),
        (Answer::Json(404, id.clone()), "404"),
        (Answer::Json(500, id.clone()), "500"),
        (Answer::Raw(elsewhere.to_owned()), "302"),
        (kind("text/html"), "200, but not JSON"),
        (kind("text/json"), "200, but not JSON"),
        (Answer::Raw(whole("200", "application/json", "<html>")), "200, but not JSON"),
        (deep, "200, but not JSON"),
        (Answer::Raw(huge), "200, but too large"),
        (Answer::Raw(endless), "200, but too large"),
        (Answer::Raw(broken.to_owned()), "not reached"),
        (Answer::Raw("garbage\r\n\r\n".to_owned()), "not reached"),
    ] {
        assert_eq!(outcome(answer, AMPLE).await, reason);
    }
    assert_eq!(outcome(kind("application/vnd.team+json; charset=utf-8"), AMPLE).await, "custom:7");
}

#[tokio::test]
async fn nobody_is_waited_for_longer_than_allowed() {
    assert_eq!(outcome(Answer::Silence, TIME_MAX).await, "no answer within 300 ms");
    let begun = "HTTP/1.1 200 x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
    let half = Answer::Half(begun.to_owned());
    assert_eq!(outcome(half, TIME_MAX).await, "no answer within 300 ms");
    let nobody = Provider::new(&settings("http://127.0.0.1:1/#{login}".to_owned(), AMPLE)).unwrap();
    let refused = nobody.ask("zoe", None).await;
    assert!(matches!(refused, Err(SignInError::Refused(reason)) if reason == "not reached"));
}

#[tokio::test]
async fn only_so_many_are_asked_for_at_once() {
    let outside = Outside::answering(Answer::Silence).await;
    let provider = provider_at(&outside, TIME_MAX);
    let secret = Password::new("secret");
    let asked = std::array::from_fn::<_, 3, _>(|_| provider.ask("zoe", Some(&secret)));
    let [first, second, third] = asked;
    let (first, second, third) = tokio::join!(first, second, third);
    assert!([first, second].iter().all(|late| matches!(late, Err(SignInError::Refused(_)))));
    assert!(matches!(third, Err(SignInError::Identity(Error::Busy))));
}

#[tokio::test]
async fn a_password_is_asked_for_if_the_provider_wants_it() {
    let outside = Outside::answering(user(json!(7))).await;
    let wanting = provider_at(&outside, AMPLE);
    for none in [None, Some(Password::new(""))] {
        assert!(matches!(wanting.ask("zoe", none.as_ref()).await, Err(SignInError::PasswordNeeded)));
    }
    let long = Password::new("x".repeat(NAME_BYTES_MAX + 1));
    assert!(matches!(wanting.ask("zoe", Some(&long)).await, Err(SignInError::TooLong)));
    assert_eq!(outside.asked(), Vec::<String>::new());
    let other = Provider::new(&settings(outside.url("/#{login}"), AMPLE)).unwrap();
    other.ask("zoe", None).await.unwrap();
    other.ask("zoe", Some(&Password::new("any dummy"))).await.unwrap();
    assert!(outside.asked().iter().all(|asked| !asked.contains("dummy")));
}

#[test]
fn an_address_without_sense_is_refused_by_name() {
    for (url, reason) in [
        ("ftp://id.example/#{login}", "http"),
        ("id.example/#{login}", "no URL"),
        ("https://id.example/", "#{login}"),
        ("https://#{login}.example/", "path and query only"),
        ("https://#{password}@id.example/#{login}", "path and query only"),
        ("https://id.example/##{login}", "path and query only"),
        ("https://id.example/#{login}/#{user}", "#{user}"),
        ("https://id.example/#{login", "without its"),
    ] {
        let refused = Provider::new(&settings(url.to_owned(), AMPLE)).unwrap_err().to_string();
        assert!(refused.contains("identity.provider.url") && refused.contains(reason), "{url}: {refused}");
    }
    let without = ProviderSettings {
        fields: Fields::default(),
        ..settings("https://id.example/#{login}".to_owned(), AMPLE)
    };
    assert!(Provider::new(&without).unwrap_err().to_string().contains("identity.provider.fields.uid"));
}
