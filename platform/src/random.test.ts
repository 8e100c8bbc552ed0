import { expect, it } from 'vitest';
import { systemRandom } from './random.ts';
import { seededRandom } from './testing/seeded-random.ts';

it('draws tokens, texts, numbers and UUIDs of the promised shapes', () => {
  for (const random of [systemRandom, seededRandom(1)]) {
    expect(random.token(24)).toMatch(/^[A-Za-z0-9_-]{32}$/);
    expect(random.text(20, 'ab')).toMatch(/^[ab]{20}$/);
    expect(random.bytes(100)).toHaveLength(100);
    expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const draws = Array.from({ length: 200 }, () => random.int(3));
    expect(new Set(draws)).toEqual(new Set([0, 1, 2]));
  }
});

it('repeats itself from the same seed only', () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed);
    return [random.token(8), random.int(1000), random.uuid()];
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});
