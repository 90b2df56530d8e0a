//! Deleting users: a tombstone, dead sessions, free names, and a departure; disabling them.

use identity::{Credentials, Departure, Error, Name, Password, Unknown};

use crate::fixture::{PASSWORD, SALT, START, at, each_store, id, new_user};

#[tokio::test]
async fn a_deleted_user_is_nowhere_and_his_id_is_nobodys_again() {
    each_store(async |it| {
        let [alice, bob] = [it.user("alice").await.id, it.user("bob").await.id];
        let [first, second] = [it.session(1, Some(alice)).await, it.session(2, Some(alice)).await];
        let bobs = it.session(3, Some(bob)).await;
        assert_eq!(it.identity.missing(&[alice, bob]).await, Ok(vec![]));
        it.identity.delete_user(alice, at(1)).await.unwrap();
        for it in [&it] {
            assert_eq!(it.asks(&first, START).await, Err(Error::NoSuchSession));
            assert_eq!(it.asks(&second, START).await, Err(Error::NoSuchSession));
            assert_eq!(it.asks(&bobs, START).await, Ok(Some(bob)));
            assert_eq!(it.identity.missing(&[alice, bob]).await, Ok(vec![alice]));
            assert_eq!(it.identity.user(alice).await, Err(Error::UserNotFound));
            assert_eq!(it.identity.users(&[alice, bob]).await.unwrap().len(), 1);
            assert_eq!(it.sign_in("alice", PASSWORD).await, Err(Error::UserNotFound));
            let session =
                it.identity.open_session([4; 20], crate::fixture::application(), Some(alice), START).await;
            assert_eq!(session, Err(Error::UserNotFound));
        }
        let it = it.restart().await;
        assert_eq!(it.asks(&first, START).await, Err(Error::NoSuchSession));
        assert_eq!(it.identity.missing(&[alice, bob]).await, Ok(vec![alice]));
        let next = it.user("alice").await;
        assert_eq!(next.id, id(3), "another user under the same login");
        assert_eq!(it.sign_in("alice", PASSWORD).await, Ok(id(3)));
    })
    .await;
}

#[tokio::test]
async fn nothing_of_him_is_left_but_numbers_and_times() {
    each_store(async |it| {
        let raw = identity::SignUp {
            login: Some("alice".into()),
            email: Some("alice@example.com".into()),
            password: Some(Password::new(PASSWORD)),
            full_name: Some("Alice Liddell".into()),
            phone: Some("555".into()),
            website: Some("https://alice.example".into()),
            external_user_id: Some("1".into()),
            external_id: Some("2".into()),
            facebook_id: Some("3".into()),
            twitter_id: Some("4".into()),
            blob_id: Some(5),
            custom_data: Some("6".into()),
            avatar: Some("a.png".into()),
            tag_list: vec!["tag".into()],
            timezone: Some(60),
        };
        let alice =
            it.identity.sign_up(identity::NewUser::parse(raw).unwrap(), SALT, START).await.unwrap().id;
        it.session(1, Some(alice)).await;
        it.identity.begin_reset("alice@example.com", [2; 20], START).await.unwrap();
        it.identity.delete_user(alice, at(1)).await.unwrap();
        let columns = [
            "login",
            "login_key",
            "email",
            "email_key",
            "password_hash",
            "full_name",
            "phone",
            "website",
            "external_user_id",
            "external_id",
            "facebook_id",
            "twitter_id",
            "blob_id",
            "custom_data",
            "avatar",
            "user_tags",
            "timezone",
            "provider_key",
            "last_request_at",
            "ends_at",
            "disabled_at",
        ];
        for column in columns {
            let left = it.place.number(&format!("SELECT count({column}) FROM users")).await;
            assert_eq!(left, 0, "{column}");
        }
        for table in ["sessions", "resets"] {
            assert_eq!(it.place.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
        }
        assert_eq!(it.place.number("SELECT count(*) FROM users").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_departure_is_noted_until_it_is_over() {
    each_store(async |it| {
        let [alice, bob] = [it.user("alice").await.id, it.user("bob").await.id];
        assert_eq!(it.identity.departures(10).await, Ok(vec![]));
        it.identity.delete_user(bob, at(1)).await.unwrap();
        it.identity.delete_user(alice, at(2)).await.unwrap();
        it.identity.delete_user(bob, at(3)).await.unwrap();
        it.identity.delete_user(id(99), at(3)).await.unwrap();
        let of_bob = Departure { user: bob, deleted_at: at(1) };
        let of_alice = Departure { user: alice, deleted_at: at(2) };
        assert_eq!(it.identity.departures(1).await, Ok(vec![of_bob]));
        let it = it.restart().await;
        assert_eq!(it.identity.departures(10).await, Ok(vec![of_bob, of_alice]));
        it.identity.departed(bob).await.unwrap();
        it.identity.departed(bob).await.unwrap();
        assert_eq!(it.identity.departures(10).await, Ok(vec![of_alice]));
        it.identity.delete_user(bob, at(4)).await.unwrap();
        assert_eq!(it.identity.departures(10).await, Ok(vec![of_alice]), "deleted once");
    })
    .await;
}

#[tokio::test]
async fn whoever_waits_for_a_deletion_is_told() {
    each_store(async |it| {
        let alice = it.user("alice").await.id;
        it.identity.delete_user(alice, START).await.unwrap();
        // Told before he waited.
        it.identity.departing().await;
        let bob = it.user("bob").await.id;
        let ((), deleted) = tokio::join!(it.identity.departing(), it.identity.delete_user(bob, START));
        deleted.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_session_outlives_its_user_however_many_are_opened_meanwhile() {
    each_store(async |it| {
        let alice = it.user("alice").await.id;
        let mut opening = tokio::task::JoinSet::new();
        for n in 0..40_u8 {
            let identity = std::sync::Arc::clone(&it.identity);
            opening.spawn(async move {
                let application = crate::fixture::application();
                identity.open_session([n; 20], application, Some(alice), START).await
            });
        }
        it.identity.delete_user(alice, START).await.unwrap();
        for opened in opening.join_all().await {
            match opened {
                Ok(session) => assert_eq!(it.asks(&session, START).await, Err(Error::NoSuchSession)),
                Err(error) => assert_eq!(error, Error::UserNotFound),
            }
        }
        assert_eq!(it.place.number("SELECT count(*) FROM sessions").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_disabled_user_is_shut_out_and_comes_back() {
    each_store(async |it| {
        let alice = it.user("alice").await.id;
        let session = it.session(1, Some(alice)).await;
        it.identity.set_disabled(alice, true, at(1)).await.unwrap();
        assert_eq!(it.asks(&session, START).await, Err(Error::NoSuchSession));
        let it = it.restart().await;
        assert_eq!(it.sign_in("alice", PASSWORD).await, Err(Error::Disabled));
        assert_eq!(it.sign_in("alice", "another password").await, Err(Error::InvalidPassword));
        let credentials =
            Credentials { name: Name::Login("alice".into()), password: Password::new(PASSWORD) };
        let created = it.identity.sign_in(credentials, Unknown::Create(SALT), START).await;
        assert_eq!(created, Err(Error::Disabled));
        let application = crate::fixture::application();
        let opened = it.identity.open_session([2; 20], application, Some(alice), START).await;
        assert_eq!(opened, Err(Error::Disabled));
        assert!(it.identity.user(alice).await.unwrap().is_disabled);
        assert_eq!(it.identity.missing(&[alice]).await, Ok(vec![]), "others go on seeing him");
        let refused = it.identity.sign_up(new_user("alice"), SALT, START).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "his login stays his");
        it.identity.set_disabled(alice, false, at(2)).await.unwrap();
        assert_eq!(it.sign_in("alice", PASSWORD).await, Ok(alice));
        assert_eq!(it.asks(&session, START).await, Err(Error::NoSuchSession), "ended is ended");
        assert_eq!(it.identity.set_disabled(id(9), true, START).await, Err(Error::UserNotFound));
    })
    .await;
}
