//! Tests of the webhook: what it is told, how it can know by whom, and how often.

use domain::UserId;
use serde_json::Value;

use super::*;
use crate::remote::testing::{Answer, Outside};

const NOW: Time = Time(1_700_000_000_000);
const SECRET: &str = "sixteen bytes or more";

fn webhook_at(outside: &Outside) -> Webhook {
    let settings = WebhookSettings {
        url: outside.url("/resets"),
        secret: SECRET.to_owned(),
        time_max: Duration::from_secs(60),
        requests_max: 2,
        retry_after: Duration::from_millis(1),
        lifetime: Duration::from_secs(3_600),
    };
    Webhook::new(&settings).unwrap()
}

fn zoe() -> User {
    User {
        id: UserId::new(7).unwrap(),
        full_name: Some("Zoë".to_owned()),
        email: Some("zoe@x.org".to_owned()),
        login: None,
        phone: None,
        website: None,
        created_at: NOW,
        updated_at: NOW,
        last_request_at: None,
        external_user_id: None,
        external_id: None,
        facebook_id: None,
        twitter_id: None,
        blob_id: None,
        custom_data: None,
        avatar: None,
        user_tags: None,
        timezone: None,
        is_guest: false,
        is_disabled: false,
    }
}

#[tokio::test]
async fn it_is_told_who_and_can_check_by_whom() {
    let outside = Outside::answering(Answer::Json(200, Value::Null)).await;
    assert!(webhook_at(&outside).tell(&zoe(), [0xab; 20], NOW).await);
    let asked = outside.asked().remove(0);
    let (head, body) = asked.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        body,
        format!(
            r#"{{"event":"password_reset","user_id":7,"email":"zoe@x.org","full_name":"Zoë","token":"{}","expires_at":"2023-11-14T23:13:20Z"}}"#,
            "ab".repeat(20)
        )
    );
    assert!(head.starts_with("POST /resets HTTP/1.1"), "{head}");
    let signature = head.lines().find_map(|line| line.strip_prefix("hansard-signature: ")).unwrap();
    let (time, digest) = signature.split_once(',').unwrap();
    assert_eq!(time, "t=1700000000");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let expected = hmac::sign(&key, format!("1700000000.{body}").as_bytes());
    let expected = expected.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(digest, format!("v1={expected}"));
}

#[tokio::test]
async fn it_is_told_again_until_it_listens_or_enough_is_enough() {
    for (status, times) in [(500, 5), (503, 5), (408, 5), (429, 5), (400, 1), (404, 1), (302, 1)] {
        let outside = Outside::answering(Answer::Json(status, Value::Null)).await;
        assert!(!webhook_at(&outside).tell(&zoe(), [1; 20], NOW).await);
        let asked = outside.asked();
        assert_eq!(asked.len(), times, "{status}");
        assert!(asked.iter().all(|again| *again == asked[0]), "the same each time");
    }
}

#[test]
fn what_is_secret_is_hidden_and_has_to_be_long() {
    let settings = WebhookSettings {
        url: "https://mail.example/?key=xyzzy".to_owned(),
        secret: "xyzzy".to_owned(),
        time_max: Duration::from_secs(1),
        requests_max: 1,
        retry_after: Duration::from_secs(1),
        lifetime: Duration::from_secs(3_600),
    };
    assert!(!format!("{settings:?}").contains("xyzzy"));
    assert!(Webhook::new(&settings).unwrap_err().to_string().contains("reset.webhook_secret"));
}
