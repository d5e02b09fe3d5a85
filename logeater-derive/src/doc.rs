//! Descriptions out of doc comments.

use quote::ToTokens;
use syn::{Attribute, Expr, Lit, LitStr, Meta};

/// The text of an item's doc comments: lines joined to paragraphs, an empty line between two of them.
pub(crate) fn description(attributes: &[Attribute]) -> String {
    let comments: Vec<String> = attributes.iter().filter_map(comment).collect();
    join(comments.iter().flat_map(|comment| lines(comment)))
}

/// The text of one comment, which is an attribute `doc = "…"`.
fn comment(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else {
        return None;
    };
    if !meta.path.is_ident("doc") {
        return None;
    }
    match &meta.value {
        Expr::Lit(value) => match &value.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        // A literal that went through a `macro_rules!` has an invisible group around it.
        grouped => syn::parse2::<LitStr>(grouped.to_token_stream())
            .ok()
            .map(|text| text.value()),
    }
}

/// The lines of one comment, without the margin of stars that a block comment may have.
fn lines(comment: &str) -> impl Iterator<Item = &str> {
    let starred = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('*');
    let block = comment.contains('\n') && comment.split('\n').skip(1).all(|line| starred(&line));
    comment.split('\n').map(move |line| {
        let line = line.trim();
        if block {
            line.strip_prefix('*').unwrap_or(line).trim_start()
        } else {
            line
        }
    })
}

/// Joins lines to paragraphs. The items of a list and headings begin lines of their own.
fn join<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut gap = "";
    for line in lines {
        if line.is_empty() {
            gap = if text.is_empty() { "" } else { "\n\n" };
            continue;
        }
        text.push_str(if gap == " " && begins_a_line(line) {
            "\n"
        } else {
            gap
        });
        text.push_str(line);
        gap = " ";
    }
    text
}

fn begins_a_line(line: &str) -> bool {
    ["- ", "* ", "+ ", "#"]
        .iter()
        .any(|mark| line.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use syn::DeriveInput;

    use super::*;

    fn description_of(item: &str) -> String {
        description(&syn::parse_str::<DeriveInput>(item).unwrap().attrs)
    }

    #[test]
    fn lines_join_to_paragraphs() {
        let item =
            "/// A product was put\n/// into a cart.\n///\n///  By a person.\n///\nstruct A;";
        assert_eq!(
            description_of(item),
            "A product was put into a cart.\n\nBy a person."
        );
    }

    #[test]
    fn items_of_a_list_keep_their_lines() {
        assert_eq!(
            description_of("/// One of\n/// - a\n/// - b\nstruct A;"),
            "One of\n- a\n- b"
        );
    }

    #[test]
    fn block_comments_lose_their_margin() {
        let item = "/** A product was put\n * into a cart.\n *\n * By a person.\n */\nstruct A;";
        assert_eq!(
            description_of(item),
            "A product was put into a cart.\n\nBy a person."
        );
        assert_eq!(
            description_of("/** A product\n    in a cart. */ struct A;"),
            "A product in a cart."
        );
    }

    #[test]
    fn other_attributes_describe_nothing() {
        assert_eq!(
            description_of("#[doc(hidden)] #[path = \"x\"] struct A;"),
            ""
        );
    }
}
