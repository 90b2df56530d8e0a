//! Bodies: JSON and forms, announced rightly or not, with every method.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, proves, proves_all};

use crate::calls::Ground;
use crate::{FORM, JSON, Stage, form, send};

pub(crate) async fn json_is_read_whatever_its_type_is_called(stage: Stage<'_>) {
    let ground = Ground::of(&stage).await;
    let with_body = |method: &Method| [Method::POST, Method::PUT].contains(method);
    for call in ground.writes().into_iter().filter(|call| with_body(&call.method)) {
        let body = call.body.unwrap_or(json!({})).to_string();
        let answer = send(&ground.alice, call.method, &call.path, (JSON, body)).await;
        assert!((200..300).contains(&answer.status), "{} {}", call.path, answer.text());
    }
    let dialog = ground.alice.dialog(&ground.group).await.unwrap();
    assert_eq!(dialog["name"], "calls, again");
    proves("R-WIRE-039");

    let [alice, bob] = [&ground.alice, &ground.bob];
    let dialog = alice.create(&json!({ "type": 4, "name": "square" })).await;
    let path = format!("chat/Dialog/{dialog}/subscribe");
    send(bob, Method::POST, &path, (JSON, String::new())).await.is(200);
    assert!(bob.dialog(&dialog).await.is_some());
    proves("R-WIRE-045");

    let path = format!("chat/Message/{}/reactions", ground.message);
    form(bob, Method::PUT, &path, r#"{"add": "heart", "remove": "sun"}"#).await.is(200);
    let reactions = bob.get(&path).await.is(200).json();
    assert_eq!(reactions["heart"], json!([bob.id()]));
    proves("R-WIRE-046");
}

pub(crate) async fn forms_with_brackets_are_read_like_json(stage: Stage<'_>) {
    let [alice, bob, carol] = stage.users(["alice", "bob", "carol"]).await;
    let body = format!(
        "type=2&name=by+form&occupants_ids[]={}&extensions[mood]=fine&permissions[allow_preview]=1",
        bob.id()
    );
    let dialog = form(&alice, Method::POST, "chat/Dialog", body).await.is(201).json();
    assert_eq!(dialog["occupants_ids"], json!([alice.id(), bob.id()]));
    assert_eq!((&dialog["name"], &dialog["type"]), (&json!("by form"), &json!(2)));
    assert_eq!(dialog["extensions"], json!({ "mood": "fine" }));
    assert_eq!(dialog["permissions"], json!({ "allow_preview": true }));
    proves("R-WIRE-040");

    let id = dialog["_id"].as_str().unwrap();
    let body = format!("push_all[occupants_ids][]={}&name=more", carol.id());
    let dialog = form(&alice, Method::PUT, &format!("chat/Dialog/{id}"), body).await.is(200).json();
    assert_eq!(dialog["occupants_ids"], json!([alice.id(), bob.id(), carol.id()]));
    assert_eq!(dialog["name"], "more");
    proves("R-WIRE-041");

    let body =
        format!("chat_dialog_id={id}&message=a+%26+b%21&attachments[0][type]=image&attachments[0][id]=5");
    let message = form(&alice, Method::POST, "chat/Message", body).await.is(201).json();
    assert_eq!(message["attachments"], json!([{ "type": "image", "id": "5" }]));
    proves("R-WIRE-042");
    assert_eq!(bob.peek(id).await[0]["message"], "a & b!");
    proves("R-WIRE-043");

    let [password, key, _] = Chat::secrets();
    let password = password.replace(' ', "+");
    let login = alice.login();
    let body = format!("application_id=7&auth_key={key}&user[login]={login}&user[password]={password}");
    let request = stage.chat.api().request(Method::POST, "session").header("Content-Type", FORM).body(body);
    let session = Answer::to(request).await.is(201).json();
    assert_eq!(session["session"]["user_id"], alice.id());
    proves("R-WIRE-044");
}

pub(crate) async fn a_get_may_have_its_parameters_in_a_body(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let [group, other] = [alice.create_group("one", [&bob]).await, alice.create_group("two", [&bob]).await];
    alice.post_each(&group, ["one", "two", "three"]).await;
    let body = format!("chat_dialog_id={group}&limit=2&mark_as_read=0");
    let listed = form(&bob, Method::GET, "chat/Message", body).await.is(200).json();
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["limit"]), (2, &json!(2)));
    proves("R-WIRE-047");
    let body = format!("chat_dialog_ids={group},{other}");
    let unread = form(&bob, Method::GET, "chat/Message/unread", body).await.is(200).json();
    assert_eq!(unread, json!({ "total": 3, group.clone(): 3, other.clone(): 0 }));
    proves("R-WIRE-048");

    let body = json!({ "extensions": { "mood": "Sunbar" } });
    alice.put(&format!("chat/Dialog/{other}"), &body).await.is(200);
    let body = "extensions[mood]=Sunbar".to_owned();
    let found = send(&bob, Method::GET, "chat/Dialog", ("application/json", body)).await.is(200).json();
    assert_eq!((&found["total_entries"], &found["items"][0]["_id"]), (&json!(1), &json!(other)));
    proves("R-WIRE-049");
}

/// The ways to say that something is to be deleted for all.
async fn delete_in_both_ways(who: &Person, paths: [String; 2]) -> [Value; 2] {
    let [by_form, by_query] = paths;
    let by_form = form(who, Method::DELETE, &by_form, "force=1").await.is(200);
    let by_query = who.delete(&by_query, true).await.is(200);
    [by_form, by_query].map(|answer| serde_json::from_slice(&answer.body).unwrap_or_default())
}

pub(crate) async fn a_delete_may_be_forced_in_its_query_or_its_body(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let group = async |name: &str| alice.create_group(name, [&bob]).await;
    let at = |dialog: &String| format!("chat/Dialog/{dialog}");

    let dialogs = [group("one").await, group("two").await];
    delete_in_both_ways(&alice, dialogs.each_ref().map(at)).await;
    assert_eq!(bob.dialogs().await, Vec::<Value>::new());
    proves_all(["R-WIRE-050", "R-WIRE-051"]);

    let pairs = [[group("a").await, group("b").await], [group("c").await, group("d").await]];
    let answers = delete_in_both_ways(&alice, pairs.each_ref().map(|pair| at(&pair.join(",")))).await;
    for (pair, answer) in pairs.iter().zip(answers) {
        assert_eq!(answer["SuccessfullyDeleted"]["ids"], json!(pair));
    }
    assert_eq!(bob.dialogs().await, Vec::<Value>::new());
    proves("R-WIRE-052");

    let dialogs = [group("one").await, group("two").await];
    for dialog in &dialogs {
        alice.post(dialog, "hello").await;
    }
    let cleared = dialogs.each_ref().map(|dialog| format!("chat/Dialog/clearHistory/{dialog}"));
    delete_in_both_ways(&alice, cleared).await;
    for dialog in &dialogs {
        assert_eq!(bob.peek(dialog).await, Vec::<Value>::new());
    }
    proves("R-WIRE-053");

    let [dialog, _] = dialogs;
    let messages = alice.post_each(&dialog, ["one", "two"]).await;
    delete_in_both_ways(&alice, messages.map(|message| format!("chat/Message/{message}"))).await;
    assert_eq!(bob.peek(&dialog).await, Vec::<Value>::new());
    proves_all(["R-WIRE-054", "R-WIRE-055"]);
}

pub(crate) async fn a_delete_takes_its_query_and_its_body_together(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let public = json!({ "type": 4, "name": "square", "occupants_ids": [bob.id()] });
    let public = alice.create(&public).await;
    let both = [("force=1", "other=2"), ("other=2", "force=1"), ("", "force=1"), ("force=1", "")];
    for (query, body) in both {
        let message = alice.post(&public, "hello").await;
        form(&alice, Method::DELETE, &format!("chat/Message/{message}?{query}"), body).await.is(200);
        assert_eq!(bob.peek(&public).await, Vec::<Value>::new(), "{query:?} {body:?}");

        alice.post(&public, "hello").await;
        let path = format!("chat/Dialog/clearHistory/{public}?{query}");
        form(&alice, Method::DELETE, &path, body).await.is(200);
        assert_eq!(bob.peek(&public).await, Vec::<Value>::new(), "{query:?} {body:?}");

        let group = alice.create_group("lobby", [&bob]).await;
        form(&alice, Method::DELETE, &format!("chat/Dialog/{group}?{query}"), body).await.is(200);
        assert!(bob.dialog(&group).await.is_none(), "{query:?} {body:?}");
    }
    let block = format!("chat/Dialog/{public}/block");
    let user = format!("user_id={}", bob.id());
    for (query, body) in [(user.as_str(), "other=2"), ("other=2", user.as_str())] {
        alice.post_to(&block, &json!({ "user_id": bob.id() })).await.is(200);
        form(&alice, Method::DELETE, &format!("{block}?{query}"), body).await.is(200);
        assert_eq!(alice.get(&block).await.is(200).json()["items"], json!([]), "{query:?} {body:?}");
    }
    proves("R-WIRE-056");
}
