// matrix-js-sdk, unmodified, as people's clients use it; every answer that it gets is held to the spec's OpenAPI.
import * as sdk from 'matrix-js-sdk';
import { logger } from 'matrix-js-sdk/lib/logger.js';
import type { Session } from './api-client.ts';
import { responseChecker } from './openapi-responses.ts';

export interface SdkPerson {
  readonly client: sdk.MatrixClient;
  readonly userId: string;
  /** Shapes in answers that the spec does not allow. */
  readonly faults: string[];
}

const WAIT_MS = 20_000;
const POLL_MS = 20;

const quiet: sdk.MatrixClient['logger'] = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  getChild: () => quiet,
};

// What rooms and stores say goes past the client's own logger.
logger.log = logger.debug = logger.info = logger.warn = logger.error = () => undefined;
logger.getChild = () => quiet;

/** A client that has not logged in, or that has the given session. */
export function sdkClient(
  baseUrl: string,
  session?: Session,
  cryptoCallbacks?: sdk.ICreateClientOpts['cryptoCallbacks'],
): SdkPerson {
  const faults: string[] = [];
  const check = responseChecker();
  const fetchFn: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const text = await response.clone().text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    try {
      const { pathname } = new URL(String(input));
      if (isJson) {
        check?.({ method: init?.method ?? 'GET', path: pathname, status: response.status, body: JSON.parse(text) });
      }
    } catch (error) {
      faults.push(String(error));
    }
    return response;
  };
  const client = sdk.createClient({
    baseUrl,
    fetchFn,
    logger: quiet,
    timelineSupport: true,
    ...(cryptoCallbacks && { cryptoCallbacks }),
    ...(session && { userId: session.user_id, accessToken: session.access_token, deviceId: session.device_id }),
  });
  return { client, userId: session?.user_id ?? '', faults };
}

/** Starts to sync and waits until the first sync is there. */
export async function startSyncing(person: SdkPerson, options: sdk.IStartClientOpts = {}): Promise<string[]> {
  const states: string[] = [];
  person.client.on(sdk.ClientEvent.Sync, (state) => void states.push(state));
  await person.client.startClient({
    initialSyncLimit: 20,
    pollTimeout: 5_000,
    threadSupport: true,
    pendingEventOrdering: sdk.PendingEventOrdering.Detached,
    ...options,
  });
  await eventually(() => states.includes('PREPARED'), `${person.userId} is prepared (${states})`);
  return states;
}

/** Waits until `look` gives something true; its value. */
export async function eventually<T>(look: () => T, what: string, timeoutMs = WAIT_MS): Promise<NonNullable<T>> {
  for (const deadline = performance.now() + timeoutMs; ; ) {
    const found = look();
    if (found) return found as NonNullable<T>;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The texts of a room's live timeline as the client has it, edits applied. */
export function textsIn(person: SdkPerson, roomId: string): string[] {
  const events = person.client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [];
  return events
    .filter((event) => event.getType() === 'm.room.message' && !event.isRelation('m.replace') && !event.isRedacted())
    .map((event) => String(event.getContent()['body']));
}
