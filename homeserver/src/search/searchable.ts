// What of an event is searched: the text of messages, names and topics; an edit's text stands for the edited message. Pure.
import type { EventId } from '@carillon/protocol/identifiers.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { readRelation } from '../rooms/relation.store.ts';
import type { StoredEvent } from '../rooms/stored-event.ts';
import type { SearchEntry, SearchKey, WordsChange } from './searchable-words.store.ts';
import { wordsOf } from './words.ts';

const KEY_OF_TYPE: ReadonlyMap<string, SearchKey> = new Map([
  ['m.room.message', 'content.body'],
  ['m.room.name', 'content.name'],
  ['m.room.topic', 'content.topic'],
]);

/** The text that is searched under a key; undefined where there is none. */
export function textOf(content: JsonObject, key: SearchKey): string | undefined {
  const text = content[key.slice('content.'.length)];
  return typeof text === 'string' ? text : undefined;
}

/** The key under which an event's text is found; undefined where it has none. */
export function searchKeyOf({ type, stateKey }: StoredEvent): SearchKey | undefined {
  const key = KEY_OF_TYPE.get(type);
  return (stateKey === undefined) === (key === 'content.body') ? key : undefined;
}

/** The event that an edit replaces; null for all that is no edit. */
export function editedBy(event: StoredEvent): EventId | null {
  if (event.stateKey !== undefined || event.type !== 'm.room.message') return null;
  const relation = readRelation(event.content);
  return relation?.relType === 'm.replace' ? (relation.parentId as EventId) : null;
}

/** The entry of an event; null where there is nothing to find. */
export function entryOf(event: StoredEvent): SearchEntry | null {
  const key = searchKeyOf(event);
  if (key === undefined || event.verdict !== 'accepted' || editedBy(event) !== null) return null;
  const words = wordsOf(textOf(event.content, key) ?? '');
  if (words.length === 0) return null;
  const { roomId, position, eventId, sender, originServerTs } = event;
  return { roomId, position, eventId, sender, originServerTs, key, words };
}

/** What an edit makes of the words of what it edits; null where it is none. */
export function wordsChangeOf(edit: StoredEvent): WordsChange | null {
  const eventId = editedBy(edit);
  const content = edit.content['m.new_content'];
  if (eventId === null || !isJsonObject(content)) return null;
  return { roomId: edit.roomId, eventId, sender: edit.sender, words: wordsOf(textOf(content, 'content.body') ?? '') };
}
