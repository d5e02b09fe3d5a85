//! Finds keys in JSON that the writer has written, or is writing.
//!
//! While a container is open it has no bracket yet: `,"ship":,"zip":` is the beginning of an object in an
//! object, and a list begins the same way, without a key.

/// The path of the member whose value is about to be written, such as `ship.zip`; empty outside of any.
pub(crate) fn unfinished(json: &[u8]) -> String {
    let mut path: Vec<&[u8]> = Vec::new();
    let mut at = 0;
    while json.get(at) == Some(&b',') {
        at += 1;
        let end = value_end(json, at);
        if json.get(end) == Some(&b':') {
            path.push(&json[at + 1..end - 1]);
            at = value_end(json, end + 1);
            if at > end + 1 {
                path.pop();
            }
        } else {
            at = end;
        }
    }
    path.iter()
        .map(|key| String::from_utf8_lossy(key))
        .collect::<Vec<_>>()
        .join(".")
}

/// Puts `prefix` before the keys of the members that begin at `start`: `,"zip":1` becomes `,"ship_zip":1`.
pub(crate) fn prefix_keys(out: &mut Vec<u8>, start: usize, prefix: &str) {
    let mut at = start;
    while out.get(at) == Some(&b',') {
        let Some(quote) = out[at..].iter().position(|&byte| byte == b'"') else {
            return;
        };
        let key = at + quote + 1;
        out.splice(key..key, prefix.bytes());
        // Behind the key and its colon, then behind the value.
        let colon = value_end(out, key - 1);
        at = value_end(out, colon + 1);
    }
}

/// Whether a value has more than `levels` arrays and objects in each other.
pub(crate) fn is_deeper(json: &[u8], levels: usize) -> bool {
    // Every level has two brackets.
    json.len() > 2 * levels && depth(json) > levels
}

fn depth(json: &[u8]) -> usize {
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => {
                at = string_end(json, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
        at += 1;
    }
    deepest
}

/// Where the value that begins at `start` ends; `start` itself if none does.
fn value_end(json: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => at = string_end(json, at),
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            b',' | b':' | b'}' | b']' if depth == 0 => return at,
            _ => at += 1,
        }
    }
    at
}

/// Behind the closing quotation mark of the string that begins at `start`.
fn string_end(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_that_of_the_members_that_have_no_value_yet() {
        for (json, path) in [
            ("", ""),
            (",\"a\":", "a"),
            (",\"a\":1,\"b\":", "b"),
            (",\"a\":\"x,\\\"y\\\":\",\"b\":{\"c\":[1,2]},\"d\":", "d"),
            (",\"a\":,\"b\":true,\"c\":", "a.c"),
            (",\"a\":,{\"b\":1},,\"c\":", "a.c"),
            (",\"a\":,1,2,", "a"),
            (",\"a\":,\"x\",\"y\",", "a"),
        ] {
            assert_eq!(unfinished(json.as_bytes()), path, "{json}");
        }
    }

    #[test]
    fn levels_are_the_brackets_that_are_in_no_text() {
        for (json, levels) in [
            ("1", 0),
            ("[]", 1),
            (r#"{"a":[{}],"b":[[]]}"#, 3),
            (r#"["[[{",{"\"{":"\\"}]"#, 2),
        ] {
            assert_eq!(depth(json.as_bytes()), levels, "{json}");
        }
        assert!(is_deeper(b"[[[]]]", 2) && !is_deeper(b"[[]]", 2));
    }

    #[test]
    fn a_prefix_goes_to_the_outermost_keys_only() {
        let mut out = br#"1,"a":{"b":[",\"c\":1"]},"d":"x\",\"e\":","f":[],"g":2"#.to_vec();
        prefix_keys(&mut out, 1, "p_");
        let expected = r#"1,"p_a":{"b":[",\"c\":1"]},"p_d":"x\",\"e\":","p_f":[],"p_g":2"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
