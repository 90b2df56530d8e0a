//! The document as a client reads it.

use reqwest::Method;
use serde_json::{Map, Value};
use tests::Chat;

pub(crate) struct Document(Value);

/// One method of one path.
pub(crate) struct Operation<'a> {
    document: &'a Document,
    path: &'a str,
    method: &'a str,
    described: &'a Value,
}

impl Document {
    pub(crate) async fn of(chat: &Chat) -> Self {
        Self(chat.api().get("openapi.json").await.is(200).json())
    }

    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let mut operations = vec![];
        for (path, item) in object(&self.0["paths"]) {
            for (method, described) in object(item) {
                operations.push(Operation { document: self, path, method, described });
            }
        }
        assert!(!operations.is_empty(), "something is documented");
        operations
    }

    /// What a reference leads to; anything else is itself.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else { return value };
        self.0.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere")
    }

    /// The value is as the schema says.
    pub(crate) fn check(&self, schema: &Value, value: &Value, told: &str) {
        let mut schema = schema.clone();
        // References are to the document: its components have to be where they point.
        schema["components"] = self.0["components"].clone();
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .expect("a schema of the document is one");
        let errors: Vec<_> =
            validator.iter_errors(value).map(|error| format!("{} {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:?}\n{told}");
    }
}

impl Operation<'_> {
    pub(crate) fn name(&self) -> &str {
        self.described["operationId"].as_str().expect("every operation has a name")
    }

    pub(crate) fn path(&self) -> &str {
        self.path
    }

    pub(crate) fn method(&self) -> Method {
        self.method.to_uppercase().parse().expect("a method")
    }

    /// What is said of the answer with that status.
    pub(crate) fn response(&self, status: u16) -> Option<&Value> {
        Some(self.document.resolved(self.described["responses"].get(status.to_string())?))
    }

    /// The ways to prove oneself, by the name of their header; none for calls that anybody may make.
    pub(crate) fn proofs(&self) -> Vec<&str> {
        let all = self.described.get("security").unwrap_or(&self.document.0["security"]);
        let ways = all.as_array().expect("a list of ways").iter().flat_map(object);
        ways.map(|(name, _)| name.as_str()).collect()
    }

    /// The path with its examples, and the query of those parameters that have one or need one; each
    /// as `here` has it.
    pub(crate) fn address(&self, here: impl Fn(&str) -> String) -> String {
        let (mut path, mut query) = (self.path.trim_start_matches('/').to_owned(), vec![]);
        for parameter in self.described["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a parameter has a name");
            let example = self.example(parameter);
            match parameter["in"].as_str() {
                Some("path") => {
                    path =
                        path.replace(&format!("{{{name}}}"), &here(&example.map(text).unwrap_or_default()));
                }
                Some("query") => query.extend(example.into_iter().flat_map(|example| pairs(name, example))),
                _ => {}
            }
            let is_left_out = parameter["required"] == true && example.is_none();
            assert!(!is_left_out, "{}: {name} has no example", self.name());
        }
        let query = query.iter().map(|(name, value)| (name.as_str(), here(value)));
        let url = reqwest::Url::parse_with_params("http://example.com", query).expect("an address");
        match url.query() {
            Some(query) if !query.is_empty() => format!("{path}?{query}"),
            _ => path,
        }
    }

    fn example<'a>(&'a self, parameter: &'a Value) -> Option<&'a Value> {
        let schema = self.document.resolved(&parameter["schema"]);
        let known = [&parameter["example"], &schema["example"], &schema["examples"][0]];
        known.into_iter().find(|example| !example.is_null())
    }

    /// Every example of the body; one call without, if it takes none.
    pub(crate) fn bodies(&self) -> Vec<Option<Value>> {
        let body = &self.described["requestBody"]["content"]["application/json"];
        if body.is_null() {
            return vec![None];
        }
        let schema = self.document.resolved(&body["schema"]);
        let examples = schema["examples"].as_array().into_iter().flatten().cloned().map(Some);
        let examples: Vec<_> = examples.collect();
        assert!(!examples.is_empty(), "{} has no example", self.name());
        examples
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A parameter as a query has it: an object by its members, a list by its items.
fn pairs(name: &str, example: &Value) -> Vec<(String, String)> {
    match example {
        Value::Object(members) => {
            members.iter().map(|(key, value)| (format!("{name}[{key}]"), text(value))).collect()
        }
        Value::Array(items) => items.iter().map(|item| (name.to_owned(), text(item))).collect(),
        one => vec![(name.to_owned(), text(one))],
    }
}
