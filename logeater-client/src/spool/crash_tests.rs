//! Whatever a process was doing when it died: nothing that was written is lost, nothing is read twice, and nothing of
//! others is deleted.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use super::tests::NO_LIMIT;
use super::*;

thread_local! {
    /// How many changes on disk this thread makes before its process dies.
    static STEPS_LEFT: Cell<Option<u32>> = const { Cell::new(None) };
}

/// What a thread unwinds with when its process dies.
struct Died;

/// Called before each change on disk.
pub(super) fn step() {
    match STEPS_LEFT.get() {
        Some(0) => resume_unwind(Box::new(Died)),
        steps => STEPS_LEFT.set(steps.map(|steps| steps - 1)),
    }
}

/// What `act` returns, unless its process dies after so many changes.
fn live_for<T>(steps: Option<u32>, act: impl FnOnce() -> T) -> Option<T> {
    STEPS_LEFT.set(steps);
    let acted = catch_unwind(AssertUnwindSafe(act));
    STEPS_LEFT.set(None);
    acted
        .map_err(|payload| {
            payload
                .downcast::<Died>()
                .unwrap_or_else(|other| resume_unwind(other))
        })
        .ok()
}

#[derive(Clone, Debug)]
enum Act {
    Adopt,
    Write,
    /// A batch is taken and written to somebody, and then removed.
    Send,
    /// A batch is taken, and put back.
    Fail,
    /// A batch is taken, and nothing more.
    Forget,
    Close,
}

/// What happens to the disk of a process that has died.
#[derive(Clone, Debug)]
enum Harm {
    /// Of what was being written so many bytes are there.
    Tear(usize),
    /// Of a whole batch so many bytes are left.
    Damage(usize),
    /// Somebody puts a file there.
    Litter,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Adopt),
        4 => Just(Act::Write),
        3 => Just(Act::Send),
        1 => Just(Act::Fail),
        1 => Just(Act::Forget),
        1 => Just(Act::Close),
    ]
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        (0..60_usize).prop_map(Harm::Tear),
        (0..28_usize).prop_map(Harm::Damage),
        Just(Harm::Litter),
    ]
}

#[derive(Default)]
struct Ledger {
    /// Batches, by the first byte of their ids, that may be on disk.
    begun: BTreeSet<u8>,
    /// Those that must be.
    safe: BTreeSet<u8>,
    /// Those that somebody living has, or that are gone for good.
    taken: BTreeSet<u8>,
    /// The contents of files that nobody may delete, by their names.
    kept: BTreeMap<String, Vec<u8>>,
}

impl Ledger {
    fn check(&self, Taken { ticket, batch }: &Taken) -> u8 {
        let id = ticket.name.id[0];
        assert_eq!((batch, ticket.events()), (&content(id), u32::from(id)));
        assert!(self.begun.contains(&id), "{id} was never written");
        assert!(!self.taken.contains(&id), "{id} is read twice");
        id
    }
}

fn content(id: u8) -> Vec<u8> {
    vec![id; usize::from(id % 16)]
}

struct World {
    parent: TempDir,
    /// Two processes at a time, with the batches that each has taken.
    living: [Option<(Spool, BTreeSet<u8>)>; 2],
    clients: u64,
    batches: u8,
    ledger: Ledger,
}

impl World {
    fn new() -> Self {
        Self {
            parent: tempdir().unwrap(),
            living: [None, None],
            clients: 0,
            batches: 0,
            ledger: Ledger::default(),
        }
    }

    fn open(&mut self) -> Spool {
        self.clients += 1;
        Spool::open(self.parent.path(), self.clients, [0; 6], NO_LIMIT).unwrap()
    }

    /// One of the two processes, begun anew if it has died, does something, and may die of it.
    fn act(&mut self, place: usize, act: &Act, steps: Option<u32>) {
        let begun = self.living[place].take();
        let had = begun.as_ref().map(|(_, taken)| taken.clone());
        let acted = live_for(steps, || {
            let (mut spool, mut taken) = begun.unwrap_or_else(|| (self.open(), BTreeSet::new()));
            match act {
                Act::Adopt => assert_eq!(spool.adopt().errors, []),
                Act::Write => self.write(&mut spool),
                Act::Send | Act::Fail | Act::Forget => self.take(&mut spool, act, &mut taken),
                Act::Close => {
                    spool.close().unwrap();
                    return (None, taken);
                }
            }
            (Some(spool), taken)
        });
        match acted {
            Some((Some(spool), taken)) => self.living[place] = Some((spool, taken)),
            // What a dead process had is to be had again.
            Some((None, taken)) => self.ledger.taken.retain(|id| !taken.contains(id)),
            None => {
                let had = had.unwrap_or_default();
                self.ledger.taken.retain(|id| !had.contains(id));
            }
        }
    }

    fn write(&mut self, spool: &mut Spool) {
        self.batches += 1;
        let id = self.batches;
        self.ledger.begun.insert(id);
        let file = spool.write([id; 16], id.into(), &content(id), |_, _| {});
        spool.put_back(file.unwrap());
        self.ledger.safe.insert(id);
    }

    fn take(&mut self, spool: &mut Spool, act: &Act, has: &mut BTreeSet<u8>) {
        let taken = match spool.take() {
            Ok(Some(taken)) => taken,
            Ok(None) => return,
            Err(TakeError::SetAside { file, .. }) => {
                let name = file.path.file_name().unwrap().to_str().unwrap();
                assert!(self.ledger.kept.contains_key(name), "{file:?}");
                return;
            }
            Err(error) => panic!("{error:?}"),
        };
        let id = self.ledger.check(&taken);
        match act {
            Act::Fail => spool.put_back(taken.ticket),
            Act::Forget => {
                self.ledger.taken.insert(id);
                has.insert(id);
            }
            _ => {
                // From here on it may be gone.
                self.ledger.safe.remove(&id);
                spool.remove(taken.ticket).unwrap();
                self.ledger.taken.insert(id);
            }
        }
    }

    fn harm(&mut self, harm: &Harm) {
        let living: Vec<_> = self
            .living
            .iter()
            .flatten()
            .map(|(spool, _)| spool.folder.path())
            .collect();
        let Some(folder) = folders(self.parent.path())
            .into_iter()
            .find(|path| !path.ends_with("set-aside") && !living.contains(&&**path))
        else {
            return;
        };
        match harm {
            Harm::Tear(bytes) => {
                for path in files(&folder, ".tmp") {
                    cut(&path, *bytes);
                }
            }
            Harm::Damage(bytes) => {
                let Some(path) = files(&folder, ".batch").pop() else {
                    return;
                };
                cut(&path, *bytes);
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                self.ledger
                    .safe
                    .remove(&u8::from_str_radix(&name[..2], 16).unwrap());
                self.ledger.kept.insert(name, fs::read(&path).unwrap());
            }
            Harm::Litter => {
                let name = format!("litter {}", self.ledger.kept.len());
                fs::write(folder.join(&name), &name).unwrap();
                self.ledger.kept.insert(name.clone(), name.into_bytes());
            }
        }
    }

    /// Everybody dies, and one comes who finds everything.
    fn end(mut self) {
        for (_, had) in self.living.iter_mut().filter_map(Option::take) {
            self.ledger.taken.retain(|id| !had.contains(id));
        }
        let mut last = self.open();
        assert_eq!(last.adopt().errors, []);
        let mut found = BTreeSet::new();
        loop {
            match last.take() {
                Ok(Some(taken)) => {
                    assert!(found.insert(self.ledger.check(&taken)));
                    last.remove(taken.ticket).unwrap();
                }
                Ok(None) => break,
                Err(error) => assert!(matches!(error, TakeError::SetAside { .. }), "{error:?}"),
            }
        }
        assert!(
            found.is_superset(&self.ledger.safe),
            "{found:?} of {:?}",
            self.ledger.safe
        );
        assert_eq!((last.bytes(), last.waiting_events()), (0, 0));
        last.close().unwrap();
        let set_aside = self.parent.path().join("set-aside");
        let left: BTreeMap<_, _> = folders(&set_aside)
            .iter()
            .flat_map(|folder| files(folder, ""))
            .map(|path| {
                (
                    path.file_name().unwrap().to_str().unwrap().to_owned(),
                    fs::read(path).unwrap(),
                )
            })
            .collect();
        assert_eq!(left, self.ledger.kept);
        let mut names = paths(self.parent.path());
        names.retain(|path| *path != set_aside);
        assert_eq!(names, [self.parent.path().join("lock")]);
    }
}

fn cut(path: &Path, bytes: usize) {
    let content = fs::read(path).unwrap();
    fs::write(path, &content[..bytes.min(content.len())]).unwrap();
}

fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    paths(folder)
        .into_iter()
        .filter(|path| path.is_dir())
        .collect()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    paths(folder)
        .into_iter()
        .filter(|path| path.is_file() && path.to_str().unwrap().ends_with(ending))
        .collect()
}

proptest! {
    // Each waits for the disk some hundred times.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn wherever_processes_die_nothing_is_lost_nothing_is_read_twice_and_nothing_of_others_is_deleted(
        steps in vec((0..2_usize, act(), of(0..12_u32), of(harm())), 0..30)
    ) {
        let mut world = World::new();
        for (place, act, steps, harm) in &steps {
            world.act(*place, act, *steps);
            if let Some(harm) = harm {
                world.harm(harm);
            }
        }
        world.end();
    }
}
