// The filter of a sync: what a client wants of rooms, presence and account data, compiled once and kept by its text.

import { LruMap } from '@carillon/platform/lru-map.ts';
import { Filter } from '@carillon/protocol/client/filter.ts';
import { isJsonObject, type JsonObject } from '@carillon/protocol/json.ts';
import { Compile } from 'typebox/compile';
import { compileEventFilter, type EventFilter } from '../rooms/event-filter.ts';

export interface SyncFilter {
  /** Equal filters share it: part of the key of shared encodings. */
  readonly shape: string;
  readonly timelineLimit: number;
  readonly lazyLoadMembers: boolean;
  readonly includeRedundantMembers: boolean;
  readonly unreadThreadNotifications: boolean;
  readonly includeLeave: boolean;
  readonly federationFormat: boolean;
  /** Top-level or dotted paths to keep of each event; null for all. */
  readonly eventFields: readonly string[] | null;
  readonly passesRoom: (roomId: string) => boolean;
  readonly timeline: EventFilter;
  readonly state: EventFilter;
  readonly ephemeral: EventFilter;
  readonly roomAccountData: EventFilter;
  readonly accountData: EventFilter;
  readonly presence: EventFilter;
}

export const DEFAULT_TIMELINE_LIMIT = 20;
export const MAX_TIMELINE_LIMIT = 1_000;
const KEPT_FILTERS = 1_000;

const compiled = new LruMap<string, SyncFilter>({ max: KEPT_FILTERS });

const shape = Compile(Filter);

/** The filter of its JSON text; the same object for the same text. Text that is no filter throws a SyntaxError. */
export function readSyncFilter(text: string): SyncFilter {
  let filter = compiled.get(text);
  if (filter === undefined) {
    const json: unknown = JSON.parse(text);
    if (!isJsonObject(json) || !shape.Check(json)) throw new SyntaxError('not a filter');
    filter = compileSyncFilter(json, text);
    compiled.set(text, filter);
  }
  return filter;
}

function compileSyncFilter(json: JsonObject, text: string): SyncFilter {
  const room = isJsonObject(json['room']) ? json['room'] : {};
  const timeline = compileEventFilter(room['timeline']);
  const state = compileEventFilter(room['state']);
  const rooms = compileEventFilter({ rooms: room['rooms'], not_rooms: room['not_rooms'] });
  const fields = json['event_fields'];
  return {
    shape: text === '{}' ? '' : text,
    timelineLimit: Math.min(timeline.limit ?? DEFAULT_TIMELINE_LIMIT, MAX_TIMELINE_LIMIT),
    lazyLoadMembers: state.lazyLoadMembers || timeline.lazyLoadMembers,
    includeRedundantMembers: state.includeRedundantMembers || timeline.includeRedundantMembers,
    unreadThreadNotifications: timeline.unreadThreadNotifications,
    includeLeave: room['include_leave'] === true,
    federationFormat: json['event_format'] === 'federation',
    eventFields: Array.isArray(fields) ? fields.filter((field) => typeof field === 'string') : null,
    passesRoom: rooms.passesRoom,
    timeline,
    state,
    ephemeral: compileEventFilter(room['ephemeral']),
    roomAccountData: compileEventFilter(room['account_data']),
    accountData: compileEventFilter(json['account_data']),
    presence: compileEventFilter(json['presence']),
  };
}
