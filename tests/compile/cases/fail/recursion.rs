//! A RECORD that holds itself through others is a cycle, which the compiler finds.

use logeater_client::{Column, Event};

#[derive(Column)]
struct Tree { //~ cycle … a RECORD cannot hold itself: write the key of the other value instead
    branches: Vec<Branch>,
}

#[derive(Column)]
struct Branch {
    tree: Option<Box<Tree>>,
}

#[derive(Column)]
struct Twig {
    twigs: Vec<Twig>, //~ a RECORD cannot hold itself: write the key of the other value instead
}

#[derive(Event)]
#[event("forest.grow")]
struct Grow {
    tree: Tree,
}

fn main() {}
