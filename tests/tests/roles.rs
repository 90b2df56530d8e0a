//! Who may do what in which dialog, asked of the running program: every role, every type of
//! dialog, everything that can be done today. Keeps invariant 8.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, Setup, TOPOLOGIES};

/// Types as the columns show them: private, group, public, broadcast.
const TYPES: [u64; 4] = [3, 2, 4, 1];

/// What can be tried, and who gets through in each type: O owner, A admin, M member,
/// x outsider; a letter where it is done, `-` for 403, `.` for 404, a blank where there is no
/// such role. A private dialog has no name of its own: one that is sent is ignored.
const TABLE: &str = "\
see              O M. OAM. OAM. OAM 
read history     O M- OAM- OAM- OAM 
post             O M. OAM. OAM. OA- 
mark             O M. OAM. OAM. OAM 
rename           O M. OAM. OA-. OA- 
extend           O M. OA-. OA-. OA- 
permit           - -. OA-. OA-. OA- 
add              - -. OAM. OA-. --- 
expel            - -. OA-. OA-. --- 
expel the owner  - -. O--. O--. --- 
take oneself out - -. OAM. OAM. --- 
hide own         O M. OAM. OAM. OA- 
hide foreign     O M. OAM. OAM. OA- 
remove own       O M. OAM. OAM. OA- 
remove foreign   - -. OA-. OA-. OA- 
edit own         O M. OAM. OAM. OA- 
edit foreign     - -. ---. ---. --- 
delete for self  O M. OAM. OAM. OAM 
delete for all   O -. O--. O--. O-- 
";

/// Everybody that a dialog needs.
struct Cast {
    owner: Person,
    admin: Person,
    member: Person,
    outsider: Person,
    other: Person,
    newcomer: Person,
}

/// One dialog, made for one attempt.
struct Scene {
    dialog: String,
    /// A message of whoever tries, if he may write; else somebody's.
    own: String,
    /// A message of somebody else.
    foreign: String,
}

impl Cast {
    async fn of(chat: &Chat) -> Self {
        let [owner, admin, member, outsider, other, newcomer] =
            chat.users(["owner", "admin", "member", "outsider", "other", "newcomer"]).await;
        Self { owner, admin, member, outsider, other, newcomer }
    }

    /// Who has the role, if a dialog of that type has such a role.
    fn role(&self, letter: char, kind: u64) -> Option<&Person> {
        match (letter, kind) {
            ('A', 3) | ('x', 1) => None,
            ('O', _) => Some(&self.owner),
            ('A', _) => Some(&self.admin),
            ('M', _) => Some(&self.member),
            _ => Some(&self.outsider),
        }
    }

    async fn scene(&self, kind: u64, who: &Person) -> Scene {
        let (admin, member, other) = (self.admin.id(), self.member.id(), self.other.id());
        let occupants = if kind == 3 { vec![member] } else { vec![admin, member, other] };
        let admins = if kind == 3 { vec![] } else { vec![admin] };
        let body = json!({ "type": kind, "name": "scene", "occupants_ids": occupants, "admins_ids": admins });
        let dialog = self.owner.create(&body).await;
        let owns = self.owner.post(&dialog, "the owner's").await;
        let author = if who.id() == self.owner.id() { &self.admin } else { &self.owner };
        let author = if kind == 3 && who.id() == self.owner.id() { &self.member } else { author };
        let foreign = author.post(&dialog, "somebody else's").await;
        let own = who.post_message(&dialog, &json!({ "message": "his own" })).await;
        let own = if own.status == 201 { own.json()["_id"].as_str().map(str::to_owned) } else { None };
        Scene { dialog, own: own.unwrap_or(owns), foreign }
    }
}

/// Change the dialog.
async fn change(who: &Person, scene: &Scene, body: Value) -> u16 {
    who.put(&format!("chat/Dialog/{}", scene.dialog), &body).await.status
}

async fn edit(who: &Person, message: &str) -> u16 {
    who.put(&format!("chat/Message/{message}"), &json!({ "message": "edited" })).await.status
}

/// Delete a message; which of the three lists it is in, as a status.
async fn delete(who: &Person, message: &str, force: bool) -> u16 {
    let answer = who.delete(&format!("chat/Message/{message}"), force).await.is(200).json();
    let lists = [("SuccessfullyDeleted", 200), ("WrongPermissions", 403), ("NotFound", 404)];
    let is_in = |list: &str| answer[list]["ids"] == json!([message]);
    lists.into_iter().find(|(list, _)| is_in(list)).map_or(0, |(_, status)| status)
}

async fn attempt(action: &str, who: &Person, cast: &Cast, scene: &Scene) -> u16 {
    let Scene { dialog, own, foreign } = scene;
    let pull = |user: &Person| json!({ "pull_all": { "occupants_ids": [user.id()] } });
    match action {
        "see" => who.dialog(dialog).await.map_or(404, |_| 200),
        "read history" => who.get(&format!("chat/Message?chat_dialog_id={dialog}")).await.status,
        "post" => who.post_message(dialog, &json!({ "message": "hello" })).await.status,
        "mark" => who.put("chat/Message", &json!({ "chat_dialog_id": dialog, "read": 1 })).await.status,
        "rename" => change(who, scene, json!({ "name": "renamed" })).await,
        "extend" => change(who, scene, json!({ "extensions": { "mood": "fine" } })).await,
        "permit" => change(who, scene, json!({ "permissions": { "allow_preview": true } })).await,
        "add" => change(who, scene, json!({ "push_all": { "occupants_ids": [cast.newcomer.id()] } })).await,
        "expel" => change(who, scene, pull(&cast.other)).await,
        "expel the owner" => change(who, scene, pull(&cast.owner)).await,
        "take oneself out" => change(who, scene, pull(who)).await,
        "hide own" => delete(who, own, false).await,
        "hide foreign" => delete(who, foreign, false).await,
        "remove own" => delete(who, own, true).await,
        "remove foreign" => delete(who, foreign, true).await,
        "edit own" => edit(who, own).await,
        "edit foreign" => edit(who, foreign).await,
        "delete for self" => who.delete(&format!("chat/Dialog/{dialog}"), false).await.status,
        "delete for all" => {
            let request = who.request(Method::DELETE, &format!("chat/Dialog/{dialog}"));
            Answer::to(request.header("Content-Type", "application/x-www-form-urlencoded").body("force=1"))
                .await
                .status
        }
        other => panic!("nobody knows how to {other}"),
    }
}

async fn cell(action: &str, kind: u64, letter: char, cast: &Cast) -> char {
    let Some(who) = cast.role(letter, kind) else { return ' ' };
    let scene = cast.scene(kind, who).await;
    match attempt(action, who, cast, &scene).await {
        200 | 201 => letter,
        403 => '-',
        404 => '.',
        status => panic!("{action} in type {kind} by {letter}: {status}"),
    }
}

#[tokio::test]
async fn the_whole_table_over_http() {
    for topology in TOPOLOGIES {
        let chat = Chat::start(Setup::of(topology).with("app.extension_keys", "mood")).await;
        let cast = Cast::of(&chat).await;
        let mut table = String::new();
        for action in TABLE.lines().filter_map(|line| line.get(..16)).map(str::trim_end) {
            write!(table, "{action:<16}").unwrap();
            for kind in TYPES {
                table.push(' ');
                for letter in "OAMx".chars() {
                    table.push(cell(action, kind, letter, &cast).await);
                }
            }
            table.push('\n');
        }
        assert_eq!(table, TABLE, "\n{table}");
        chat.verify().await;
    }
}
