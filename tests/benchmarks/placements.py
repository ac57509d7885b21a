"""How many placements are simulated in a second, on one core, and how long learning takes."""

import time

import numpy as np

from apollo.arch.cluster_file import load_cluster
from apollo.search.placement.found import Budget
from apollo.search.placement.graphs.random_graphs import random_graph
from apollo.search.placement.instance import instance_of
from apollo.search.placement.learning.learn import learn
from apollo.search.placement.problem import Ints
from apollo.search.placement.step import Simulator
from apollo.search.placement.task import PlacementTask
from tests.benchmarks.timing import seconds_per_call

LAYERS, WIDTH = 66, 5  # 201 groups
PLACEMENTS = 500
LEARNED, SAMPLE = 5_000, 480  # what `apollo place` tries, and how many are timed for that


def placements_per_second() -> None:
    """Of a random graph of 201 groups on a host and four GPUs."""
    instance = instance_of(random_graph(LAYERS, WIDTH, seed=0), load_cluster("4gpu"))
    groups, devices = instance.graph.groups, len(instance.cluster.devices)
    generator = np.random.default_rng(0)
    at_random = generator.integers(1, devices, (PLACEMENTS, groups))
    # Neighbours mostly share a device, as in what optimizers arrive at.
    cuts = np.sort(generator.integers(0, groups, (PLACEMENTS, devices - 2)), axis=1)
    clustered = 1 + (np.arange(groups) >= cuts[:, :, None]).sum(axis=1)
    simulator = Simulator(instance)

    def rate(placements: Ints) -> float:
        return PLACEMENTS / seconds_per_call(lambda: simulator.costs(placements))

    operators, edges = len(instance.graph.names), len(instance.edges.consumer)
    print(f"placements of {groups} groups, {operators} operators, {edges} edges on four GPUs")
    print(f"  at random, per second           {rate(at_random):12,.0f} (aim 30,000)")
    print(f"  clustered, per second           {rate(clustered):12,.0f} (aim 30,000)")


def seconds_to_learn() -> None:
    """NMT with two layers on four GPUs, from a sample behind the compilation."""
    problem = PlacementTask("nmt_2", "4gpu").problem
    learn(problem, Budget(48))
    began = time.perf_counter()
    learn(problem, Budget(SAMPLE))
    seconds = (time.perf_counter() - began) * LEARNED / SAMPLE
    print(f"learning nmt_2 on four GPUs, {LEARNED:,} placements, s {seconds:7,.0f} (aim 600)")


if __name__ == "__main__":
    placements_per_second()
    seconds_to_learn()
