from apollo.search.facts import Share, facts_of
from tests.stored import put, row, trials


def test_facts_are_those_of_the_log(store):
    log = trials(200)
    put(store, row("s", seed=7), log)
    facts = facts_of(store, "s")
    feasible = [trial for trial in log if trial.feasible]
    assert facts.row == row("s", seed=7)
    assert facts.database == store.name
    assert (facts.trials, facts.feasible) == (200, len(feasible))
    assert facts.different == len({trial.index for trial in log})
    assert facts.causes == {"area": 200 - len(feasible)}
    assert facts.seconds == sum(trial.seconds for trial in log)
    assert facts.best.reward == max(trial.reward for trial in log)
    of_member = [trial for trial in log if trial.proposer == "member#1"]
    assert facts.proposers["member#1"] == Share(
        len(of_member), max(trial.reward for trial in of_member)
    )


def test_a_study_without_trials_has_facts(store):
    store.open_study(row("s"))
    facts = facts_of(store, "s")
    assert (facts.trials, facts.best, facts.causes, facts.proposers) == (0, None, {}, {})
