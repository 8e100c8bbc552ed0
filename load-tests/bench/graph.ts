// `npm run bench -- graph`: the pure parts of the event graph, then what a room takes on disk (storage.ts).

import { selectAuthEvents } from '@carillon/event-graph/auth-event-selection.ts';
import { checkAuth } from '@carillon/event-graph/auth-rules/check-auth.ts';
import { checkAgainstAuthEvents } from '@carillon/event-graph/auth-rules/check-auth-events.ts';
import { type BuiltEvent, buildEvent } from '@carillon/event-graph/build-event.ts';
import { receivePdu } from '@carillon/event-graph/receive-checks.ts';
import { type RoomVersion, roomVersions } from '@carillon/event-graph/room-version.ts';
import { diff } from '@carillon/event-graph/state-map.ts';
import { encodeNode, newNodes } from '@carillon/event-graph/state-map-nodes.ts';
import { sketchEvent } from '@carillon/event-graph/testing/sketch-event.ts';
import { signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import { type RoomId, serverOf } from '@carillon/protocol/identifiers.ts';
import { parseJson } from '@carillon/protocol/parse-json.ts';
import type { Bench } from './bench.ts';
import { createLargeRoom, forkRoom, type LargeRoom, noKeys, resolveForks, userOf } from './large-room.ts';
import { figures, measure, printMeasurements, printMemory } from './measure.ts';
import { measureStorage } from './storage.ts';

const MEMBERS = 10_000;
const CONFLICTED_KEYS = 500;
const MESSAGE_BODY = 'A message of about a kilobyte when it is signed and canonical. '.repeat(8);

export const bench: Bench = {
  name: 'graph',
  about: `state resolution in a room of ${MEMBERS.toLocaleString('en')} members, auth checks, signing and verifying`,
  async run() {
    const v11 = roomVersions.get('11') as RoomVersion;
    const v12 = roomVersions.get('12') as RoomVersion;
    for (const roomVersion of [v11, v12]) await measureResolution(createLargeRoom(roomVersion, MEMBERS));
    await measureAuth(createLargeRoom(v12, MEMBERS));
    await measureStateMap(createLargeRoom(v12, 5_000));
    await measureSigning(v12);
    printMemory('at the end');
    console.log('\nstorage: a room through the server, on a Postgres with fsync');
    await measureStorage();
  },
};

async function measureResolution(room: LargeRoom): Promise<void> {
  const { id, stateResolution } = room.roomVersion;
  const measurements = [];
  for (const forks of [2, 10]) {
    const sets = forkRoom(room, forks, CONFLICTED_KEYS);
    const resolved = resolveForks(room, sets);
    const taken = CONFLICTED_KEYS - diff(room.state, resolved).length;
    if (taken > CONFLICTED_KEYS / 2) throw new Error(`resolution left ${taken} keys as they were`);
    measurements.push(await measure(`${forks} forks`, { runs: forks === 2 ? 40 : 15 }, () => resolveForks(room, sets)));
  }
  printMeasurements(
    `resolve, room version ${id} (${stateResolution}), ${CONFLICTED_KEYS} conflicted keys`,
    measurements,
  );
  printMemory('with the room and its forks');
}

async function measureAuth(room: LargeRoom): Promise<void> {
  const { roomVersion, state, head, events } = room;
  if (head === undefined) throw new Error('the room has no events');
  const reader = (type: string, stateKey: string) => state.get(type, stateKey);
  const batch = Array.from({ length: 1_000 }, (_, index) => {
    const sender = userOf(1 + ((index * 37) % (MEMBERS - 1)));
    const isMessage = index % 10 !== 0;
    const kind = isMessage
      ? { type: 'm.room.message', stateKey: undefined, content: { body: 'hello' } }
      : { type: 'm.room.member', stateKey: sender, content: { membership: 'join', displayname: 'Other' } };
    const authEvents = selectAuthEvents(roomVersion, { ...kind, sender }, reader);
    return sketchEvent(roomVersion, { ...kind, sender, authEvents, prevEvents: [head], originServerTs: room.clock });
  });
  const options = { runs: 200, operationsPerRun: batch.length };
  const againstState = await measure('against the state of 10,000 members', options, () => {
    for (const event of batch) {
      const { outcome } = checkAuth({ roomVersion, event, state: reader, verifyKeyOf: noKeys });
      if (outcome !== 'accepted') throw new Error('an honest event was rejected');
    }
  });
  const againstCited = await measure('against the cited auth events', options, () => {
    for (const event of batch) {
      checkAgainstAuthEvents({
        roomVersion,
        event,
        eventOf: (id) => events.get(id),
        isRejected: () => false,
        verifyKeyOf: noKeys,
      });
    }
  });
  const selection = await measure('selecting auth events', options, () => {
    for (const event of batch) selectAuthEvents(roomVersion, event, reader);
  });
  printMeasurements('auth checks (9 messages to 1 membership)', [againstState, againstCited, selection]);
}

async function measureStateMap(room: LargeRoom): Promise<void> {
  const [event] = room.events.values();
  if (event === undefined) throw new Error('the room has no events');
  let nextId = 1;
  let bytes = 0;
  let nodes = 0;
  const store = () => {
    for (const node of newNodes(room.state.root)) {
      bytes += encodeNode(node, () => 100_000).length;
      nodes++;
      node.id = nextId++;
    }
  };
  store();
  bytes = 0;
  nodes = 0;
  let changes = 0;
  const changed = await measure('change and encode', { runs: 20_000 }, (run) => {
    room.state = room.state.set('m.room.member', userOf((run * 37) % 5_000), { ...event });
    changes++;
    store();
  });
  const read = await measure('read', { runs: 200, operationsPerRun: 5_000 }, () => {
    for (let index = 0; index < 5_000; index++) room.state.get('m.room.member', userOf(index));
  });
  printMeasurements('state map of 5,000 members', [changed, read]);
  console.log(
    `  a change writes ${figures(nodes / changes)} nodes of ${figures(bytes / nodes)} bytes: ${figures(bytes / changes)} bytes`,
  );
}

async function measureSigning(roomVersion: RoomVersion): Promise<void> {
  const sender = userOf(1);
  const server = serverOf(sender);
  const key = signingKeyFromSeed(new Uint8Array(32).fill(7), 'ed25519:1');
  const reference = `$${'a'.repeat(43)}` as BuiltEvent['eventId'];
  const roomId = `!${'b'.repeat(43)}` as RoomId;
  const template = {
    type: 'm.room.message',
    sender,
    roomId,
    depth: 1_000,
    authEvents: [reference, reference],
    prevEvents: [reference],
  };
  const build = (run: number) =>
    buildEvent(
      roomVersion,
      {
        ...template,
        originServerTs: 1_700_000_000_000 + run,
        content: { msgtype: 'm.text', body: `${run} ${MESSAGE_BODY}` },
      },
      { server, key },
    );
  const built = Array.from({ length: 1_000 }, (_, run) => build(run));
  const bytes = built[0]?.bytes.length ?? 0;
  const building = await measure('canonicalise, hash, sign', { runs: 20_000 }, build);
  const verifying = await measure('verify signature and hash', { runs: 5_000 }, (run) => {
    const received = receivePdu(built[run % built.length]?.json, roomVersion, () => key.verifyKey);
    if (received.outcome !== 'accepted') throw new Error(received.reason);
  });
  const parsing = await measure('parse, verify signature and hash', { runs: 5_000 }, (run) => {
    const json = parseJson(built[run % built.length]?.bytes ?? '', 'strict');
    receivePdu(json, roomVersion, () => key.verifyKey);
  });
  printMeasurements(`events of ${bytes.toLocaleString('en')} bytes, one thread`, [building, verifying, parsing]);
}
