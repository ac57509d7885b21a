"""Spaces that are fixed, restricted or one's own."""

import json
import re

import pytest

from apollo.arch.accelerator import load_design
from apollo.arch.space import SPACE
from apollo.arch.space_file import load_space
from apollo.compiler.options import USUAL, Fixed, Options
from apollo.search.decisions import options_with
from apollo.search.explore import make_problem
from apollo.search.problem import Problem
from apollo.search.restrict import restricted
from apollo.search.store import canonical_json


def choices(space, name):
    return next(each.choices for each in space.parameters if each.name == name)


def test_a_range_keeps_the_choices_in_it_and_a_value_may_be_any():
    space = restricted(SPACE, ["lanes=48"], ["cores=2..8", "pes_x=3,5", "clock_mhz=400..800:200"])
    assert choices(space, "cores") == (2, 4, 6, 8)
    assert choices(space, "pes_x") == (3, 5)
    assert space.parameters[-1].choices == (400, 600, 800)
    assert space.size == SPACE.size // 7 // 10 // 10 * 4 * 2 * 3
    design = space.accelerator_at(space.size - 1)
    assert (design.lanes, design.cores, design.pes_x, design.clock_mhz) == (48, 8, 5, 800)
    assert space.index_of_accelerator(design) == space.size - 1


def test_decisions_of_the_compiler_are_parameters():
    space = restricted(SPACE, ["sparse=no"], ["states=1,4", "block*:split_x=rows,columns"])
    values = space.values_at(space.size - 1)
    assert (values["sparse"], values["states"]) == (0, 4)
    options = options_with(USUAL, values)
    assert options == Options(sparse=False, fixed=(Fixed.of("block*:split_x=columns"),))
    assert space.accelerator_at(3).pes_x == 1


@pytest.mark.parametrize(
    ("fixed", "ranges", "sentence"),
    [
        (
            ["core=4"],
            [],
            "--fix must be NAME=VALUE with a number of a design, states, sparse or "
            "LAYERS:COLUMN, not 'core=4'. Did you mean 'cores'?",
        ),
        (["cores=1,2"], [], "--fix must give cores one value, not 1,2; --range takes several."),
        (["cores=1"], ["cores=2,4"], "--fix and --range must name cores once."),
        ([], ["cores=17..31"], "--range cores must have values, such as cores=2,4"),
        ([], ["clock_mhz=4..8"], "--range clock_mhz must have a step in its range"),
        ([], ["sparse=maybe"], "sparse must be one of no, yes, not 'maybe'."),
        ([], ["states=0"], "States must be in 1..64, not 0."),
        ([], ["a:split_x=up"], "split_x must be one of rows, columns, channels, not 'up'."),
    ],
)  # fmt: skip
def test_what_is_no_restriction_is_a_sentence(fixed, ranges, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        restricted(SPACE, fixed, ranges)


def test_a_space_file_changes_the_published_space_or_a_design(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text("cores = [3, 5]\nclock_mhz = 1000\nlanes = 16\n")
    space = load_space(path)
    assert len(space.parameters) == 9
    assert choices(space, "cores") == (3, 5)
    assert (space.accelerator_at(0).clock_mhz, space.accelerator_at(0).lanes) == (1000, 16)
    path.write_text('base = "edge_tpu_v2"\ncores = [3, 5]\n')
    space = load_space(path)
    assert space.size == 2
    v2 = load_design("edge_tpu_v2")
    assert space.accelerator_at(1).pe_memory_bytes == v2.pe_memory_bytes


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("core = 3", "'core' is not a field of a design. Did you mean 'cores'?"),
        ("cores = [3, 'x']", "the choices of cores must be whole numbers, not 'x'."),
        (
            "cores = [4, 2]",
            "The choices of cores must be different numbers, ascending, not 4, 2.",
        ),
        ("cores = []", "The choices of cores must be different numbers, ascending, not none."),
        ('base = "tpu"', "There is no design 'tpu'"),
        ("clock_mhz = 0", "Design 'design': clock_mhz must be a positive integer, not 0."),
    ],
)
def test_what_is_no_space_is_a_sentence(text, sentence, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match="^" + re.escape(f"Space file 'own.toml': {sentence}")):
        load_space(path)
    path.write_text("cores = ")
    with pytest.raises(ValueError, match=r"^Space file '.*own.toml' is not readable TOML"):
        load_space(path)


def test_a_problem_is_read_back_from_its_options(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text("clock_mhz = 1000\n")
    usual = make_problem(["mobilenet_v2"])
    unusual = make_problem(
        ["mobilenet_v2", "b"],
        objectives=["speedup^2*energy", "area"],
        constraints=["b.latency_ms <= 5"],
        max_area_mm2=6.8,
        weights=["b=0.5"],
        mean="arithmetic",
        batch=2,
        sparsity=0.8,
        space=path,
        fix=["cores=3", "*:split_x=rows"],
        ranges=["lanes=8..64"],
        only_admitted=True,
    )
    for problem in (usual, unusual):
        stored = json.loads(canonical_json(problem.options()))  # names sorted, as databases do
        assert Problem.of_options(stored) == problem
    assert "space" not in usual.options()
