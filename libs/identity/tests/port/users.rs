//! Signing up, and finding users again.

use std::sync::Arc;

use identity::{Error, IDS_MAX, NewUser, Password, SignUp, User};
use tokio::task::JoinSet;

use crate::fixture::{PASSWORD, SALT, START, each_store, id, new_user, taken};

fn sign_up(login: &str, email: &str) -> NewUser {
    NewUser::parse(SignUp {
        login: Some(login.into()),
        email: Some(email.into()),
        password: Some(Password::new(PASSWORD)),
        ..SignUp::default()
    })
    .unwrap()
}

#[tokio::test]
async fn a_user_is_found_as_he_signed_up_also_after_a_restart() {
    each_store(async |it| {
        let raw = SignUp {
            login: Some(" Alice ".into()),
            email: Some("Alice@Example.com".into()),
            password: Some(Password::new(PASSWORD)),
            full_name: Some("Alice Liddell".into()),
            phone: Some("+44 1".into()),
            website: Some("https://alice.example".into()),
            external_user_id: Some("1".into()),
            external_id: Some("2".into()),
            facebook_id: Some("3".into()),
            twitter_id: Some("4".into()),
            blob_id: Some(5),
            custom_data: Some("{}".into()),
            avatar: Some("https://alice.example/a.png".into()),
            tag_list: vec!["a,b".into(), "c".into()],
            timezone: Some(-60),
        };
        let user = it.identity.sign_up(NewUser::parse(raw).unwrap(), SALT, START).await.unwrap();
        let expected = User {
            id: id(1),
            full_name: Some("Alice Liddell".into()),
            email: Some("Alice@Example.com".into()),
            login: Some("Alice".into()),
            phone: Some("+44 1".into()),
            website: Some("https://alice.example".into()),
            created_at: START,
            updated_at: START,
            last_request_at: None,
            external_user_id: Some("1".into()),
            external_id: Some("2".into()),
            facebook_id: Some("3".into()),
            twitter_id: Some("4".into()),
            blob_id: Some(5),
            custom_data: Some("{}".into()),
            avatar: Some("https://alice.example/a.png".into()),
            user_tags: Some("a,b,c".into()),
            timezone: Some(-60),
            is_guest: false,
            is_disabled: false,
        };
        assert_eq!(user, expected);
        let it = it.restart().await;
        assert_eq!(it.identity.user(user.id).await, Ok(expected));
        assert_eq!(it.identity.user(id(2)).await, Err(Error::UserNotFound));
    })
    .await;
}

#[tokio::test]
async fn names_that_look_the_same_are_taken() {
    each_store(async |it| {
        it.identity.sign_up(sign_up("Zo\u{eb}-Straße", "zoe@example.com"), SALT, START).await.unwrap();
        for (login, email, fields) in [
            ("ZOE\u{308}-STRASSE", "other@example.com", &["login"][..]),
            ("ｚoë-straße", "other@example.com", &["login"]),
            ("another", "ZOE@EXAMPLE.COM", &["email"]),
            ("zoë-strasse", "zoe@Example.com", &["login", "email"]),
        ] {
            let refused = it.identity.sign_up(sign_up(login, email), SALT, START).await;
            assert_eq!(refused, Err(taken(fields)), "{login} {email}");
        }
        let free = it.identity.sign_up(sign_up("zoe-strasse", "zoe@example.org"), SALT, START).await;
        assert_eq!(free.map(|user| user.id), Ok(id(2)), "refused sign-ups issue no ids");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_who_want_a_login_at_once_one_gets_it() {
    each_store(async |it| {
        let mut attempts = JoinSet::new();
        for n in 0..20 {
            let identity = Arc::clone(&it.identity);
            let login = if n % 2 == 0 { "alice" } else { "ALICE" };
            attempts.spawn(async move { identity.sign_up(new_user(login), SALT, START).await });
        }
        let outcomes = attempts.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(
            outcomes.iter().all(|outcome| outcome.is_ok() || *outcome == Err(taken(&["login"]))),
            "{outcomes:?}"
        );
        assert_eq!(it.place.number("SELECT count(*) FROM users").await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_id_is_issued_once() {
    each_store(async |it| {
        assert_eq!(it.user("alice").await.id, id(1));
        it.identity.raise_counter_above(id(500)).await.unwrap();
        assert_eq!(it.user("bob").await.id, id(501));
        it.identity.raise_counter_above(id(7)).await.unwrap();
        let it = it.restart().await;
        assert_eq!(it.user("carol").await.id, id(502));
    })
    .await;
}

#[tokio::test]
async fn many_users_come_in_the_order_asked() {
    each_store(async |it| {
        for login in ["alice", "bob", "carol"] {
            it.user(login).await;
        }
        let found = it.identity.users(&[id(3), id(9), id(1)]).await.unwrap();
        assert_eq!(found.iter().map(|user| user.id.get()).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(it.identity.missing(&[id(9), id(1), id(8)]).await, Ok(vec![id(9), id(8)]));
        assert_eq!(it.identity.missing(&[]).await, Ok(vec![]));
        let too_many = (1..=IDS_MAX as u64 + 1).map(id).collect::<Vec<_>>();
        assert_eq!(it.identity.users(&too_many).await, Err(Error::TooManyIds));
        assert_eq!(it.identity.missing(&too_many).await, Err(Error::TooManyIds));
        assert_eq!(it.identity.missing(&too_many[..IDS_MAX]).await.unwrap().len(), IDS_MAX - 3);
    })
    .await;
}

#[tokio::test]
async fn who_was_missing_exists_once_he_signed_up() {
    each_store(async |it| {
        assert_eq!(it.identity.missing(&[id(1)]).await, Ok(vec![id(1)]));
        it.user("alice").await;
        assert_eq!(it.identity.missing(&[id(1)]).await, Ok(vec![]));
    })
    .await;
}

#[tokio::test]
async fn a_name_to_show_is_never_an_email() {
    each_store(async |it| {
        let sign_ups = [
            SignUp { full_name: Some("Alice".into()), login: Some("alice".into()), ..SignUp::default() },
            SignUp { login: Some("bob".into()), avatar: Some("b.png".into()), ..SignUp::default() },
            SignUp { email: Some("carol@example.com".into()), ..SignUp::default() },
        ];
        for raw in sign_ups {
            let raw = SignUp { password: Some(Password::new(PASSWORD)), ..raw };
            it.identity.sign_up(NewUser::parse(raw).unwrap(), SALT, START).await.unwrap();
        }
        // The second time from memory.
        for _ in 0..2 {
            let shown = it.identity.display(&[id(1), id(2), id(4), id(3)]).await.unwrap();
            let shown = shown.iter().map(|d| (d.id.get(), &*d.name, d.avatar.as_deref())).collect::<Vec<_>>();
            assert_eq!(shown, [(1, "Alice", None), (2, "bob", Some("b.png")), (3, "3", None)]);
        }
    })
    .await;
}
