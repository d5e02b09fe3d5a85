//! Rows into one table, whichever way: in requests that are not too large, and sent again without those that BigQuery does
//! not take.

use std::collections::VecDeque;

use crate::bigquery::{Class, Problem};

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Stored,
    /// BigQuery does not take it, and says why.
    Refused(String),
    /// Its table does not know one of its columns, or not yet.
    Unknown(String),
    /// It is to be sent again, for the problem with its request or for this one.
    Again(Option<String>),
}

/// What became of rows, each in its place, and the problem that kept some from being tried.
#[derive(Debug)]
pub(super) struct Inserted {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) problem: Option<Problem>,
}

/// What BigQuery says of the rows of a request, each in its place; none of one that failed for its neighbours' sake alone.
pub(super) type Said = Vec<Option<Outcome>>;

/// How rows of one table are sent.
#[tonic::async_trait]
pub(super) trait Way: Sync {
    /// Makes one request of the rows in these places.
    ///
    /// A problem is one of the whole request.
    async fn send(&self, places: &[usize]) -> Result<Said, Problem>;
}

/// The most that a request may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

impl Limits {
    /// The places of the rows of each request, for rows of these sizes. What is too large alone is BigQuery's to refuse.
    pub(super) fn requests(self, sizes: impl Iterator<Item = usize>) -> VecDeque<Vec<usize>> {
        let mut requests = VecDeque::new();
        let (mut request, mut bytes) = (Vec::new(), 0);
        for (place, size) in sizes.enumerate() {
            let is_full = request.len() >= self.rows || bytes + size > self.bytes;
            if is_full && !request.is_empty() {
                requests.push_back(std::mem::take(&mut request));
                bytes = 0;
            }
            request.push(place);
            bytes += size;
        }
        if !request.is_empty() {
            requests.push_back(request);
        }
        requests
    }
}

/// Told of each row what became of it, by its place, as soon as that is known.
pub(super) type Told<'t> = &'t (dyn Fn(usize, &Outcome) + Sync);

/// Inserts rows of these sizes, and says what became of each.
pub(super) async fn insert(
    limits: Limits,
    sizes: impl ExactSizeIterator<Item = usize>,
    way: &dyn Way,
    told: Told<'_>,
) -> Inserted {
    let mut outcomes = vec![Outcome::Again(None); sizes.len()];
    let mut requests = limits.requests(sizes);
    while let Some(request) = requests.pop_front() {
        match way.send(&request).await {
            Ok(said) => {
                let left = note(said, request, &mut outcomes, told);
                requests.extend((!left.is_empty()).then_some(left));
            }
            Err(problem) if matches!(problem.class, Class::Invalid | Class::TooLarge) => {
                // Whichever row it is, it must not keep the others.
                if let [row] = *request {
                    outcomes[row] = Outcome::Refused(problem.message);
                    told(row, &outcomes[row]);
                } else {
                    let (first, second) = request.split_at(request.len() / 2);
                    requests.push_front(second.to_vec());
                    requests.push_front(first.to_vec());
                }
            }
            Err(problem) => {
                return Inserted {
                    outcomes,
                    problem: Some(problem),
                };
            }
        }
    }
    Inserted {
        outcomes,
        problem: None,
    }
}

/// Notes what was said of each row, and returns those that are to be sent again at once, without the others.
fn note(said: Said, request: Vec<usize>, outcomes: &mut [Outcome], told: Told<'_>) -> Vec<usize> {
    let mut left = Vec::new();
    for (place, outcome) in request.into_iter().zip(said) {
        match outcome {
            Some(outcome) => {
                told(place, &outcome);
                outcomes[place] = outcome;
            }
            None => left.push(place),
        }
    }
    left
}

/// What is said of so many rows when BigQuery names one of them that was not sent: nothing is certain then.
pub(super) fn out_of_place(index: impl std::fmt::Display, rows: usize) -> Said {
    let words = format!("BigQuery names the row {index} of a request of {rows}");
    vec![Some(Outcome::Again(Some(words))); rows]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_no_more_rows_and_bytes_than_it_may() {
        let limits = Limits {
            rows: 50_000,
            bytes: 9_500_000,
        };
        let requests = |size, count| {
            let sizes = std::iter::repeat_n(size, count);
            let requests = limits.requests(sizes);
            assert!(requests.iter().flatten().copied().eq(0..count));
            requests.iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(requests(2, 0), [0; 0]);
        assert_eq!(requests(2, 50_000), [50_000]);
        assert_eq!(requests(2, 120_000), [50_000, 50_000, 20_000]);
        assert_eq!(requests(1_000_000, 20), [9, 9, 2]);
        assert_eq!(requests(10_000_001, 2), [1, 1]);
    }
}
