"""What a policy observes before it places a group, device by device.

Groups are placed in their order. Beside what is placed, a state keeps an estimate of when it would
run: each group as soon as its device is free and what it reads has arrived, with no wait for links.
The estimate is an observation only; a reward comes from the problem's own costs. Letters: `G`
groups, `D` devices, `K` earlier neighbours, `F` features.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from apollo.search.placement.learning.inputs import Inputs, Singles
from apollo.search.placement.problem import Ints

FEATURES = 19
FOLLOWED = 13  # the feature that is 1 at the device in the placement to follow; then its share
_ROUNDING = 1e-5  # of memory, in single precision: the simulator knows exactly
NOWHERE = -1  # the device of a group that is not placed


class State(NamedTuple):
    """A placement that is made."""

    device: jax.Array  # [G + 1]; the last is NOWHERE, for neighbours that are none
    finish: jax.Array  # [G + 1] estimated
    free: jax.Array  # [D] estimated end of what is placed on a device
    load: jax.Array  # [D] time of all that is placed there
    sent: jax.Array  # [D] half the time of the tensors that go out of a device, and into it
    memory: jax.Array  # [D] held there
    previous: jax.Array  # [] device of the group before


class Incumbent(NamedTuple):
    """A whole placement that a new one may follow."""

    there: jax.Array  # [G, D] 1 at the device of a group
    share: jax.Array  # [G, D] of the bytes to and from neighbours that are there


def start(inputs: Inputs) -> State:
    """Nothing is placed."""
    groups, devices = inputs.compute.shape
    zeros = jnp.zeros(devices, jnp.float32)
    nowhere = jnp.full(groups + 1, NOWHERE, jnp.int32)
    finish = jnp.zeros(groups + 1, jnp.float32)
    return State(nowhere, finish, zeros, zeros, zeros, zeros, jnp.int32(NOWHERE))


def mask(inputs: Inputs, state: State, group: jax.Array) -> jax.Array:
    """[D] Devices that can run the group and have room for it; without room, where most is left.

    Where memory is lacking everywhere the placement is infeasible, whatever follows.
    """
    allowed = inputs.allowed[group]
    left = inputs.capacity - state.memory - inputs.memory[group]
    fits = allowed & (left >= -_ROUNDING)
    most = allowed & (left >= jnp.max(jnp.where(allowed, left, -jnp.inf)))
    return jnp.where(fits.any(), fits, most)


def observe(inputs: Inputs, state: State, group: jax.Array, incumbent: Incumbent) -> jax.Array:
    """[D, F] What is known of each device as the place of a group."""
    near = inputs.earlier[group]  # [K]
    where = state.device[near]  # [K]
    devices = jnp.arange(inputs.compute.shape[1])
    is_there = where[:, None] == devices[None, :]  # [K, D]
    arrival, last = _arrivals(inputs, state, group, is_there)
    compute = inputs.compute[group]
    begin = jnp.maximum(arrival, state.free)
    end = begin + compute
    allowed = inputs.allowed[group]
    soonest = jnp.min(jnp.where(allowed, end, jnp.inf))
    least = jnp.min(jnp.where(allowed, compute, jnp.inf))
    late = end - soonest
    bytes_near = inputs.earlier_bytes[group][:, None] * is_there
    count = jnp.maximum((where != NOWHERE).sum(), 1)
    in_all = jnp.maximum(inputs.devices[:, 3].sum(), 1)
    excess = state.load - state.load.sum() / in_all
    room = inputs.capacity - state.memory
    moved = _transfers(inputs, group, is_there).sum(axis=0)
    whole = state.load + state.sent
    columns = (
        _squashed(late),
        jnp.tanh(2 * late / inputs.ideal),
        (late <= 1e-6).astype(jnp.float32),
        _squashed(arrival - state.free),
        jnp.tanh(2 * excess / inputs.ideal),
        jnp.log(jnp.maximum(compute, 1e-3) / jnp.maximum(least, 1e-3)) / 2,
        bytes_near.sum(axis=0) / jnp.maximum(bytes_near.sum(), 1e-6),
        is_there.sum(axis=0) / count,
        last,
        (devices == state.previous).astype(jnp.float32),
        (state.load > 0).astype(jnp.float32),
        jnp.clip(inputs.memory[group] / jnp.maximum(room, 1e-6), 0, 2),
        state.memory / jnp.maximum(inputs.capacity, 1e-6),
        incumbent.there[group],
        incumbent.share[group],
        _squashed(moved),
        jnp.tanh(2 * (whole - whole.sum() / in_all) / inputs.ideal),
        jnp.tanh(2 * (whole + compute + moved / 2 - whole.max()) / inputs.ideal),
        jnp.tanh(state.free / inputs.ideal),
    )
    return jnp.stack([jnp.broadcast_to(column, devices.shape) for column in columns], axis=1)


def _arrivals(
    inputs: Inputs, state: State, group: jax.Array, is_there: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """[D] When all that a group reads is on a device, and 1 where the last of it is made."""
    reads = inputs.is_input[group] & is_there.any(axis=1)  # [K]
    finish = jnp.where(reads, state.finish[inputs.earlier[group]], 0)
    takes = _transfers(inputs, group, is_there)
    arrival = jnp.max(jnp.where(reads[:, None], finish[:, None] + takes, 0), axis=0)
    made = jnp.where(reads, finish + takes.max(axis=1), -1)
    last = is_there[jnp.argmax(made)] & reads.any()
    return arrival, last.astype(jnp.float32)


def _transfers(inputs: Inputs, group: jax.Array, is_there: jax.Array) -> jax.Array:
    """[K, D] What tensors take between each neighbour that is placed and a group on a device."""
    size = inputs.earlier_bytes[group][:, None]
    takes: jax.Array = is_there @ inputs.fixed + size * (is_there @ inputs.per_byte)
    return takes


def _squashed(time: jax.Array) -> jax.Array:
    """A time, in groups, as a logarithm with its sign."""
    return jnp.sign(time) * jnp.log1p(jnp.abs(time)) / 2


def advance(inputs: Inputs, state: State, group: jax.Array, device: jax.Array) -> State:
    """The state once the group, if it is one, is on that device."""
    is_group = inputs.is_group[group]
    devices = inputs.compute.shape[1]
    is_there = state.device[inputs.earlier[group]][:, None] == jnp.arange(devices)[None, :]
    arrival, _ = _arrivals(inputs, state, group, is_there)
    time = inputs.compute[group, device]
    end = jnp.maximum(arrival[device], state.free[device]) + time
    here = (jnp.arange(devices) == device) & is_group
    half = jnp.where(is_group, _transfers(inputs, group, is_there)[:, device] / 2, 0)
    return State(
        device=state.device.at[group].set(jnp.where(is_group, device, NOWHERE)),
        finish=state.finish.at[group].set(jnp.where(is_group, end, 0)),
        free=jnp.where(here, end, state.free),
        load=jnp.where(here, state.load + time, state.load),
        sent=state.sent + half @ is_there + jnp.where(here, half.sum(), 0),
        memory=jnp.where(here, state.memory + inputs.memory[group], state.memory),
        previous=jnp.where(is_group, device, state.previous).astype(jnp.int32),
    )


def follow(inputs: Inputs, there: jax.Array) -> Incumbent:
    """What is known of a placement to follow, from 1 at the device of each group [G, D]."""
    groups, devices = inputs.compute.shape
    whole = jnp.concatenate([there, jnp.zeros((1, devices))])
    weight = (inputs.edge_bytes + 1e-3)[:, None]
    near = jnp.zeros((groups + 1, devices))
    near = near.at[inputs.source].add(weight * whole[inputs.target])
    near = near.at[inputs.target].add(weight * whole[inputs.source])
    share = near / jnp.maximum(near.sum(axis=1, keepdims=True), 1e-6)
    return Incumbent(there, share[:groups])


def devices_of(inputs: Inputs, placement: Ints) -> Singles:
    """[G, D] 1 at the device of each group of a placement, which has no padding."""
    there = np.zeros(inputs.compute.shape, np.float32)
    there[np.arange(len(placement)), placement] = 1
    return there
