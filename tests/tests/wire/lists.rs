//! Lists of ids, in all their spellings.

use serde_json::{Value, json};
use tests::{Person, proves};

use crate::Stage;

/// How a list of users may be written: numbers, texts, one text with commas, and with blanks.
fn spellings(users: &[&Person]) -> [Value; 4] {
    let ids: Vec<u64> = users.iter().map(|user| user.id()).collect();
    let texts: Vec<String> = ids.iter().map(u64::to_string).collect();
    [json!(ids), json!(texts), json!(texts.join(",")), json!(texts.join(", "))]
}

pub(crate) async fn occupants_and_admins_of_a_new_dialog(stage: Stage<'_>) {
    let [alice, bob, carol] = stage.users(["alice", "bob", "carol"]).await;
    let create = async |occupants: &Value, admins: &Value| {
        let body = json!({ "type": 2, "name": "lobby", "occupants_ids": occupants, "admins_ids": admins });
        alice.post_to("chat/Dialog", &body).await.is(201).json()
    };
    let everybody = json!([alice.id(), bob.id(), carol.id()]);
    let rules = ["R-WIRE-073", "R-WIRE-074", "R-WIRE-075", "R-WIRE-076"];
    for (spelling, rule) in spellings(&[&bob, &carol]).iter().zip(rules) {
        assert_eq!(create(spelling, &json!([])).await["occupants_ids"], everybody, "{spelling}");
        proves(rule);
    }
    let one = create(&json!(bob.id()), &json!([])).await;
    assert_eq!(one["occupants_ids"], json!([alice.id(), bob.id()]));
    proves("R-WIRE-077");

    let [numbers, texts, commas, blanks] = spellings(&[&bob, &carol]);
    for (spellings, rule) in
        [(vec![numbers], "R-WIRE-078"), (vec![texts], "R-WIRE-079"), (vec![commas, blanks], "R-WIRE-080")]
    {
        for spelling in spellings {
            let admins = create(&json!([bob.id(), carol.id()]), &spelling).await["admins_ids"].clone();
            assert_eq!(admins, json!([bob.id(), carol.id()]), "{spelling}");
        }
        proves(rule);
    }
}

pub(crate) async fn occupants_and_admins_to_add_and_to_take_out(stage: Stage<'_>) {
    let [alice, bob, carol, dave] = stage.users(["alice", "bob", "carol", "dave"]).await;
    let dialog = alice.create_group("lobby", [&bob]).await;
    let path = format!("chat/Dialog/{dialog}");
    let change = async |path: &str, how: &str, list: &str, ids: &Value| {
        alice.put(path, &json!({ how: { list: ids } })).await.is(200).json()[list].clone()
    };
    let few = json!([alice.id(), bob.id()]);
    let many = json!([alice.id(), bob.id(), carol.id(), dave.id()]);
    for spelling in spellings(&[&carol, &dave]) {
        assert_eq!(change(&path, "push_all", "occupants_ids", &spelling).await, many, "{spelling}");
        assert_eq!(change(&path, "pull_all", "occupants_ids", &spelling).await, few, "{spelling}");
    }
    let one = json!(carol.id());
    let three = json!([alice.id(), bob.id(), carol.id()]);
    assert_eq!(change(&path, "push_all", "occupants_ids", &one).await, three);
    proves("R-WIRE-081");
    assert_eq!(change(&path, "pull_all", "occupants_ids", &one).await, few);
    proves("R-WIRE-082");

    change(&path, "push_all", "occupants_ids", &json!([carol.id()])).await;
    let admins = json!([bob.id(), carol.id()]);
    for spelling in spellings(&[&bob, &carol]) {
        let path = format!("{path}/admins");
        assert_eq!(change(&path, "push_all", "admins_ids", &spelling).await, admins, "{spelling}");
        assert_eq!(change(&path, "pull_all", "admins_ids", &spelling).await, json!([]), "{spelling}");
    }
    proves("R-WIRE-083");
}

pub(crate) async fn messages_to_pin_and_to_unpin(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let dialog = alice.create_group("lobby", [&bob]).await;
    let pinned = json!(alice.post_each(&dialog, ["one", "two"]).await);
    let [first, second] = [0, 1].map(|place| pinned[place].as_str().unwrap());
    for spelling in [pinned.clone(), json!(format!("{first},{second}")), json!(format!("{first}, {second}"))]
    {
        for (how, left) in [("push_all", &pinned), ("pull_all", &json!([]))] {
            let body = json!({ how: { "pinned_messages_ids": spelling } });
            let changed = alice.put(&format!("chat/Dialog/{dialog}"), &body).await.is(200).json();
            assert_eq!(changed["pinned_messages_ids"], *left, "{spelling}");
        }
    }
    proves("R-WIRE-084");
}
