//! Rewrites a filter's code so that whatever can go on for long counts its steps, and what it puts into values.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Opt, Part, Path};

use super::bounds::{PART, PRODUCT, STEP};

/// The name of a variable that no code can write.
const FACTOR: &str = "$a factor";

/// The built-in filters that give any number of values, with how many arguments they have.
const GENERATORS: [(&str, usize); 2] = [("range", 3), ("fromjson", 0)];

type Code<'s> = Term<&'s str>;

/// A definition that counts a step with each call.
pub(super) fn def(def: Def<&str>) -> Def<&str> {
    Def {
        body: after_a_step(term(def.body)),
        ..def
    }
}

/// A term all of whose parts count.
pub(super) fn term(code: Code<'_>) -> Code<'_> {
    match code {
        Term::Id | Term::Num(_) | Term::Break(_) | Term::Var(_) => code,
        Term::Recurse => pipe(code, step()),
        Term::Str(format, parts) => {
            let part = |part| match part {
                StrPart::Term(code) => StrPart::Term(term(code)),
                other => other,
            };
            Term::Str(format, parts.into_iter().map(part).collect())
        }
        Term::Arr(inner) => Term::Arr(inner.map(|inner| Box::new(counted(term(*inner))))),
        Term::Obj(members) => {
            let member = |(key, value): (_, Option<_>)| (term(key), value.map(term));
            counted(Term::Obj(members.into_iter().map(member).collect()))
        }
        Term::Neg(inner) => Term::Neg(boxed(inner)),
        Term::BinOp(left, op, right) => binary(term(*left), op, term(*right)),
        Term::Label(name, inner) => Term::Label(name, boxed(inner)),
        Term::Fold(name, values, bound, args) => {
            let mut args: Vec<_> = args.into_iter().map(term).collect();
            // The first is where it begins, the second is done with each value.
            if let Some(update) = args.get_mut(1) {
                *update = after_a_step(std::mem::take(update));
            }
            Term::Fold(name, boxed(values), pattern(bound), args)
        }
        Term::TryCatch(tried, catch) => Term::TryCatch(boxed(tried), catch.map(boxed)),
        Term::IfThenElse(branches, otherwise) => {
            let branch = |(condition, then)| (term(condition), term(then));
            let branches = branches.into_iter().map(branch).collect();
            Term::IfThenElse(branches, otherwise.map(boxed))
        }
        Term::Def(defs, inner) => Term::Def(defs.into_iter().map(def).collect(), boxed(inner)),
        Term::Call(name, args) => {
            let is_generator = GENERATORS.contains(&(name, args.len()));
            let call = Term::Call(name, args.into_iter().map(term).collect());
            if is_generator {
                pipe(call, step())
            } else {
                call
            }
        }
        Term::Path(inner, Path(parts)) => path(term(*inner), parts),
    }
}

/// A path that counts each value behind `[]`, also if what follows gives none.
fn path<'s>(inner: Code<'s>, parts: Vec<(Part<Code<'s>>, Opt)>) -> Code<'s> {
    let (mut inner, mut path) = (inner, Vec::new());
    for (part, opt) in parts {
        let is_iteration = matches!(part, Part::Range(None, None));
        let part = match part {
            Part::Index(index) => Part::Index(term(index)),
            Part::Range(from, to) => Part::Range(from.map(term), to.map(term)),
        };
        path.push((part, opt));
        if is_iteration {
            let until_here = Term::Path(Box::new(inner), Path(std::mem::take(&mut path)));
            inner = pipe(until_here, step());
        }
    }
    if path.is_empty() {
        inner
    } else {
        Term::Path(Box::new(inner), Path(path))
    }
}

fn binary<'s>(left: Code<'s>, op: BinaryOp<&'s str>, right: Code<'s>) -> Code<'s> {
    match op {
        // Before it, so that a call at its end stays there.
        BinaryOp::Comma => after_a_step(Term::BinOp(Box::new(left), op, Box::new(right))),
        BinaryOp::Math(Math::Mul) => Term::Call(PRODUCT, vec![left, right]),
        BinaryOp::Math(Math::Add) => pipe(Term::BinOp(Box::new(left), op, Box::new(right)), step()),
        BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateAlt => {
            Term::BinOp(Box::new(left), op, Box::new(counted(right)))
        }
        // As jq's manual has it: `$factor | left |= . * $factor`.
        BinaryOp::UpdateMath(Math::Mul) => {
            let product = Term::Call(PRODUCT, vec![Term::Id, Term::Var(FACTOR)]);
            let update = Term::BinOp(Box::new(left), BinaryOp::Update, Box::new(product));
            let factor = BinaryOp::Pipe(Some(Pattern::Var(FACTOR)));
            Term::BinOp(Box::new(right), factor, Box::new(update))
        }
        BinaryOp::Pipe(Some(bound)) => {
            let pipe = BinaryOp::Pipe(Some(pattern(bound)));
            Term::BinOp(Box::new(left), pipe, Box::new(right))
        }
        op => Term::BinOp(Box::new(left), op, Box::new(right)),
    }
}

fn pattern(bound: Pattern<&str>) -> Pattern<&str> {
    match bound {
        Pattern::Var(_) => bound,
        Pattern::Arr(items) => Pattern::Arr(items.into_iter().map(pattern).collect()),
        Pattern::Obj(members) => {
            let member = |(key, value)| (term(key), pattern(value));
            Pattern::Obj(members.into_iter().map(member).collect())
        }
    }
}

fn boxed(mut code: Box<Code<'_>>) -> Box<Code<'_>> {
    *code = term(std::mem::take(&mut *code));
    code
}

/// The step comes first, so that a call at the end of a definition stays there, and takes no stack.
fn after_a_step(code: Code<'_>) -> Code<'_> {
    pipe(step(), code)
}

/// Counts what becomes a part of another value.
fn counted(code: Code<'_>) -> Code<'_> {
    pipe(code, Term::Call(PART, Vec::new()))
}

fn step<'s>() -> Code<'s> {
    Term::Call(STEP, Vec::new())
}

fn pipe<'s>(left: Code<'s>, right: Code<'s>) -> Code<'s> {
    Term::BinOp(Box::new(left), BinaryOp::Pipe(None), Box::new(right))
}
