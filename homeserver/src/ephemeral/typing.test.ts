import { systemRandom } from '@carillon/platform/random.ts';
import { VirtualClock } from '@carillon/platform/testing/virtual-clock.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { expect, it } from 'vitest';
import { Notifier } from '../streams/notifier.ts';
import { Typing } from './typing.ts';
import { VolatilePosition } from './volatile-position.ts';

const room = '!room:test.example' as RoomId;
const alice = '@alice:test.example' as UserId;

function start() {
  const clock = new VirtualClock();
  const notifier = new Notifier();
  const volatilePosition = new VolatilePosition(systemRandom);
  let told = 0;
  notifier.on('typing', () => {
    told += 1;
  });
  return { clock, typing: new Typing({ clock, notifier, volatilePosition }), told: () => told };
}

it('ends by itself, and tells only of changes', async () => {
  const { clock, typing, told } = start();
  typing.start(room, alice, 10_000);
  await clock.advance(9_000);
  typing.start(room, alice, 10_000);
  await clock.advance(9_000);
  expect(typing.typersOf(room)).toEqual({ userIds: [alice], volatilePosition: 1 });
  await clock.advance(1_000);
  expect(typing.typersOf(room)).toEqual({ userIds: [], volatilePosition: 2 });
  expect(told()).toBe(2);
  expect(typing.changedSince(1)).toEqual([room]);
  expect(typing.changedSince(2)).toEqual([]);
  typing.stop(room, alice);
  expect(told()).toBe(2);
});

it('lasts half a minute at most', async () => {
  const { clock, typing } = start();
  typing.start(room, alice, 3_600_000);
  await clock.advance(30_000);
  expect(typing.typersOf(room).userIds).toEqual([]);
  expect(clock.pending).toBe(0);
});
