//! That the document is true to the routes.

use std::collections::HashSet;

use http::Method;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::ParameterIn;

use super::*;
use crate::testing::chat::Chat;
use crate::testing::{self, brief, get, request};

/// Method, path and operation of everything that is documented.
fn all(document: &mut OpenApi) -> Vec<(Method, String, Operation)> {
    let mut found = vec![];
    for (path, item) in &document.paths.paths {
        for (method, operation) in [
            (Method::GET, &item.get),
            (Method::POST, &item.post),
            (Method::PUT, &item.put),
            (Method::DELETE, &item.delete),
        ] {
            found.extend(operation.clone().map(|operation| (method, path.clone(), operation)));
        }
        let others = [&item.head, &item.options, &item.patch, &item.trace];
        assert!(others.iter().all(|operation| operation.is_none()), "{path}: a method that nobody completes");
    }
    found
}

#[tokio::test]
async fn what_is_documented_is_there() {
    let chat = Chat::new();
    for (method, path, _) in all(&mut document()) {
        let address = path.replace(['{', '}'], "");
        let answer = brief(&chat.front, request(method.clone(), &address, "", "")).await;
        assert_ne!(answer, r#"404 {"errors":["Not found"]}"#, "{method} {path}");
    }
}

#[tokio::test]
async fn it_is_there_before_the_api_is() {
    let chat = Chat::with(1, |parts| parts.gate = crate::Gate::default());
    let session = chat.front.answer(get("/session")).await;
    assert_eq!(session.status(), 503);
    let answer = brief(&chat.front, get("/openapi.json")).await;
    let document: serde_json::Value = serde_json::from_str(answer.strip_prefix("200 ").unwrap()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "/", "wherever it runs");
    let closed = testing::front(crate::closed().merge(documenting().unwrap()));
    assert_eq!(brief(&closed, get("/openapi.json")).await, answer);
}

#[test]
fn every_operation_has_a_name_of_its_own_and_words() {
    let mut names = HashSet::new();
    for (method, path, operation) in all(&mut document()) {
        let name = operation.operation_id.unwrap_or_default();
        assert_ne!(name, "handle", "{method} {path}");
        assert!(names.insert(name.clone()), "{name} twice");
        assert!(operation.summary.is_some_and(|summary| !summary.is_empty()), "{name} without a summary");
        assert_eq!(operation.tags.map(|tags| tags.len()), Some(1), "{name}");
    }
}

#[test]
fn every_variable_of_a_path_is_described() {
    for (_, path, operation) in all(&mut document()) {
        let variables: Vec<_> = path.split(['{', '}']).skip(1).step_by(2).collect();
        let parameters = operation.parameters.unwrap_or_default();
        let described: Vec<_> = parameters
            .iter()
            .filter_map(|parameter| match parameter {
                RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path => Some(&*parameter.name),
                RefOr::T(_) | RefOr::Ref(_) => None,
            })
            .collect();
        assert_eq!(described, variables, "{path}");
    }
}

/// A reference that leads nowhere would show as an empty box.
#[test]
fn every_reference_leads_somewhere() {
    let document = serde_json::to_value(document()).unwrap();
    let mut left = vec![&document];
    while let Some(value) = left.pop() {
        if let Some(target) = value.get("$ref").and_then(|target| target.as_str()) {
            assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
        }
        match value {
            serde_json::Value::Array(items) => left.extend(items),
            serde_json::Value::Object(members) => left.extend(members.values()),
            _ => {}
        }
    }
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let chat = Chat::new();
    let page = brief(&chat.front, get("/docs")).await;
    assert!(!page.contains("//"), "{page}");
    let loaded: Vec<_> = page.split('"').filter(|text| text.starts_with('/')).collect();
    assert!(loaded.iter().any(|address| address.ends_with(".js")), "{page}");
    for address in loaded {
        let response = chat.front.answer(get(address)).await;
        assert_eq!(response.status(), 200, "{address}");
        assert!(response.headers().contains_key("content-security-policy"), "{address}");
    }
    let elsewhere = brief(&chat.front, get("/docs/swagger-ui.js")).await;
    assert!(elsewhere.starts_with("404"), "{elsewhere}");
}
