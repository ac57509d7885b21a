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
    """The graph of a network: a built-in name, `gemm:MxKxN`, `conv:…`, or the path of an ONNX file.

    Without `batch` a name is loaded for one image and a graph stays as it is. Raises `ValueError`,
    one sentence, when there is no such network or it cannot be imported.
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

    With masks (`workloads.sparsity.masks_at`) lanes may skip the weights that are pruned; a
    systolic array multiplies by the zeros. `options` fix decisions of the compiler for lanes.

    Raises `DoesNotFit` when no mapping of some layer fits, `ValueError` for wrong input.
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
    """Compile and simulate: cycles, milliseconds, throughput, utilisation, stalls, by layer too.

    Masks and options are as for `compile`.

    Raises `DoesNotFit` when no mapping of some layer fits, `ValueError` for wrong input.
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
    """Search the space of designs on `jobs` processes; the same `study` resumes.

    What is asked of a design is in the options of `search.explore.make_problem`, as text as on the
    command line: `objectives=["speedup"]`, `constraints=["latency_ms <= 5"]`, `max_area_mm2=6.8`,
    `weights`, `mean`, `baseline`, `batch`, `sparsity`, `space`, `fix=["cores=4"]`, `ranges`.
    `warm_start` names studies, with commas between: their best designs are tried first, or, with
    `warm_by="prime"`, what a model of their trials proposes.

    Raises `ValueError`, one sentence, for wrong input.
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
    """The trials of a stored study, a row each; `search.report.table` says which columns.

    Raises `ValueError`, one sentence, when there is no such study.
    """
    from apollo.search.report.table import trial_table
    from apollo.search.studies import read_study

    row, log = read_study(Path(output), study, storage)
    return trial_table(log, row)


def report(
    studies: str | Sequence[str],
    file: str | Path | None = None,
    *,
    design: int | None = None,
    output: str | Path = "results",
    storage: str | None = None,
) -> Path:
    """Write one page about stored studies that needs no network (docs/report.md); its path.

    `design` is the trial that is shown in detail at first. Raises `ValueError`, one sentence, when
    there is no such study or trial, or the file cannot be written.
    """
    from apollo.search.reports import report_studies

    named = [studies] if isinstance(studies, str) else studies
    path = None if file is None else Path(file)
    return report_studies(named, Path(output), path, design, storage).path
