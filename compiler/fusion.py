"""Which nests run depth-first: neighbours between which tensors would go by way of DRAM.

After the mapping has put tensors out, the nests from the producer of such a tensor to its last
reader may become a segment, cut into strips of rows, and the network is mapped again: with
segments for all of these tensors, for the larger of them, then for one after the other. What ends
first, by the estimate of the mapping, is kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from apollo.compiler.errors import DoesNotFit
from apollo.compiler.kernels.parameters import FREE
from apollo.compiler.mapping import Mapped, Mapper
from apollo.compiler.network import Network, origins_of
from apollo.compiler.strips import Cut, Segment, cut, inside
from apollo.compiler.tables import Ints, Map, Nest, TensorColumn

CLEARLY = 128  # one part in so many: what the estimate may be wrong by
_MOST_ATTEMPTS = 20  # mappings
_MOST_NESTS = 12  # of a segment
_STRIPS, _FEWER, _MORE = 4, 2, 8  # are tried
_WIDER = ((-1, 0), (0, 0), (0, 1))  # segments beside the one that a tensor asks for


def fuse(mapper: Mapper, network: Network, forced: Ints) -> Mapped:
    """The mapping of a network with segments cut into strips where that is clearly earlier.

    `forced` [L, MAPS] may say into how many strips neighbours are cut, or with 1 that a nest runs
    as a whole. Raises as `Mapper.cheapest` does, and `ValueError` where neighbours cannot be cut.
    """
    strips = forced[:, Map.STRIPS].copy()
    is_fixed = strips != FREE
    segments: tuple[Segment, ...] = ()
    if is_fixed.any():
        segments = tuple(_fixed_segments(network, strips))
        forced = forced.copy()
        forced[:, Map.STRIPS] = FREE
    search = _Search(mapper, network, forced, is_fixed)
    first = search.of(segments, thorough=True)
    if first is None:
        raise ValueError(f"Network '{network.name}' has a layer with too few rows for its strips.")
    return _labelled(search.run(first))


@dataclass(frozen=True)
class _Found:
    """A network cut at some segments, and mapped."""

    segments: tuple[Segment, ...]
    mapped: Mapped
    cut: Cut | None  # None without segments


@dataclass
class _Search:
    """What has been tried, of a network on a design."""

    mapper: Mapper
    network: Network
    forced: Ints
    is_fixed: Ints  # [L] nests whose strips are given
    attempts: int = 0
    tried: set[tuple[int, int]] = field(default_factory=set)
    known: dict[tuple[Segment, ...], _Found | None] = field(default_factory=dict)

    def of(self, segments: tuple[Segment, ...], *, thorough: bool = False) -> _Found | None:
        """The network with these segments, mapped; None where one cannot be cut so."""
        if not segments:
            mapped = self.mapper.cheapest(self.network, self.forced, thorough=thorough)
            return _Found(segments, mapped, None)
        found = cut(self.network, segments)
        if found is None:
            return None
        # An attempt that is refused is not spoken of, so it needs no names.
        network = found.named() if thorough else found.unnamed
        forced = self.forced[origins_of(network)]
        try:
            mapper = self.mapper if thorough else self.mapper.quicker()
            mapped = mapper.cheapest(network, forced, thorough=thorough)
        except DoesNotFit as refusal:
            refusal.nest = None  # it counts nests of the network that is cut
            raise
        return _Found(segments, mapped, found)

    def run(self, first: _Found) -> _Found:
        """What ends earliest of all that is tried; `first` unless another is clearly earlier."""
        if next(_spans(first.mapped), None) is None:
            return first
        # Like is compared with like: all of them mapped with few states. Where more of them have
        # avoided what strips would, that is where to begin.
        for begin in (self._quick(first), first):
            best = self._from(begin)
            if best.mapped.is_clearly_before(first.mapped, CLEARLY):
                return best
            if begin is first:
                break
        return first

    def _from(self, begin: _Found) -> _Found:
        """What ends earliest of all that is tried from there on."""
        self.attempts = 0
        self.tried.clear()
        best = self._together(begin)
        while self.attempts < _MOST_ATTEMPTS:
            span = next((s for s in _spans(best.mapped) if s not in self.tried), None)
            if span is None:
                break
            self.tried.add(span)
            best = self._widened(best, span)
        if best is not begin:
            again = self.of(best.segments, thorough=True)
            best = min(best, again or best, key=lambda found: found.mapped.end)
        return best

    def _together(self, begin: _Found) -> _Found:
        """The best with a segment for every tensor that was put out, or for the larger of them."""
        every: list[Segment] = []
        for first, last in _spans(begin.mapped):
            met = any(s.first <= last and first <= s.last for s in (*begin.segments, *every))
            if not met and self._may_cut(first, last):
                every.append(Segment(first, last, _STRIPS))
        best, count = begin, len(every)
        while count > 1 and self.attempts < _MOST_ATTEMPTS:
            attempt = self._attempt([*begin.segments, *every[:count]])
            best = min(best, attempt or best, key=lambda found: found.mapped.end)
            count //= 2
        if best is not begin:
            finer = [replace(s, strips=_MORE) for s in best.segments if s not in begin.segments]
            attempt = self._attempt([*begin.segments, *finer])
            best = min(best, attempt or best, key=lambda found: found.mapped.end)
        return best

    def _quick(self, found: _Found) -> _Found:
        """The same segments with few states."""
        return (found.mapped.has_spills and self.of(found.segments)) or found

    def _widened(self, best: _Found, span: tuple[int, int]) -> _Found:
        """The best with a segment for a tensor that lives over these nests."""
        before = best
        for begin, end in _WIDER:
            attempt = self._with(before, span[0] + begin, span[1] + end, _STRIPS)
            best = min(best, attempt or best, key=lambda found: found.mapped.end)
        if best is not before:
            new = next(s for s in best.segments if s not in before.segments)
            for strips in (_MORE, _FEWER):
                attempt = self._with(before, new.first, new.last, strips)
                if attempt is not None and attempt.mapped.end < best.mapped.end:
                    return attempt
        return best

    def _with(self, before: _Found, first: int, last: int, strips: int) -> _Found | None:
        """A segment more, which takes up those that it meets; None where there is no such one."""
        met = [s for s in before.segments if s.first <= last and first <= s.last]
        first, last = min([first, *(s.first for s in met)]), max([last, *(s.last for s in met)])
        if not self._may_cut(first, last) or self.attempts >= _MOST_ATTEMPTS:
            return None
        rest = [s for s in before.segments if s not in met]
        return self._attempt([*rest, Segment(first, last, strips)])

    def _attempt(self, segments: list[Segment]) -> _Found | None:
        """These segments, if they can be mapped; what was attempted before is remembered."""
        self.attempts += 1
        key = tuple(sorted(segments))
        if key not in self.known:
            try:
                self.known[key] = self.of(key)
            except (DoesNotFit, ValueError):
                self.known[key] = None
        return self.known[key]

    def _may_cut(self, first: int, last: int) -> bool:
        """Whether the nests are there, nobody has said how they run, and they can be cut."""
        if first < 0 or last >= len(self.network.nests) or last - first >= _MOST_NESTS:
            return False
        if self.is_fixed[first : last + 1].any():
            return False
        return inside(self.network, first, last) is not None


def _spans(mapped: Mapped) -> Iterator[tuple[int, int]]:
    """First and last nest, before any was cut, of every tensor that was put out; largest first."""
    nests, tensors = mapped.network.nests, mapped.network.tensors
    put_out = {*mapped.put_out.tolist()}
    if not put_out:  # as a rule
        return
    origins = origins_of(mapped.network)
    sizes = tensors[:, : TensorColumn.TOP].prod(axis=1) * tensors[:, TensorColumn.WIDTH]
    for tensor in sorted(put_out, key=lambda tensor: (-int(sizes[tensor]), tensor)):
        readers = (nests[:, [Nest.SOURCE, Nest.SECOND]] == tensor).any(axis=1)
        if readers.any():
            writers = nests[:, Nest.DESTINATION] == tensor
            yield int(origins[writers].min()), int(origins[readers].max())


def _fixed_segments(network: Network, strips: Ints) -> Iterator[Segment]:
    """Neighbours that are cut into as many strips, as somebody has said.

    Raises `ValueError` where they cannot be cut.
    """
    index = 0
    while index < len(strips):
        first, count = index, int(strips[index])
        while index < len(strips) and strips[index] == count:
            index += 1
        if count < 2:
            continue
        if inside(network, first, index - 1) is None:
            names = network.layer_names[first], network.layer_names[index - 1]
            raise ValueError(f"Layers '{names[0]}' to '{names[1]}' cannot run in strips of rows.")
        yield Segment(first, index - 1, count)


def _labelled(found: _Found) -> Mapped:
    """The mapping with the numbers of strips entered, and in the names."""
    if found.cut is None:
        return found.mapped
    network, mapping = found.cut.named(), found.mapped.mapping
    origins = origins_of(network)
    for segment in found.segments:
        own = (origins >= segment.first) & (origins <= segment.last)
        mapping[own, Map.STRIPS] = segment.strips
    return found.mapped._replace(network=network)
