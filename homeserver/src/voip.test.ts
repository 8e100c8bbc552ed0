import { createHmac } from 'node:crypto';
import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import { expect, it } from 'vitest';
import { voipRoutes } from './voip.routes.ts';

const uris = ['turn:turn.test.example:3478?transport=udp'];
const ask = (voip: { uris: string[]; secret: string }) => {
  const clock = new VirtualClock();
  const [handler] = voipRoutes({ clock, lifetimeMs: 3_600_000, ...voip });
  const answer = handler?.run({ auth: { userId: '@a:test.example' } } as never);
  return { clock, answer };
};

it('gives credentials that a TURN server with the same secret takes until they end', async () => {
  const { clock, answer } = ask({ uris, secret: 'shared with the relay' });
  const username = `${Math.floor(clock.now() / 1_000) + 3_600}:@a:test.example`;
  const password = createHmac('sha1', 'shared with the relay').update(username).digest('base64');
  expect(await answer).toEqual({ username, password, uris, ttl: 3_600 });
});

it('has nothing to give without a relay or a secret', async () => {
  expect(await ask({ uris: [], secret: 'x' }).answer).toEqual({});
  expect(await ask({ uris, secret: '' }).answer).toEqual({});
});
