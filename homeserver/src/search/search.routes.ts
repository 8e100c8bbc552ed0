// Searching messages and people (client-server API, "Server Side Search", "User directory").
import { EncodedJson, type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as messages from '@carillon/protocol/client/search.ts';
import * as people from '@carillon/protocol/client/user-directory.ts';
import type { ClientRooms } from '../rooms/client-rooms.ts';
import { searchMessages } from './search-messages.ts';
import { searchUsers } from './search-users.ts';
import type { SearchIndex } from './searchable-words.ts';

export const searchRoutes = (rooms: ClientRooms, index: SearchIndex): Handler[] => [
  handle(messages.searchMessages, async ({ query, body, auth }) => {
    const asked = body.search_categories.room_events;
    if (asked === undefined) return { search_categories: {} };
    await index.settled();
    return new EncodedJson(await searchMessages(rooms, auth, { query: asked, token: query.next_batch }));
  }),
  handle(people.searchUsers, async ({ body, auth }) =>
    searchUsers(rooms, { searcher: auth.userId, term: body.search_term, limit: body.limit }),
  ),
];
