//! What examples speak of: two users, a group and a public dialog of the first one's, and a message of
//! his in the group.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, Setup, Topology};

use crate::document::Operation;

/// How long an index for search may be behind on a machine that does much else.
const BEHIND_MAX: Duration = Duration::from_secs(60);
/// How long to wait before asking again.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// Everything that a deployment can offer.
pub(crate) fn setup(topology: Topology) -> Setup {
    Setup::of(topology)
}

pub(crate) struct World<'a> {
    chat: &'a Chat,
    owner: Person,
    login: String,
    /// What stands in the document, and what it is here.
    names: Vec<(&'static str, String)>,
}

impl<'a> World<'a> {
    pub(crate) async fn new(chat: &'a Chat) -> Self {
        static WORLDS: AtomicU32 = AtomicU32::new(0);
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let login = format!("owner{number}");
        let [auth_key, application] = Chat::credentials();
        let own = [
            ("cat@example.com", format!("{login}@example.com")),
            ("91234409", format!("91234409{number}")),
            ("83510562734", format!("83510562734{number}")),
            ("52691165", format!("52691165{number}")),
            ("u-17", format!("52691165{number}")),
        ];
        let [password, ..] = Chat::secrets();
        let user = json!({
            "login": login, "password": password, "full_name": "Alice", "phone": "442079460000",
            "email": own[0].1, "facebook_id": own[1].1, "twitter_id": own[2].1, "external_id": own[3].1,
            "tag_list": ["rabbit-holes"],
        });
        let request = chat.api().request(Method::POST, "users").header("CB-AuthKey", &auth_key);
        Answer::to(request.json(&json!({ "user": user }))).await.is(201);
        let owner = chat.sign_in(&login).await;
        let session = chat.sign_in(&login).await.get("session").await.is(200).json();
        let other = chat.user(&format!("other{number}")).await;
        let group = owner.create_group("Lobby", [&other]).await;
        let public = owner.create(&json!({ "type": 4, "name": "Town square" })).await;
        let message = owner.post(&group, "hello").await;
        // Ids of dialogs and messages come last: they may have any digits in them.
        let mut names = vec![
            ("29085", owner.id().to_string()),
            ("29086", other.id().to_string()),
            ("31001", session["session"]["id"].to_string()),
            ("\"application_id\":105", format!("\"application_id\":{application}")),
            ("your-auth-key", auth_key),
            // Nobody yet: he signs up.
            ("\"alice\"", format!("\"alice{number}\"")),
        ];
        names.extend(own);
        names.extend([
            ("5c094c0ce588ce6856f87422", group),
            ("5c0e7a13e588ce6b6f3ebf8a", public),
            ("5c0e7a0ee588ce6b6f3ebf7e", message),
        ]);
        Self { chat, owner, login, names }
    }

    fn here(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (there, here)| text.replace(there, here))
    }

    /// The answer to the operation's example with that body.
    pub(crate) async fn try_out(&self, operation: &Operation<'_>, body: Option<&Value>) -> Answer {
        let asking = async {
            loop {
                let answer = self.once(operation, body).await;
                if answer.status != 503 || answer.header("retry-after").is_empty() {
                    return answer;
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
        };
        tokio::time::timeout(BEHIND_MAX, asking).await.expect("an index catches up")
    }

    async fn once(&self, operation: &Operation<'_>, body: Option<&Value>) -> Answer {
        let value = |value: &str| if value == "cheshire-cat" { self.login.clone() } else { self.here(value) };
        let mut request = self.chat.api().request(operation.method(), &operation.address(value));
        let [auth_key, _] = Chat::credentials();
        request = match operation.proofs().first() {
            Some(&"CB-Token") => request.header("CB-Token", self.owner.token()),
            Some(&"CB-AuthKey") => request.header("CB-AuthKey", auth_key),
            Some(other) => panic!("{}: {other} is no header that is known", operation.name()),
            None => request,
        };
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(self.here(&body.to_string()));
        }
        Answer::to(request).await
    }
}
