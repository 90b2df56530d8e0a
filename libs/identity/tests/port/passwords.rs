//! Signing in by login or email and password.

use std::sync::Arc;

use identity::{Credentials, Error, FieldError, Name, NewUser, Password, Settings, SignUp, Unknown};
use tokio::task::JoinSet;

use crate::fixture::{PASSWORD, SALT, START, cheap, each_store, each_store_with, id, new_user};

fn by_login(login: &str, password: &str) -> Credentials {
    Credentials { name: Name::Login(login.into()), password: Password::new(password) }
}

fn by_email(email: &str, password: &str) -> Credentials {
    Credentials { name: Name::Email(email.into()), password: Password::new(password) }
}

#[tokio::test]
async fn a_name_and_its_password_give_the_user() {
    each_store(async |it| {
        let raw = SignUp {
            login: Some("Alice".into()),
            email: Some("alice@example.com".into()),
            password: Some(Password::new(PASSWORD)),
            ..SignUp::default()
        };
        it.identity.sign_up(NewUser::parse(raw).unwrap(), SALT, START).await.unwrap();
        let overlong = "x".repeat(100_000);
        for (credentials, expected) in [
            (by_login("alice", PASSWORD), Ok(id(1))),
            (by_login(" ALICE", PASSWORD), Ok(id(1))),
            (by_email("Alice@EXAMPLE.com", PASSWORD), Ok(id(1))),
            (by_login("alice", "wrong"), Err(Error::InvalidPassword)),
            (by_login("alice", ""), Err(Error::InvalidPassword)),
            (by_login("alice", &overlong), Err(Error::InvalidPassword)),
            (by_email("alice@example.com", "wrong"), Err(Error::InvalidPassword)),
            (by_login("alice@example.com", PASSWORD), Err(Error::UserNotFound)),
            (by_email("alice", PASSWORD), Err(Error::UserNotFound)),
            (by_login("bob", PASSWORD), Err(Error::UserNotFound)),
            (by_login("", PASSWORD), Err(Error::UserNotFound)),
            (by_login("al\0ice", PASSWORD), Err(Error::UserNotFound)),
            (by_login(&overlong, PASSWORD), Err(Error::UserNotFound)),
        ] {
            let found = it.identity.sign_in(credentials.clone(), Unknown::Refuse, START).await;
            assert_eq!(found.map(|user| user.id), expected, "{:.80}", format!("{credentials:?}"));
        }
        assert_eq!(it.identity.missing(&[id(2)]).await, Ok(vec![id(2)]), "a refused one is not created");
    })
    .await;
}

#[tokio::test]
async fn an_unknown_name_is_signed_up_where_that_is_switched_on() {
    each_store(async |it| {
        let create = Unknown::Create(SALT);
        let sign_in =
            async |credentials| it.identity.sign_in(credentials, create, START).await.map(|user| user.id);
        assert_eq!(sign_in(by_login("alice", PASSWORD)).await, Ok(id(1)));
        assert_eq!(sign_in(by_login("alice", PASSWORD)).await, Ok(id(1)));
        assert_eq!(sign_in(by_login("alice", "wrong password")).await, Err(Error::InvalidPassword));
        assert_eq!(sign_in(by_email("bob@example.com", PASSWORD)).await, Ok(id(2)));
        let short = FieldError { field: "password", text: "is too short (minimum is 8 characters)".into() };
        assert_eq!(sign_in(by_login("carol", "1234567")).await, Err(Error::Invalid(vec![short])));
        assert!(matches!(sign_in(by_email("no email", PASSWORD)).await, Err(Error::Invalid(_))));
        assert!(matches!(sign_in(by_login("a\0b", PASSWORD)).await, Err(Error::Invalid(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_first_sign_ins_at_once_make_one_user() {
    each_store(async |it| {
        let mut attempts = JoinSet::new();
        for _ in 0..20 {
            let identity = Arc::clone(&it.identity);
            attempts.spawn(async move {
                identity.sign_in(by_login("alice", PASSWORD), Unknown::Create(SALT), START).await
            });
        }
        for outcome in attempts.join_all().await {
            assert_eq!(outcome.map(|user| user.id), Ok(id(1)));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_hash_queue_refuses_and_leaves_nothing_behind() {
    each_store_with(Settings { hash_threads: 1, hash_queue_max: 1, ..cheap() }, async |it| {
        let mut attempts = JoinSet::new();
        for n in 0..50 {
            let identity = Arc::clone(&it.identity);
            attempts.spawn(async move { identity.sign_up(new_user(&format!("user{n}")), SALT, START).await });
        }
        let outcomes = attempts.join_all().await;
        let created = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert!(
            outcomes.iter().all(|outcome| outcome.is_ok() || *outcome == Err(Error::Busy)),
            "{outcomes:?}"
        );
        let users = it.place.number("SELECT count(*) FROM users").await;
        assert_eq!(users, i64::try_from(created).unwrap());
        assert!(it.identity.sign_up(new_user("late"), SALT, START).await.is_ok());
    })
    .await;
}
