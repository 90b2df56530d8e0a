//! Sessions that tokens of another issuer prove.

use domain::{Time, UserId};
use identity::{Error, Identity};

use crate::fixture::{Fixture, START, application, at, each_store, id, until};

const TOKEN: &str = "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl-_";

async fn open(identity: &Identity, user: UserId, ends: Time, now: Time) -> Result<identity::Caller, Error> {
    identity.open_foreign_session(TOKEN, application(), (user, ends), now).await
}

#[tokio::test]
async fn it_is_opened_once_and_known_from_then_on() {
    each_store(async |it| {
        let alice = it.user("alice").await.id;
        assert_eq!(it.identity.authenticate(TOKEN, START).await, Err(Error::NoSuchSession));
        let opened = open(&it.identity, alice, at(600), START).await.unwrap();
        assert_eq!((opened.user, opened.expires_at), (Some(alice), at(120)));
        assert_eq!(open(&it.identity, alice, at(600), START).await, Ok(opened));
        assert_eq!(it.identity.authenticate(TOKEN, START).await, Ok(opened));
        let it = it.restart().await;
        assert_eq!(it.identity.authenticate(TOKEN, START).await, Ok(opened));
        assert_eq!(it.identity.sessions_of(alice).await.unwrap().len(), 1);
        assert_eq!(it.identity.session(TOKEN, START).await.unwrap().token.as_str(), TOKEN);
    })
    .await;
}

#[tokio::test]
async fn it_slides_and_never_beyond_its_end() {
    each_store(async |it| {
        let alice = it.user("alice").await.id;
        open(&it.identity, alice, at(200), START).await.unwrap();
        let until = async |now| it.identity.authenticate(TOKEN, now).await.map(|caller| caller.expires_at);
        assert_eq!(until(at(60)).await, Ok(at(180)));
        assert_eq!(until(at(119)).await, Ok(at(200)));
        assert_eq!(until(Time(at(200).0 - 1)).await, Ok(at(200)));
        assert_eq!(until(at(200)).await, Err(Error::NoSuchSession));
        assert_eq!(open(&it.identity, alice, at(200), at(200)).await, Err(Error::NoSuchSession));
    })
    .await;
}

#[tokio::test]
async fn one_that_ran_out_unused_goes_on_while_its_token_is_good() {
    each_store(async |it| {
        let alice = it.user("alice").await.id;
        let first = open(&it.identity, alice, at(600), START).await.unwrap();
        assert_eq!(it.identity.authenticate(TOKEN, at(120)).await, Err(Error::NoSuchSession));
        let again = open(&it.identity, alice, at(600), at(121)).await.unwrap();
        assert_eq!((again.session, again.expires_at), (first.session, at(241)));
        assert!(it.identity.authenticate(TOKEN, at(240)).await.is_ok());
        // Also when it has been swept away meanwhile.
        let lag = it.lag_minutes();
        while it.identity.sweep(at(370 + lag)).await.unwrap() > 0 {}
        assert_eq!(it.place.number("SELECT count(*) FROM sessions").await, 0);
        assert!(open(&it.identity, alice, at(600), at(371 + lag)).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn one_that_was_ended_stays_so_until_its_token_is_no_good() {
    each_store(async |it| {
        let alice = it.user("alice").await.id;
        let session = open(&it.identity, alice, at(600), START).await.unwrap().session;
        it.identity.end_session(session).await.unwrap();
        it.identity.end_session(session).await.unwrap();
        for identity in [&it.identity, &it.identity] {
            assert_eq!(identity.authenticate(TOKEN, START).await, Err(Error::NoSuchSession));
            assert_eq!(open(identity, alice, at(600), START).await, Err(Error::NoSuchSession));
        }
        assert_eq!(it.identity.end_session_of(Some(alice), session).await, Ok(false));
        assert_eq!(it.identity.sessions_of(alice).await, Ok(vec![]));
        while it.identity.sweep(at(599)).await.unwrap() > 0 {}
        let it = it.restart().await;
        assert_eq!(open(&it.identity, alice, at(600), at(1)).await, Err(Error::NoSuchSession));
        while it.identity.sweep(at(600 + it.lag_minutes())).await.unwrap() > 0 {}
        assert_eq!(it.place.number("SELECT count(*) FROM sessions").await, 0, "nothing is kept for ever");
    })
    .await;
}

#[tokio::test]
async fn whoever_may_have_no_session_gets_none() {
    each_store(async |it| {
        let alice = it.user("alice").await.id;
        assert_eq!(open(&it.identity, id(9), at(600), START).await, Err(Error::UserNotFound));
        it.identity.set_disabled(alice, true, START).await.unwrap();
        assert_eq!(open(&it.identity, alice, at(600), START).await, Err(Error::Disabled));
        it.identity.set_disabled(alice, false, START).await.unwrap();
        open(&it.identity, alice, at(600), START).await.unwrap();
        it.identity.delete_user(alice, START).await.unwrap();
        assert_eq!(it.identity.authenticate(TOKEN, START).await, Err(Error::NoSuchSession));
        let bob = it.user("bob").await.id;
        assert_eq!(open(&it.identity, bob, at(600), START).await, Err(Error::NoSuchSession), "spent");
        let long = format!("a.b.{}", "c".repeat(identity::FOREIGN_TOKEN_BYTES_MAX));
        for token in ["", "a.b", "a..c", "a.b.c=", "ab cd.e.f", &"ab".repeat(20), &long] {
            let refused = it.identity.open_foreign_session(token, application(), (bob, at(600)), START).await;
            assert_eq!(refused, Err(Error::NoSuchSession), "{token}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_open_it_at_once_everywhere_open_one() {
    let it = Fixture::postgres().await;
    let alice = it.user("alice").await.id;
    let processes = [std::sync::Arc::clone(&it.identity), it.another().await, it.another().await];
    let mut opening = tokio::task::JoinSet::new();
    for n in 0..30 {
        let identity = std::sync::Arc::clone(&processes[n % 3]);
        opening.spawn(async move { open(&identity, alice, at(600), START).await.unwrap().session });
    }
    let opened = opening.join_all().await;
    assert!(opened.iter().all(|session| *session == opened[0]), "{opened:?}");
    processes[1].end_session(opened[0]).await.unwrap();
    for process in &processes {
        until("it is ended everywhere", async || {
            open(process, alice, at(600), START).await == Err(Error::NoSuchSession)
        })
        .await;
    }
}
