"""Apollo designs machine-learning accelerators by search.

    >>> import apollo
    >>> network = apollo.load("mobilenet_v1_0.25_128")
    >>> metrics = apollo.evaluate(network, "edge_tpu_v3").metrics
    >>> metrics.cycles > metrics.warm_cycles
    True

Designs are given by the name of a preset, by the path of a TOML file, or as an `Accelerator`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from apollo.arch.accelerator import Accelerator
    from apollo.compiler.options import Options
    from apollo.compiler.pipeline import Compiled
    from apollo.compiler.systolic.nests import CompiledNests
    from apollo.compiler.systolic.network import Compiled as SystolicCompiled
    from apollo.search.explore import Exploration
    from apollo.search.measure import Measurement
    from apollo.workloads.graph import Graph
    from apollo.workloads.sparsity import Masks

__all__ = ["compile", "evaluate", "explore", "load", "report", "trials"]

# Imports are inside the functions: `apollo --help` and `import apollo` need no compiler.


def load(network: "str | Path | Graph", batch: int | None = None) -> "Graph":
    """The graph of a network.

    Args:
        network: a built-in name, that of a plug-in, `gemm:MxKxN`, `conv:HxWxCIxCOxKxS`, the path
            of an `.onnx` or `.tflite` file, or a graph.
        batch: images, sentences or steps an inference; without it one, and a graph stays as it is.

    Returns:
        Tensors with their shapes, (n, c, h, w), (n, c) or (n, t, c), and operators in order.

    Raises:
        ValueError: one sentence, when there is no such network or it cannot be imported.

    """
    from apollo.workloads import catalogue
    from apollo.workloads.graph import Graph

    if isinstance(network, Graph):
        return network if batch is None else network.with_batch(batch)
    return catalogue.load(network, 1 if batch is None else batch)


def _design(design: "str | Accelerator") -> "Accelerator":
    from apollo.arch.accelerator import Accelerator, load_design

    return design if isinstance(design, Accelerator) else load_design(design)


def compile(
    network: "str | Path | Graph",
    design: "str | Accelerator",
    masks: "Masks | None" = None,
    options: "Options | None" = None,
) -> "Compiled | CompiledNests | SystolicCompiled":
    """A network's programs for a design: `cold` for a first, `warm` for a following inference.

    Args:
        network: as for `load`.
        design: the name of a preset or of a plug-in's design, the path of a `.toml` file, or an
            `Accelerator`.
        masks: which weights are kept (`workloads.sparsity.masks_at`): lanes may skip the others, a
            systolic array multiplies by the zeros.
        options: decisions of the compiler for lanes (`compiler.options.Options`); its own without.

    Returns:
        The programs, and what the compiler decided (mapping, addresses in bytes, streams).

    Raises:
        DoesNotFit: when no mapping of some layer fits; it has layer, resource, demand and bound.
        ValueError: one sentence, for wrong input.

    """
    from apollo.compiler.lower import lower
    from apollo.compiler.options import USUAL, refuse_options
    from apollo.compiler.pipeline import compile_network
    from apollo.compiler.systolic.graph import compile_graph

    graph, accelerator = load(network), _design(design)
    if accelerator.is_systolic:
        refuse_options(accelerator, options or USUAL)
        return compile_graph(graph, accelerator)
    return compile_network(lower(graph, masks=masks), accelerator, options or USUAL)


def evaluate(
    network: "str | Path | Graph",
    design: "str | Accelerator",
    masks: "Masks | None" = None,
    options: "Options | None" = None,
) -> "Measurement":
    """Compile and simulate a network on a design.

    Args:
        network: as for `load`.
        design: as for `compile`, like masks and options.
        masks: which weights are kept.
        options: decisions of the compiler.

    Returns:
        `metrics` with units in their names, `cycles` and `latency_ms` of a first inference,
        `warm_cycles`, `warm_latency_ms` and `throughput_per_s` of following ones, `energy_uj` of
        one of these; `layers()`, a row each; and both runs, instruction by instruction.

    Raises:
        DoesNotFit: when no mapping of some layer fits; it has layer, resource, demand and bound.
        ValueError: one sentence, for wrong input.

    """
    from apollo.compiler.options import USUAL
    from apollo.search.measure import measure_graph

    return measure_graph(load(network), _design(design), masks, options or USUAL)


def explore(
    networks: str | Sequence[str],
    *,
    optimizer: str = "evolutionary",
    settings: "Mapping[str, Any] | None" = None,
    trials: int = 2000,
    seed: int = 0,
    study: str | None = None,
    output: str | Path = "results",
    jobs: int = 1,
    storage: str | None = None,
    warm_start: str | None = None,
    warm_points: int = 64,
    warm_by: str = "best",
    **problem: Any,
) -> "Exploration":
    """Search the space of designs; the same `study` resumes.

    Args:
        networks: names or paths, as for `load`.
        optimizer: a name that `--optimizer` takes, of a plug-in too.
        settings: of the optimizer, by name.
        trials: designs that the study tries, those that it has already included.
        seed: the same seed gives the same trials.
        study: its name; one that says what it is of if none is given.
        output: folder of studies.
        jobs: processes that evaluate.
        storage: database, a path or a URL, instead of a file in the folder of the study.
        warm_start: names of studies, with commas between, whose best designs are tried first.
        warm_points: designs made of their trials, at most.
        warm_by: `best`, or `prime` for what a model of their trials proposes.
        problem: what is asked of a design, the options of `search.explore.make_problem`, as text
            as on the command line: `objectives=["speedup"]`, `constraints=["latency_ms <= 5"]`,
            `max_area_mm2=6.8`, `weights`, `mean`, `baseline`, `batch`, `sparsity`, `space`,
            `fix=["cores=4"]`, `ranges`.

    Returns:
        `result.trials` by number; `best`, the design of the greatest reward (the baseline's is 1).

    Raises:
        ValueError: one sentence, for wrong input.

    """
    from apollo.search.execution import Execution
    from apollo.search.explore import explore as run
    from apollo.search.explore import make_problem
    from apollo.search.transfer.warm_start import make_warm_start

    named = [networks] if isinstance(networks, str) else networks
    return run(
        make_problem(named, **problem),
        optimizer=optimizer,
        settings=settings,
        trials=trials,
        seed=seed,
        study=study,
        output=Path(output),
        execution=Execution(jobs, storage),
        warm_start=make_warm_start(warm_start, warm_points, warm_by),
    )


def trials(
    study: str, *, output: str | Path = "results", storage: str | None = None
) -> "pd.DataFrame":
    """The trials of a stored study, a row each.

    Args:
        study: its name.
        output: folder of studies.
        storage: database, a path or a URL, instead of one in that folder.

    Returns:
        Columns trial, point, the parameters by name, feasible, reward, `objective.NAME` where there
        are several, metrics with units in their names, resource, reason, seconds, proposer; what
        the study is of is in `attrs`.

    Raises:
        ValueError: one sentence, when there is no such study.

    """
    from apollo.search.report.table import trial_table
    from apollo.search.studies import read_study

    row, log = read_study(Path(output), study, storage)
    return trial_table(log, row)


def report(
    studies: str | Sequence[str],
    file: str | Path | None = None,
    *,
    trial: int | None = None,
    output: str | Path = "results",
    storage: str | None = None,
) -> Path:
    """Write one page about stored studies that needs no network (docs/report.md).

    Args:
        studies: their names.
        file: to write; `report.html` in the folder of the first study if none is given.
        trial: number of the one that is shown in detail at first; the best if none is given.
        output: folder of studies.
        storage: database, a path or a URL, instead of one in that folder.

    Returns:
        The path of the page.

    Raises:
        ValueError: one sentence, when there is no such study or trial, or the file cannot be
            written.

    """
    from apollo.search.reports import report_studies

    named = [studies] if isinstance(studies, str) else studies
    path = None if file is None else Path(file)
    return report_studies(named, Path(output), path, trial, storage).path
