"""The best chain of ideals: dynamic programming over ideals, accelerators used and CPUs used.

`M` ideals by size, `C` covers, `G` groups, `Q` outputs, `R` readers, `K` accelerators, `L` CPUs.
From every ideal all larger ones are visited once, depth first over covers, and the load of what is
added is kept up group by group. A part goes no further once its time without transfers is above
the bound, and a chain no further when the devices left have no time for the groups left.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NEVER = 1 << 60  # a load that no device has


class Covers(NamedTuple):
    """The ideals."""

    first: Ints  # [M + 1]
    group: Ints  # [C]
    above: Ints  # [C]


class Groups(NamedTuple):
    """What groups take, and what they send each other."""

    accelerator_ns: Ints  # [G]
    cpu_ns: Ints  # [G]
    size_bytes: Ints  # [G]
    supported: Bools  # [G]
    first_owned: Ints  # [G + 1] outputs are by owner
    transfer_ns: Ints  # [Q]
    readers: Ints  # [Q]
    owner: Ints  # [Q]
    first_read: Ints  # [G + 1]
    read: Ints  # [R] output, by group that reads it


class Chains(NamedTuple):
    """What is known of chains up to an ideal, by accelerators and CPUs used."""

    best_ns: Ints  # [M, K + 1, L + 1] least max-load
    before: Ints  # [M, K + 1, L + 1] the ideal before it in that chain
    by_cpu: Ints  # [M, K + 1, L + 1] whether the part in between is on a CPU


class Part(NamedTuple):
    """The groups between two ideals, and the way that was taken there; all 0 but for `seen`."""

    inside: Bools  # [G]
    reading: Ints  # [Q] groups inside that read the output
    total: Ints  # [Total]
    seen: Ints  # [M] the last base from which an ideal was visited, or NONE
    ideal_at: Ints  # [G + 1] by depth
    cover_at: Ints  # [G + 1] the cover to be taken next


NONE = -1
ACCELERATOR_NS, CPU_NS, TRANSFER_NS, SIZE_BYTES, UNSUPPORTED = 0, 1, 2, 3, 4  # of `total`


@bare_inlined
def _transfer(g: Groups, s: Part, output: int) -> int:
    """What the output costs the part: it is read elsewhere, or comes from elsewhere."""
    if s.inside[g.owner[output]]:
        crosses = s.reading[output] < g.readers[output]
    else:
        crosses = s.reading[output] > 0
    return g.transfer_ns[output] if crosses else 0


@bare_inlined
def _change(g: Groups, s: Part, group: int, sign: int) -> None:
    """Adds a group to the part, or with sign -1 takes it out."""
    s.total[ACCELERATOR_NS] += sign * g.accelerator_ns[group]
    s.total[CPU_NS] += sign * g.cpu_ns[group]
    s.total[SIZE_BYTES] += sign * g.size_bytes[group]
    s.total[UNSUPPORTED] += 0 if g.supported[group] else sign
    change = 0
    for output in range(g.first_owned[group], g.first_owned[group + 1]):
        change -= _transfer(g, s, output)
    for entry in range(g.first_read[group], g.first_read[group + 1]):
        change -= _transfer(g, s, g.read[entry])
        s.reading[g.read[entry]] += sign
    s.inside[group] = sign > 0
    for output in range(g.first_owned[group], g.first_owned[group + 1]):
        change += _transfer(g, s, output)
    for entry in range(g.first_read[group], g.first_read[group + 1]):
        change += _transfer(g, s, g.read[entry])
    s.total[TRANSFER_NS] += change


@bare_inlined
def _relax(
    left_ns: int, room_ns: Ints, load_ns: int, base: int, ideal: int, is_cpu: int, chains: Chains
) -> None:
    """The part on one device more, an accelerator or a CPU, behind all that leads to its base."""
    best_ns = chains.best_ns
    for used in range(best_ns.shape[1] - 1 + is_cpu):
        for cores in range(best_ns.shape[2] - is_cpu):
            load = max(best_ns[base, used, cores], load_ns)
            to, to_cores = used + 1 - is_cpu, cores + is_cpu
            if load < best_ns[ideal, to, to_cores] and left_ns <= room_ns[to, to_cores]:
                best_ns[ideal, to, to_cores] = load
                chains.before[ideal, to, to_cores] = base
                chains.by_cpu[ideal, to, to_cores] = is_cpu


@bare_inlined
def _least(best_ns: Ints, ideal: int) -> int:
    """The least max-load of a chain up to an ideal, whatever it uses."""
    least = NEVER
    for used in range(best_ns.shape[1]):
        for cores in range(best_ns.shape[2]):
            least = min(least, best_ns[ideal, used, cores])
    return least


@bare_kernel
def best_chain(
    # Graph:
    c: Covers,
    g: Groups,
    left_ns: Ints,  # [M] time on an accelerator of all groups that are not in an ideal
    # Devices:
    accelerator_bytes: int,
    bound_ns: int,
    room_ns: Ints,  # [K + 1, L + 1] of such time that is left, by devices used
    # Scratch:
    s: Part,
    # Out:
    chains_out: Chains,  # of `best_ns` all NEVER, but 0 for the empty ideal
) -> None:
    """Writes the best chains, of those up to the bound: of others it may miss some."""
    best_ns, ideal_at, cover_at = chains_out.best_ns, s.ideal_at, s.cover_at
    has_cpu = best_ns.shape[2] > 1
    for base in range(len(c.first) - 1):
        if _least(best_ns, base) > bound_ns:
            continue
        depth = 0
        ideal_at[0], cover_at[0] = base, c.first[base]
        while depth >= 0:
            cover = cover_at[depth]
            if cover == c.first[ideal_at[depth] + 1]:  # done with this one: back
                depth -= 1
                if depth >= 0:
                    _change(g, s, c.group[cover_at[depth] - 1], -1)
                continue
            cover_at[depth] += 1
            above = c.above[cover]
            if s.seen[above] == base:
                continue
            s.seen[above] = base
            _change(g, s, c.group[cover], 1)
            fits = s.total[SIZE_BYTES] <= accelerator_bytes and s.total[UNSUPPORTED] == 0
            fits &= s.total[ACCELERATOR_NS] <= bound_ns
            slow_fits = has_cpu and s.total[CPU_NS] <= bound_ns
            if fits:
                load = s.total[ACCELERATOR_NS] + s.total[TRANSFER_NS]
                _relax(left_ns[above], room_ns, load, base, above, 0, chains_out)
            if slow_fits:
                _relax(left_ns[above], room_ns, s.total[CPU_NS], base, above, 1, chains_out)
            if fits or slow_fits:
                depth += 1
                ideal_at[depth], cover_at[depth] = above, c.first[above]
            else:
                _change(g, s, c.group[cover], -1)
