import { MatrixError } from '@carillon/protocol/matrix-error.ts';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { addressGroup, clientAddressReader, compileRanges } from './client-address.ts';
import { createRateLimiter, type RateSubject } from './rate-limit.ts';

function limiter(options: { enabled?: boolean; exempt?: (userId: string) => boolean } = {}) {
  const clock = new VirtualClock();
  const limits = createRateLimiter({
    clock,
    enabled: true,
    rules: { message: { perSecond: 2, burst: 3 } },
    ...options,
  });
  const refusal = (subject: RateSubject): number | null => {
    try {
      limits.take('message', subject);
      return null;
    } catch (error) {
      return Number((error as MatrixError).fields['retry_after_ms']);
    }
  };
  return { clock, limits, refusal };
}

describe('createRateLimiter', () => {
  it('allows the burst, then the rate, and says how long to wait', async () => {
    const { clock, refusal } = limiter();
    const me = { userId: '@a:b' };
    expect([refusal(me), refusal(me), refusal(me), refusal(me)]).toEqual([null, null, null, 500]);
    await clock.advance(400);
    expect(refusal(me)).toBe(100);
    await clock.advance(100);
    expect([refusal(me), refusal(me)]).toEqual([null, 500]);
    await clock.advance(60_000);
    expect([refusal(me), refusal(me), refusal(me), refusal(me)]).toEqual([null, null, null, 500]);
  });

  it('counts people, addresses and keys apart, and an IPv6 network as one', () => {
    const { refusal } = limiter();
    for (let count = 0; count < 3; count++) refusal({ address: '2001:db8::1' });
    expect(refusal({ address: '2001:db8:0:0:ffff::2' })).toBe(500);
    expect(refusal({ address: '2001:db8:0:1::1' })).toBeNull();
    expect(refusal({ address: '10.0.0.1' })).toBeNull();
    expect(refusal({ userId: '@a:b' })).toBeNull();
    expect(refusal({ key: '@a:b' })).toBeNull();
  });

  it('checks without counting, and refuses to know what it does not', () => {
    const { limits, refusal } = limiter();
    for (let count = 0; count < 9; count++) limits.check('message', { userId: '@a:b' });
    expect(refusal({ userId: '@a:b' })).toBeNull();
    expect(() => limits.take('nothing', { userId: '@a:b' })).toThrow('no rate limit');
    for (let count = 0; count < 2; count++) refusal({ userId: '@a:b' });
    expect(() => limits.check('message', { userId: '@a:b' })).toThrow(MatrixError);
  });

  it('leaves the exempt alone, and everyone when it is off', () => {
    const exempt = limiter({ exempt: (userId) => userId === '@bot:b' });
    const off = limiter({ enabled: false });
    for (let count = 0; count < 9; count++) {
      expect(exempt.refusal({ userId: '@bot:b' })).toBeNull();
      expect(off.refusal({ userId: '@a:b' })).toBeNull();
    }
  });
});

describe('client addresses', () => {
  const read = (remoteAddress: string | undefined, forwarded?: string, trusted?: string[]) =>
    clientAddressReader(trusted)({
      socket: { remoteAddress },
      headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
    });

  it('come from the socket, unless a proxy that is trusted says otherwise', () => {
    expect(read('::ffff:10.0.0.1')).toBe('10.0.0.1');
    expect(read('10.0.0.1', '1.2.3.4')).toBe('10.0.0.1');
    expect(read('127.0.0.1', '1.2.3.4')).toBe('1.2.3.4');
    expect(read('::1', '2001:db8::1')).toBe('2001:db8::1');
    expect(read(undefined, '1.2.3.4')).toBe('1.2.3.4');
  });

  it('are the nearest that no trusted proxy has, whatever the client wrote before', () => {
    expect(read('127.0.0.1', '6.6.6.6, 1.2.3.4')).toBe('1.2.3.4');
    expect(read('10.0.0.1', '6.6.6.6, 1.2.3.4, 10.0.0.2', ['10.0.0.0/8'])).toBe('1.2.3.4');
    expect(read('127.0.0.1', 'nonsense')).toBe('127.0.0.1');
    expect(read('127.0.0.1', '1.2.3.4, nonsense')).toBe('127.0.0.1');
    expect(read('127.0.0.1', '[2001:db8::1]:55')).toBe('2001:db8::1');
    expect(read('127.0.0.1', '1.2.3.4:55')).toBe('1.2.3.4');
  });

  it('fall into ranges, and ranges are checked', () => {
    const within = compileRanges(['10.0.0.0/8', '2001:db8::/32', '1.2.3.4']);
    expect(['10.9.9.9', '2001:db8::5', '1.2.3.4', '1.2.3.5', '11.0.0.1', 'x'].map(within)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    for (const bad of ['10.0.0.0/33', 'a/8', '::/129', '1.2.3.4/', '1.2.3.4/-1', ''])
      expect(() => compileRanges([bad])).toThrow();
  });

  it('are grouped by IPv6 network', () => {
    expect(addressGroup('1.2.3.4')).toBe('1.2.3.4');
    expect(addressGroup('2001:DB8:0000:0001::1')).toBe(addressGroup('2001:db8:0:1:5:6:7:8'));
    expect(addressGroup('::1')).toBe('0:0:0:0::/64');
    expect(addressGroup('1::')).toBe('1:0:0:0::/64');
  });
});
