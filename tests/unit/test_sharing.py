"""Who owns which partition: everybody decides for themselves, and it comes out fair and settled."""

from hypothesis import given
from hypothesis import strategies as st

from projector.sharing import Change, Lease, fair_share, plan

FREE, DEAD = Lease(None, live=False), Lease("gone", live=False)


def test_the_first_takes_all_and_gives_back_half_when_a_second_comes() -> None:
    leases = dict.fromkeys(range(8), FREE)
    assert plan("a", [], leases, []) == Change(take=frozenset(range(8)))
    owned = dict.fromkeys(range(8), Lease("a", live=True))
    assert plan("a", ["a"], owned, range(8)) == Change()
    assert plan("b", ["a", "b"], owned, []) == Change()
    assert plan("a", ["a", "b"], owned, range(8)) == Change(release=frozenset(range(4, 8)))


def test_the_partitions_of_one_who_is_gone_are_taken_and_of_one_who_lives_are_not() -> None:
    leases = {0: Lease("a", live=True), 1: DEAD, 2: FREE, 3: Lease("b", live=True)}
    assert plan("a", ["a", "b"], leases, [0]) == Change(take=frozenset({1}))


@given(
    st.integers(1, 16),
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["come", "go", "act"])), max_size=60),
)
def test_in_the_end_everything_has_one_owner_and_no_one_more_than_a_fair_share(
    partitions: int, steps: list[tuple[str, str]]
) -> None:
    leases = dict.fromkeys(range(partitions), FREE)
    alive: set[str] = set()

    def act(me: str) -> bool:
        held = [number for number, lease in leases.items() if lease.owner == me]
        change = plan(me, alive, leases, held)
        leases.update(dict.fromkeys(change.release, FREE))
        assert all(not leases[number].live for number in change.take)
        leases.update(dict.fromkeys(change.take, Lease(me, live=True)))
        return bool(change)

    for me, what in [*steps, ("a", "come")]:
        if what == "go":
            alive.discard(me)
            leases.update({n: Lease(me, live=False) for n, lease in leases.items() if lease.owner == me})
        elif what == "come":
            alive.add(me)
        elif me in alive:
            act(me)
    for _ in range(3):
        for me in sorted(alive):
            act(me)
    assert not any(act(me) for me in alive)
    owners = [lease.owner for lease in leases.values()]
    assert set(owners) <= alive
    assert all(owners.count(me) <= fair_share(partitions, len(alive)) for me in alive)
