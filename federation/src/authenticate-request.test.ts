// S27: what a signed request has to be, and what is refused.
import { signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import type { RequestInfo } from '@carillon/platform/http/handle.ts';
import type { ServerName } from '@carillon/protocol/identifiers.ts';
import { describe, expect, it } from 'vitest';
import { authenticateRequests } from './authenticate-request.ts';
import { signRequest } from './request-signing.ts';

const us = 'us.example' as ServerName;
const them = 'them.example' as ServerName;
const key = signingKeyFromSeed(Buffer.alloc(32, 7), 'ed25519:1');
const info = {} as RequestInfo;
const uri = '/_matrix/federation/v1/send/t1?a=b';

const accept = (requireDestination = false) =>
  authenticateRequests({
    serverName: us,
    requireDestination,
    keyRing: {
      find: async (question) =>
        question.serverName === them && question.keyId === key.keyId && question.mustBeCurrent ? key.verifyKey : null,
    },
  });

const signed = (change: Partial<Parameters<typeof signRequest>[0]> = {}) =>
  signRequest({ method: 'PUT', uri, origin: them, destination: us, contentText: '{"a":1}', ...change }, key);

const request = (authorization: string | undefined, change: object = {}) => ({
  authorization,
  method: 'PUT',
  uri,
  body: Buffer.from('{ "a": 1 }'),
  request: info,
  ...change,
});

describe('S27: signed requests', () => {
  it('tells the origin of a good one, however its JSON is spaced', async () => {
    expect(await accept()(request(signed()))).toEqual({ origin: them });
  });

  it('takes one without a destination unless told otherwise', async () => {
    const header = signed({ destination: undefined });
    expect(await accept()(request(header))).toEqual({ origin: them });
    await expect(accept(true)(request(header))).rejects.toMatchObject({ status: 401, errcode: 'M_UNAUTHORIZED' });
  });

  const good = signed();
  it.each([
    ['no header', undefined, {}],
    ['a bearer token', 'Bearer abc', {}],
    ['half a header', good.slice(0, 40), {}],
    ['another destination', signed({ destination: 'other.example' }), {}],
    ['our own name as origin', signed({ origin: us }), {}],
    ['a server whose key is unknown', signed({ origin: 'stranger.example' }), {}],
    ['another path', good, { uri: '/_matrix/federation/v1/send/t2?a=b' }],
    ['another query', good, { uri: '/_matrix/federation/v1/send/t1?a=c' }],
    ['another method', good, { method: 'POST' }],
    ['another body', good, { body: Buffer.from('{"a":2}') }],
    ['no body where one was signed', good, { body: Buffer.alloc(0) }],
    ['a body where none was signed', signed({ contentText: undefined }), {}],
    ['a body with a key twice', good, { body: Buffer.from('{"a":1,"a":1}') }],
    ['a body that is no JSON', good, { body: Buffer.from('{"a":1') }],
    ['a number written another way', good, { body: Buffer.from('{"a":1.0}') }],
  ])('refuses %s', async (_what, authorization, change) => {
    await expect(accept()(request(authorization, change))).rejects.toMatchObject({ status: 401 });
  });
});
