"""Runs a study on the synthetic landscape, slowly enough to be killed: `drive.py DATABASE TRIALS`.

Exits 130 when interrupted.
"""

import sys
import time

from landscape import evaluate

from apollo.search.evaluate import EvaluationKey
from apollo.search.store import Store
from apollo.search.study import Study, run_study
from apollo.search.trial import Evaluation, Outcome

STUDY = Study("killed", "evolutionary", seed=3, version="1", settings={"founders": 2}, batch=8)


def main() -> int:
    with Store(sys.argv[1]) as store:

        def slow(index: int) -> Outcome:
            """Every outcome leaves an evaluation in the cache, as real ones do."""
            time.sleep(0.002)
            outcome = evaluate(index)
            key = EvaluationKey(str(index // 1000), "synthetic", "", "1")
            if store.get(key) is None:
                store.put(key, Evaluation(True, {"value": float(index // 1000)}))
            return Outcome(
                outcome.feasible,
                outcome.reward,
                outcome.metrics,
                outcome.resource,
                outcome.reason,
                evaluations=(key,),
            )

        print("started", flush=True)
        return 130 if run_study(store, STUDY, slow, int(sys.argv[2])).interrupted else 0


if __name__ == "__main__":
    sys.exit(main())
