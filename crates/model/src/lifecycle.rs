//! The life of an exception, whatever it is for: vulnerabilities or a control. One state machine; what
//! expires is a function of it and now, so that nothing can be late.
//!
//! | from | to | when |
//! |---|---|---|
//! | – | pending | somebody asks |
//! | –, pending, rejected | approved | somebody who may approve says so, with an end that is still to come |
//! | pending, approved, rejected | rejected | somebody who may approve says so |
//! | approved, rejected, expired | pending | somebody who may approve reopens it; an approved one also when the evidence changed |
//! | approved | expired | its end has passed |
//! | expired | approved | somebody who may approve says so, with another end |
//! | all but ended | ended | it is ended by hand, or deleted |
//!
//! An ended exception stays ended.

use serde::{Deserialize, Serialize};

use crate::exception::ExceptionState;
use crate::time::{FOREVER, Millis};

/// Where an exception is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lifecycle {
    /// What was decided last.
    pub state: ExceptionState,
    /// First instant it holds.
    pub start: Millis,
    /// First instant it no longer holds; [`FOREVER`] for no end.
    pub end: Millis,
}

/// How an exception stands at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Asked for.
    Pending,
    /// Approved; it holds, or will when its start has come.
    Approved,
    /// Refused.
    Rejected,
    /// Approved, and its end has passed.
    Expired,
    /// Ended by hand or deleted.
    Ended,
}

/// Why a step is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepRefused {
    /// There is no such step.
    NoSuchStep(Standing, ExceptionState),
    /// Only with an end that is still to come.
    NeedsEnd,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Approved, Self::Rejected, Self::Expired, Self::Ended];

    /// The word used in every output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Ended => "ended",
        }
    }

    /// Whether the table has the step. Staying is no step.
    pub const fn may_become(self, next: ExceptionState) -> bool {
        use ExceptionState as S;
        match self {
            Self::Pending => matches!(next, S::Approved | S::Rejected | S::Ended),
            Self::Approved => matches!(next, S::Pending | S::Rejected | S::Ended),
            Self::Rejected => matches!(next, S::Pending | S::Approved | S::Ended),
            Self::Expired => matches!(next, S::Pending | S::Approved | S::Ended),
            Self::Ended => false,
        }
    }

    /// Whether it stands in the way of another exception for the same.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Approved)
    }
}

impl Lifecycle {
    /// One that was just asked for.
    pub const fn asked(start: Millis, end: Millis) -> Self {
        Self { state: ExceptionState::Pending, start, end }
    }

    /// Whether it holds at `now`.
    pub fn holds(&self, now: Millis) -> bool {
        self.state == ExceptionState::Approved && self.start <= now && now < self.end
    }

    /// The next instant at which [`Lifecycle::holds`] may change, if any.
    pub fn next_change(&self, now: Millis) -> Option<Millis> {
        if self.state != ExceptionState::Approved {
            return None;
        }
        [self.start, self.end].into_iter().filter(|&at| at > now && at != FOREVER).min()
    }

    /// How it stands at `now`.
    pub fn standing(&self, now: Millis) -> Standing {
        match self.state {
            ExceptionState::Pending => Standing::Pending,
            ExceptionState::Approved if self.end <= now => Standing::Expired,
            ExceptionState::Approved => Standing::Approved,
            ExceptionState::Rejected => Standing::Rejected,
            ExceptionState::Ended => Standing::Ended,
        }
    }

    /// The step to `next`, with another end where one is given.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn step(self, next: ExceptionState, end: Option<Millis>, now: Millis) -> Result<Self, StepRefused> {
        let from = self.standing(now);
        if !from.may_become(next) {
            return Err(StepRefused::NoSuchStep(from, next));
        }
        let end = end.unwrap_or(self.end);
        if next == ExceptionState::Approved && end <= now {
            return Err(StepRefused::NeedsEnd);
        }
        Ok(Self { state: next, start: self.start, end })
    }

    /// Moves the end. One that expired needs a step for that, so that nothing is approved in passing.
    ///
    /// # Errors
    /// [`StepRefused::NeedsEnd`] when it has to be still to come and is not, or a step is needed.
    pub fn with_end(self, end: Millis, now: Millis) -> Result<Self, StepRefused> {
        match self.standing(now) {
            Standing::Ended => Err(StepRefused::NoSuchStep(Standing::Ended, self.state)),
            Standing::Expired => Err(StepRefused::NoSuchStep(Standing::Expired, self.state)),
            _ if end <= now => Err(StepRefused::NeedsEnd),
            _ => Ok(Self { end, ..self }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The table of the module, written once more.
    const STEPS: [(Standing, ExceptionState); 12] = [
        (Standing::Pending, ExceptionState::Approved),
        (Standing::Pending, ExceptionState::Rejected),
        (Standing::Pending, ExceptionState::Ended),
        (Standing::Approved, ExceptionState::Pending),
        (Standing::Approved, ExceptionState::Rejected),
        (Standing::Approved, ExceptionState::Ended),
        (Standing::Rejected, ExceptionState::Pending),
        (Standing::Rejected, ExceptionState::Approved),
        (Standing::Rejected, ExceptionState::Ended),
        (Standing::Expired, ExceptionState::Pending),
        (Standing::Expired, ExceptionState::Approved),
        (Standing::Expired, ExceptionState::Ended),
    ];

    const STATES: [ExceptionState; 4] =
        [ExceptionState::Pending, ExceptionState::Approved, ExceptionState::Rejected, ExceptionState::Ended];

    #[derive(Debug, Clone)]
    enum Move {
        Wait(Millis),
        Step(ExceptionState, Option<Millis>),
        End(Millis),
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let state = proptest::sample::select(STATES.to_vec());
        let end = proptest::option::of(prop_oneof![-5_i64..40, Just(FOREVER)]);
        let one = prop_oneof![
            (0_i64..15).prop_map(Move::Wait),
            (state, end).prop_map(|(state, end)| Move::Step(state, end)),
            (-5_i64..40).prop_map(Move::End),
        ];
        proptest::collection::vec(one, 0..40)
    }

    proptest! {
        /// Whatever is tried, in whatever order: only steps of the table are taken, what holds was
        /// approved and is inside its window, an end comes by itself, and what ended stays so.
        #[test]
        fn only_the_steps_of_the_table_are_taken(moves in moves()) {
            let mut now = 0;
            let mut life = Lifecycle::asked(0, 10);
            for step in moves {
                let before = (life, life.standing(now));
                match step {
                    Move::Wait(by) => {
                        now += by;
                        let after = life.standing(now);
                        let expired = before.1 == Standing::Approved && after == Standing::Expired;
                        prop_assert!(after == before.1 || expired && life.end <= now);
                    }
                    Move::Step(next, end) => match life.step(next, end, now) {
                        Ok(stepped) => {
                            prop_assert!(STEPS.contains(&(before.1, next)));
                            prop_assert_eq!(stepped.state, next);
                            prop_assert_eq!(stepped.end, end.unwrap_or(life.end));
                            prop_assert_eq!(stepped.holds(now), next == ExceptionState::Approved);
                            life = stepped;
                        }
                        Err(StepRefused::NoSuchStep(from, to)) => {
                            prop_assert_eq!((from, to), (before.1, next));
                            prop_assert!(!STEPS.contains(&(from, to)));
                        }
                        Err(StepRefused::NeedsEnd) => {
                            prop_assert!(next == ExceptionState::Approved && end.unwrap_or(life.end) <= now);
                        }
                    },
                    Move::End(end) => {
                        if let Ok(moved) = life.with_end(end, now) {
                            prop_assert_eq!(moved.standing(now), before.1, "an end approves nothing");
                            life = moved;
                        } else {
                            prop_assert!(end <= now || !matches!(before.1,
                                Standing::Pending | Standing::Approved | Standing::Rejected));
                        }
                    }
                }
                let holds = life.holds(now);
                prop_assert_eq!(holds, life.standing(now) == Standing::Approved);
                prop_assert!(before.1 != Standing::Ended || life == before.0);
                if let Some(change) = life.next_change(now) {
                    prop_assert!(change > now && life.holds(change) != holds);
                }
            }
        }
    }

    #[test]
    fn the_day_it_was_made_is_the_last_day_until_another_is_said() {
        use crate::time::{DAY, end_of_day};
        let made = 20_000 * DAY + 5;
        let asked = Lifecycle::asked(made, end_of_day(made));
        let approved = asked.step(ExceptionState::Approved, None, made + 1).unwrap();
        assert_eq!(approved.standing(end_of_day(made) - 1), Standing::Approved);
        assert_eq!(approved.standing(end_of_day(made)), Standing::Expired);
        let later = made + 2 * DAY;
        assert_eq!(asked.standing(later), Standing::Pending, "what is pending does not expire");
        assert_eq!(asked.step(ExceptionState::Approved, None, later), Err(StepRefused::NeedsEnd));
        let forever = asked.step(ExceptionState::Approved, Some(FOREVER), later).unwrap();
        assert!(forever.holds(FOREVER - 1));
    }
}
