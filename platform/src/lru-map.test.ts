import { expect, test } from 'vitest';
import { LruMap } from './lru-map.ts';

test('forgets what was used least recently', () => {
  const map = new LruMap<string, number>({ max: 3 });
  for (const [index, key] of ['a', 'b', 'c'].entries()) map.set(key, index);
  expect(map.get('a')).toBe(0);
  expect(map.peek('b')).toBe(1);
  map.set('d', 3);
  expect([map.has('a'), map.has('b'), map.has('c'), map.has('d')]).toEqual([true, false, true, true]);
  map.set('c', 5);
  map.set('e', 4);
  expect([map.peek('a'), map.peek('c'), map.peek('d'), map.peek('e')]).toEqual([undefined, 5, 3, 4]);
  expect(map.size).toBe(3);
});

test('what is in use while there is room is still there when there is none', () => {
  const map = new LruMap<number, number>({ max: 100 });
  map.set(-1, 0);
  for (let key = 0; key < 1_000; key++) {
    map.set(key, key);
    if (key % 10 === 0) expect(map.get(-1)).toBe(0);
  }
  expect(map.size).toBe(100);
  expect(map.has(999)).toBe(true);
  expect(map.has(800)).toBe(false);
});

test('is bounded by the sum of sizes too, and does not keep what is too large', () => {
  const map = new LruMap<string, string>({ max: 10, maxSize: 10, sizeCalculation: (text) => text.length });
  map.set('a', '1234');
  map.set('b', '1234');
  expect(map.get('a')).toBe('1234');
  map.set('c', '1234');
  expect([map.has('a'), map.has('b'), map.has('c')]).toEqual([true, false, true]);
  map.set('a', '12345678901');
  expect([map.has('a'), map.has('c')]).toEqual([false, true]);
});

test('says of each value that it leaves, once', () => {
  const left: string[] = [];
  const map = new LruMap<string, string>({ max: 2, dispose: (value) => void left.push(value) });
  map.set('a', 'first');
  map.set('a', 'first');
  expect(left).toEqual([]);
  map.set('a', 'second');
  expect(left).toEqual(['first']);
  expect(map.delete('a')).toBe(true);
  expect(map.delete('a')).toBe(false);
  map.set('b', 'b');
  map.set('c', 'c');
  map.set('d', 'd');
  expect(left).toEqual(['first', 'second', 'b']);
});
