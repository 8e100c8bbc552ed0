// Receipts as m.receipt events (client-server API, "m.receipt").
import type { Receipt } from './receipt.store.ts';

interface ReceiptContent {
  readonly ts: number;
  readonly thread_id?: string;
}

/** Event id, type, user id. */
type Content = Map<string, Map<string, Map<string, ReceiptContent>>>;

/**
 * The events as JSON texts. One event holds one receipt per event, type and user: a second one, of another thread, goes
 * into a further event.
 */
export function encodeReceiptEvents(receipts: readonly Receipt[]): string[] {
  const layers: Content[] = [];
  for (const receipt of receipts) place(layers, receipt);
  return layers.map((content) => `{"content":${encodeContent(content)},"type":"m.receipt"}`);
}

function place(layers: Content[], { eventId, type, userId, ts, thread }: Receipt): void {
  const isThreaded = thread !== '' && type !== 'io.carillon.delivered';
  const receipt = isThreaded ? { ts, thread_id: thread } : { ts };
  const free = layers.find((content) => !content.get(eventId)?.get(type)?.has(userId));
  const content: Content = free ?? new Map();
  if (free === undefined) layers.push(content);
  const types = entryOf(content, eventId);
  entryOf(types, type).set(userId, receipt);
}

function entryOf<Value>(map: Map<string, Map<string, Value>>, key: string): Map<string, Value> {
  let entry = map.get(key);
  if (entry === undefined) {
    entry = new Map();
    map.set(key, entry);
  }
  return entry;
}

function encodeContent(content: Content): string {
  const object = Object.fromEntries(
    [...content].map(([eventId, types]) => [
      eventId,
      Object.fromEntries([...types].map(([type, users]) => [type, Object.fromEntries(users)])),
    ]),
  );
  return JSON.stringify(object);
}
