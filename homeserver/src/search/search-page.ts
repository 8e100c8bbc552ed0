// A page of search results, as it goes from the finding to the answer.
import type { searchMessages as contract } from '@carillon/protocol/client/search.ts';
import type { BodyOf } from '@carillon/protocol/endpoint.ts';
import type { RoomId } from '@carillon/protocol/identifiers.ts';
import type { Reading } from '../rooms/reading.ts';
import type { VisibleEvent } from '../rooms/visible-events.ts';

export type SearchQuery = NonNullable<BodyOf<typeof contract>['search_categories']['room_events']>;

export interface Hit extends VisibleEvent {
  readonly reading: Reading;
  readonly rank: number;
}

export interface SearchPage {
  readonly hits: readonly Hit[];
  /** Of the candidates that were looked at. */
  readonly total: number;
  readonly next: string | null;
  readonly words: readonly string[];
  readonly readings: ReadonlyMap<RoomId, Reading>;
}
