"""A short crash test; `make soak` runs 300 rounds of it."""
import crash


def test_nothing_is_lost_when_processes_are_killed():
    broken, counts = crash.run(rounds=15, seed=1)
    assert not broken
    assert counts['done'] > 0
