//! Limits of concurrency. No task starts a job: every read first settles what has happened by now, in order of time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::sync::lock;
use crate::time::clock::Clock;

/// The slots of jobs that run at a time, and the jobs that wait for one.
#[derive(Debug)]
pub(crate) struct Slots {
    clock: Arc<Clock>,
    line: Mutex<Line>,
    /// Wakes status streams when something other than time changes the line.
    pushed: Arc<watch::Sender<()>>,
}

/// The place of a job in the line, and its slot once it runs. Dropping it frees both.
#[derive(Debug)]
pub(crate) struct Seat {
    slots: Arc<Slots>,
    ticket: Ticket,
    started: Arc<OnceLock<Instant>>,
}

/// The times of a job that waits for a slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The time from which the job takes a free slot. Without it, a test starts the job.
    pub(crate) ready: Option<Instant>,
    /// The time that the job runs. Without it, a test ends the job.
    pub(crate) run_time: Option<Duration>,
    /// The time until which the job has to start.
    pub(crate) deadline: Option<Instant>,
}

#[derive(Debug, Default)]
struct Line {
    /// The most jobs that run at a time. Default: no limit.
    limit: Option<usize>,
    lanes: [Lane; 2],
    /// The deadlines of waiting jobs.
    deadlines: BTreeSet<(Instant, Ticket)>,
    /// The jobs that run, with the time of their end.
    running: BTreeMap<Ticket, Option<Instant>>,
    /// The known ends of running jobs.
    ends: BTreeSet<(Instant, Ticket)>,
    /// The time of the last event. A job that it lets start does not start earlier.
    settled: Option<Instant>,
}

/// The waiting jobs of a priority, in order.
#[derive(Debug, Default)]
struct Lane {
    /// The number of the first entry.
    first: u64,
    /// `None` for a job that left the line before those ahead of it.
    entries: VecDeque<Option<Waiting>>,
    /// The numbers of the entries that are `None`.
    gone: BTreeSet<u64>,
}

#[derive(Debug)]
struct Waiting {
    times: Times,
    started: Arc<OnceLock<Instant>>,
}

/// A number in a lane: 0 for normal priority, 1 for low priority. Jobs start in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    lane: usize,
    number: u64,
}

/// Something that happens with time.
enum Event {
    End(Ticket),
    Start(Ticket),
    /// A job has not started in time.
    Late(Ticket),
}

impl Slots {
    pub(crate) fn new(limit: Option<usize>, clock: &Arc<Clock>) -> Arc<Self> {
        let line = Mutex::new(Line { limit, ..Line::default() });
        Arc::new(Slots { clock: Arc::clone(clock), line, pushed: Arc::new(watch::Sender::new(())) })
    }

    /// Returns whether there is a limit.
    pub(crate) fn are_limited(&self) -> bool {
        lock(&self.line).limit.is_some()
    }

    /// Sets the limit. Jobs that run beyond it continue.
    pub(crate) fn set_limit(&self, limit: Option<usize>) {
        self.change(|line| line.limit = limit);
    }

    /// Adds a queued job to the end of the line.
    pub(crate) fn queue(self: &Arc<Self>, is_low: bool, times: Times) -> Seat {
        let started = Arc::<OnceLock<Instant>>::default();
        let waiting = Waiting { times, started: Arc::clone(&started) };
        let lane = usize::from(is_low);
        let ticket = self.settled(|line| line.push(lane, Some(waiting)));
        Seat { slots: Arc::clone(self), ticket, started }
    }

    /// Starts a job that does not wait, or returns `None` if no slot is free.
    pub(crate) fn enter(self: &Arc<Self>, run_time: Duration) -> Option<Seat> {
        let now = self.clock.now();
        let started = Arc::new(OnceLock::from(now));
        let ticket = self.settled(|line| {
            line.has_room().then(|| {
                let ticket = line.push(0, None);
                line.run(ticket, Some(now + run_time));
                ticket
            })
        })?;
        Some(Seat { slots: Arc::clone(self), ticket, started })
    }

    /// Returns a result of the line after everything that has happened by now.
    fn settled<T>(&self, result: impl FnOnce(&mut Line) -> T) -> T {
        let mut line = lock(&self.line);
        line.settle(self.clock.now());
        result(&mut line)
    }

    /// Changes the line now, and wakes those who watch it.
    fn change<T>(&self, change: impl FnOnce(&mut Line) -> T) -> T {
        let now = self.clock.now();
        let changed = {
            let mut line = lock(&self.line);
            line.settle(now);
            let changed = change(&mut line);
            line.settled = line.settled.max(Some(now));
            line.settle(now);
            changed
        };
        self.pushed.send_replace(());
        changed
    }
}

impl Seat {
    /// Returns the time of the start, if it has come.
    pub(crate) fn started(&self) -> Option<Instant> {
        if self.started.get().is_none() {
            self.slots.settled(|_| ());
        }
        self.started.get().copied()
    }

    /// Returns the number of jobs that wait ahead of this one.
    pub(crate) fn ahead(&self) -> u32 {
        self.slots.settled(|line| line.ahead(self.ticket))
    }

    /// Returns the time at which something may change for a waiting job.
    pub(crate) fn moves_at(&self) -> Option<Instant> {
        self.slots.settled(|line| line.next().map(|(at, _)| at))
    }

    /// Starts the job, unless others are ahead of it or no slot is free. Returns whether it has started.
    pub(crate) fn start(&self) -> bool {
        if self.started().is_some() {
            return true;
        }
        let now = self.slots.clock.now();
        let can_start =
            self.slots.settled(|line| line.has_room() && line.head().is_some_and(|(ticket, _)| ticket == self.ticket));
        can_start && {
            self.slots.change(|line| line.start(self.ticket, now));
            self.started.get().is_some()
        }
    }

    /// Frees the slot, or leaves the line.
    pub(crate) fn leave(&self) {
        self.slots.change(|line| line.leave(self.ticket));
    }

    /// Returns the sender that wakes those who watch the line.
    pub(crate) fn pushed(&self) -> Arc<watch::Sender<()>> {
        Arc::clone(&self.slots.pushed)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Line {
    /// Makes everything happen that has happened by now, in order.
    fn settle(&mut self, now: Instant) {
        while let Some((at, event)) = self.next().filter(|(at, _)| *at <= now) {
            match event {
                Event::Start(ticket) => self.start(ticket, at),
                Event::End(ticket) | Event::Late(ticket) => self.leave(ticket),
            }
            self.settled = self.settled.max(Some(at));
        }
    }

    /// Returns the next event with its time. At the same time, a job ends before another one starts, and starts before it is
    /// late.
    fn next(&self) -> Option<(Instant, Event)> {
        let end = self.ends.first().map(|(at, ticket)| (*at, Event::End(*ticket)));
        let head = self.head().filter(|_| self.has_room());
        let start = head.and_then(|(ticket, waiting)| {
            let ready = waiting.times.ready?;
            Some((self.settled.map_or(ready, |settled| settled.max(ready)), Event::Start(ticket)))
        });
        let late = self.deadlines.first().map(|(at, ticket)| (*at, Event::Late(*ticket)));
        [end, start, late].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn has_room(&self) -> bool {
        self.limit.is_none_or(|limit| self.running.len() < limit)
    }

    /// Returns the job that starts next.
    fn head(&self) -> Option<(Ticket, &Waiting)> {
        self.lanes.iter().enumerate().find_map(|(lane, entries)| {
            let waiting = entries.entries.front()?.as_ref()?;
            Some((Ticket { lane, number: entries.first }, waiting))
        })
    }

    /// Adds an entry to the end of a lane.
    fn push(&mut self, lane: usize, waiting: Option<Waiting>) -> Ticket {
        let entries = &mut self.lanes[lane];
        let ticket = Ticket { lane, number: entries.first + entries.entries.len() as u64 };
        let deadline = waiting.as_ref().and_then(|waiting| waiting.times.deadline);
        self.deadlines.extend(deadline.map(|deadline| (deadline, ticket)));
        if waiting.is_none() {
            entries.gone.insert(ticket.number);
        }
        entries.entries.push_back(waiting);
        entries.trim();
        ticket
    }

    /// Moves a waiting job to those that run.
    fn start(&mut self, ticket: Ticket, at: Instant) {
        if let Some(Waiting { times, started }) = self.remove(ticket) {
            let _ = started.set(at);
            let start = times.ready.map_or(at, |ready| ready.max(at));
            self.run(ticket, times.run_time.map(|time| start + time));
        }
    }

    fn run(&mut self, ticket: Ticket, end: Option<Instant>) {
        self.running.insert(ticket, end);
        self.ends.extend(end.map(|end| (end, ticket)));
    }

    fn leave(&mut self, ticket: Ticket) {
        self.remove(ticket);
        if let Some(Some(end)) = self.running.remove(&ticket) {
            self.ends.remove(&(end, ticket));
        }
    }

    /// Removes a waiting job from its lane.
    fn remove(&mut self, ticket: Ticket) -> Option<Waiting> {
        let lane = &mut self.lanes[ticket.lane];
        let index = usize::try_from(ticket.number.checked_sub(lane.first)?).ok()?;
        let waiting = lane.entries.get_mut(index)?.take()?;
        lane.gone.insert(ticket.number);
        lane.trim();
        if let Some(deadline) = waiting.times.deadline {
            self.deadlines.remove(&(deadline, ticket));
        }
        Some(waiting)
    }

    /// Returns the number of waiting jobs ahead of one, 0 if it does not wait.
    fn ahead(&self, ticket: Ticket) -> u32 {
        let lane = &self.lanes[ticket.lane];
        let Some(before) = ticket.number.checked_sub(lane.first).filter(|_| !lane.gone.contains(&ticket.number)) else {
            return 0;
        };
        let others: usize = self.lanes[..ticket.lane].iter().map(|lane| lane.entries.len() - lane.gone.len()).sum();
        let before = before - lane.gone.range(..ticket.number).count() as u64;
        u32::try_from(before + others as u64).unwrap_or(u32::MAX)
    }
}

impl Lane {
    /// Removes the entries at the front that are gone.
    fn trim(&mut self) {
        while let Some(None) = self.entries.front() {
            self.entries.pop_front();
            self.gone.remove(&self.first);
            self.first += 1;
        }
    }
}
