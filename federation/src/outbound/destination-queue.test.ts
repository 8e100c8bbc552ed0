import { memoryLogger } from '@carillon/platform/testing/memory-logger.ts';
import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { describe, expect, it } from 'vitest';
import type { FederationCall } from '../client.ts';
import { DestinationQueue, type WaitingEvent } from './destination-queue.ts';

const THERE = 'there.example' as ServerName;

function world(count: number) {
  const clock = new VirtualClock();
  const events: WaitingEvent[] = Array.from({ length: count }, (_, index) => ({
    position: index + 1,
    text: `{"n":${index + 1}}`,
  }));
  const state = { cursor: 0, isDown: false };
  const sent: { uri: string; body: { pdus: JsonObject[]; edus: JsonObject[] } }[] = [];
  const queue = new DestinationQueue(
    {
      client: {
        call: async ({ uri, contentText }: FederationCall) => {
          if (state.isDown) throw new Error('down');
          sent.push({ uri, body: JSON.parse(contentText ?? '') });
          return {};
        },
      },
      outbox: {
        next: async (_, limit) => events.filter((event) => event.position > state.cursor).slice(0, limit),
        advance: async (_, position) => {
          state.cursor = position;
        },
      },
      ...{ serverName: 'here.example' as ServerName, clock, logger: memoryLogger(), bootId: 'boot' },
    },
    THERE,
  );
  return { clock, events, state, sent, queue };
}

describe('the queue to one server', () => {
  it('sends what waits in order, at most 50 events at a time, each once', async () => {
    const { queue, sent, state } = world(120);
    queue.wake();
    await expect.poll(() => state.cursor).toBe(120);
    expect(sent.map(({ body }) => body.pdus.length)).toEqual([50, 50, 20]);
    expect(sent.flatMap(({ body }) => body.pdus.map((pdu) => pdu['n']))).toEqual(
      Array.from({ length: 120 }, (_, index) => index + 1),
    );
    await expect.poll(() => queue.isIdle).toBe(true);
  });

  it('backs off while the server is away, and goes on when it is heard of', async () => {
    const { queue, sent, state } = world(1);
    state.isDown = true;
    queue.wake();
    await expect.poll(() => queue.failures).toBe(1);
    queue.wake();
    expect([sent.length, queue.failures]).toEqual([0, 1]);
    state.isDown = false;
    queue.retryNow();
    await expect.poll(() => state.cursor).toBe(1);
    expect(queue.failures).toBe(0);
  });

  it('names the same events by the same transaction, so that a repeated one is known', async () => {
    const { queue, sent, state } = world(2);
    queue.wake();
    await expect.poll(() => state.cursor).toBe(2);
    state.cursor = 0;
    queue.wake();
    await expect.poll(() => sent.length).toBe(2);
    expect(sent[0]?.uri).toBe(sent[1]?.uri);
  });

  it('sends the newest of EDUs that replace each other', async () => {
    const { queue, sent, state } = world(0);
    state.isDown = true;
    queue.addEdu('typing', '{"edu":1}');
    await expect.poll(() => queue.failures).toBe(1);
    queue.addEdu('typing', '{"edu":2}');
    queue.addEdu('other', '{"edu":3}');
    state.isDown = false;
    queue.retryNow();
    await expect.poll(() => sent.length).toBe(1);
    expect(sent[0]?.body.edus).toEqual([{ edu: 2 }, { edu: 3 }]);
  });
});
