// A small HTTP server with contracts of every kind, for the tests of the HTTP layer.
import { endpoint } from '@carillon/protocol/endpoint.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { forbidden, unknownToken } from '@carillon/protocol/matrix-error.ts';
import Type from 'typebox';
import { afterEach } from 'vitest';
import { systemClock } from '../clock.ts';
import { type Caller, EncodedJson, handle, StatusResponse } from '../http/handle.ts';
import { createRateLimiter } from '../http/rate-limit.ts';
import { createHttpServer, type HttpServer } from '../http/server.ts';
import type { HttpServerOptions, HttpServerParts } from '../http/server-context.ts';
import { systemRandom } from '../random.ts';
import { memoryLogger } from './memory-logger.ts';

const Text = Type.Object({ text: Type.String() });
export const base = '/_matrix/client/v3';
export const contracts = {
  echo: endpoint({
    method: 'POST',
    path: `${base}/echo`,
    auth: 'accessToken',
    rateLimit: 'message',
    query: Type.Object({
      limit: Type.Optional(Type.Integer()),
      flag: Type.Optional(Type.Boolean()),
      list: Type.Optional(Type.Array(Type.String())),
    }),
    body: Type.Object({ text: Type.String(), inner: Type.Optional(Type.Object({ n: Type.Integer() })) }),
    response: Type.Object({ text: Type.String(), query: Type.Unknown(), user: Type.String() }),
  }),
  room: endpoint({
    method: 'GET',
    path: `${base}/rooms/{roomId}/state/{eventType}/{stateKey}`,
    aliases: [`${base}/rooms/{roomId}/state/{eventType}`],
    auth: 'optionalAccessToken',
    response: Type.Object({ room: Type.String(), key: Type.String(), user: Type.Union([Type.String(), Type.Null()]) }),
  }),
  open: endpoint({ method: 'GET', path: '/_matrix/client/versions', auth: 'none', response: Text }),
  large: endpoint({ method: 'GET', path: `${base}/large`, auth: 'none', response: Text }),
  fails: endpoint({ method: 'GET', path: `${base}/fails/{kind}`, auth: 'none', response: Text }),
  slow: endpoint({
    method: 'GET',
    path: `${base}/slow`,
    auth: 'none',
    response: Type.Object({ aborted: Type.Boolean() }),
  }),
  bot: endpoint({ method: 'GET', path: `${base}/bot`, auth: 'appservice', response: Text }),
  optional: endpoint({
    method: 'PUT',
    path: `${base}/optional`,
    auth: 'none',
    body: Type.Optional(Text),
    response: Type.Object({ had: Type.Boolean() }),
  }),
};

export const state = { slowAborted: 0 };
export const handlers = [
  handle(contracts.echo, async ({ body, query, auth }) => ({ text: body.text, query, user: auth.userId })),
  handle(contracts.room, async ({ path, auth }) => ({
    room: path.roomId,
    key: path.stateKey,
    user: auth?.userId ?? null,
  })),
  handle(contracts.open, async () => ({ text: 'ok' })),
  handle(contracts.large, async () => new EncodedJson(JSON.stringify({ text: 'ä'.repeat(10_000) }))),
  handle(contracts.fails, async ({ path }) => {
    if (path.kind === 'refusal') throw forbidden('No');
    if (path.kind === 'status') return new StatusResponse(401, { flows: [] }, { 'X-More': 'yes' });
    if (path.kind === 'shape') return new EncodedJson('{"text":5}');
    throw new Error('database password is hunter2');
  }),
  handle(contracts.slow, async ({ request }) => {
    await new Promise<void>((resolve) => {
      if (request.signal.aborted) resolve();
      request.signal.addEventListener('abort', () => resolve());
    });
    state.slowAborted++;
    return { aborted: request.signal.aborted };
  }),
  handle(contracts.bot, async () => ({ text: 'bot' })),
  handle(contracts.optional, async ({ body }) => ({ had: body !== undefined })),
];

export const caller: Caller = {
  userId: '@me:hs' as UserId,
  deviceId: 'D',
  sessionId: 's',
  isGuest: false,
  isAdmin: false,
  appservice: null,
};

let running: HttpServer | undefined;
export const logger = memoryLogger();

/** Starts a server on a free port; it is closed after the test. */
export async function start(options: HttpServerOptions = {}, more: Partial<HttpServerParts> = {}) {
  const http = createHttpServer({
    handlers,
    authenticate: async ({ accessToken }) => {
      if (accessToken !== 'good') throw unknownToken();
      return caller;
    },
    limiter: createRateLimiter({
      clock: systemClock,
      enabled: true,
      rules: { message: { perSecond: 0.001, burst: 50 } },
    }),
    logger,
    clock: systemClock,
    random: systemRandom,
    options: { validateResponses: true, drainMs: 300, ...options },
    ...more,
  });
  running = http;
  const { port } = await http.listen('127.0.0.1', 0);
  const url = `http://127.0.0.1:${port}`;
  const call = async (method: string, path: string, init: RequestInit = {}) => {
    const response = await fetch(url + path, {
      method,
      ...init,
      headers: { Authorization: 'Bearer good', ...init.headers },
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
  };
  const echo = (body: NonNullable<RequestInit['body']>, query = '') => call('POST', `${base}/echo${query}`, { body });
  return { http, port, url, call, echo };
}

afterEach(async () => {
  await running?.close();
  running = undefined;
  logger.records.length = 0;
});
