// GET /sync.
import { EncodedJson, type Handler, handle } from '@carillon/platform/http/handle.ts';
import { sync } from '@carillon/protocol/client/sync.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { invalidParam } from '@carillon/protocol/matrix-error.ts';
import { longPoll } from './long-poll.ts';
import { readSyncFilter, type SyncFilter } from './sync-filter.ts';
import type { StatePlace, SyncDependencies } from './sync-request.ts';
import type { SyncSources } from './sync-sources.ts';
import type { Wake } from './wake.ts';

/** What a client says of its filter: an id, or JSON. M_INVALID_PARAM where it is neither. */
export async function findSyncFilter(
  sources: SyncSources,
  userId: UserId,
  filter: string | undefined,
): Promise<SyncFilter> {
  if (filter === undefined || filter === '') return readSyncFilter('{}');
  const isInline = filter.trimStart().startsWith('{');
  const text = isInline ? filter : await sources.findFilter(userId, filter);
  if (text === null) throw invalidParam('There is no filter of this id');
  try {
    return readSyncFilter(text);
  } catch {
    throw invalidParam('The filter is neither an id nor a filter as the specification has it');
  }
}

/** The name under which the client wants the state, as it asked for it. */
export function statePlaceOf(query: { stable?: boolean | undefined; unstable?: boolean | undefined }): StatePlace {
  if (query.stable) return 'state_after';
  return query.unstable ? 'org.matrix.msc4222.state_after' : 'state';
}

export function syncRoutes(dependencies: SyncDependencies & { wake: Wake }): Handler[] {
  const { sources } = dependencies;
  return [
    handle(sync, async ({ query, auth, request }) => {
      const filter = await findSyncFilter(sources, auth.userId, query.filter);
      const stopListening = sources.listening(auth.userId, auth.deviceId, query.set_presence ?? 'online');
      const result = await longPoll(dependencies, {
        request: {
          userId: auth.userId,
          deviceId: auth.deviceId,
          sessionId: auth.sessionId,
          filter,
          fullState: query.full_state ?? false,
          statePlace: statePlaceOf({
            stable: query.use_state_after,
            unstable: query['org.matrix.msc4222.use_state_after'],
          }),
        },
        since: query.since,
        timeoutMs: query.timeout ?? 0,
        signal: request.signal,
      }).finally(stopListening);
      return new EncodedJson(result.text);
    }),
  ];
}
