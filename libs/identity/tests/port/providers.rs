//! Users whom an identity provider knows.

use std::sync::Arc;

use identity::{Change, Error, Profile, ProviderKey, RawChange, SignUp};

use crate::fixture::{Fixture, PASSWORD, SALT, START, at, each_store, id};

fn profile(login: &str) -> Profile {
    Profile::of_what_fits(SignUp {
        login: Some(login.into()),
        email: Some(format!("{login}@example.com")),
        full_name: Some("Carol".into()),
        ..SignUp::default()
    })
}

fn key(uid: &str) -> ProviderKey {
    ProviderKey::custom(uid).unwrap()
}

#[tokio::test]
async fn he_is_made_at_first_sight_and_found_later() {
    each_store(async |it| {
        let carol = it.identity.user_of_provider(key("7"), profile("carol"), START).await.unwrap();
        assert_eq!((carol.login.as_deref(), carol.full_name.as_deref()), (Some("carol"), Some("Carol")));
        assert_eq!((carol.created_at, carol.is_guest), (START, false));
        let it = it.restart().await;
        let again = it.identity.user_of_provider(key("7"), profile("other"), at(1)).await;
        assert_eq!(again, Ok(carol.clone()));
        let other = ProviderKey::open_id("https://id.example", "7").unwrap();
        let other = it.identity.user_of_provider(other, profile("dave"), START).await.unwrap();
        assert_ne!(other.id, carol.id, "another provider's 7 is another");
        for password in ["", PASSWORD] {
            assert_eq!(it.sign_in("carol", password).await, Err(Error::InvalidPassword), "he has none");
        }
    })
    .await;
}

#[tokio::test]
async fn what_others_have_or_breaks_a_rule_is_left_out() {
    each_store(async |it| {
        it.user("carol").await;
        let carol = it.identity.user_of_provider(key("7"), profile("CAROL"), START).await.unwrap();
        assert_eq!((carol.id, carol.login), (id(2), None));
        assert_eq!(carol.email.as_deref(), Some("CAROL@example.com"));
        let raw = SignUp {
            login: Some("x".into()),
            email: Some("no address".into()),
            full_name: Some("y".repeat(300)),
            phone: Some("1".into()),
            blob_id: Some(0),
            timezone: Some(9_999),
            tag_list: vec!["z".repeat(65)],
            ..SignUp::default()
        };
        let poor = it.identity.user_of_provider(key("8"), Profile::of_what_fits(raw), START).await.unwrap();
        assert_eq!((poor.login, poor.email, poor.full_name), (None, None, None));
        assert_eq!((poor.blob_id, poor.timezone, poor.user_tags), (None, None, None));
        assert_eq!(poor.phone.as_deref(), Some("1"));
        // He is known by his key, so that he may do without names.
        let raw = RawChange { login: Some("poor".into()), ..RawChange::default() };
        it.identity.change_user(poor.id, Change::parse(raw).unwrap(), SALT, START).await.unwrap();
        let raw = RawChange { login: Some(String::new()), ..RawChange::default() };
        assert!(it.identity.change_user(poor.id, Change::parse(raw).unwrap(), SALT, START).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_disabled_one_is_refused_and_a_deleted_one_comes_as_another() {
    each_store(async |it| {
        let carol = it.identity.user_of_provider(key("7"), profile("carol"), START).await.unwrap().id;
        it.identity.set_disabled(carol, true, START).await.unwrap();
        let refused = it.identity.user_of_provider(key("7"), profile("carol"), START).await;
        assert_eq!(refused, Err(Error::Disabled));
        it.identity.delete_user(carol, START).await.unwrap();
        let next = it.identity.user_of_provider(key("7"), profile("carol"), START).await.unwrap();
        assert_eq!((next.id, next.login.as_deref()), (id(2), Some("carol")));
    })
    .await;
}

async fn meet(it: &Fixture, identities: &[Arc<identity::Identity>]) {
    let mut meeting = tokio::task::JoinSet::new();
    for n in 0..24 {
        let identity = Arc::clone(&identities[n % identities.len()]);
        let key = key(if n % 4 == 0 { "8" } else { "7" });
        meeting.spawn(async move {
            loop {
                match identity.user_of_provider(key.clone(), profile("carol"), START).await {
                    Err(Error::Busy) => tokio::task::yield_now().await,
                    other => return (n % 4 == 0, other.unwrap().id),
                }
            }
        });
    }
    let mut users = meeting.join_all().await;
    users.sort_unstable();
    users.dedup();
    assert_eq!(users.len(), 2, "one each: {users:?}");
    assert_eq!(it.place.number("SELECT count(*) FROM users").await, 2);
    assert_eq!(it.place.number("SELECT count(login) FROM users").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_meet_him_first_make_him_once() {
    let it = Fixture::embedded().await;
    meet(&it, &[Arc::clone(&it.identity)]).await;
    let it = Fixture::postgres().await;
    let other = it.another().await;
    meet(&it, &[Arc::clone(&it.identity), other]).await;
}
