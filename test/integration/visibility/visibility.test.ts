// S24, S26: four visibilities, six memberships, every endpoint that shows events or state. A new contract that concerns
// rooms fails here until it is in the table.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import { SocketClient } from '../support/socket-client.ts';
import { clientContracts, concernsRooms } from './contracts.ts';
import { type Probe, TABLE } from './reads.ts';
import {
  type Cast,
  MOMENTS,
  type Moment,
  makeCast,
  READERS,
  type ReaderName,
  type Secret,
  type Story,
  secretWord,
  tellStory,
  VISIBILITIES,
  type Visibility,
  wordOf,
} from './story.ts';

let server: OpenServer;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.close());

const MEMBERS: readonly ReaderName[] = ['joined', 'left', 'banned'];

/** What each reader may see of the history, by the spec's rules. */
function allowedMoments(visibility: Visibility, reader: ReaderName): readonly Moment[] {
  if (visibility === 'world_readable') return MOMENTS;
  if (!MEMBERS.includes(reader)) return [];
  const first = { shared: 0, invited: 1, joined: 2 }[visibility];
  return MOMENTS.slice(first, reader === 'joined' ? 4 : 3);
}

/** What of the state: those who are in see what is, and was since before they came; who left sees nothing newer. */
function allowedSecrets(visibility: Visibility, reader: ReaderName): readonly Secret[] {
  if (visibility === 'world_readable' || reader === 'joined') return ['early', 'middle', 'late'];
  return MEMBERS.includes(reader) ? ['early', 'middle'] : [];
}

const momentsIn = (text: string, story: Story): Moment[] =>
  MOMENTS.filter((moment) => text.includes(wordOf(moment)) || text.includes(story.events[moment]));
const secretsIn = (text: string): Secret[] =>
  (['early', 'middle', 'late'] as const).filter((secret) => text.includes(secretWord(secret)));

/** What a refusal says is no leak of the id that was asked for. */
async function ask(token: string, { method = 'GET', path, body, isUnchecked = false }: Probe): Promise<string> {
  const api = isUnchecked ? new Api(server.url) : server.api;
  const answer = await api.call(method, path, { token, ...(body === undefined ? {} : { body }) });
  if (answer.status !== 200) {
    expect([400, 403, 404], `${method} ${path} ${JSON.stringify(answer.body)}`).toContain(answer.status);
    return '';
  }
  return JSON.stringify(answer.body);
}

it('S24: every contract that concerns rooms is in the table', async () => {
  const contracts = await clientContracts();
  const missing = [...contracts].filter(([name, contract]) => concernsRooms(contract) && !(name in TABLE));
  expect(missing.map(([name]) => name)).toEqual([]);
  expect(Object.keys(TABLE).filter((name) => !contracts.has(name))).toEqual([]);
});

describe.each(VISIBILITIES)('history that is %s', (visibility) => {
  let cast: Cast;
  let story: Story;
  beforeAll(async () => {
    cast = await makeCast(server, `v${VISIBILITIES.indexOf(visibility)}`);
    story = await tellStory(server, cast, visibility);
  });

  describe.each(READERS)('for one who is %s', (reader) => {
    const moments = allowedMoments(visibility, reader);
    const secrets = allowedSecrets(visibility, reader);
    /** Of a room that one has left, what happened until then is told without being asked for. */
    const told = MEMBERS.includes(reader) ? moments.filter((moment) => reader === 'joined' || moment !== 'after') : [];

    it.each(Object.keys(TABLE))('S24: %s', async (name) => {
      const entry = TABLE[name];
      if (entry === undefined || 'shows' in entry) return;
      const texts: string[] = [];
      for (const probe of entry.probes(story)) texts.push(await ask(cast[reader].token, probe));
      const seen = new Set(texts.flatMap((text) => momentsIn(text, story)));
      const secret = new Set(texts.flatMap(secretsIn));
      expect([...seen].filter((moment) => !moments.includes(moment))).toEqual([]);
      expect([...secret].filter((word) => !secrets.includes(word))).toEqual([]);
      const isComplete = entry.complete === 'everyone' || (entry.complete === 'members' && MEMBERS.includes(reader));
      const expected = entry.complete === 'members' ? told : moments;
      if (isComplete) expect(expected.filter((moment) => !seen.has(moment))).toEqual([]);
    });

    it('S24: the socket', async () => {
      const filter = JSON.stringify({ room: { include_leave: true, timeline: { limit: 1_000 } } });
      const socket = await SocketClient.start(server.url, { access_token: cast[reader].token, filter });
      await expect.poll(() => socket.syncs.length, { timeout: 10_000 }).toBeGreaterThan(0);
      const text = JSON.stringify(socket.syncs[0]?.data);
      socket.socket.close();
      expect(momentsIn(text, story)).toEqual(told);
      expect(secretsIn(text).filter((word) => !secrets.includes(word))).toEqual([]);
    });

    it('S24: the state is the present one, or that of the leaving', async () => {
      const path = `/_matrix/client/v3/rooms/${encodeURIComponent(story.roomId)}/state/com.example.secret/`;
      const text = await ask(cast[reader].token, { path });
      const newest = visibility === 'world_readable' ? 'late' : secrets.at(-1);
      expect(secretsIn(text)).toEqual(newest === undefined ? [] : [newest]);
    });
  });
});
