"""Our optimizers as algorithms of Vizier's service, seen by its clients."""

import math
import re

import numpy as np
import pytest
from vizier.service import clients
from vizier.service import pyvizier as vz

from apollo.search.optimizers.table import make_optimizer
from apollo.search.trial import Outcome, Trial
from apollo.search.vizier_service import _rewards, start_service

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture
def database(tmp_path):
    return tmp_path / "folder" / "vizier.db"


@pytest.fixture
def serving():
    servers = []

    def start(database):
        servers.append(start_service(database))
        clients.environment_variables.server_endpoint = servers[-1].endpoint
        return servers[-1]

    yield start
    for server in servers:
        server._server.stop(grace=None).wait()


def study(algorithm: str, name: str, goal=vz.ObjectiveMetricGoal.MAXIMIZE):
    config = vz.StudyConfig(algorithm=algorithm)
    root = config.search_space.root
    root.add_discrete_param("cores", [1, 2, 4, 8, 16, 32])
    root.add_int_param("lanes", 1, 20)
    root.add_categorical_param("order", ["rows", "columns", "channels"])
    config.metric_information.append(vz.MetricInformation("speed", goal=goal))
    return clients.Study.from_study_config(config, owner="me", study_id=name)


def speed(parameters) -> float | None:
    cores, lanes = int(parameters["cores"]), int(parameters["lanes"])
    if cores * lanes > 100:
        return None
    return cores * lanes / (1 + (parameters["order"] != "columns"))


def run(found, rounds: int, sign: float = 1.0, client: str = "a") -> float:
    best = 0.0
    for _ in range(rounds):
        for trial in found.suggest(count=8, client_id=client):
            value = speed(trial.parameters)
            if value is None:
                trial.complete(infeasible_reason="too large")
            else:
                best = max(best, value)
                trial.complete(vz.Measurement({"speed": sign * value}))
    return best


def digits(parameters) -> list[int]:
    return [
        [1, 2, 4, 8, 16, 32].index(int(parameters["cores"])),
        int(parameters["lanes"]) - 1,
        sorted(["rows", "columns", "channels"]).index(parameters["order"]),
    ]


def suggested(found) -> list[list[int]]:
    """The service has an order of its own."""
    return sorted(digits(trial.parameters) for trial in found.suggest(count=8, client_id="b"))


def test_suggestions_are_those_of_the_optimizer_also_of_a_restarted_server(database, serving):
    server = serving(database)
    assert server.endpoint.startswith("localhost:")
    run(study("apollo:evolutionary", "s"), 4)
    server._server.stop(grace=None).wait()
    serving(database)
    found = study("apollo:evolutionary", "s")
    optimizer, log = make_optimizer("evolutionary", radices=(6, 20, 3)), []
    trials = sorted((each.materialize() for each in found.trials()), key=lambda each: each.id)
    for number, trial in enumerate(trials):
        value = speed({name: each.value for name, each in trial.parameters.items()})
        outcome = Outcome(False, 0.0, {}, "x", "y") if value is None else Outcome(True, value)
        point = digits({name: each.value for name, each in trial.parameters.items()})
        index = int(optimizer.indices_of(np.array([point]))[0])
        log.append(Trial(number, index, outcome))
    optimizer.tell(log)
    wanted = optimizer.ask(8, np.random.default_rng([32, 0])).tolist()
    assert len(log) == 32
    assert suggested(found) == sorted(wanted)


def test_small_and_large_are_opposites(database, serving):
    serving(database)
    small = study("apollo:evolutionary", "small", vz.ObjectiveMetricGoal.MINIMIZE)
    large = study("apollo:evolutionary", "large")
    run(small, 4, sign=-1.0)
    run(large, 4)
    assert suggested(small) == suggested(large)


def test_negative_values_keep_their_order():
    assert _rewards([3.0, math.nan, 1.0])[::2] == [3.0, 1.0]
    low, high, none = _rewards([-5.0, 3.0, math.nan])
    assert 0 < low < high
    assert math.isnan(none)
    assert _rewards([-2.0]) == [0.1]


def test_vizier_has_its_own_algorithms_still(database, serving):
    serving(database)
    assert run(study("RANDOM_SEARCH", "s"), 1) > 0


def test_wrong_names_and_parameters_are_sentences(database, serving):
    serving(database)
    sentence = "There is no optimizer 'p3b'"
    with pytest.raises(Exception, match=re.escape(sentence)):
        study("apollo:p3b", "s").suggest(count=1)
    config = vz.StudyConfig(algorithm="apollo:random")
    config.search_space.root.add_float_param("x", 0.0, 1.0)
    config.metric_information.append(
        vz.MetricInformation("speed", goal=vz.ObjectiveMetricGoal.MAXIMIZE)
    )
    made = clients.Study.from_study_config(config, owner="me", study_id="t")
    sentence = "Parameter 'x' must have choices, not a range of numbers."
    with pytest.raises(Exception, match=re.escape(sentence)):
        made.suggest(count=1)
