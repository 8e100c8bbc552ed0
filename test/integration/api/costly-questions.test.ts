// S71: what a question costs is the server's to say: limits are capped, tokens are checked, patterns are plain text.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Person, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';

const MESSAGES = 150;
/** A single question that takes longer has found a way to cost too much. */
const MAX_MS = 1_500;

let server: OpenServer;
let anna: Person;
let roomId: string;

beforeAll(async () => {
  server = await openServer();
  anna = await server.api.register('anna');
  roomId = await anna.createRoom();
  await Promise.all(Array.from({ length: MESSAGES }, (_, number) => anna.send(roomId, `message ${number}`)));
});
afterAll(() => server?.close());

it.each(['1000000000', '2147483648', '9007199254740991', '99999999999999999999', '-1', '0', '1.5', 'NaN', '1e9'])(
  'S71: limit=%s gives a bounded page or a clear refusal',
  async (limit) => {
    for (const target of ['messages?dir=b&', 'threads?']) {
      const startedMs = performance.now();
      const answer = await anna.call<{ chunk?: unknown[]; errcode?: string }>(
        'GET',
        `${v3`/rooms/${roomId}/`}${target}limit=${limit}`.replace('v3', target.startsWith('threads') ? 'v1' : 'v3'),
      );
      expect([200, 400]).toContain(answer.status);
      if (answer.status === 200) expect(answer.body.chunk!.length).toBeLessThanOrEqual(1_000);
      else expect(answer.body.errcode).toMatch(/^M_(INVALID_PARAM|BAD_JSON)$/);
      expect(performance.now() - startedMs).toBeLessThan(MAX_MS);
    }
  },
);

it.each([
  'v1-1-1',
  't999999999999999999999',
  's-1_0',
  '\u0000',
  "' or 1=1",
  '999999999999_99999999999',
  `v1${'9'.repeat(500)}`,
])('S71: the forged token %j is refused, or answered like none', async (token) => {
  for (const [target, query] of [
    [v3`/sync`, { since: token }],
    [v3`/rooms/${roomId}/messages`, { dir: 'b', from: token }],
    [v3`/rooms/${roomId}/members`, { at: token }],
    ['/_matrix/client/v3/publicRooms', { since: token }],
    ['/_matrix/client/v3/notifications', { from: token }],
  ] as const) {
    const answer = await anna.call<{ errcode?: string }>('GET', target, { query });
    expect([200, 400]).toContain(answer.status);
    if (answer.status === 400) expect(answer.body.errcode).toMatch(/^M_/);
  }
});

it('S71: filters of any size and patterns of any kind cost little', async () => {
  const filters = [
    { room: { timeline: { limit: 1e9 } } },
    { room: { timeline: { types: ['*'.repeat(200), `${'a*'.repeat(100)}b`] } } },
    { room: { timeline: { senders: Array.from({ length: 1_000 }, (_, number) => `@user${number}:hs1`) } } },
    { room: { rooms: Array.from({ length: 1_000 }, (_, number) => `!room${number}:hs1`) } },
  ];
  for (const filter of filters) {
    const startedMs = performance.now();
    const answer = await anna.call('POST', v3`/user/${anna.userId}/filter`, { body: filter });
    expect([200, 400]).toContain(answer.status);
    const sync = await anna.call('GET', v3`/sync`, { query: { filter: JSON.stringify(filter).slice(0, 6_000) } });
    expect([200, 400]).toContain(sync.status);
    expect(performance.now() - startedMs).toBeLessThan(2 * MAX_MS);
  }
});
