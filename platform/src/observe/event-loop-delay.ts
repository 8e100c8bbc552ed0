// How late the event loop is: what every request waits for beside its own work.
import type { Clock } from '../clock.ts';
import type { Metrics } from './metrics.ts';

const SAMPLE_EVERY_MS = 100;

/** Samples until closed. */
export function measureEventLoopDelay(metrics: Metrics, clock: Clock): { close(): void } {
  const delay = metrics.histogram({ name: 'event_loop_delay_seconds', help: 'How late timers fire.' });
  let dueMs = clock.monotonic() + SAMPLE_EVERY_MS;
  const timer = clock.setInterval(() => {
    const nowMs = clock.monotonic();
    delay.observe(Math.max(0, nowMs - dueMs) / 1000);
    dueMs = nowMs + SAMPLE_EVERY_MS;
  }, SAMPLE_EVERY_MS);
  return { close: () => timer.cancel() };
}
