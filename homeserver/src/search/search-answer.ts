// What a search answers, as JSON text: the results with their surroundings, groups, and the rooms' state.
import type { JsonObject } from '@carillon/protocol/json.ts';
import type { ClientRooms } from '../rooms/client-rooms.ts';
import { compileEventFilter } from '../rooms/event-filter.ts';
import { formatGraphToken } from '../rooms/graph-token.ts';
import { findSenders } from '../rooms/read-messages.ts';
import { readState, visibleContent } from '../rooms/read-state.ts';
import { encodeTimeline } from '../rooms/reading.ts';
import { placeOf, readPage } from '../rooms/timeline-page.ts';
import type { Hit, SearchPage, SearchQuery } from './search-page.ts';

const DEFAULT_CONTEXT_EVENTS = 5;
export const MAX_CONTEXT_EVENTS = 20;
const EVERYTHING = compileEventFilter(undefined);

/** The answer to a term without a word. */
export function encodeNothing(): string {
  return '{"search_categories":{"room_events":{"count":0,"highlights":[],"results":[]}}}';
}

export async function encodeAnswer(
  dependencies: ClientRooms,
  { query, page }: { query: SearchQuery; page: SearchPage },
): Promise<string> {
  const results: string[] = [];
  for (const hit of page.hits) results.push(await encodeHit(dependencies, hit, query));
  const members = [
    `"count":${page.total}`,
    `"highlights":${JSON.stringify(page.words)}`,
    `"results":[${results.join(',')}]`,
  ];
  if (page.next !== null) members.push(`"next_batch":"${page.next}"`);
  const groups = groupsOf(page.hits, query);
  if (groups !== null) members.push(`"groups":${JSON.stringify(groups)}`);
  if (query.include_state === true) members.push(`"state":${await encodeStates(dependencies, page)}`);
  return `{"search_categories":{"room_events":{${members.join(',')}}}}`;
}

async function encodeHit(dependencies: ClientRooms, hit: Hit, query: SearchQuery): Promise<string> {
  const [text = '{}'] = await encodeTimeline(dependencies, hit.reading, [hit]);
  const context =
    query.event_context === undefined ? '' : `,"context":${await encodeContext(dependencies, hit, query)}`;
  return `{"rank":${hit.rank},"result":${text}${context}}`;
}

async function encodeContext(dependencies: ClientRooms, hit: Hit, query: SearchQuery): Promise<string> {
  const { before_limit: before, after_limit: after, include_profile: includeProfile } = query.event_context ?? {};
  const { reading } = hit;
  const page = { from: placeOf(hit.event), to: null, filter: EVERYTHING };
  const [past, future] = await Promise.all([
    readPage(dependencies, reading, { ...page, direction: 'b', limit: contextLimit(before) }),
    readPage(dependencies, reading, { ...page, direction: 'f', limit: contextLimit(after) }),
  ]);
  const [pastTexts, futureTexts] = await Promise.all([
    encodeTimeline(dependencies, reading, past.events),
    encodeTimeline(dependencies, reading, future.events),
  ]);
  let profiles = '';
  if (includeProfile === true) {
    const events = [...past.events, hit, ...future.events].map((entry) => entry.event);
    const senders = await findSenders(dependencies, reading, events);
    const entries = senders.map((member) => [member.stateKey ?? '', profileOf(visibleContent(member))]);
    profiles = `,"profile_info":${JSON.stringify(Object.fromEntries(entries))}`;
  }
  return (
    `{"start":"${formatGraphToken(past.place)}","end":"${formatGraphToken(future.place)}",` +
    `"events_before":[${pastTexts.join(',')}],"events_after":[${futureTexts.join(',')}]${profiles}}`
  );
}

function contextLimit(limit: number | undefined): number {
  return Math.min(limit ?? DEFAULT_CONTEXT_EVENTS, MAX_CONTEXT_EVENTS);
}

function profileOf({ displayname, avatar_url: avatarUrl }: JsonObject): JsonObject {
  const profile: JsonObject = {};
  if (typeof displayname === 'string') profile['displayname'] = displayname;
  if (typeof avatarUrl === 'string') profile['avatar_url'] = avatarUrl;
  return profile;
}

type Groups = Record<string, Record<string, { results: string[]; order: number }>>;

/** The page's results by room or by sender; null where that was not asked. */
function groupsOf(hits: readonly Hit[], { groupings }: SearchQuery): Groups | null {
  const keys = (groupings?.group_by ?? []).flatMap(({ key }) => key ?? []);
  if (keys.length === 0) return null;
  const groups: Groups = {};
  for (const key of keys) {
    const ofKey: Groups[string] = {};
    for (const { event } of hits) {
      const name = key === 'room_id' ? event.roomId : event.sender;
      ofKey[name] ??= { results: [], order: Object.keys(ofKey).length };
      ofKey[name].results.push(event.eventId);
    }
    groups[key] = ofKey;
  }
  return groups;
}

async function encodeStates(dependencies: ClientRooms, { hits, readings }: SearchPage): Promise<string> {
  const texts: string[] = [];
  for (const roomId of new Set(hits.map((hit) => hit.event.roomId))) {
    const reading = readings.get(roomId);
    if (reading !== undefined) texts.push(`${JSON.stringify(roomId)}:${await readState(dependencies, reading)}`);
  }
  return `{${texts.join(',')}}`;
}
