//! A store copied into an empty one of each kind: the same users, passwords and sessions under the
//! same numbers.

use engines::Postgres;
use identity::{Credentials, Error, Filled, Identity, Name, OpenError, Password, Unfinished, Unknown};
use tempfile::TempDir;

use crate::fixture::{Fixture, PASSWORD, Place, START, cheap, each_store, id};

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
