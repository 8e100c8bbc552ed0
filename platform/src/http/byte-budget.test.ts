import { describe, expect, it } from 'vitest';
import { ByteBudget } from './byte-budget.ts';

describe('a byte budget', () => {
  it('gives to each address its part, a /64 counting as one, and takes back what it gave', () => {
    const budget = new ByteBudget({ perAddressBytes: 100, totalBytes: 250 });
    const first = budget.open('2001:db8::1');
    expect([first.take(60), first.take(40), first.take(1)]).toEqual([true, true, false]);
    expect(budget.open('2001:db8::2').take(1)).toBe(false);
    expect(budget.open('2001:db8:0:1::1').take(100)).toBe(true);
    expect(budget.heldBytes).toBe(200);
    first.release();
    first.release();
    expect(budget.heldBytes).toBe(100);
    expect(budget.open('2001:db8::2').take(100)).toBe(true);
  });

  it('gives no more than there is, whoever asks', () => {
    const budget = new ByteBudget({ perAddressBytes: 100, totalBytes: 250 });
    expect(['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => budget.open(address).take(100))).toEqual([
      true,
      true,
      false,
    ]);
    expect(budget.open('10.0.0.3').take(50)).toBe(true);
  });
});
