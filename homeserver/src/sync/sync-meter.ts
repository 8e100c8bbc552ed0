// How long deltas take to build, and how long people wait for news.
import type { Metrics } from '@carillon/platform/observe/metrics.ts';

export interface SyncMeter {
  readonly built: (seconds: number) => void;
  readonly waitBegan: () => void;
  readonly waitEnded: (seconds: number) => void;
}

/** Waits are long by design: up to two minutes. */
const WAIT_BUCKETS = [0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120];

export function measureSync(metrics: Metrics): SyncMeter {
  let waiting = 0;
  const build = metrics.histogram({
    name: 'sync_build_seconds',
    help: 'Building one delta, for long-poll and sockets.',
  });
  const wait = metrics.histogram({
    name: 'sync_wait_seconds',
    help: 'How long long-polls slept until there was news or their time was up.',
    buckets: WAIT_BUCKETS,
  });
  metrics.gauge({ name: 'sync_waiting', help: 'Long-polls that sleep.' }, () => waiting);
  return {
    built: (seconds) => build.observe(seconds),
    waitBegan: () => {
      waiting++;
    },
    waitEnded: (seconds) => {
      waiting--;
      wait.observe(seconds);
    },
  };
}
