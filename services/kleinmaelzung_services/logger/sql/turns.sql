-- Whether a minute's samples are gone must not change while it is rolled up anew: retention removes, or history rolls up
-- what came late, and never both (docs/decisions/0017). Held beyond a transaction, since it is taken before one sees anything.

-- name: take_late_turn
SELECT pg_try_advisory_lock(5020791361734384) AS is_ours

-- name: await_late_turn
SELECT pg_advisory_lock(5020791361734384)

-- name: leave_late_turn
SELECT pg_advisory_unlock(5020791361734384)
