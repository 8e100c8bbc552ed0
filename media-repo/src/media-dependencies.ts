// What the parts of the media repository work with.
import type { Clock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import type { RateLimiter } from '@carillon/platform/http/rate-limit.ts';
import type { Logger } from '@carillon/platform/logger.ts';
import type { Random } from '@carillon/platform/random.ts';
import type { AccessTimes } from './access-times.ts';
import type { Arrivals } from './arrivals.ts';
import type { BlobStore } from './blob-store/blob-store.ts';
import type { MediaSettings } from './config.ts';
import type { OpenStreams } from './open-streams.ts';
import type { Scan } from './scan.ts';
import type { SmallFiles } from './small-files.ts';

export interface MediaDependencies {
  readonly database: Database;
  readonly store: BlobStore;
  /** Whole files out of the store, small ones out of memory. */
  readonly smallFiles: SmallFiles;
  readonly settings: MediaSettings;
  readonly limiter: RateLimiter;
  /** Ours: media of other names is remote. */
  readonly serverName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly arrivals: Arrivals;
  readonly accessTimes: AccessTimes;
  readonly openStreams: OpenStreams;
  /** Shows a new file to a scanner; null where there is none. */
  readonly scan: Scan | null;
}
