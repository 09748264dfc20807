//! From a call's JSON to a tool's typed input; what does not fit is answered with the right shape.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Reply, example};
use crate::error::Result;

/// Runs a tool with its input, or says how the input should look.
pub(super) fn with<T: DeserializeOwned>(tool: &str, input: &Value, run: impl FnOnce(T) -> Result<Reply>) -> Result<Reply> {
    match read(input) {
        Ok(input) => run(input),
        Err(why) => Ok(Reply::error(format!("{why}. The input of {tool} looks like {}", example(tool)))),
    }
}

fn read<T: DeserializeOwned>(input: &Value) -> Result<T, String> {
    let Value::String(text) = input else {
        return T::deserialize(input).map_err(|error| error.to_string());
    };
    // some models encode twice
    match serde_json::from_str::<Value>(text) {
        Ok(inner @ Value::Object(_)) => T::deserialize(&inner).map_err(|error| error.to_string()),
        Ok(_) => Err("the input must be a JSON object".to_owned()),
        Err(error) => Err(format!("the input was no valid JSON ({error}); it was not run")),
    }
}

/// A number, also when it comes as text.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Loose {
        Number(u64),
        Float(f64),
        Text(String),
    }
    match Option::<Loose>::deserialize(from).map_err(|_| serde::de::Error::custom("expected a number that is not negative"))? {
        None => Ok(None),
        Some(Loose::Number(number)) => Ok(Some(number)),
        Some(Loose::Float(float)) if float >= 0.0 => Ok(Some(float as u64)),
        Some(Loose::Text(text)) if text.trim().is_empty() => Ok(None),
        Some(Loose::Text(text)) => text.trim().parse().map(Some).map_err(|_| serde::de::Error::custom(format!("not a number: {text:?}"))),
        Some(Loose::Float(_)) => Err(serde::de::Error::custom("expected a number that is not negative")),
    }
}

/// Texts, also when it comes as one.
pub(super) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Loose {
        Many(Vec<String>),
        One(String),
    }
    match Option::<Loose>::deserialize(from).map_err(|_| serde::de::Error::custom("expected a list of strings"))? {
        None => Ok(Vec::new()),
        Some(Loose::Many(many)) => Ok(many),
        Some(Loose::One(one)) => Ok(vec![one]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Some {
        path: String,
        #[serde(default, deserialize_with = "number")]
        from: Option<u64>,
        #[serde(default, deserialize_with = "texts")]
        files: Vec<String>,
    }

    #[test]
    fn sloppy_input_is_understood_and_wrong_input_explained() {
        let good: Some = read(&json!("{\"path\": \"a\", \"from\": \"12\", \"files\": \"x\"}")).unwrap();
        assert_eq!((good.path.as_str(), good.from, good.files), ("a", Some(12), vec!["x".to_owned()]));
        assert!(read::<Some>(&json!({"path": "a", "from": null})).unwrap().from.is_none());
        for (wrong, word) in [
            (json!("{\"path\": "), "no valid JSON"),
            (json!("[1]"), "must be a JSON object"),
            (json!({}), "missing field `path`"),
            (json!({"path": "a", "form": 1}), "unknown field `form`"),
            (json!({"path": "a", "from": -1}), "number"),
            (json!({"path": "a", "from": "x"}), "not a number"),
            (json!({"path": 3}), "string"),
            (json!({"path": "a", "files": [1]}), "list of strings"),
        ] {
            let error = read::<Some>(&wrong).unwrap_err();
            assert!(error.contains(word), "{wrong}: {error}");
        }
        let reply = with("read", &json!({}), |_: Some| Ok(Reply::text(""))).unwrap();
        assert!(reply.error && reply.text.contains("\"path\":\"src/lib.rs\""), "{}", reply.text);
    }
}
