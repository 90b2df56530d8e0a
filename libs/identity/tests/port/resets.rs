//! A forgotten password: a token lets whoever holds it set a new one, once, and within its time.

use identity::{Change, Error, NewUser, Password, RawChange, SignUp, Token};

use crate::fixture::{Fixture, PASSWORD, SALT, START, at, each_store, id};

const NEW_PASSWORD: &str = "staple battery horse";

async fn alice(it: &Fixture) -> identity::User {
    let raw = SignUp {
        login: Some("alice".into()),
        email: Some("Alice@example.com".into()),
        password: Some(Password::new(PASSWORD)),
        ..SignUp::default()
    };
    it.identity.sign_up(NewUser::parse(raw).unwrap(), SALT, START).await.unwrap()
}

async fn begin(it: &Fixture, token: u8) -> Option<identity::User> {
    it.identity.begin_reset("alice@EXAMPLE.com", [token; 20], START).await.unwrap()
}

async fn finish(it: &Fixture, token: u8, password: &str, now: u64) -> Result<(), Error> {
    let token = Token::from_bytes([token; 20]);
    it.identity.finish_reset(token.as_str(), Password::new(password), SALT, at(now)).await
}

#[tokio::test]
async fn a_token_sets_a_new_password_once_and_ends_all_sessions() {
    each_store(async |it| {
        let alice = alice(&it).await;
        let session = it.session(1, Some(alice.id)).await;
        assert_eq!(begin(&it, 7).await.map(|user| user.id), Some(alice.id));
        assert_eq!(begin(&it, 8).await.map(|user| user.id), Some(alice.id));
        assert_eq!(it.sign_in("alice", PASSWORD).await, Ok(alice.id), "nothing has changed yet");
        let it = it.restart().await;
        assert!(matches!(finish(&it, 7, "short", 1).await, Err(Error::Invalid(_))));
        assert_eq!(finish(&it, 7, NEW_PASSWORD, 1).await, Ok(()));
        assert_eq!(it.asks(&session, START).await, Err(Error::NoSuchSession));
        assert_eq!(it.sign_in("alice", PASSWORD).await, Err(Error::InvalidPassword));
        assert_eq!(it.sign_in("alice", NEW_PASSWORD).await, Ok(alice.id));
        for used in [7, 8] {
            assert_eq!(finish(&it, used, PASSWORD, 1).await, Err(Error::NoSuchReset), "{used}");
        }
        assert_eq!(it.sign_in("alice", NEW_PASSWORD).await, Ok(alice.id));
    })
    .await;
}

#[tokio::test]
async fn a_token_is_good_for_an_hour() {
    each_store(async |it| {
        alice(&it).await;
        begin(&it, 7).await;
        begin(&it, 8).await;
        assert_eq!(finish(&it, 7, NEW_PASSWORD, 60).await, Err(Error::NoSuchReset));
        assert_eq!(it.identity.sweep(at(59)).await, Ok(0));
        assert_eq!(it.identity.sweep(at(60)).await, Ok(2));
        assert_eq!(it.place.number("SELECT count(*) FROM resets").await, 0);
        begin(&it, 9).await;
        assert_eq!(finish(&it, 9, NEW_PASSWORD, 59).await, Ok(()));
    })
    .await;
}

#[tokio::test]
async fn nobody_else_gets_one_and_no_other_token_is_one() {
    each_store(async |it| {
        let alice = alice(&it).await.id;
        it.user("bob").await;
        for email in ["bob", "nobody@example.com", "", "alice", "\0"] {
            assert_eq!(it.identity.begin_reset(email, [7; 20], START).await, Ok(None), "{email}");
        }
        for token in ["", "07", &"07".repeat(20), &"07".repeat(21)] {
            let refused = it.identity.finish_reset(token, Password::new(NEW_PASSWORD), SALT, START).await;
            assert_eq!(refused, Err(Error::NoSuchReset), "{token}");
        }
        it.identity.set_disabled(alice, true, START).await.unwrap();
        assert_eq!(begin(&it, 7).await, None, "a disabled user");
        it.identity.set_disabled(alice, false, START).await.unwrap();
        begin(&it, 8).await.unwrap();
        it.identity.delete_user(alice, START).await.unwrap();
        assert_eq!(finish(&it, 8, NEW_PASSWORD, 1).await, Err(Error::NoSuchReset));
        assert_eq!(begin(&it, 9).await, None, "a deleted one");
    })
    .await;
}

#[tokio::test]
async fn of_many_tokens_the_newest_five_are_good() {
    each_store(async |it| {
        alice(&it).await;
        for token in 1..=7 {
            let now = at(u64::from(token));
            it.identity.begin_reset("alice@example.com", [token; 20], now).await.unwrap();
        }
        assert_eq!(it.place.number("SELECT count(*) FROM resets").await, 5);
        assert_eq!(finish(&it, 2, NEW_PASSWORD, 8).await, Err(Error::NoSuchReset));
        assert_eq!(finish(&it, 3, NEW_PASSWORD, 8).await, Ok(()));
    })
    .await;
}

#[tokio::test]
async fn a_token_is_no_good_once_password_or_email_are_others() {
    each_store(async |it| {
        let alice = alice(&it).await.id;
        let change = async |raw| {
            it.identity.change_user(alice, Change::parse(raw).unwrap(), SALT, START).await.unwrap();
        };
        begin(&it, 7).await;
        change(RawChange { full_name: Some("Alice".into()), ..RawChange::default() }).await;
        assert_eq!(it.place.number("SELECT count(*) FROM resets").await, 1);
        change(RawChange {
            password: Some(Password::new(NEW_PASSWORD)),
            old_password: Some(Password::new(PASSWORD)),
            ..RawChange::default()
        })
        .await;
        assert_eq!(finish(&it, 7, PASSWORD, 1).await, Err(Error::NoSuchReset));
        begin(&it, 8).await;
        change(RawChange { email: Some("alison@example.com".into()), ..RawChange::default() }).await;
        assert_eq!(finish(&it, 8, PASSWORD, 1).await, Err(Error::NoSuchReset));
        assert_eq!(it.sign_in("alice", NEW_PASSWORD).await, Ok(alice));
    })
    .await;
}

#[tokio::test]
async fn an_operator_sets_a_password_and_all_sessions_end() {
    each_store(async |it| {
        let alice = alice(&it).await.id;
        let session = it.session(1, Some(alice)).await;
        begin(&it, 7).await;
        let set =
            async |user, password| it.identity.set_password(user, Password::new(password), SALT, START).await;
        assert!(matches!(set(alice, "short").await, Err(Error::Invalid(_))));
        assert!(it.asks(&session, START).await.is_ok());
        assert_eq!(set(alice, NEW_PASSWORD).await, Ok(()));
        assert_eq!(it.asks(&session, START).await, Err(Error::NoSuchSession));
        assert_eq!(it.sign_in("alice", NEW_PASSWORD).await, Ok(alice));
        assert_eq!(finish(&it, 7, PASSWORD, 1).await, Err(Error::NoSuchReset));
        assert_eq!(set(id(9), NEW_PASSWORD).await, Err(Error::UserNotFound));
    })
    .await;
}
