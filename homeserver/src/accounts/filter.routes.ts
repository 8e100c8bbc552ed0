// Stored filters over HTTP.
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import { createFilter, getFilter } from '@carillon/protocol/client/filter.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import type { Accounts } from './accounts.ts';
import { requireSelf } from './own-user.ts';

export const filterRoutes = ({ filters }: Accounts): Handler[] => [
  handle(createFilter, async ({ auth, path, body }) => {
    requireSelf(auth, path.userId);
    // The body came out of a JSON parser: the schema only names some of its keys.
    return { filter_id: await filters.create(path.userId, body as JsonObject) };
  }),
  handle(getFilter, async ({ auth, path }) => {
    requireSelf(auth, path.userId);
    return filters.load(path.userId, path.filterId);
  }),
];
