//! Passwords and tokens stay where they belong.

use identity::{Credentials, Name, Password, Unknown};

use crate::fixture::{PASSWORD, START, each_store};

#[tokio::test]
async fn no_secret_is_on_the_disk_or_in_a_debug_output() {
    each_store(async |it| {
        let alice = it.user("alice").await;
        let session = it.session(0xab, Some(alice.id)).await;
        let caller = it.identity.authenticate(session.token.as_str(), START).await.unwrap();
        let credentials =
            Credentials { name: Name::Login("alice".into()), password: Password::new(PASSWORD) };
        it.identity.sign_in(credentials.clone(), Unknown::Refuse, START).await.unwrap();

        let token = session.token.as_str();
        let shown = format!("{alice:?}{session:?}{caller:?}{credentials:?}{:?}", it.identity);
        assert!(!shown.contains(PASSWORD) && !shown.contains(token), "{shown}");

        let written = it.place.written().await;
        let holds = |secret: &[u8]| written.windows(secret.len()).any(|window| window == secret);
        assert!(!holds(PASSWORD.as_bytes()) && !holds(token.as_bytes()) && !holds(&[0xab; 20]));
        assert!(holds(b"alice"), "the search would find a text that is there");
    })
    .await;
}
