// StateMap against a plain Map, its canonical shape, and its rows.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diff, StateMap } from './state-map.ts';
import { hashStateKey, secondHashStateKey } from './state-map-hash.ts';
import { decodeNode, encodeNode, loadStateMap, missingChildIds, newNodes } from './state-map-nodes.ts';
import {
  createLeaf,
  findEntry,
  nodeOf,
  type TrieEntry,
  type TrieNode,
  withEntry,
  withoutEntry,
} from './state-map-trie.ts';

// Stored maps depend on these.
const FIRST_HASHES = [-58239479, -165869456];
const SECOND_HASHES = [218248014, 1143571553];

const key = fc.tuple(
  fc.constantFrom('m.room.member', 'm.room.create', 'x', ''),
  fc.oneof(fc.nat(60).map(String), fc.string({ unit: 'binary', maxLength: 6 })),
);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ key, value: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ key }) },
);
const steps = fc.array(step, { maxLength: 200, size: 'max' });
type Step = { key: [string, string]; value?: number };

function play(all: readonly Step[], map = new StateMap<number>(), plain = new Map<string, number>()) {
  for (const {
    key: [type, stateKey],
    value,
  } of all) {
    if (value === undefined) {
      plain.delete(`${type}\0${stateKey}`);
      map = map.delete(type, stateKey);
    } else {
      plain.set(`${type}\0${stateKey}`, value);
      map = map.set(type, stateKey, value);
    }
  }
  return { map, plain };
}

const split = (joined: string): [string, string] => {
  const at = joined.indexOf('\0');
  return [joined.slice(0, at), joined.slice(at + 1)];
};

function shapeOf(node: TrieNode<number>): unknown {
  if (node.kind === 'leaf') return node.entries.map(({ type, stateKey, value }) => [type, stateKey, value]);
  return node.children.map((child) => (child === undefined ? null : shapeOf(child)));
}

describe('StateMap', () => {
  it('holds what a plain map holds', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { map, plain } = play(all);
        expect(map.size).toBe(plain.size);
        const entries = [...map.entries()].map(({ type, stateKey, value }) => [`${type}\0${stateKey}`, value]);
        expect(new Map(entries as [string, number][])).toEqual(plain);
        expect(entries.length).toBe(plain.size);
        for (const [joined, value] of plain) expect(map.get(...split(joined))).toBe(value);
        const members = [...plain.keys()].filter((joined) => split(joined)[0] === 'm.room.member').length;
        expect([...map.entriesOfType('m.room.member')].length).toBe(members);
      }),
    );
  });

  it('has one shape for one set of entries, whatever was put in and taken out before', () => {
    fc.assert(
      fc.property(steps, fc.infiniteStream(fc.nat()), (all, chance) => {
        const { map, plain } = play(all);
        const shuffled = [...plain]
          .map((entry) => ({ entry, rank: chance.next().value ?? 0 }))
          .sort((left, right) => left.rank - right.rank)
          .map(({ entry: [joined, value] }) => ({ key: split(joined), value }));
        expect(shapeOf(play(shuffled).map.root)).toEqual(shapeOf(map.root));
        const whole = StateMap.from(shuffled.map(({ key: [type, stateKey], value }) => ({ type, stateKey, value })));
        expect(shapeOf(whole.root)).toEqual(shapeOf(map.root));
      }),
    );
  });

  it('tells the difference of two maps', () => {
    fc.assert(
      fc.property(steps, steps, steps, (shared, left, right) => {
        const base = play(shared);
        const before = play(left, base.map, new Map(base.plain));
        const after = play(right, base.map, new Map(base.plain));
        const expected = new Map<string, [number | undefined, number | undefined]>();
        for (const joined of new Set([...before.plain.keys(), ...after.plain.keys()])) {
          const pair: [number | undefined, number | undefined] = [before.plain.get(joined), after.plain.get(joined)];
          if (pair[0] !== pair[1]) expected.set(joined, pair);
        }
        const found = diff(before.map, after.map);
        expect(new Map(found.map((one) => [`${one.type}\0${one.stateKey}`, [one.before, one.after]]))).toEqual(
          expected,
        );
        expect(found.length).toBe(expected.size);
      }),
    );
  });

  it('stays the same object where nothing changes', () => {
    const map = new StateMap<number>().set('a', 'b', 1);
    expect(map.set('a', 'b', 1)).toBe(map);
    expect(map.delete('a', 'c')).toBe(map);
    expect(map.delete('a', 'b').size).toBe(0);
  });

  it('places keys the same way for ever', () => {
    expect([hashStateKey('m.room.member', '@alice:example.org'), hashStateKey('', '')]).toEqual(FIRST_HASHES);
    expect([secondHashStateKey('m.room.member', '@alice:example.org'), secondHashStateKey('', '')]).toEqual(
      SECOND_HASHES,
    );
  });

  it('keeps keys apart whose hashes are equal', () => {
    const entries: TrieEntry<number>[] = Array.from({ length: 40 }, (_, index) => ({
      type: 'm.room.member',
      stateKey: `${index}`,
      hash: hashStateKey('m.room.member', '0'),
      secondHash: index < 20 ? secondHashStateKey('m.room.member', '0') : index,
      value: index,
    }));
    let node: TrieNode<number> = createLeaf([]);
    for (const entry of entries) node = withEntry(node, entry, 0);
    expect(shapeOf(node)).toEqual(shapeOf(nodeOf(entries.toReversed(), 0)));
    expect(node.count).toBe(40);
    expect(findEntry(node, 'm.room.member', '0')?.value).toBe(0);
    for (const entry of entries.slice(5)) node = withoutEntry(node, entry, 0) ?? createLeaf([]);
    expect(node.kind).toBe('leaf');
    expect(node.count).toBe(5);
  });
});

/** A store in memory: rows of bytes, ids given in the order of newNodes. */
function storeIn(rows: Map<number, Uint8Array>, map: StateMap<number>): number {
  let written = 0;
  for (const node of newNodes(map.root)) {
    const bytes = encodeNode(node, (value) => value);
    node.id = rows.size + 1;
    rows.set(node.id, bytes);
    written += bytes.length;
  }
  return written;
}

describe('stored nodes', () => {
  it('come back as the same map, with shared nodes shared', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 120, size: 'max' }), fc.array(key, { maxLength: 10 }), (first, second) => {
        const keys = [...first, ...second];
        const set = (map: StateMap<number>, [type, stateKey]: [string, string], index: number) =>
          map.set(type, stateKey, index);
        const before = first.reduce(set, new StateMap<number>());
        const after = second.reduce((map, one, index) => set(map, one, first.length + index), before);
        const rows = new Map<number, Uint8Array>();
        storeIn(rows, before);
        storeIn(rows, after);
        const cache = new Map<number, TrieNode<number>>();
        const source = {
          bytesOf: (id: number) => rows.get(id) as Uint8Array,
          entryOf: (value: number) => {
            const [type, stateKey] = keys[value] as [string, string];
            return { type, stateKey, value };
          },
          cache,
        };
        const loadedBefore = loadStateMap(before.root.id, source);
        const loadedAfter = loadStateMap(after.root.id, source);
        expect(shapeOf(loadedBefore.root)).toEqual(shapeOf(before.root));
        expect(shapeOf(loadedAfter.root)).toEqual(shapeOf(after.root));
        expect(newNodes(loadedAfter.root)).toEqual([]);
        expect(loadedAfter.size).toBe(after.size);
        expect(diff(loadedBefore, loadedAfter)).toEqual(diff(before, after));
        expect(missingChildIds(rows.get(after.root.id) as Uint8Array, cache)).toEqual([]);
        const next = loadedAfter.set('new', '', 1);
        expect(newNodes(next.root).length).toBeLessThan(12);
      }),
    );
  });

  it('cost under a kilobyte a change in a room of 5,000 members', () => {
    const rows = new Map<number, Uint8Array>();
    let map = StateMap.from(
      Array.from({ length: 5_000 }, (_, index) => ({
        type: 'm.room.member',
        stateKey: `@user${index}:example.org`,
        value: 90_000 + index,
      })),
    );
    storeIn(rows, map);
    let bytes = 0;
    let nodes = 0;
    for (let index = 0; index < 1_000; index++) {
      map = map.set('m.room.member', `@user${(index * 37) % 6_000}:example.org`, 100_000 + index);
      const before = rows.size;
      bytes += storeIn(rows, map);
      nodes += rows.size - before;
    }
    const rowOverheadBytes = 90;
    expect((bytes + nodes * rowOverheadBytes) / 1_000).toBeLessThan(1_000);
    expect(bytes / 1_000).toBeLessThan(160);
  });

  it('refuses bytes that are no node', () => {
    for (const bytes of [[], [2], [1], [1, 3, 5], [1, 1, 5, 6], [0, 128], [1, 1, 0]]) {
      expect(() => decodeNode(Uint8Array.from(bytes))).toThrow();
    }
    expect(decodeNode(Uint8Array.from([0]))).toEqual({ kind: 'leaf', eventNumbers: [] });
    expect(() => encodeNode(new StateMap<number>().set('a', '', -1).root, (value) => value)).toThrow();
    const large = new StateMap<number>().set('a', '', 2 ** 53 - 1);
    expect(decodeNode(encodeNode(large.root, (value) => value))).toEqual({ kind: 'leaf', eventNumbers: [2 ** 53 - 1] });
  });
});
