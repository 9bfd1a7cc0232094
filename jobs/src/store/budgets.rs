use super::failure::failed;
use super::{Store, with_pool};
use crate::amount::to_cost;
use crate::error::{Error, ErrorKind};
use crate::record::Record;

/// Changes a budget. It has no effect on a budget without room for a reservation. A sum never exceeds the range of an integer,
/// because an amount is at most a quarter of the largest sum.
pub(super) const CHANGE_BUDGET: &str = "UPDATE budgets SET spent = CASE WHEN spent > 4000000000000000000 THEN spent ELSE spent + $1 END, reserved = reserved + $2 \
     WHERE name = $3 AND (NOT $4 OR spent + $1 + reserved + $2 <= ceiling)";

/// A budget as the database has it, in billionths of a dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BudgetRow {
    pub(crate) ceiling: i64,
    pub(crate) spent: i64,
    pub(crate) reserved: i64,
}

/// The sums of the jobs of a budget, in billionths of a dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BudgetSums {
    pub(crate) spent: i64,
    pub(crate) reserved: i64,
}

/// The part of a change of a job that is a change of a budget.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    pub(super) budget: String,
    pub(super) spent: i64,
    pub(super) reserved: i64,
    /// It must not exceed the limit.
    pub(super) is_reservation: bool,
}

/// Returns the changes of budgets that belong to a change of a job. An inner budget comes before the one that it is within.
pub(super) fn changes(before: &Record, after: &Record) -> Vec<Change> {
    let is_reservation = before.attempt < after.attempt;
    let mut changes: Vec<Change> = Vec::new();
    for (record, sign) in [(before, -1), (after, 1)] {
        let (spent, reserved) = (sign * record.cost.unwrap_or(0), sign * record.reserved);
        for budget in record.billing.budgets() {
            match changes.iter_mut().find(|change| change.budget == budget) {
                Some(change) => (change.spent, change.reserved) = (change.spent + spent, change.reserved + reserved),
                None => changes.push(Change { budget: budget.to_owned(), spent, reserved, is_reservation }),
            }
        }
    }
    changes.retain(|change| change.spent != 0 || change.reserved != 0);
    changes
}

impl Store {
    /// Creates a budget, or changes its limit.
    pub(crate) async fn set_budget(&self, name: &str, ceiling: i64) -> Result<(), Error> {
        let sql = "INSERT INTO budgets (name, ceiling, spent, reserved) VALUES ($1, $2, 0, 0) \
                   ON CONFLICT (name) DO UPDATE SET ceiling = excluded.ceiling";
        let set = with_pool!(self, pool => sqlx::query(sql).bind(name).bind(ceiling).execute(pool).await.map(drop));
        set.map_err(|error| failed(error, "cannot record the budget"))
    }

    /// Returns a budget.
    pub(crate) async fn budget(&self, name: &str) -> Result<Option<BudgetRow>, Error> {
        let sql = "SELECT ceiling, spent, reserved FROM budgets WHERE name = $1";
        let found: Result<Option<(i64, i64, i64)>, _> =
            with_pool!(self, pool => sqlx::query_as(sql).bind(name).fetch_optional(pool).await);
        let found = found.map_err(|error| failed(error, "cannot read the budget"))?;
        Ok(found.map(|(ceiling, spent, reserved)| BudgetRow { ceiling, spent, reserved }))
    }

    /// Returns a budget together with the sums of its jobs, of the same instant.
    pub(crate) async fn budget_sums(&self, name: &str) -> Result<Option<(BudgetRow, BudgetSums)>, Error> {
        let sql = "SELECT ceiling, spent, reserved, \
                   (SELECT CAST(COALESCE(SUM(cost), 0) AS BIGINT) FROM jobs WHERE budget = $1 OR outer_budget = $1), \
                   (SELECT CAST(COALESCE(SUM(reserved), 0) AS BIGINT) FROM jobs WHERE budget = $1 OR outer_budget = $1) \
                   FROM budgets WHERE name = $1";
        let found = with_pool!(self, pool => sqlx::query_as::<_, (i64, i64, i64, i64, i64)>(sql)
            .bind(name)
            .fetch_optional(pool)
            .await);
        let found = found.map_err(|error| failed(error, "cannot read the budget"))?;
        Ok(found.map(|(ceiling, spent, reserved, cost, held)| {
            (BudgetRow { ceiling, spent, reserved }, BudgetSums { spent: cost, reserved: held })
        }))
    }

    /// Returns the error of a budget that cannot reserve an amount.
    pub(super) async fn refusal(&self, change: &Change) -> Error {
        let name = change.budget.escape_debug();
        let message = match self.budget(&change.budget).await {
            Err(error) => return error,
            Ok(None) => format!("the journal does not have the budget `{name}`: create it with `Journal::budget`"),
            Ok(Some(BudgetRow { ceiling, spent, reserved })) => {
                let [amount, ceiling, spent, reserved] =
                    [change.spent + change.reserved, ceiling, spent, reserved].map(to_cost);
                format!(
                    "the budget `{name}` cannot reserve {amount}: {spent} of {ceiling} are spent and {reserved} reserved: \
                     raise its limit"
                )
            }
        };
        Error::new(ErrorKind::Budget, message)
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::record::{Billing, NewRecord};
    use crate::state::{Event, State};
    use crate::store::Settings;

    const CEILING: i64 = 100;
    const PROCESS: &str = "process";

    fn settings() -> Settings {
        let lease = Duration::from_secs(30);
        Settings { lease, connections: 1, retry_for: Duration::ZERO, redacted: Vec::new() }
    }

    fn new(job: usize, billing: Billing) -> NewRecord {
        NewRecord {
            key: format!("job-{job}"),
            endpoint: "acme/portraits".to_owned(),
            label: None,
            input: "{}".to_owned(),
            input_hash: "hash".to_owned(),
            request: None,
            options: None,
            billing,
            webhook: false,
            enqueued: false,
        }
    }

    fn billing((budget, outer): (Option<&str>, Option<&str>), estimate: i64) -> Billing {
        let unit_price = (estimate % 2 == 0).then(|| "0.000000001".to_owned());
        Billing { budget: budget.map(str::to_owned), outer: outer.map(str::to_owned), estimate, unit_price }
    }

    fn failure(may_be_billed: bool) -> String {
        format!(r#"{{"kind":"failed","message":"failed","may_be_billed":{may_be_billed}}}"#)
    }

    /// A call for a job, or one of its events. The attempt and the request id are those of the job.
    #[derive(Clone, Debug)]
    enum Step {
        Insert((Option<&'static str>, Option<&'static str>), i64),
        Intend,
        Submit,
        Withdraw,
        Doubt,
        Complete(Option<String>),
        Fail(Option<String>, bool),
        Adopt,
        Permit,
    }

    fn step() -> impl Strategy<Value = Step> {
        let units = || {
            prop_oneof![
                2 => Just(None),
                4 => (0..60_u32).prop_map(|units| Some(units.to_string())),
                1 => prop::sample::select(vec!["-7", "many", "2.5", "1e40", "79228162514264337593543950335"])
                    .prop_map(|units| Some(units.to_owned())),
            ]
        };
        let budget = prop::sample::select(vec![
            (None, None),
            (Some("cards"), None),
            (Some("posters"), None),
            (Some("cards"), Some("posters")),
        ]);
        prop_oneof![
            3 => (budget, 0..40_i64).prop_map(|(budget, estimate)| Step::Insert(budget, estimate)),
            4 => Just(Step::Intend),
            3 => Just(Step::Submit),
            1 => Just(Step::Withdraw),
            2 => Just(Step::Doubt),
            3 => units().prop_map(Step::Complete),
            2 => (units(), any::<bool>()).prop_map(|(units, may_be_billed)| Step::Fail(units, may_be_billed)),
            1 => Just(Step::Adopt),
            3 => Just(Step::Permit),
        ]
    }

    async fn take(store: &Store, job: usize, step: Step) -> Result<(), Error> {
        let key = format!("job-{job}");
        let step = match step {
            Step::Insert(budget, estimate) => {
                return store.insert(&new(job, billing(budget, estimate)), None).await.map(drop);
            }
            step => step,
        };
        let Some(record) = store.get(&key).await? else { return Ok(()) };
        if matches!(step, Step::Intend) {
            store.claim(&key, PROCESS).await?;
            return store.intend(&key, PROCESS, "{}".to_owned(), false).await.map(drop);
        }
        let (attempt, request_id) = (record.attempt, format!("request-{job}-{}", record.attempt));
        let event = match step {
            Step::Insert(..) | Step::Intend | Step::Submit => Event::Submit { attempt, request_id },
            Step::Withdraw => Event::Withdraw { attempt },
            Step::Doubt => Event::Doubt { attempt },
            Step::Complete(units) => Event::Complete { request_id, output: "{}".to_owned(), units },
            Step::Fail(units, may_be_billed) => {
                let request_id = record.request_id.filter(|_| record.state == State::Submitted);
                Event::Fail { attempt, request_id, error: failure(may_be_billed), units }
            }
            Step::Adopt => Event::Adopt { request_id },
            Step::Permit => Event::Permit { attempt },
        };
        store.apply(&key, &event).await.map(drop)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        /// The amounts of a budget are the sums of its jobs after every change, and a reservation never exceeds the limit.
        #[test]
        fn budgets_equal_the_sums_of_their_jobs(steps in prop::collection::vec((0..4_usize, step()), 1..40)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let folder = tempfile::tempdir().expect("a folder");
                let url = format!("sqlite://{}", folder.path().join("jobs.db").display());
                let store = Store::open(&url, settings()).await.expect("a store");
                store.begin_lease(PROCESS).await.expect("a lease");
                for budget in ["cards", "posters"] {
                    store.set_budget(budget, CEILING).await.expect("a budget");
                }
                for (job, step) in steps {
                    let taken = take(&store, job, step.clone()).await;
                    let is_known = |error: &Error| matches!(error.kind(), ErrorKind::State | ErrorKind::Budget);
                    assert!(taken.as_ref().err().is_none_or(is_known), "{step:?}: {taken:?}");
                    for budget in ["cards", "posters"] {
                        let (row, sums) = store.budget_sums(budget).await.expect("sums").expect("a budget");
                        assert_eq!((row.spent, row.reserved), (sums.spent, sums.reserved), "{budget} after {step:?}");
                        let has_reserved = taken.is_ok() && matches!(step, Step::Intend);
                        let in_this = store.get(&format!("job-{job}")).await.expect("a job")
                            .is_some_and(|record| record.billing.budgets().any(|name| name == budget) && record.reserved > 0);
                        assert!(!(has_reserved && in_this) || row.spent + row.reserved <= CEILING, "{row:?}");
                    }
                }
            });
        }
    }

    #[tokio::test]
    async fn billions_of_dollars_do_not_overflow() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("jobs.db").display());
        let store = Store::open(&url, settings()).await.expect("a store");
        store.begin_lease(PROCESS).await.expect("a lease");
        store.set_budget("cards", crate::amount::MAX).await.expect("a budget");
        let terms = Billing { unit_price: Some("9000000000".to_owned()), ..billing((Some("cards"), None), 1) };
        for job in 0..12 {
            store.insert(&new(job, terms.clone()), None).await.expect("a job");
            take(&store, job, Step::Intend).await.expect("an intent");
        }
        for job in 0..12 {
            take(&store, job, Step::Submit).await.expect("a submission");
            take(&store, job, Step::Complete(Some("1".to_owned()))).await.expect("a result");
            assert!(
                store.get(&format!("job-{job}")).await.expect("a job").is_some_and(|job| job.state == State::Completed)
            );
        }
        let row = store.budget("cards").await.expect("a budget").expect("a budget");
        assert!(row.spent >= crate::amount::MAX && row.reserved == 0, "{row:?}");
    }
}
