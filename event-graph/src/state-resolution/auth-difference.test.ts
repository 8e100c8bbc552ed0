// The auth difference and the conflicted subgraph against their definitions, on random graphs.
import type { EventId } from '@carillon/protocol/identifiers.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authDifference, conflictedSubgraph } from './auth-difference.ts';

const id = (index: number) => `$${index}` as EventId;

/** Event n cites some of the events before it. */
const graphs = fc
  .array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 2, maxLength: 40, size: 'max' })
  .map((cites) => {
    const edges = new Map<EventId, EventId[]>();
    for (const [index, picks] of cites.entries()) {
      edges.set(id(index), index === 0 ? [] : [...new Set(picks.map((pick) => id(pick % index)))]);
    }
    return edges;
  });

function chainOf(starts: Iterable<EventId>, edges: ReadonlyMap<EventId, readonly EventId[]>): Set<EventId> {
  const chain = new Set(starts);
  for (const eventId of chain) for (const cited of edges.get(eventId) ?? []) chain.add(cited);
  return chain;
}

describe('authDifference', () => {
  it('finds what is in some but not all chains', () => {
    const picks = fc.array(fc.array(fc.nat(), { maxLength: 5 }), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(graphs, picks, fc.array(fc.nat(), { maxLength: 5 }), (edges, perSet, shared) => {
        const pickIds = (some: readonly number[]) => [...new Set(some.map((pick) => id(pick % edges.size)))];
        const unconflicted = pickIds(shared);
        const conflictedBySet = perSet.map((some) =>
          pickIds(some).filter((eventId) => !unconflicted.includes(eventId)),
        );
        const conflicted = new Set(conflictedBySet.flat());
        const chains = conflictedBySet.map((some) => chainOf([...some, ...unconflicted], edges));
        const expected = [...edges.keys()].filter((eventId) => {
          const count = chains.filter((chain) => chain.has(eventId)).length;
          return count > 0 && count < chains.length && !conflicted.has(eventId);
        });
        const found = authDifference({
          conflictedBySet,
          unconflicted: () => unconflicted,
          authEventsOf: (eventId) => edges.get(eventId),
        });
        expect([...found].sort()).toEqual(expected.sort());
      }),
    );
  });

  it('ends walks at events that are not known', () => {
    const found = authDifference({
      conflictedBySet: [[id(1)], [id(2)]],
      unconflicted: () => [id(3)],
      authEventsOf: (eventId) => (eventId === id(1) ? [id(7)] : undefined),
    });
    expect([...found]).toEqual([]);
  });
});

describe('conflictedSubgraph', () => {
  it('finds what lies between conflicted events', () => {
    fc.assert(
      fc.property(graphs, fc.array(fc.nat(), { minLength: 1, maxLength: 6 }), (edges, picks) => {
        const conflicted = new Set(picks.map((pick) => id(pick % edges.size)));
        const below = chainOf(conflicted, edges);
        const expected = [...below].filter((eventId) => {
          if (conflicted.has(eventId)) return false;
          return [...chainOf([eventId], edges)].some((reached) => conflicted.has(reached));
        });
        const found = conflictedSubgraph(conflicted, (eventId) => edges.get(eventId));
        expect([...found].sort()).toEqual(expected.sort());
      }),
    );
  });

  it('survives long chains and cycles', () => {
    const length = 100_000;
    const edgesOf = (eventId: EventId) => [id((Number(eventId.slice(1)) + 1) % length)];
    const found = conflictedSubgraph(new Set([id(0), id(length - 1)]), edgesOf);
    expect(found.size).toBe(length - 2);
  });
});
