//! A stream of a table. Its connection is opened when there is something to send, and again when it has ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::client::Client;
use super::connection::{Connection, Ended};
use super::messages::AppendRowsResponse;
use super::rows::Form;
use super::trouble::Trouble;

/// A stream, by its name, for rows of one form.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) name: String,
    pub(super) form: Arc<Form>,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Stream {
    pub(super) fn new(name: String, form: Arc<Form>) -> Self {
        Self {
            name,
            form,
            connection: Mutex::default(),
        }
    }

    /// Appends rows, behind so many that the stream has if it counts them, and gives the answer: no error, or errors of
    /// rows.
    ///
    /// With errors of rows, and with [`Trouble::is_refusal`], none of them is in; with other troubles nobody knows.
    pub(super) async fn append(
        &self,
        client: &Client,
        rows: Vec<Bytes>,
        offset: Option<i64>,
    ) -> Result<AppendRowsResponse, Trouble> {
        match self.attempt(client, rows.clone(), offset).await {
            Err(Ended::Closed) => {}
            Err(Ended::Failed(trouble)) if trouble.is_denied() && client.has_credentials() => {
                client.refresh().await;
            }
            answer => return answer.map_err(Ended::into_trouble),
        }
        let answer = self.attempt(client, rows, offset).await;
        let answer = answer.map_err(Ended::into_trouble);
        if offset.is_none() {
            return answer;
        }
        match answer {
            // They are from the first time.
            Err(Trouble::Present(_)) => Ok(AppendRowsResponse::default()),
            Ok(answer) if answer.row_errors.is_empty() => Ok(answer),
            Err(trouble) if !trouble.is_refusal() => Err(trouble),
            // They may be in from the first time: which is looked at first, rows or offset, is not documented.
            _ => Err(Trouble::no_answer("the connection ended")),
        }
    }

    async fn attempt(
        &self,
        client: &Client,
        rows: Vec<Bytes>,
        offset: Option<i64>,
    ) -> Result<AppendRowsResponse, Ended> {
        let connection = self.connection(client);
        let answer = match connection.append(rows, offset).await {
            Ok(AppendRowsResponse {
                error: Some(error),
                row_errors,
                ..
            }) if row_errors.is_empty() => Err(Ended::Failed(Trouble::of(&error))),
            // Where the rows are is what counts, if it does.
            Ok(AppendRowsResponse {
                error: None,
                append_result,
                ..
            }) if append_result.is_none_or(|result| is_elsewhere(offset, result.offset)) => Err(
                Ended::Failed(Trouble::no_answer("it does not say where the rows are")),
            ),
            answer => answer,
        };
        let is_over = |answer: &AppendRowsResponse| answer.updated_schema.is_some();
        // Another connection knows new columns.
        if answer.as_ref().map_or(true, is_over) {
            self.leave(&connection);
        }
        answer
    }

    /// The one that is open.
    fn connection(&self, client: &Client) -> Arc<Connection> {
        let mut kept = self.kept();
        if let Some(connection) = &*kept
            && connection.is_open()
        {
            return Arc::clone(connection);
        }
        let opened = Connection::open(client, self.name.clone(), Arc::clone(&self.form));
        Arc::clone(kept.insert(Arc::new(opened)))
    }

    /// Sends nothing more on a connection. It ends when the last that waits for an answer has it.
    fn leave(&self, connection: &Arc<Connection>) {
        self.kept().take_if(|kept| Arc::ptr_eq(kept, connection));
    }

    fn kept(&self) -> MutexGuard<'_, Option<Arc<Connection>>> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_elsewhere(wanted: Option<i64>, told: Option<i64>) -> bool {
    let both = wanted.zip(told);
    both.is_some_and(|(wanted, told)| wanted != told)
}
