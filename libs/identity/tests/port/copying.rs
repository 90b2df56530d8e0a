//! A store copied into an empty one of each kind: the same users, passwords and sessions under the
//! same numbers.

use engines::Postgres;
use identity::{
    Change, Credentials, Error, Filled, Identity, Name, OpenError, Password, Profile, ProviderKey, RawChange,
    Token, Unfinished, Unknown,
};
use tempfile::TempDir;

use crate::fixture::{Fixture, PASSWORD, Place, SALT, START, application, at, cheap, each_store, id};

/// An empty place of each kind.
async fn places() -> [Place; 2] {
    [Place::Embedded(TempDir::new().unwrap()), Place::Postgres(Postgres::shared().await.database().await)]
}

async fn unfinished(place: &Place) -> Result<Unfinished, OpenError> {
    match place {
        Place::Embedded(folder) => {
            Unfinished::open_embedded(&folder.path().join("identity.db"), &cheap()).await
        }
        Place::Postgres(database) => Unfinished::open_postgres(database.url(), &cheap()).await,
    }
}

async fn open(place: &Place) -> Result<Identity, OpenError> {
    match place {
        Place::Embedded(folder) => Identity::open_embedded(&folder.path().join("identity.db"), &cheap()),
        Place::Postgres(database) => Identity::open_postgres(database.url(), &cheap()).await,
    }
}

async fn populated(it: &Fixture) -> Filled {
    for n in 0..3 {
        it.user(&format!("user{n}")).await;
    }
    it.identity.raise_counter_above(id(70)).await.unwrap();
    for token in 0..4 {
        it.session(token, Some(id(1 + u64::from(token) % 3))).await;
    }
    let ended = it.session(9, None).await;
    it.identity.end_session(ended.id).await.unwrap();
    Filled { users: 3, sessions: 4 }
}

#[tokio::test]
async fn whoever_was_signed_in_stays_so_in_the_copy() {
    each_store(async |from| {
        let there = populated(&from).await;
        for place in places().await {
            let filling = unfinished(&place).await.unwrap();
            let mut said = vec![];
            let filled = filling.fill(&from.identity, &mut |done, total| said.push((done, total))).await;
            assert_eq!((filled, said.last()), (Ok(there), Some(&(7, 7))));
            filling.finish().await.unwrap();
            let copy = open(&place).await.unwrap();
            for n in 1..=3 {
                assert_eq!(copy.user(id(n)).await, from.identity.user(id(n)).await);
            }
            for token in 0..4_u8 {
                let token = format!("{token:02x}").repeat(20);
                let caller = from.identity.authenticate(&token, START).await;
                assert!(caller.is_ok());
                assert_eq!(copy.authenticate(&token, START).await, caller);
            }
            assert_eq!(copy.authenticate(&"09".repeat(20), START).await, Err(Error::NoSuchSession));
            let name = Name::Login("USER1".into());
            let credentials = Credentials { name, password: Password::new(PASSWORD) };
            assert_eq!(copy.sign_in(credentials, Unknown::Refuse, START).await.unwrap().id, id(2));
            let next = copy.sign_up(crate::fixture::new_user("next"), crate::fixture::SALT, START).await;
            assert_eq!(next.unwrap().id, id(71), "no id is issued twice");
            let session =
                copy.open_session([20; 20], crate::fixture::application(), None, START).await.unwrap();
            assert_eq!(session.id.get(), 6, "nor a session's");
        }
    })
    .await;
}

#[tokio::test]
async fn whatever_became_of_users_and_sessions_is_the_same_in_the_copy() {
    const TOKEN: &str = "a.b.c";
    const SPENT: &str = "d.e.f";
    each_store(async |from| {
        let it = &from.identity;
        let [gone, shut, alice] =
            [from.user("gone").await.id, from.user("shut").await.id, from.user("alice").await.id];
        let raw = RawChange { email: Some("alice@example.com".into()), ..RawChange::default() };
        it.change_user(alice, Change::parse(raw).unwrap(), SALT, START).await.unwrap();
        it.delete_user(gone, at(1)).await.unwrap();
        it.set_disabled(shut, true, at(1)).await.unwrap();
        let (guests, guest) = it.open_guest_session([1; 20], application(), None, START).await.unwrap();
        let key = ProviderKey::custom("7").unwrap();
        let carol = it.user_of_provider(key.clone(), Profile::default(), START).await.unwrap();
        it.begin_reset("alice@example.com", [2; 20], START).await.unwrap();
        let open_foreign = async |it: &Identity, token, user| {
            it.open_foreign_session(token, application(), (user, at(600)), START).await
        };
        let foreign = open_foreign(it, TOKEN, alice).await.unwrap();
        let spent = open_foreign(it, SPENT, carol.id).await.unwrap();
        it.end_session(spent.session).await.unwrap();
        let carol = it.user(carol.id).await.unwrap();
        for place in places().await {
            // On the heap: it is a long story.
            let told = async {
                let filling = unfinished(&place).await.unwrap();
                let filled = filling.fill(it, &mut |_, _| ()).await;
                assert_eq!(filled, Ok(Filled { users: 5, sessions: 3 }));
                filling.finish().await.unwrap();
                let copy = open(&place).await.unwrap();
                assert_eq!(copy.departures(10).await, it.departures(10).await);
                let all = (1..=6).map(id).collect::<Vec<_>>();
                assert_eq!(copy.missing(&all).await, Ok(vec![gone, id(6)]));
                assert_eq!(copy.users(&all).await, it.users(&all).await);
                let name = Name::Login("shut".into());
                let credentials = Credentials { name, password: Password::new(PASSWORD) };
                assert_eq!(copy.sign_in(credentials, Unknown::Refuse, START).await, Err(Error::Disabled));
                assert_eq!(
                    copy.user_of_provider(key.clone(), Profile::default(), START).await,
                    Ok(carol.clone())
                );
                copy
            };
            let copy = std::sync::Arc::new(Box::pin(told).await);
            let (token, guest, carol) = (guests.token.clone(), guest.id, carol.id);
            let goes_on = async move {
                assert_eq!(copy.authenticate(TOKEN, START).await, Ok(foreign));
                let late = copy.authenticate(TOKEN, at(119)).await.unwrap();
                assert_eq!(late.expires_at, at(239));
                assert_eq!(
                    copy.open_foreign_session(SPENT, application(), (carol, at(600)), START).await,
                    Err(Error::NoSuchSession),
                    "it stays ended"
                );
                let reset_token = Token::from_bytes([2; 20]);
                let reset = copy
                    .finish_reset(reset_token.as_str(), Password::new("another password"), SALT, at(1))
                    .await;
                assert_eq!(reset, Ok(()));
                assert_eq!(
                    copy.authenticate(token.as_str(), at(24 * 60 - 1)).await.unwrap().user,
                    Some(guest)
                );
                while copy.sweep(at(24 * 60)).await.unwrap() > 0 {}
                assert_eq!(copy.user(guest).await, Err(Error::UserNotFound));
            };
            goes_on.await;
        }
    })
    .await;
}

#[tokio::test]
async fn half_a_copy_is_served_to_nobody_and_goes_on() {
    each_store(async |from| {
        populated(&from).await;
        for place in places().await {
            drop(unfinished(&place).await.unwrap());
            assert!(matches!(open(&place).await, Err(OpenError::Unfinished { .. })));
            // Given up somewhere in the middle.
            let filling = unfinished(&place).await.unwrap();
            let _ = tokio::time::timeout(
                std::time::Duration::from_millis(2),
                filling.fill(&from.identity, &mut |_, _| ()),
            )
            .await;
            drop(filling);
            assert!(matches!(open(&place).await, Err(OpenError::Unfinished { .. })));
            let filling = unfinished(&place).await.unwrap();
            let filled = filling.fill(&from.identity, &mut |_, _| ()).await;
            assert_eq!(filled, Ok(Filled { users: 3, sessions: 4 }));
            filling.finish().await.unwrap();
            open(&place).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_store_in_use_is_not_copied_into() {
    each_store(async |it| {
        it.user("alice").await;
        let refused = unfinished(&it.place).await.err();
        assert!(matches!(refused, Some(OpenError::NotEmpty { .. })), "{refused:?}");
    })
    .await;
}
