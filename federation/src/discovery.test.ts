// Each step of server discovery, and the cache's bounds (threat S38).
import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { Discovery, type SrvRecord, type WellKnownAnswer } from './discovery.ts';

const HOUR_MS = 3_600_000;
let clock: VirtualClock;
let wellKnown: Map<string, WellKnownAnswer>;
let srv: Map<string, SrvRecord[]>;
let asked: string[];

const discovery = () =>
  new Discovery({
    clock,
    fetchWellKnown: async (host) => {
      asked.push(host);
      const answer = wellKnown.get(host);
      if (answer === undefined) throw new Error('refused');
      return answer;
    },
    resolveSrv: async (name) => srv.get(name) ?? [],
  });

const find = (name: string) => discovery().find(name as ServerName);
const delegate = (to: string, maxAgeMs: number | null = null): WellKnownAnswer => ({
  status: 200,
  text: JSON.stringify({ 'm.server': to }),
  maxAgeMs,
});
const record = (host: string, port: number, priority = 10, weight = 5): SrvRecord => ({ host, port, priority, weight });

beforeEach(() => {
  clock = new VirtualClock(0);
  wellKnown = new Map();
  srv = new Map();
  asked = [];
});

describe('the steps of the specification', () => {
  it.each([
    ['1.2.3.4', '1', '1.2.3.4', 8448, '1.2.3.4', '1.2.3.4'],
    ['1.2.3.4:99', '1', '1.2.3.4', 99, '1.2.3.4:99', '1.2.3.4'],
    ['[2001:db8::1]', '1', '2001:db8::1', 8448, '[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:99', '1', '2001:db8::1', 99, '[2001:db8::1]:99', '2001:db8::1'],
    ['example.org:99', '2', 'example.org', 99, 'example.org:99', 'example.org'],
    ['example.org', '6', 'example.org', 8448, 'example.org', 'example.org'],
  ])('%s leads by step %s to %s:%i', async (name, step, host, port, hostHeader, certificateName) => {
    expect(await find(name)).toEqual({ targets: [{ host, port }], hostHeader, certificateName, step });
  });

  it.each([
    ['5.6.7.8', '3.1', '5.6.7.8', 8448, '5.6.7.8'],
    ['5.6.7.8:1', '3.1', '5.6.7.8', 1, '5.6.7.8:1'],
    ['chat.example.net:443', '3.2', 'chat.example.net', 443, 'chat.example.net:443'],
    ['chat.example.net', '3.5', 'chat.example.net', 8448, 'chat.example.net'],
  ])('a delegation to %s leads by step %s to %s:%i', async (to, step, host, port, hostHeader) => {
    wellKnown.set('example.org', delegate(to));
    expect(await find('example.org')).toEqual({
      targets: [{ host, port }],
      hostHeader,
      certificateName: hostHeader.replace(/:\d+$/, ''),
      step,
    });
  });

  it('takes SRV records of the delegated name, or of the name itself, the new service first, by priority', async () => {
    srv.set('_matrix._tcp.example.org', [record('old.example.org', 1)]);
    expect(await find('example.org')).toMatchObject({ step: '5', targets: [{ host: 'old.example.org', port: 1 }] });
    srv.set('_matrix-fed._tcp.example.org', [record('b.example.org', 3, 20), record('a.example.org.', 2, 10)]);
    expect(await find('example.org')).toMatchObject({
      step: '4',
      hostHeader: 'example.org',
      certificateName: 'example.org',
      targets: [
        { host: 'a.example.org', port: 2 },
        { host: 'b.example.org', port: 3 },
      ],
    });
    wellKnown.set('example.org', delegate('chat.example.net'));
    srv.set('_matrix-fed._tcp.chat.example.net', [record('c.example.net', 4)]);
    expect(await find('example.org')).toMatchObject({ step: '3.3', hostHeader: 'chat.example.net' });
  });

  it('goes on without what is no delegation', async () => {
    for (const text of ['not json', '[]', '{}', '{"m.server":5}', '{"m.server":"a b"}', '{"m.server":"https://x"}']) {
      wellKnown.set('example.org', { status: 200, text, maxAgeMs: null });
      expect(await find('example.org')).toMatchObject({ step: '6' });
    }
    wellKnown.set('example.org', { ...delegate('chat.example.net'), status: 404 });
    expect(await find('example.org')).toMatchObject({ step: '6' });
  });
});

describe('S38: how long .well-known is believed', () => {
  it.each([
    [null, 24],
    [0, 5 / 60],
    [12 * HOUR_MS, 12],
    [10_000 * HOUR_MS, 48],
  ])('an answer good for %s ms is kept %f hours', async (maxAgeMs, hours) => {
    wellKnown.set('example.org', delegate('chat.example.net', maxAgeMs));
    const one = discovery();
    await one.find('example.org' as ServerName);
    await clock.advance(hours * HOUR_MS - 1);
    await one.find('example.org' as ServerName);
    expect(asked).toHaveLength(1);
    await clock.advance(2);
    await one.find('example.org' as ServerName);
    expect(asked).toHaveLength(2);
  });

  it('asks a failing server less and less often, at most an hour apart, and once for many who ask', async () => {
    const one = discovery();
    await Promise.all(Array.from({ length: 20 }, () => one.find('example.org' as ServerName)));
    expect(asked).toHaveLength(1);
    for (let minute = 0; minute < 24 * 60; minute++) {
      await clock.advance(60_000);
      await one.find('example.org' as ServerName);
    }
    expect(asked.length).toBeGreaterThan(24);
    expect(asked.length).toBeLessThan(32);
  });
});
