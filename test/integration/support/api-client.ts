// A small client of the client-server API over fetch, and the people who use it, for the tests.
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { handInLog, rememberSecret, rememberSecretsIn } from './secret-register.ts';
import type { SyncBody } from './sync-body.ts';

export interface Answer<Body = JsonObject> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body: unknown;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds; default 60 s. */
  readonly timeoutMs?: number;
}

export interface ApiOptions {
  /** Sees every answer and may throw. */
  readonly inspect?: (exchange: Exchange) => void;
}

const CALL_TIMEOUT_MS = 60_000;

/** A path below `/_matrix/client/v3` with its parameters percent-encoded. */
export function v3(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return `/_matrix/client/v3${path(parts, ...values)}`;
}

/** A path with its parameters percent-encoded. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((text, part, index) => text + encodeURIComponent(values[index - 1] ?? '') + part);
}

export class Api {
  readonly baseUrl: string;
  readonly #options: ApiOptions;

  constructor(baseUrl: string, options: ApiOptions = {}) {
    this.baseUrl = baseUrl;
    this.#options = options;
  }

  /** Any call; rejects only where no answer came. */
  async call<Body = JsonObject>(method: string, target: string, options: CallOptions = {}): Promise<Answer<Body>> {
    const url = new URL(this.baseUrl + target);
    rememberSecret(options.token);
    rememberSecretsIn(options.body);
    for (const [key, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    const response = await fetch(url, {
      method,
      headers: { ...(options.token && { authorization: `Bearer ${options.token}` }), ...options.headers },
      signal: AbortSignal.timeout(options.timeoutMs ?? CALL_TIMEOUT_MS),
      ...(options.body !== undefined && {
        body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body),
      }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    const body: unknown = text === '' || !isJson ? text : JSON.parse(text);
    rememberSecretsIn(body);
    if (response.status >= 400) handInLog(`error of ${method} ${url.pathname}`, text);
    this.#options.inspect?.({ method, path: url.pathname, status: response.status, body });
    return { status: response.status, headers: response.headers, body: body as Body };
  }

  /** Makes an account by open registration. */
  async register(username: string, more: JsonObject = {}): Promise<Person> {
    const body = { username, password: passwordOf(username), auth: { type: 'm.login.dummy' }, ...more };
    return this.#person(await this.call<Session>('POST', v3`/register`, { body }));
  }

  async login(user: string, more: JsonObject = {}): Promise<Person> {
    const body = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user },
      password: passwordOf(user),
      ...more,
    };
    return this.#person(await this.call<Session>('POST', v3`/login`, { body }));
  }

  #person({ status, body }: Answer<Session>): Person {
    if (status !== 200) throw new Error(`no session: ${status} ${JSON.stringify(body)}`);
    return new Person(this, body);
  }
}

export const passwordOf = (username: string): string => `password of ${username.toLowerCase()}`;

export interface Session {
  readonly user_id: string;
  readonly access_token: string;
  readonly device_id: string;
  readonly refresh_token?: string;
  readonly expires_in_ms?: number;
}

export class Person {
  readonly api: Api;
  readonly session: Session;

  constructor(api: Api, session: Session) {
    this.api = api;
    this.session = session;
  }

  get userId(): string {
    return this.session.user_id;
  }

  get token(): string {
    return this.session.access_token;
  }

  call<Body = JsonObject>(method: string, target: string, options: CallOptions = {}): Promise<Answer<Body>> {
    return this.api.call<Body>(method, target, { token: this.token, ...options });
  }

  /** A call that must be answered with 200. */
  async ok<Body = JsonObject>(method: string, target: string, body?: unknown, more: CallOptions = {}): Promise<Body> {
    const answer = await this.call<Body>(method, target, { ...(body !== undefined && { body }), ...more });
    if (answer.status !== 200) throw new Error(`${method} ${target}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** The errcode of a call that must be refused. */
  async refused(method: string, target: string, body?: unknown): Promise<string> {
    const answer = await this.call<{ errcode: string }>(method, target, { ...(body !== undefined && { body }) });
    if (answer.status < 400) throw new Error(`${method} ${target} was not refused: ${JSON.stringify(answer.body)}`);
    return `${answer.status} ${answer.body.errcode}`;
  }

  async createRoom(body: JsonObject = {}): Promise<string> {
    return (await this.ok<{ room_id: string }>('POST', v3`/createRoom`, body)).room_id;
  }

  async join(roomId: string): Promise<void> {
    await this.ok('POST', v3`/join/${roomId}`, {});
  }

  /** invite, leave, kick, ban, unban, forget, knock … of a room. */
  act(roomId: string, action: string, body: JsonObject = {}): Promise<JsonObject> {
    return this.ok('POST', `${v3`/rooms/${roomId}/`}${action}`, body);
  }

  /** Sends a text message (or the given content); the event id. */
  async send(roomId: string, content: string | JsonObject, txnId: string = randomUUID()): Promise<string> {
    return this.sendEvent(roomId, { type: 'm.room.message', content: messageOf(content), txnId });
  }

  async sendEvent(
    roomId: string,
    { type, content, txnId = randomUUID() }: { type: string; content: JsonObject; txnId?: string },
  ): Promise<string> {
    const body = await this.ok<{ event_id: string }>('PUT', v3`/rooms/${roomId}/send/${type}/${txnId}`, content);
    return body.event_id;
  }

  async putState(roomId: string, type: string, content: JsonObject, stateKey = ''): Promise<string> {
    return (await this.ok<{ event_id: string }>('PUT', v3`/rooms/${roomId}/state/${type}/${stateKey}`, content))
      .event_id;
  }

  async redact(roomId: string, eventId: string, txnId: string = randomUUID()): Promise<string> {
    return (await this.ok<{ event_id: string }>('PUT', v3`/rooms/${roomId}/redact/${eventId}/${txnId}`, {})).event_id;
  }

  /** One sync; a filter object is sent inline. */
  sync({ filter, ...query }: SyncQuery = {}): Promise<SyncBody> {
    const text = typeof filter === 'object' ? JSON.stringify(filter) : filter;
    return this.ok<SyncBody>('GET', v3`/sync`, undefined, { query: { ...query, filter: text } });
  }
}

export interface SyncQuery {
  readonly filter?: JsonObject | string;
  readonly since?: string;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly full_state?: boolean;
  readonly set_presence?: string;
  readonly use_state_after?: boolean;
  readonly 'org.matrix.msc4222.use_state_after'?: boolean;
}

const messageOf = (content: string | JsonObject): JsonObject =>
  typeof content === 'string' ? { msgtype: 'm.text', body: content } : content;
