// Packing is undone by unpacking, whatever the nodes' sizes.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packNodes, unpackNodes } from './state-node-pack.ts';

it('gives back the nodes under their ids', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 12 }),
      fc.nat(1e9),
      (nodes, first) => {
        const last = first + nodes.length - 1;
        const unpacked = unpackNodes(last, packNodes(nodes));
        expect([...unpacked.keys()]).toEqual(nodes.map((_, index) => first + index));
        expect([...unpacked.values()].map((node) => [...node])).toEqual(nodes.map((node) => [...node]));
      },
    ),
  );
});

it('refuses a row that was cut', () => {
  expect(() => unpackNodes(1, Uint8Array.from([200]))).toThrow(/ends inside/);
});
