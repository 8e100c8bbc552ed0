// Networks behind app services: asked with the right token, put together, and left out where they do not answer.
import { createServer, type Server } from 'node:http';
import { systemClock } from '@carillon/platform/clock.ts';
import { createAddressGate } from '@carillon/platform/outbound/address-gate.ts';
import { createOutboundHttp } from '@carillon/platform/outbound/outbound-http.ts';
import { memoryLogger } from '@carillon/platform/testing/memory-logger.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAppservices } from './appservice-directory.ts';
import { parseRegistrations } from './registration.ts';
import { findOnNetworks, listProtocols, type NetworksDependencies, readProtocol } from './third-party-networks.ts';

const SERVER_NAME = 'test.example' as ServerName;
const asked: { url: string; authorization: string | undefined }[] = [];
let bridge: Server;
let networks: NetworksDependencies;

beforeAll(async () => {
  bridge = createServer((request, response) => {
    const url = request.url ?? '';
    asked.push({ url, authorization: request.headers.authorization });
    const answers: Record<string, unknown> = {
      '/_matrix/app/v1/thirdparty/protocol/irc': { user_fields: ['nick'], instances: [{ desc: 'Libera' }] },
      '/_matrix/app/v1/thirdparty/user/irc?nick=al': [{ userid: '@irc_al:test.example', protocol: 'irc', fields: {} }],
      '/_matrix/app/v1/thirdparty/location?alias=%23a%3Ax': [{ alias: '#a:x', protocol: 'irc', fields: {} }],
    };
    const answer = answers[url];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => bridge.listen(0, '127.0.0.1', resolve));
  const address = bridge.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const registration = (id: string, url: string | null) => ({
    ...{ id, url, as_token: `as-token-${id}`, hs_token: `hs-token-${id}`, sender_localpart: `${id}bot` },
    ...{ namespaces: { users: [] }, protocols: ['irc', 'xmpp'] },
  });
  const values = [registration('one', `http://127.0.0.1:${port}`), registration('deaf', 'http://127.0.0.1:1')];
  const files = values.map((value, index) => ({ name: `${index}.yaml`, value, fault: null }));
  networks = {
    appservices: createAppservices(parseRegistrations(files, SERVER_NAME), SERVER_NAME).all,
    outbound: createOutboundHttp({ gate: createAddressGate(['127.0.0.0/8']), clock: systemClock, verifyTls: true }),
    logger: memoryLogger(),
  };
});
afterAll(() => bridge.close());

it('tells the protocols that some app service describes', async () => {
  const irc = {
    user_fields: ['nick'],
    location_fields: [],
    icon: '',
    field_types: {},
    instances: [{ desc: 'Libera' }],
  };
  expect(await listProtocols(networks)).toEqual({ irc });
  expect(await readProtocol(networks, 'irc')).toEqual(irc);
  await expect(readProtocol(networks, 'xmpp')).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
  await expect(readProtocol(networks, '../x')).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
  expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer hs-token-one']));
});

it('finds people and places, and passes no token of the client on', async () => {
  const fields = { nick: 'al', access_token: 'of the client' };
  const found = await findOnNetworks(networks, { kind: 'user', protocol: 'irc', fields });
  expect(found).toMatchObject([{ userid: '@irc_al:test.example' }]);
  expect(asked.some(({ url }) => url.includes('of'))).toBe(false);
  const places = await findOnNetworks(networks, { kind: 'location', protocol: null, fields: { alias: '#a:x' } });
  expect(places).toHaveLength(1);
  const nobody = findOnNetworks(networks, { kind: 'user', protocol: 'irc', fields: { nick: 'zed' } });
  await expect(nobody).rejects.toMatchObject({ status: 404, errcode: 'M_NOT_FOUND' });
});
